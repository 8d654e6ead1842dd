//! NVIDIA's management library, which comes with the driver and is looked for while the program runs.

use nvml_wrapper::{
    Device, Nvml, cuda_driver_version_major, cuda_driver_version_minor,
    enum_wrappers::device::Clock, error::NvmlError,
};

use super::Found;
use crate::hardware::{GpuKind, GpuVendor};

/// What the library tells, or why it does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NvmlReport {
    /// There is none.
    LibraryMissing { library: String },
    /// It answered with an error.
    Failed { reason: String },
    /// It told.
    Told {
        driver: Option<String>,
        /// The newest CUDA the driver supports.
        cuda: Option<(u32, u32)>,
        devices: Vec<NvmlDevice>,
    },
}

/// What it tells of one; `None` where it does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NvmlDevice {
    pub name: String,
    pub address: String,
    pub total_bytes: Option<u64>,
    pub free_bytes: Option<u64>,
    pub capability: Option<(u32, u32)>,
    pub bus_bits: Option<u32>,
    pub memory_mhz: Option<u32>,
}

/// No card reads faster; what says so is wrong.
const MOST_BYTES_PER_SECOND: f64 = 1e14;

impl NvmlDevice {
    /// By its clock and the width of its bus, with two transfers a beat.
    pub fn bytes_per_second(&self) -> Option<f64> {
        let (bits, mhz) = (f64::from(self.bus_bits?), f64::from(self.memory_mhz?));
        let rate = 2.0 * mhz * 1e6 * bits / 8.0;
        (rate > 0.0 && rate < MOST_BYTES_PER_SECOND).then_some(rate)
    }

    /// As if it had been found on the bus.
    pub fn found(&self) -> Found {
        Found {
            name: self.name.clone(),
            vendor: GpuVendor::Nvidia,
            kind: GpuKind::Discrete,
            memory_total_bytes: self.total_bytes,
            memory_free_bytes: self.free_bytes,
            driver: None,
            address: Some(self.address.clone()),
        }
    }
}

/// Asks the library.
pub(super) fn read() -> NvmlReport {
    let library = if cfg!(windows) {
        "nvml.dll"
    } else {
        "libnvidia-ml.so.1"
    };
    let nvml = match Nvml::init() {
        Ok(nvml) => nvml,
        Err(NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound) => {
            return NvmlReport::LibraryMissing {
                library: library.into(),
            };
        }
        Err(error) => {
            return NvmlReport::Failed {
                reason: error.to_string(),
            };
        }
    };
    let count = match nvml.device_count() {
        Ok(count) => count,
        Err(error) => {
            return NvmlReport::Failed {
                reason: error.to_string(),
            };
        }
    };
    let cuda = nvml.sys_cuda_driver_version().ok().and_then(|version| {
        let major = cuda_driver_version_major(version).try_into().ok()?;
        Some((major, cuda_driver_version_minor(version).try_into().ok()?))
    });
    let devices = (0..count).filter_map(|index| nvml.device_by_index(index).ok());
    NvmlReport::Told {
        driver: nvml.sys_driver_version().ok(),
        cuda,
        devices: devices.map(|device| told_of(&device)).collect(),
    }
}

fn told_of(device: &Device<'_>) -> NvmlDevice {
    let memory = device.memory_info().ok();
    let capability = device
        .cuda_compute_capability()
        .ok()
        .and_then(|capability| {
            let major = capability.major.try_into().ok()?;
            Some((major, capability.minor.try_into().ok()?))
        });
    NvmlDevice {
        name: device.name().unwrap_or_else(|_| "NVIDIA graphics".into()),
        address: device.pci_info().map_or(String::new(), |pci| pci.bus_id),
        total_bytes: memory.as_ref().map(|memory| memory.total),
        free_bytes: memory.as_ref().map(|memory| memory.free),
        capability,
        bus_bits: device.memory_bus_width().ok(),
        memory_mhz: device.max_clock_info(Clock::Memory).ok(),
    }
}
