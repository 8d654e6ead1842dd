//! How good a model's answers are, as far as its size, its level and its age tell: billions of weights that a model of
//! sixteen bits would need to be as good.

use wick_engine::estimate::{Mixture, ModelShape};

use crate::catalog::CatalogEntry;

/// Perplexity of Llama 3 8B on WikiText-2, and by how much each level raises it, as llama.cpp's quantizer tells.
const PERPLEXITY: f64 = 6.2331;

/// Perplexity falls with the number of weights to this power: by Llama 3.2 1B and Llama 3 8B.
const SCALING: f64 = 0.24;

/// By how much a year makes models of one size better.
const YEARLY_GAIN: f64 = 1.5;

/// Share of weights that are as good as those of sixteen bits: BitNet's makers find 2.4 billion as good as 1.5.
const TERNARY: f64 = 0.63;

/// Billions of weights.
pub(super) fn quality(entry: &CatalogEntry, shape: &ModelShape, level: Mixture) -> f64 {
    // Experts: between all weights and those that a token meets.
    let weights = (shape.parameters as f64 * shape.active_parameters as f64).sqrt() / 1e9;
    weights * kept_by(level) * YEARLY_GAIN.powf(years(&entry.released))
}

/// Share of its weights that a quantized model is worth.
fn kept_by(level: Mixture) -> f64 {
    let raised = match level {
        Mixture::Ternary => return TERNARY,
        Mixture::F16 | Mixture::BF16 => 0.0,
        Mixture::Q8_0 => 0.0026,
        Mixture::Q6K => 0.0217,
        Mixture::Q5KM => 0.0569,
        Mixture::Q5KS => 0.1049,
        Mixture::Q5_1 => 0.1062,
        Mixture::Q5_0 => 0.1316,
        Mixture::Q4KM => 0.1754,
        Mixture::Q4KS => 0.2689,
        Mixture::Q4_1 => 0.4511,
        Mixture::Q4_0 => 0.4685,
        Mixture::Q3KM => 0.6569,
        Mixture::Q2K => 3.5199,
    };
    (1.0f64 + raised / PERPLEXITY).powf(-1.0 / SCALING)
}

/// Years from 2024 on, by `2025-04`.
fn years(released: &str) -> f64 {
    let mut parts = released.split('-').map(|part| part.parse::<f64>());
    match (parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month))) => year - 2024.0 + (month - 1.0) / 12.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn of(id: &str, level: Mixture) -> f64 {
        let entry = Catalog::builtin().find(id).unwrap();
        quality(entry, &entry.dimensions.at(level).unwrap(), level)
    }

    #[test]
    fn a_larger_model_at_four_bits_beats_a_smaller_one_at_eight() {
        assert!(of("qwen3-8b", Mixture::Q4KM) > of("qwen3-4b", Mixture::Q8_0));
        assert!(of("llama-3.2-3b", Mixture::Q4KM) > of("llama-3.2-1b", Mixture::F16));
        // Down to about four bits, and no further.
        assert!(of("qwen3-8b", Mixture::Q2K) < of("qwen3-4b", Mixture::Q4KM));
    }

    #[test]
    fn more_bits_are_better_and_newer_models_too() {
        let levels = [Mixture::Q4KM, Mixture::Q5KM, Mixture::Q6K, Mixture::Q8_0];
        let qualities = levels.map(|level| of("qwen3-4b", level));
        assert!(qualities.is_sorted(), "{qualities:?}");
        let newer = of("qwen3-4b-instruct-2507", Mixture::Q4KM);
        assert!(newer > of("qwen3-4b", Mixture::Q4KM));
        assert!(of("qwen3-30b-a3b", Mixture::Q4KM) < of("qwen3-14b", Mixture::Q4KM));
    }
}
