//! Whether Wick can compute with what was found: pure, so that tests can try every machine.

use super::{
    Found,
    nvml::{NvmlDevice, NvmlReport},
};
use crate::hardware::{Gpu, GpuVendor, LEAST_FREE_BYTES, Usability};

/// The oldest CUDA that a driver must support, of which candle's kernels are built.
const OLDEST_CUDA: (u32, u32) = (12, 0);

/// The oldest compute capability with the integer products that quantized weights need.
const OLDEST_CAPABILITY: (u32, u32) = (6, 1);

/// What of this program and its environment decides.
pub(super) struct Conditions {
    pub has_cuda: bool,
    pub has_metal: bool,
    /// What `CUDA_VISIBLE_DEVICES` holds, where it is set.
    pub visible: Option<String>,
}

impl Conditions {
    pub fn of_this_program() -> Self {
        Self {
            has_cuda: wick_engine::device::HAS_CUDA,
            has_metal: wick_engine::device::HAS_METAL,
            visible: std::env::var("CUDA_VISIBLE_DEVICES").ok(),
        }
    }
}

/// Everything found, with what NVML tells of it. `None` is an NVML that has not answered, or never will.
pub(super) fn judge(
    found: &[Found],
    nvml: Option<&NvmlReport>,
    conditions: &Conditions,
) -> Vec<Gpu> {
    let mut devices: Vec<&NvmlDevice> = match nvml {
        Some(NvmlReport::Told { devices, .. }) => devices.iter().collect(),
        _ => Vec::new(),
    };
    let mut gpus = Vec::new();
    for found in found {
        let is_it = |device: &&NvmlDevice| {
            let address = found.address.as_deref();
            address.is_none_or(|address| is_same_address(address, &device.address))
        };
        let device = match found.vendor {
            GpuVendor::Nvidia => devices.iter().position(is_it).map(|at| devices.remove(at)),
            _ => None,
        };
        gpus.push(gpu(found, device, nvml, conditions));
    }
    // What only NVML knows: a container may not show the bus.
    for device in devices {
        gpus.push(gpu(&device.found(), Some(device), nvml, conditions));
    }
    gpus
}

/// NVML counts domains with eight digits, the system with four.
fn is_same_address(one: &str, other: &str) -> bool {
    let short = |address: &str| {
        let address = address.to_ascii_lowercase();
        let at = address.len().saturating_sub("0000:01:00.0".len());
        address.get(at..).map(str::to_owned)
    };
    short(one) == short(other)
}

fn gpu(
    found: &Found,
    device: Option<&NvmlDevice>,
    nvml: Option<&NvmlReport>,
    conditions: &Conditions,
) -> Gpu {
    let total = device
        .and_then(|device| device.total_bytes)
        .or(found.memory_total_bytes);
    let free = device
        .and_then(|device| device.free_bytes)
        .or(found.memory_free_bytes);
    let capability = device.and_then(|device| device.capability);
    let mut gpu = Gpu {
        name: device.map_or(&found.name, |device| &device.name).clone(),
        vendor: found.vendor,
        kind: found.kind,
        memory_total_bytes: total,
        // A driver may tell more than there is while programs end.
        memory_free_bytes: free.map(|free| free.min(total.unwrap_or(u64::MAX))),
        memory_bytes_per_second: device.and_then(NvmlDevice::bytes_per_second),
        compute_capability: capability.map(version),
        driver: match nvml {
            Some(NvmlReport::Told { driver, .. }) if device.is_some() => driver.clone(),
            _ => found.driver.clone(),
        },
        usability: Usability::Usable,
    };
    gpu.usability = match gpu.vendor {
        GpuVendor::Nvidia => nvidia(device, nvml, conditions),
        GpuVendor::Apple if !conditions.has_metal => Usability::NotBuiltFor {
            backend: "Metal".into(),
        },
        GpuVendor::Apple => Usability::Usable,
        _ => Usability::VendorNotSupported,
    };
    if gpu.usability.is_usable()
        && let Some(free_bytes) = gpu.memory_free_bytes
        && free_bytes < LEAST_FREE_BYTES
    {
        gpu.usability = Usability::NotEnoughFreeMemory {
            free_bytes,
            needed_bytes: LEAST_FREE_BYTES,
        };
    }
    gpu
}

