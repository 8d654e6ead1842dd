//! Temperature: how flat the probabilities are.

use crate::sampling::{SamplingParams, candidates::Candidates};

/// Softmax at a temperature above 0.
pub(in crate::sampling) fn soften(candidates: &mut Candidates, temperature: f32) {
    let Some(best) = candidates.best() else {
        return;
    };
    for candidate in &mut candidates.list {
        candidate.probability = ((candidate.logit - best.logit) / temperature).exp();
    }
    candidates.renormalize();
}

/// The temperature for candidates whose probabilities are those at temperature 1: from `temperature - range` where
/// the model is sure (no entropy) to `temperature + range` where all candidates are equally likely.
pub(in crate::sampling) fn dynamic_temperature(
    candidates: &Candidates,
    params: &SamplingParams,
) -> f32 {
    let range = params.dynamic_temperature_range;
    let highest = (candidates.list.len() as f32).ln();
    let share = match highest > 0.0 {
        true => (entropy(candidates) / highest).clamp(0.0, 1.0),
        false => 0.0,
    };
    let low = (params.temperature - range).max(0.0);
    let high = params.temperature + range;
    let temperature = low + (high - low) * share.powf(params.dynamic_temperature_exponent);
    // 0 cannot be divided by; this is as sure as it.
    temperature.max(1e-3)
}

/// Entropy of the candidates, in nats.
pub(in crate::sampling) fn entropy(candidates: &Candidates) -> f32 {
    let probabilities = candidates.list.iter().map(|c| c.probability);
    let surprise = |p: f32| if p > 0.0 { -p * p.ln() } else { 0.0 };
    probabilities.map(surprise).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softened(logits: &[f32], temperature: f32) -> Vec<f32> {
        let mut candidates = Candidates::default();
        candidates.fill(logits, 0).unwrap();
        soften(&mut candidates, temperature);
        candidates.list.iter().map(|c| c.probability).collect()
    }

    #[test]
    fn a_temperature_is_the_exponent_of_the_odds() {
        let odds = |temperature| {
            let probabilities = softened(&[0.0, 2.0], temperature);
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            (probabilities[1] / probabilities[0]).ln()
        };
        for (temperature, expected) in [(1.0, 2.0), (0.5, 4.0), (2.0, 1.0)] {
            assert!((odds(temperature) - expected).abs() < 1e-4, "{temperature}");
        }
        assert_eq!(softened(&[3.0, 4.0, 4.0], 1e-30), [0.0, 0.5, 0.5]);
    }

    #[test]
    fn the_dynamic_temperature_follows_the_entropy() {
        let temperature = |logits: &[f32], exponent: f32| {
            let mut candidates = Candidates::default();
            candidates.fill(logits, 0).unwrap();
            soften(&mut candidates, 1.0);
            let params = SamplingParams {
                temperature: 1.0,
                dynamic_temperature_range: 0.5,
                dynamic_temperature_exponent: exponent,
                ..Default::default()
            };
            dynamic_temperature(&candidates, &params)
        };
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-4, "{a} is not {b}");
        close(temperature(&[0.0, 50.0], 1.0), 0.5);
        close(temperature(&[0.0, 0.0], 1.0), 1.5);
        close(temperature(&[7.0], 1.0), 0.5);
        // Two of four equally likely: half of the highest entropy.
        close(temperature(&[0.0, 0.0, -80.0, -80.0], 1.0), 1.0);
        close(temperature(&[0.0, 0.0, -80.0, -80.0], 2.0), 0.75);
    }
}
