//! How fast this machine really is at what a model does: measured once with Wick's own kernels, and kept.

mod attention;
mod bandwidth;
mod buffer;
mod correction;
mod course;
mod disk;
mod layer;
mod line;
mod measure;
mod products;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use attention::AttentionRate;
pub use correction::Correction;
pub use layer::LayerCost;
pub use measure::measure;

/// What a measurement may take, and what it shall look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationRequest {
    /// Most memory it may take.
    pub memory_bytes: u64,
    /// Counts of threads worth a try: the performance cores for one. Others are tried as well.
    pub thread_counts: Vec<u32>,
    /// The folder that models lie in, on the disk to measure.
    pub models_folder: Option<PathBuf>,
}

/// What was measured of a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Calibration {
    /// The path the kernels take: `avx512-vnni` for one.
    pub simd: String,
    /// Threads with which models are fastest; not always all there are.
    pub threads: u32,
    /// Rate at which memory is read with one thread, two, and so on.
    pub memory_bytes_per_second: Vec<f64>,
    /// Rate at which the models' disk is read; `None` where it could not be measured.
    pub disk_bytes_per_second: Option<f64>,
    /// Products by tensor type, with [`threads`](Self::threads) threads. A machine so slow that time ran out lacks the
    /// rarest types.
    pub products: Vec<ProductRate>,
    /// Attention by the width of a head, the narrowest first.
    pub attention: Vec<AttentionRate>,
    /// Bytes of keys and values that pass by in a second while a token is written, where they come from memory.
    pub cache_bytes_per_second: f64,
    /// What a layer costs beside, by the width of the embedding, the narrowest first.
    pub layers: Vec<LayerCost>,
}

/// How fast products with one tensor type are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct ProductRate {
    /// Name of the tensor type.
    pub tensor_type: String,
    /// Bytes of the file that pass by in a second while one token is written.
    pub decode_bytes_per_second: f64,
    /// Multiplications and additions a second while a prompt is read.
    pub prefill_macs_per_second: f64,
}

/// The path that the kernels take on this processor.
pub fn simd_path() -> &'static str {
    wick_kernels::simd_path()
}
