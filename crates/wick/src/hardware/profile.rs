//! What a machine is, as plain data: nothing here reads anything.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Gpu, GpuSearch};

/// Everything of a machine that decides which models it can run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HardwareProfile {
    /// The processor.
    pub processor: Processor,
    /// Memory that programs can have.
    pub memory: Memory,
    /// The disk that models lie on; `None` where the system does not tell.
    pub disk: Option<Disk>,
    /// Graphics processors, usable or not.
    pub gpus: Vec<Gpu>,
    /// How they were looked for.
    pub gpu_search: GpuSearch,
    /// What could not be read, each in a sentence.
    pub notes: Vec<String>,
}

/// The processor. Where the system does not tell, the name is empty and a number is what the system allows to use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Processor {
    /// As it names itself.
    pub model: String,
    /// What it is built for: `x86_64`, `aarch64`.
    pub architecture: String,
    /// Cores, those of two threads counted once.
    pub physical_cores: u32,
    /// Threads that run at once.
    pub logical_cores: u32,
    /// Physical cores that are fast; all of them where all are alike.
    pub performance_cores: u32,
    /// Physical cores that save power.
    pub efficiency_cores: u32,
    /// Threads that this program may run at once: container limits and affinity narrow it.
    pub usable_cores: u32,
    /// Instruction sets that matter to models.
    pub instruction_sets: Vec<String>,
    /// The path that Wick's kernels take: `avx512-vnni` for one.
    pub kernels: String,
}

/// Memory. A limit that a container or a session sets counts as if the machine had no more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS), ts(rename = "MachineMemory"))]
pub struct Memory {
    /// What this program may have in all; 0 where the system does not tell.
    pub total_bytes: u64,
    /// Of that, what is free or can be freed without hurting anybody.
    pub available_bytes: u64,
    /// What the machine has, whatever this program may have of it.
    pub host_bytes: u64,
    /// The narrowest limit, where there is one below the machine's own memory.
    pub limit: Option<MemoryLimit>,
    /// Room on disk for memory that is not in use.
    pub swap_total_bytes: u64,
    /// Of that, what is free.
    pub swap_free_bytes: u64,
    /// How much programs wait for memory; `None` where the system does not tell.
    pub pressure: Option<Pressure>,
}

/// A limit on memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct MemoryLimit {
    /// How much.
    pub bytes: u64,
    /// Who sets it, a control group and its file: `/user.slice memory.max`.
    pub set_by: String,
}

/// Share of the last ten seconds in which programs waited for memory, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Pressure {
    /// At least one of them did.
    pub some_percent: f64,
    /// All of them did.
    pub full_percent: f64,
}

/// A disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Disk {
    /// Its size.
    pub total_bytes: u64,
    /// What this user may still write.
    pub free_bytes: u64,
}

impl HardwareProfile {
    /// Changes when the machine has changed so much that what was measured of it no longer holds.
    pub fn fingerprint(&self) -> String {
        let processor = &self.processor;
        // Kernels and firmware take a little of the memory, now more and now less.
        let gigabytes = self.memory.total_bytes.saturating_add(1 << 29) >> 30;
        let mut text = format!(
            "{}\n{}\n{} {} {}\n{gigabytes}\n{}\n",
            processor.model,
            processor.architecture,
            processor.physical_cores,
            processor.logical_cores,
            processor.usable_cores,
            processor.kernels,
        );
        for gpu in &self.gpus {
            text += &format!("{} {:?}\n", gpu.name, gpu.memory_total_bytes);
        }
        let digest = Sha256::digest(text.as_bytes());
        digest[..16].iter().map(|b| format!("{b:02x}")).collect()
    }
}
