//! From logits to the next token: penalties, then temperature, then what is cut away, then one draw.

mod params;
mod transforms;

use rand::{RngExt, SeedableRng, rngs::StdRng};

pub use params::SamplingParams;

use crate::{Error, Result};

/// How many of the last tokens the repetition penalty looks at, as llama.cpp does.
const PENALTY_WINDOW: usize = 64;

/// Chooses tokens. The same parameters, seed and logits give the same tokens.
#[derive(Debug)]
pub struct Sampler {
    params: SamplingParams,
    random: StdRng,
    recent: Vec<u32>,
}

impl Sampler {
    /// A sampler for one reply; `params` must be valid.
    pub fn new(params: SamplingParams) -> Result<Self> {
        params.validate()?;
        let random = match params.seed {
            Some(seed) => StdRng::seed_from_u64(seed.into()),
            None => StdRng::seed_from_u64(rand::random()),
        };
        Ok(Self {
            params,
            random,
            recent: Vec::new(),
        })
    }

    /// Lets the penalty know of a token that stands in the text.
    pub fn accept(&mut self, token: u32) {
        if self.recent.len() == PENALTY_WINDOW {
            self.recent.remove(0);
        }
        self.recent.push(token);
    }

    /// The next token.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32> {
        let mut logits = logits.to_vec();
        transforms::penalize(&mut logits, &self.recent, self.params.repetition_penalty);
        if self.params.temperature == 0.0 {
            return transforms::most_likely(&logits).ok_or(Error::NotANumber);
        }
        let mut candidates = transforms::candidates(&logits, self.params.top_k)?;
        transforms::soften(&mut candidates, self.params.temperature);
        transforms::keep_top_p(&mut candidates, self.params.top_p);
        transforms::keep_min_p(&mut candidates, self.params.min_p);
        let total: f32 = candidates
            .iter()
            .map(|candidate| candidate.probability)
            .sum();
        let mut left = self.random.random::<f32>() * total;
        for candidate in &candidates {
            left -= candidate.probability;
            if left <= 0.0 {
                return Ok(candidate.token);
            }
        }
        candidates
            .last()
            .map(|candidate| candidate.token)
            .ok_or(Error::NotANumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(params: &SamplingParams, count: usize) -> Vec<u32> {
        let logits: Vec<f32> = (0..50).map(|n| (n % 7) as f32 * 0.5).collect();
        let mut sampler = Sampler::new(params.clone()).unwrap();
        (0..count)
            .map(|_| sampler.sample(&logits).unwrap())
            .collect()
    }

    #[test]
    fn a_seed_gives_the_same_tokens_again() {
        let params = SamplingParams {
            seed: Some(7),
            ..SamplingParams::default()
        };
        assert_eq!(draw(&params, 100), draw(&params, 100));
        let other = SamplingParams {
            seed: Some(8),
            ..params.clone()
        };
        assert_ne!(draw(&params, 100), draw(&other, 100));
    }

    #[test]
    fn temperature_zero_takes_the_most_likely() {
        let params = SamplingParams {
            temperature: 0.0,
            repetition_penalty: 1.0,
            ..SamplingParams::default()
        };
        assert_eq!(draw(&params, 3), [6, 6, 6]);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let params = SamplingParams {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: Some(1),
        };
        let mut sampler = Sampler::new(params).unwrap();
        let logits = [0.0, 3f32.ln(), f32::NEG_INFINITY];
        let mut counts = [0; 3];
        for _ in 0..4000 {
            counts[sampler.sample(&logits).unwrap() as usize] += 1;
        }
        assert_eq!(counts[2], 0);
        assert!((2850..3150).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn logits_that_are_no_numbers_are_an_error() {
        for temperature in [0.0, 1.0] {
            let params = SamplingParams {
                temperature,
                ..SamplingParams::default()
            };
            let mut sampler = Sampler::new(params).unwrap();
            assert_eq!(
                sampler.sample(&[f32::NAN, f32::NAN]),
                Err(Error::NotANumber)
            );
        }
    }
}
