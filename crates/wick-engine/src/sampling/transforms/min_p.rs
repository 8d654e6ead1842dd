//! Min-p (arXiv:2407.01082).

use crate::sampling::candidates::Candidates;

/// Keeps tokens at least `min_p` times as likely as the likeliest.
pub(in crate::sampling) fn keep_min_p(candidates: &mut Candidates, min_p: f32) {
    if min_p > 0.0
        && let Some(best) = candidates.best()
    {
        let floor = min_p * best.probability;
        candidates.retain(|candidate| candidate.probability >= floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::candidates::tests::{four, tokens};

    #[test]
    fn it_is_relative_to_the_likeliest() {
        for (min_p, kept) in [
            (0.0, vec![2, 0, 3, 1]),
            (0.2, vec![2, 0, 3]),
            (0.5, vec![2, 0]),
            (1.0, vec![2]),
        ] {
            let mut candidates = four(true);
            keep_min_p(&mut candidates, min_p);
            assert_eq!(tokens(&candidates), kept, "{min_p}");
        }
        let mut unsorted = four(false);
        keep_min_p(&mut unsorted, 0.2);
        assert_eq!(tokens(&unsorted), [0, 2, 3]);
    }
}
