//! XTC ("exclude top choices"): now and then the obvious is left out.

use rand::{Rng, RngExt};

use crate::sampling::candidates::{Candidates, likeliest_first};

/// Above this no two tokens can reach the threshold.
const LARGEST_THRESHOLD: f32 = 0.5;

/// With `probability`, leaves out every token that reaches `threshold` but the least likely of them.
pub(in crate::sampling) fn exclude_top_choices(
    candidates: &mut Candidates,
    probability: f32,
    threshold: f32,
    random: &mut impl Rng,
) {
    if probability == 0.0 || threshold > LARGEST_THRESHOLD || random.random::<f32>() >= probability
    {
        return;
    }
    let top = candidates.list.iter().copied();
    let top = top.filter(|candidate| candidate.probability >= threshold);
    if let Some(least) = top.max_by(likeliest_first) {
        candidates.retain(|candidate| {
            candidate.probability < threshold || candidate.token == least.token
        });
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;
    use crate::sampling::candidates::tests::{four, tokens};

    fn excluded(sorted: bool, probability: f32, threshold: f32, seed: u64) -> Vec<u32> {
        let mut candidates = four(sorted);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        exclude_top_choices(&mut candidates, probability, threshold, &mut random);
        tokens(&candidates)
    }

    #[test]
    fn of_those_that_reach_the_threshold_the_least_likely_stays() {
        assert_eq!(excluded(true, 1.0, 0.1, 0), [3, 1]);
        assert_eq!(excluded(true, 1.0, 0.25, 0), [0, 3, 1]);
        assert_eq!(excluded(false, 1.0, 0.25, 0), [0, 1, 3]);
        assert_eq!(excluded(true, 1.0, 0.45, 0), [2, 0, 3, 1]);
        assert_eq!(excluded(true, 1.0, 0.6, 0), [2, 0, 3, 1]);
        assert_eq!(excluded(true, 1.0, 0.0, 0), [1]);
    }

    #[test]
    fn it_happens_as_often_as_asked() {
        let happened = |probability| {
            let seeds = 0..2000;
            seeds
                .filter(|&seed| excluded(true, probability, 0.1, seed).len() < 4)
                .count()
        };
        assert_eq!(happened(0.0), 0);
        assert!((500..700).contains(&happened(0.3)));
        assert_eq!(happened(1.0), 2000);
    }
}
