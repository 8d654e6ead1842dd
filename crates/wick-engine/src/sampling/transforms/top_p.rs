//! Top-p, or nucleus sampling (arXiv:1904.09751).

use crate::sampling::candidates::{Candidates, likeliest_first};

/// Keeps the fewest likeliest tokens that together reach `top_p`.
pub(in crate::sampling) fn keep_top_p(candidates: &mut Candidates, top_p: f32) {
    if top_p < 1.0 {
        candidates.keep_mass(top_p, likeliest_first);
        candidates.sorted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::candidates::tests::{four, tokens};

    #[test]
    fn the_fewest_that_reach_it_stay_and_make_up_the_whole() {
        for sorted in [true, false] {
            for (top_p, kept) in [
                (0.0, vec![2]),
                (0.45, vec![2]),
                (0.6, vec![2, 0]),
                (0.9, vec![2, 0, 3]),
            ] {
                let mut candidates = four(sorted);
                keep_top_p(&mut candidates, top_p);
                assert_eq!(tokens(&candidates), kept, "{top_p}");
                let total: f32 = candidates.list.iter().map(|c| c.probability).sum();
                assert!((total - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn one_is_off() {
        let mut candidates = four(false);
        keep_top_p(&mut candidates, 1.0);
        assert_eq!(tokens(&candidates), [0, 1, 2, 3]);
    }
}
