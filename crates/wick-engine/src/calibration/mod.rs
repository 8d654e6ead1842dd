//! How fast this machine really is at what a model does: measured once with Wick's own kernels, and kept.

mod correction;

use serde::{Deserialize, Serialize};

pub use correction::Correction;

/// What was measured of a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// The path the kernels take: `avx512-vnni` for one.
    pub simd: String,
    /// Threads with which models are fastest; not always all there are.
    pub threads: u32,
    /// Rate at which memory is read with one thread, two, and so on.
    pub memory_bytes_per_second: Vec<f64>,
    /// Rate at which the models' disk is read; `None` where it could not be measured.
    pub disk_bytes_per_second: Option<f64>,
    /// Products by tensor type, with [`threads`](Self::threads) threads.
    pub products: Vec<ProductRate>,
    /// Multiplications and additions a second of attention while a prompt is read.
    pub attention_macs_per_second: f64,
    /// What a pass over one layer costs beside its products and attention, with one token.
    pub layer_seconds: f64,
}

/// How fast products with one tensor type are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductRate {
    /// Name of the tensor type.
    pub tensor_type: String,
    /// Bytes of the file that pass by in a second while one token is written.
    pub decode_bytes_per_second: f64,
    /// Multiplications and additions a second while a prompt is read.
    pub prefill_macs_per_second: f64,
}
