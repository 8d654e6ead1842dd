//! A machine as recommendations see it: this one, or one that is made up.

use serde::{Deserialize, Serialize};
use wick_engine::{
    calibration::{AttentionRate, Calibration, Correction, LayerCost, ProductRate},
    gguf::TensorType,
};

use crate::hardware::{
    Gpu, GpuKind, GpuSearch, GpuVendor, HardwareProfile, Memory, Processor, Usability,
};

/// The least that is kept for other programs.
const LEAST_FREE_BYTES: u64 = 2_000_000_000;
/// Of a machine that is made up, what the system itself takes, and the least of it.
const SYSTEM_SHARE: u64 = 12;
const LEAST_SYSTEM_BYTES: u64 = 500_000_000;
/// Rate at which one core reads memory, and computes with what it has read.
const CORE_BYTES_PER_SECOND: f64 = 15e9;
/// Of what memory gives, products take so much.
const EFFICIENCY: f64 = 0.85;
/// Rate of a core's products with a prompt: of a processor with AVX2.
const CORE_MACS_PER_SECOND: f64 = 50e9;
const CORE_ATTENTION_MACS_PER_SECOND: f64 = 20e9;
const CORE_DECODE_ATTENTION_MACS_PER_SECOND: f64 = 6e9;
const LAYER_SECONDS: f64 = 40e-6;
/// Memory of a machine of which nothing was measured: of the slowest that are still sold.
const SLOW_BYTES_PER_SECOND: f64 = 20e9;

/// A machine, and what is known of its speed.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    /// What it is.
    pub profile: &'a HardwareProfile,
    /// What was measured of it.
    pub calibration: Option<&'a Calibration>,
    /// What earlier loads and replies say of predictions.
    pub corrections: &'a [Correction],
}

/// A machine of which only a few figures are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeUp {
    /// Its memory.
    pub memory_bytes: u64,
    /// Of that, what is free; `None` is what a fresh system leaves.
    pub available_bytes: Option<u64>,
    /// Rate at which it reads its memory.
    pub bytes_per_second: f64,
    /// Its cores.
    pub cores: u32,
    /// Its graphics processor.
    pub gpu: Option<MadeUpGpu>,
}

/// A graphics processor of which only a few figures are told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MadeUpGpu {
    /// The memory it can compute in.
    pub memory_bytes: u64,
    /// Of that, what is free.
    pub free_bytes: u64,
    /// Rate at which it reads it; `None` where it is not told.
    pub bytes_per_second: Option<f64>,
    /// Whether its memory is the machine's.
    pub is_unified: bool,
}

impl MadeUp {
    /// The machine as the system would tell it.
    pub fn profile(&self) -> HardwareProfile {
        let total_bytes = self.memory_bytes;
        let system = (total_bytes / SYSTEM_SHARE).max(LEAST_SYSTEM_BYTES);
        let fresh = total_bytes.saturating_sub(system);
        let gpus = self.gpu.iter().map(|gpu| Gpu {
            name: match gpu.is_unified {
                true => "the unified graphics processor".into(),
                false => "the graphics card".into(),
            },
            vendor: GpuVendor::Other,
            kind: match gpu.is_unified {
                true => GpuKind::Unified,
                false => GpuKind::Discrete,
            },
            memory_total_bytes: Some(gpu.memory_bytes),
            memory_free_bytes: Some(gpu.free_bytes),
            memory_bytes_per_second: gpu.bytes_per_second,
            compute_capability: None,
            driver: None,
            usability: Usability::Usable,
        });
        HardwareProfile {
            processor: Processor {
                model: "made up".into(),
                physical_cores: self.cores,
                logical_cores: self.cores,
                performance_cores: self.cores,
                usable_cores: self.cores,
                ..Processor::default()
            },
            memory: Memory {
                total_bytes,
                available_bytes: self.available_bytes.unwrap_or(fresh).min(total_bytes),
                host_bytes: total_bytes,
                ..Memory::default()
            },
            disk: None,
            gpus: gpus.collect(),
            gpu_search: GpuSearch::default(),
            notes: Vec::new(),
        }
    }

    /// Its speed, cautiously, by what processors of its kind are known to do.
    pub fn calibration(&self) -> Calibration {
        assumed(self.cores, self.bytes_per_second)
    }
}

/// Rates of a processor of so many cores, whose memory is read at this rate.
fn assumed(cores: u32, bytes_per_second: f64) -> Calibration {
    let cores = cores.max(1);
    let read = |threads: u32| (CORE_BYTES_PER_SECOND * f64::from(threads)).min(bytes_per_second);
    let attention = |head_dim| AttentionRate {
        head_dim,
        prefill_macs_per_second: CORE_ATTENTION_MACS_PER_SECOND * f64::from(cores),
        decode_macs_per_second: CORE_DECODE_ATTENTION_MACS_PER_SECOND * f64::from(cores),
    };
    let products = TensorType::ALL.iter().filter(|t| t.format().is_some());
    let products = products.map(|tensor_type| ProductRate {
        tensor_type: tensor_type.name().into(),
        decode_bytes_per_second: read(cores) * EFFICIENCY,
        prefill_macs_per_second: CORE_MACS_PER_SECOND * f64::from(cores),
    });
    Calibration {
        simd: "avx2".into(),
        threads: cores,
        memory_bytes_per_second: (1..=cores).map(read).collect(),
        disk_bytes_per_second: None,
        products: products.collect(),
        attention: [64, 128].map(attention).to_vec(),
        cache_bytes_per_second: read(cores),
        layers: vec![LayerCost {
            embedding: 2048,
            seconds: LAYER_SECONDS,
        }],
    }
}

impl Machine<'_> {
    /// Memory that stays free for other programs where nobody has said how much.
    pub fn usual_free_bytes(&self) -> u64 {
        (self.profile.memory.total_bytes / 4).max(LEAST_FREE_BYTES)
    }

    /// What to choose by where nothing was measured: a slow machine with these cores.
    pub(super) fn assumed_calibration(&self) -> Calibration {
        assumed(self.profile.processor.usable_cores, SLOW_BYTES_PER_SECOND)
    }

    /// The graphics processor to compute with: of those that can be used, the one with the most free memory.
    pub(super) fn gpu(&self) -> Option<&Gpu> {
        let gpus = self.profile.gpus.iter();
        let usable = gpus.filter(|gpu| gpu.usability.is_usable());
        usable.max_by_key(|gpu| gpu.memory_free_bytes.unwrap_or(0))
    }
}
