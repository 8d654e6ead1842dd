//! Repetition, presence and frequency penalties: tokens that occurred become less likely.

use std::collections::HashMap;

use crate::sampling::SamplingParams;

/// Penalizes the counted tokens. Repetition as in CTRL (arXiv:1909.05858): positive logits are divided, negative
/// ones multiplied. Presence is taken off once, frequency as often as the token occurred.
pub(in crate::sampling) fn penalize(
    logits: &mut [f32],
    counts: &HashMap<u32, u32>,
    params: &SamplingParams,
) {
    for (&token, &count) in counts {
        let Some(logit) = logits.get_mut(token as usize) else {
            continue;
        };
        *logit = match *logit > 0.0 {
            true => *logit / params.repetition_penalty,
            false => *logit * params.repetition_penalty,
        };
        *logit -= params.presence_penalty + params.frequency_penalty * count as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn penalized(logits: [f32; 3], params: SamplingParams) -> [f32; 3] {
        let mut logits = logits;
        penalize(&mut logits, &[(0, 3), (1, 1), (99, 1)].into(), &params);
        logits
    }

    #[test]
    fn repetition_pushes_both_signs_down_whatever_the_count() {
        let params = SamplingParams {
            repetition_penalty: 2.0,
            ..Default::default()
        };
        assert_eq!(penalized([2.0, -2.0, 1.0], params), [1.0, -4.0, 1.0]);
    }

    #[test]
    fn presence_counts_once_and_frequency_each_time() {
        let presence = SamplingParams {
            presence_penalty: 0.5,
            ..Default::default()
        };
        assert_eq!(penalized([2.0, 2.0, 2.0], presence), [1.5, 1.5, 2.0]);
        let frequency = SamplingParams {
            frequency_penalty: 0.5,
            ..Default::default()
        };
        assert_eq!(penalized([2.0, 2.0, 2.0], frequency), [0.5, 1.5, 2.0]);
    }

    #[test]
    fn a_banned_token_stays_banned() {
        let params = SamplingParams {
            repetition_penalty: 0.5,
            presence_penalty: -2.0,
            ..Default::default()
        };
        let banned = f32::NEG_INFINITY;
        assert_eq!(penalized([banned, 0.0, 0.0], params)[0], banned);
    }
}