/// What helps nobody comes first, then what a person can do about it.
fn nvidia(
    device: Option<&NvmlDevice>,
    nvml: Option<&NvmlReport>,
    conditions: &Conditions,
) -> Usability {
    if let Some(found) = device.and_then(|device| device.capability)
        && found < OLDEST_CAPABILITY
    {
        return Usability::TooOld {
            found: version(found),
            needed: version(OLDEST_CAPABILITY),
        };
    }
    if !conditions.has_cuda {
        return Usability::NotBuiltFor {
            backend: "CUDA".into(),
        };
    }
    let failed = |reason: &str| Usability::DriverFailed {
        reason: reason.into(),
    };
    let cuda = match nvml {
        None => return failed("it did not answer"),
        Some(NvmlReport::LibraryMissing { library }) => {
            return Usability::LibraryMissing {
                library: library.clone(),
            };
        }
        Some(NvmlReport::Failed { reason }) => return failed(reason),
        Some(NvmlReport::Told { cuda, .. }) => *cuda,
    };
    if device.is_none() {
        return failed("it does not know this one");
    }
    let visible = conditions.visible.as_deref().map(str::trim);
    if visible.is_some_and(|visible| visible.is_empty() || visible.starts_with('-')) {
        return Usability::Hidden {
            variable: "CUDA_VISIBLE_DEVICES".into(),
        };
    }
    match cuda {
        Some(found) if found < OLDEST_CUDA => Usability::DriverTooOld {
            found: format!("CUDA {}", version(found)),
            needed: format!("CUDA {}", version(OLDEST_CUDA)),
        },
        _ => Usability::Usable,
    }
}

