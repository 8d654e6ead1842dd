//! Each step of the sampling chain on its own.

use crate::{Error, Result};

/// A token that may still be drawn. Lists of candidates are sorted, likeliest first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub token: u32,
    pub logit: f32,
    pub probability: f32,
}

/// Makes recent tokens less likely, as in CTRL (arXiv:1909.05858): positive logits are divided, negative multiplied.
pub(super) fn penalize(logits: &mut [f32], recent: &[u32], penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    let mut once: Vec<u32> = recent.to_vec();
    once.sort_unstable();
    once.dedup();
    for token in once {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = if *logit > 0.0 {
                *logit / penalty
            } else {
                *logit * penalty
            };
        }
    }
}

/// The token with the largest logit; the first of equals. None where a logit is no number.
pub(super) fn most_likely(logits: &[f32]) -> Option<u32> {
    if !logits.iter().all(|logit| *logit < f32::INFINITY) {
        return None;
    }
    let mut best: Option<(usize, f32)> = None;
    for (token, &logit) in logits.iter().enumerate() {
        if logit > best.map_or(f32::NEG_INFINITY, |(_, best)| best) {
            best = Some((token, logit));
        }
    }
    best.map(|(token, _)| token as u32)
}

/// The `top_k` likeliest tokens (all where it is 0), sorted.
pub(super) fn candidates(logits: &[f32], top_k: u32) -> Result<Vec<Candidate>> {
    if !logits.iter().all(|logit| *logit < f32::INFINITY) {
        return Err(Error::NotANumber);
    }
    let mut all: Vec<Candidate> = logits
        .iter()
        .enumerate()
        .filter(|(_, logit)| **logit > f32::NEG_INFINITY)
        .map(|(token, &logit)| Candidate {
            token: token as u32,
            logit,
            probability: 0.0,
        })
        .collect();
    if all.is_empty() {
        return Err(Error::NotANumber);
    }
    // Ties go to the lower token, so that the order, and with it a seed's draw, is always the same.
    let likeliest_first =
        |a: &Candidate, b: &Candidate| b.logit.total_cmp(&a.logit).then(a.token.cmp(&b.token));
    let keep = top_k as usize;
    if 0 < keep && keep < all.len() {
        all.select_nth_unstable_by(keep - 1, likeliest_first);
        all.truncate(keep);
    }
    all.sort_unstable_by(likeliest_first);
    Ok(all)
}

/// Softmax at a temperature above 0.
pub(super) fn soften(candidates: &mut [Candidate], temperature: f32) {
    let Some(max) = candidates.first().map(|first| first.logit) else {
        return;
    };
    let mut total = 0.0;
    for candidate in candidates.iter_mut() {
        candidate.probability = ((candidate.logit - max) / temperature).exp();
        total += candidate.probability;
    }
    for candidate in candidates {
        candidate.probability /= total;
    }
}

/// The fewest likeliest tokens that together reach `top_p`.
pub(super) fn keep_top_p(candidates: &mut Vec<Candidate>, top_p: f32) {
    if top_p >= 1.0 {
        return;
    }
    let mut sum = 0.0;
    let enough = candidates.iter().position(|candidate| {
        sum += candidate.probability;
        sum >= top_p
    });
    if let Some(last) = enough {
        candidates.truncate(last + 1);
    }
}

/// Tokens at least `min_p` times as likely as the likeliest.
pub(super) fn keep_min_p(candidates: &mut Vec<Candidate>, min_p: f32) {
    let floor = min_p * candidates.first().map_or(0.0, |first| first.probability);
    let kept = candidates.partition_point(|candidate| candidate.probability >= floor);
    candidates.truncate(kept.max(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softened(logits: &[f32], top_k: u32) -> Vec<Candidate> {
        let mut list = candidates(logits, top_k).unwrap();
        soften(&mut list, 1.0);
        list
    }

    fn tokens(list: &[Candidate]) -> Vec<u32> {
        list.iter().map(|candidate| candidate.token).collect()
    }

    /// Probabilities 0.5, 0.3, 0.15, 0.05 for tokens 2, 0, 3, 1.
    fn four() -> Vec<Candidate> {
        softened(&[0.3f32.ln(), 0.05f32.ln(), 0.5f32.ln(), 0.15f32.ln()], 0)
    }

    #[test]
    fn penalty_pushes_both_signs_down_and_counts_a_token_once() {
        let mut logits = [2.0, -2.0, 1.0];
        penalize(&mut logits, &[0, 0, 1, 99], 2.0);
        assert_eq!(logits, [1.0, -4.0, 1.0]);
    }

    #[test]
    fn top_k_keeps_the_likeliest_and_breaks_ties_by_token() {
        assert_eq!(tokens(&softened(&[1.0, 3.0, 3.0, 2.0], 2)), [1, 2]);
        assert_eq!(tokens(&softened(&[1.0, 3.0], 0)), [1, 0]);
        assert_eq!(tokens(&softened(&[1.0, 3.0], 9)), [1, 0]);
    }

    #[test]
    fn top_p_keeps_the_fewest_that_reach_it() {
        for (top_p, kept) in [(0.0, 1), (0.45, 1), (0.6, 2), (0.9, 3), (1.0, 4)] {
            let mut list = four();
            keep_top_p(&mut list, top_p);
            assert_eq!(list.len(), kept, "{top_p}");
        }
    }

    #[test]
    fn min_p_is_relative_to_the_likeliest() {
        for (min_p, kept) in [(0.0, 4), (0.2, 3), (0.5, 2), (1.0, 1)] {
            let mut list = four();
            keep_min_p(&mut list, min_p);
            assert_eq!(list.len(), kept, "{min_p}");
        }
    }

    #[test]
    fn a_low_temperature_sharpens() {
        let mut cold = candidates(&[1.0, 2.0], 0).unwrap();
        soften(&mut cold, 0.1);
        assert!(cold[0].probability > 0.999);
    }
}
