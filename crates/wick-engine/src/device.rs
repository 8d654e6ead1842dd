//! Where to compute.

use candle_core::Device;
use wick_kernels::Threads;

use crate::{
    Error, Result,
    layers::{Compute, Host},
    process::protocol::DeviceChoice,
};

/// Whether this build can compute on NVIDIA's graphics processors.
pub const HAS_CUDA: bool = cfg!(feature = "cuda");

/// Whether this build can compute on Apple's graphics processors.
pub const HAS_METAL: bool = cfg!(feature = "metal");

/// How to compute for a choice. `Auto` is the GPU this build knows, where the machine has it, else the processor.
pub fn choose(choice: DeviceChoice, threads: Option<u32>) -> Result<Compute> {
    let unavailable = |device: &str, error: candle_core::Error| Error::DeviceUnavailable {
        device: device.into(),
        reason: error.to_string(),
    };
    let cuda = || Device::new_cuda(0).map_err(|error| unavailable("CUDA", error));
    let metal = || Device::new_metal(0).map_err(|error| unavailable("Metal", error));
    let gpu = match choice {
        DeviceChoice::Cpu => None,
        DeviceChoice::Cuda => Some(cuda()?),
        DeviceChoice::Metal => Some(metal()?),
        DeviceChoice::Auto if cfg!(feature = "cuda") => cuda().ok(),
        DeviceChoice::Auto if cfg!(feature = "metal") => metal().ok(),
        DeviceChoice::Auto => None,
    };
    Ok(match gpu {
        Some(device) => Compute::Candle(device),
        None => {
            let all = || std::thread::available_parallelism().map_or(1, usize::from);
            let threads = threads.map_or_else(all, |threads| threads as usize);
            Compute::Host(Host::new(Threads::new(threads.max(1))))
        }
    })
}

/// Refuses a processor that lacks what this build was compiled for, before it meets the missing instruction.
pub fn check_cpu() -> Result<()> {
    #[cfg(target_arch = "x86_64")]
    {
        let missing: Vec<&str> = [
            (
                "AVX2",
                cfg!(target_feature = "avx2"),
                std::is_x86_feature_detected!("avx2"),
            ),
            (
                "FMA",
                cfg!(target_feature = "fma"),
                std::is_x86_feature_detected!("fma"),
            ),
            (
                "F16C",
                cfg!(target_feature = "f16c"),
                std::is_x86_feature_detected!("f16c"),
            ),
            (
                "BMI2",
                cfg!(target_feature = "bmi2"),
                std::is_x86_feature_detected!("bmi2"),
            ),
        ]
        .into_iter()
        .filter(|(_, compiled, there)| *compiled && !there)
        .map(|(name, ..)| name)
        .collect();
        if !missing.is_empty() {
            return Err(Error::DeviceUnavailable {
                device: "this processor".into(),
                reason: format!(
                    "it has no {}, which this build of Wick needs",
                    missing.join(", ")
                ),
            });
        }
    }
    Ok(())
}