fn version((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::GpuKind;

    fn card(vendor: GpuVendor) -> Found {
        Found {
            name: "a card".into(),
            vendor,
            kind: GpuKind::Discrete,
            memory_total_bytes: None,
            memory_free_bytes: None,
            driver: Some("535.1".into()),
            address: Some("0000:01:00.0".into()),
        }
    }

    fn device() -> NvmlDevice {
        NvmlDevice {
            name: "NVIDIA GeForce RTX 4060".into(),
            address: "00000000:01:00.0".into(),
            total_bytes: Some(8 << 30),
            free_bytes: Some(7 << 30),
            capability: Some((8, 9)),
            bus_bits: Some(128),
            memory_mhz: Some(8501),
        }
    }

    fn told(devices: Vec<NvmlDevice>) -> NvmlReport {
        NvmlReport::Told {
            driver: Some("550.54".into()),
            cuda: Some((12, 4)),
            devices,
        }
    }

    fn with_cuda() -> Conditions {
        Conditions {
            has_cuda: true,
            has_metal: false,
            visible: None,
        }
    }

    fn one(nvml: Option<NvmlReport>, conditions: Conditions) -> Gpu {
        let mut gpus = judge(&[card(GpuVendor::Nvidia)], nvml.as_ref(), &conditions);
        assert_eq!(gpus.len(), 1, "{gpus:?}");
        gpus.remove(0)
    }

    #[test]
    fn a_card_with_a_good_driver_is_usable_and_tells_its_memory() {
        let gpu = one(Some(told(vec![device()])), with_cuda());
        assert_eq!(gpu.usability, Usability::Usable);
        assert_eq!(gpu.name, "NVIDIA GeForce RTX 4060");
        assert_eq!(gpu.memory_free_bytes, Some(7 << 30));
        assert_eq!(gpu.compute_capability.as_deref(), Some("8.9"));
        assert_eq!(gpu.driver.as_deref(), Some("550.54"));
        // 128 bits at 2 · 8501 MHz.
        assert_eq!(gpu.memory_bytes_per_second, Some(272_032_000_000.0));
    }

    #[test]
    fn a_card_that_cannot_be_used_says_why_and_what_to_do() {
        let changed = |change: fn(&mut NvmlDevice)| {
            let mut device = device();
            change(&mut device);
            one(Some(told(vec![device])), with_cuda()).usability
        };
        let full = changed(|device| device.free_bytes = Some(100 << 20));
        let old = changed(|device| device.capability = Some((5, 2)));
        let old_driver = NvmlReport::Told {
            driver: Some("470.1".into()),
            cuda: Some((11, 4)),
            devices: vec![device()],
        };
        let missing = NvmlReport::LibraryMissing {
            library: "libnvidia-ml.so.1".into(),
        };
        let failed = NvmlReport::Failed {
            reason: "driver/library version mismatch".into(),
        };
        let hidden = Conditions {
            visible: Some("-1".into()),
            ..with_cuda()
        };
        let without_cuda = Conditions {
            has_cuda: false,
            ..with_cuda()
        };
        let tried = [
            (full, "0.1 GB of its memory are free; 1.1 GB are needed"),
            (old, "it is of compute capability 5.2; 6.1 is needed"),
            (
                one(Some(old_driver), with_cuda()).usability,
                "its driver supports CUDA 11.4; CUDA 12.0 is needed",
            ),
            (
                one(Some(missing), with_cuda()).usability,
                "libnvidia-ml.so.1 is not installed",
            ),
            (
                one(Some(failed), with_cuda()).usability,
                "its driver failed: driver/library version mismatch",
            ),
            (
                one(Some(told(vec![])), with_cuda()).usability,
                "its driver failed: it does not know this one",
            ),
            (
                one(None, with_cuda()).usability,
                "its driver failed: it did not answer",
            ),
            (
                one(Some(told(vec![device()])), hidden).usability,
                "CUDA_VISIBLE_DEVICES hides it",
            ),
            (
                one(Some(told(vec![device()])), without_cuda).usability,
                "this Wick was built without CUDA",
            ),
        ];
        for (usability, why) in tried {
            assert_eq!(usability.to_string(), why);
            let hopeless = matches!(usability, Usability::TooOld { .. });
            assert_eq!(usability.advice().is_empty(), hopeless, "{usability:?}");
        }
    }

    #[test]
    fn other_vendors_are_named_and_not_used() {
        let gpus = judge(&[card(GpuVendor::Amd)], Some(&told(vec![])), &with_cuda());
        assert_eq!(gpus[0].usability, Usability::VendorNotSupported);
        assert_eq!(gpus[0].driver.as_deref(), Some("535.1"));
    }

    #[test]
    fn what_only_the_driver_knows_is_listed_once() {
        let nvml = told(vec![device()]);
        let gpus = judge(&[card(GpuVendor::Amd)], Some(&nvml), &with_cuda());
        assert_eq!(gpus.len(), 2);
        assert_eq!(gpus[1].kind, GpuKind::Discrete);
        let gpus = judge(&[card(GpuVendor::Nvidia)], Some(&nvml), &with_cuda());
        assert_eq!(gpus.len(), 1);
    }

    #[test]
    fn cards_without_an_address_are_matched_in_turn() {
        let mut cards = [card(GpuVendor::Nvidia), card(GpuVendor::Nvidia)];
        cards.iter_mut().for_each(|card| card.address = None);
        let nvml = told(vec![device(), device()]);
        let gpus = judge(&cards, Some(&nvml), &with_cuda());
        assert_eq!(gpus.len(), 2);
        assert!(gpus.iter().all(|gpu| gpu.usability.is_usable()));
    }

    #[test]
    fn a_driver_that_tells_nonsense_makes_no_nonsense() {
        let mut device = device();
        device.total_bytes = Some(4 << 30);
        device.free_bytes = Some(u64::MAX);
        device.memory_mhz = Some(u32::MAX);
        device.bus_bits = Some(u32::MAX);
        let gpu = one(Some(told(vec![device])), with_cuda());
        assert_eq!(gpu.memory_free_bytes, Some(4 << 30));
        assert_eq!(gpu.memory_bytes_per_second, None);
    }
}
