//! The machine: what it is, what was measured of it, and how predictions held.

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod cgroup;
pub(crate) mod disk;
mod gpu;
mod ledger;
mod machine;
mod memory;
mod probe;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod processor;
mod processor_elsewhere;
mod profile;
mod root;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use gpu::{Gpu, GpuKind, GpuSearch, GpuVendor, LEAST_FREE_BYTES, Usability};
pub(crate) use ledger::median;
pub use ledger::{Figures, Measurement, corrections};
pub(crate) use machine::Machine;
pub use machine::{CalibrationState, HardwareReport, KeptCalibration};
pub use probe::{PROBE_ARGUMENT, run_gpu_probe};
pub use profile::{Disk, HardwareProfile, Memory, MemoryLimit, Pressure, Processor};

use crate::EngineCommand;
use root::Root;

/// Looks at this machine: graphics processors through a child of `command`'s program, the disk by the models' folder.
pub async fn inspect(models: &Path, command: &EngineCommand) -> HardwareProfile {
    let probe = command.with_arguments([PROBE_ARGUMENT]);
    let (gpus, gpu_search) = probe::ask(&probe, probe::LONGEST_PROBE).await;
    let mut notes = Vec::new();
    let (processor, memory) = match cfg!(target_os = "linux") {
        true => read(&Root::at("/"), &mut notes),
        false => (
            processor_elsewhere::read(&mut notes),
            memory::read_elsewhere(&mut notes),
        ),
    };
    HardwareProfile {
        processor,
        memory,
        disk: disk::read(models),
        gpus,
        gpu_search,
        notes,
    }
}

/// What Linux tells below a root.
fn read(root: &Root, notes: &mut Vec<String>) -> (Processor, Memory) {
    let limits = cgroup::read(root);
    let processor = processor::read(root, &limits, notes);
    (processor, memory::read(root, &limits, notes))
}
