//! What earlier loads and replies say of predictions: by how much they were wrong, by kind of model.

use serde::{Deserialize, Serialize};

/// Measured by predicted, for the models of one architecture and quantization on this machine. Each ratio is positive
/// and finite, and 1 where nothing was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// Name of the architecture: `qwen3`.
    pub architecture: String,
    /// Name of the quantization: `Q4_K_M`.
    pub quantization: String,
    /// Of the peak memory.
    pub memory: f64,
    /// Of the tokens a second while a prompt is read.
    pub prefill: f64,
    /// Of the tokens a second while a reply is written.
    pub decode: f64,
    /// How many replies this rests on.
    pub samples: u32,
}

impl Correction {
    /// The one for a kind of model, if there is one.
    pub fn of<'a>(
        corrections: &'a [Self],
        architecture: &str,
        quantization: &str,
    ) -> Option<&'a Self> {
        corrections
            .iter()
            .find(|c| c.architecture == architecture && c.quantization == quantization)
    }
}
