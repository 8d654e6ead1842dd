//! Locally typical sampling (arXiv:2202.00666).

use super::temperature::entropy;
use crate::sampling::candidates::{Candidate, Candidates, likeliest_first};

/// Keeps the tokens whose surprise is closest to the expected one (the entropy) and that together reach `typical_p`.
pub(in crate::sampling) fn keep_typical(candidates: &mut Candidates, typical_p: f32) {
    if typical_p >= 1.0 {
        return;
    }
    let expected = entropy(candidates);
    let oddness = |candidate: &Candidate| (-candidate.probability.ln() - expected).abs();
    candidates.keep_mass(typical_p, |a, b| {
        oddness(a)
            .total_cmp(&oddness(b))
            .then_with(|| likeliest_first(a, b))
    });
    candidates.list.sort_unstable_by(likeliest_first);
    candidates.sorted = true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::candidates::tests::{four, tokens};

    #[test]
    fn the_most_expected_stay_even_without_the_likeliest() {
        // The entropy is 1.142; surprises are 1.204 (token 0), 0.693 (2), 1.897 (3) and 2.996 (1).
        for (typical_p, kept) in [
            (0.0, vec![0]),
            (0.2, vec![0]),
            (0.7, vec![2, 0]),
            (0.9, vec![2, 0, 3]),
            (1.0, vec![2, 0, 3, 1]),
        ] {
            let mut candidates = four(true);
            keep_typical(&mut candidates, typical_p);
            assert_eq!(tokens(&candidates), kept, "{typical_p}");
        }
        let mut unsorted = four(false);
        keep_typical(&mut unsorted, 0.7);
        assert_eq!(tokens(&unsorted), [2, 0]);
    }

    #[test]
    fn impossible_tokens_do_no_harm() {
        let mut candidates = four(true);
        candidates.list[3].probability = 0.0;
        candidates.renormalize();
        keep_typical(&mut candidates, 0.99);
        assert_eq!(tokens(&candidates), [2, 0, 3]);
    }
}
