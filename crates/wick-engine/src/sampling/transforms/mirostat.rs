//! Mirostat 2 (arXiv:2007.14966): keeps the text's surprise near a target, by feedback.

use rand::Rng;

use crate::sampling::candidates::{Candidate, Candidates};

/// What mirostat has learned so far.
#[derive(Debug, Clone)]
pub(in crate::sampling) struct Mirostat {
    tau: f32,
    eta: f32,
    /// Tokens of more surprise than this, in bits, are cut away.
    limit: f32,
}

impl Mirostat {
    /// A target surprise of `tau` bits, approached with the learning rate `eta`.
    pub fn new(tau: f32, eta: f32) -> Self {
        let limit = 2.0 * tau;
        Self { tau, eta, limit }
    }

    /// Draws a token of at most the limit's surprise, and corrects the limit by the surprise it was.
    pub fn draw(
        &mut self,
        candidates: &mut Candidates,
        random: &mut impl Rng,
    ) -> Option<Candidate> {
        let best = candidates.best()?;
        let floor = (-self.limit).exp2();
        candidates
            .retain(|candidate| candidate.probability >= floor || candidate.token == best.token);
        let drawn = candidates.draw(random)?;
        let surprise = -drawn.probability.log2();
        if surprise.is_finite() {
            self.limit -= self.eta * (surprise - self.tau);
        }
        Some(drawn)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;
    use crate::sampling::{
        candidates::tests::{four, tokens},
        transforms::soften,
    };

    #[test]
    fn tokens_of_too_much_surprise_are_cut_and_one_always_stays() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
        // Surprises are 1, 1.74, 2.74 and 4.32 bits.
        for (tau, kept) in [
            (0.1, vec![2]),
            (0.9, vec![2, 0]),
            (1.4, vec![2, 0, 3]),
            (3.0, vec![2, 0, 3, 1]),
        ] {
            let mut candidates = four(true);
            Mirostat::new(tau, 0.1).draw(&mut candidates, &mut random);
            assert_eq!(tokens(&candidates), kept, "{tau}");
        }
    }

    #[test]
    fn the_mean_surprise_approaches_the_target() {
        let logits: Vec<f32> = (1..=2000).map(|rank| -1.1 * (rank as f32).ln()).collect();
        for tau in [2.0, 4.0] {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
            let (mut mirostat, mut sum) = (Mirostat::new(tau, 0.1), 0.0);
            for n in 0..1200 {
                let mut candidates = Candidates::default();
                candidates.fill(&logits, 0).unwrap();
                soften(&mut candidates, 1.0);
                let drawn = mirostat.draw(&mut candidates, &mut random).unwrap();
                if n >= 200 {
                    sum -= drawn.probability.log2();
                }
            }
            let mean = sum / 1000.0;
            assert!((mean - tau).abs() < 0.2, "{mean} bits instead of {tau}");
        }
    }
}
