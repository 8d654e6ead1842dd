//! Where to compute.

use candle_core::Device;

use crate::{Error, Result, process::protocol::DeviceChoice};

/// The device for a choice. `Auto` is the GPU this build knows, where the machine has it, else the CPU.
pub fn choose(choice: DeviceChoice) -> Result<Device> {
    let unavailable = |device: &str, reason: String| Error::DeviceUnavailable {
        device: device.into(),
        reason,
    };
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda => {
            Device::new_cuda(0).map_err(|error| unavailable("CUDA", error.to_string()))
        }
        DeviceChoice::Metal => {
            Device::new_metal(0).map_err(|error| unavailable("Metal", error.to_string()))
        }
        DeviceChoice::Auto if cfg!(feature = "cuda") => {
            Ok(Device::new_cuda(0).unwrap_or(Device::Cpu))
        }
        DeviceChoice::Auto if cfg!(feature = "metal") => {
            Ok(Device::new_metal(0).unwrap_or(Device::Cpu))
        }
        DeviceChoice::Auto => Ok(Device::Cpu),
    }
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
