//! From logits to the next token.
//!
//! The chain, in its order: logit bias, penalties (repetition, presence, frequency), DRY, the mask of a constraint;
//! at temperature 0 the most likely token; else top-k, temperature (or dynamic temperature), top-p, min-p, typical-p,
//! XTC and one draw. Temperature comes before what is cut by probability, as most front ends have it; llama.cpp
//! applies it last. Top-k counts ranks, which no temperature changes, so it stands first and spares the work.
//! Mirostat 2 stands in for everything between the temperature and the draw, top-k included.

mod candidates;
mod history;
mod mask;
mod params;
mod transforms;

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

use candidates::{Candidates, NotFinite};
use history::{Breakers, History};
pub use mask::TokenMask;
pub use params::SamplingParams;
use transforms::{DryScratch, Mirostat};

use crate::{Error, Result, tokenizer::Tokenizer};

/// A token that was chosen. The last two are there where [`Sampler::with_logprobs`] asked for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The token.
    pub token: u32,
    /// Natural logarithm of the probability the model itself gave it, before any transform.
    pub logprob: Option<f32>,
    /// The tokens the model found likeliest, likeliest first, and their log-probabilities.
    pub top: Vec<(u32, f32)>,
}

/// Chooses tokens. The same parameters, seed, logits and accepted tokens give the same tokens.
///
/// `sample` changes nothing but the random numbers and mirostat's state, `accept` the history; a clone goes on from
/// the same state.
#[derive(Debug, Clone)]
pub struct Sampler {
    params: SamplingParams,
    random: Xoshiro256PlusPlus,
    history: History,
    mirostat: Option<Mirostat>,
    top_logprobs: Option<usize>,
    scratch: Scratch,
}

/// Buffers used again for each token; they hold nothing between two.
#[derive(Debug, Default)]
struct Scratch {
    logits: Vec<f32>,
    candidates: Candidates,
    dry: DryScratch,
}

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Sampler {
    /// A sampler for one reply. DRY has no breakers: they are texts, see [`Self::with_tokenizer`].
    pub fn new(params: SamplingParams) -> Result<Self> {
        Self::build(params, Breakers::default())
    }

    /// A sampler for one reply, with DRY's breakers as tokens of the vocabulary.
    pub fn with_tokenizer(params: SamplingParams, tokenizer: &Tokenizer) -> Result<Self> {
        params.validate()?;
        let breakers = match params.dry_multiplier {
            0.0 => Breakers::default(),
            _ => Breakers::new(&params.dry_breakers, tokenizer)?,
        };
        Self::build(params, breakers)
    }

    fn build(params: SamplingParams, breakers: Breakers) -> Result<Self> {
        params.validate()?;
        let random = match params.seed {
            Some(seed) => Xoshiro256PlusPlus::seed_from_u64(seed.into()),
            None => Xoshiro256PlusPlus::seed_from_u64(rand::random()),
        };
        let mirostat = Mirostat::new(params.mirostat_tau, params.mirostat_eta);
        Ok(Self {
            random,
            history: History::new(&params, breakers),
            mirostat: (params.mirostat_tau > 0.0).then_some(mirostat),
            top_logprobs: None,
            scratch: Scratch::default(),
            params,
        })
    }

    /// Makes [`Self::sample_with`] tell the log-probability of its token and of the `top` likeliest.
    pub fn with_logprobs(mut self, top: usize) -> Self {
        self.top_logprobs = Some(top);
        self
    }

    /// Lets the penalties know of a token that stands in the text.
    pub fn accept(&mut self, token: u32) {
        self.history.push(token);
    }

    /// The next token.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32> {
        self.choose(logits, None)
    }

    /// The next token among those the mask allows, and its log-probability where that was asked for.
    pub fn sample_with(&mut self, logits: &[f32], mask: Option<&TokenMask>) -> Result<Sampled> {
        let token = self.choose(logits, mask)?;
        let (mut logprob, mut top) = (None, Vec::new());
        if let Some(count) = self.top_logprobs {
            let total = log_sum_exp(logits);
            logprob = logits.get(token as usize).map(|logit| logit - total);
            if count > 0 {
                let likeliest = &mut self.scratch.candidates;
                likeliest.fill(logits, count)?;
                top.extend(likeliest.list.iter().map(|c| (c.token, c.logit - total)));
            }
        }
        Ok(Sampled {
            token,
            logprob,
            top,
        })
    }

    fn choose(&mut self, logits: &[f32], mask: Option<&TokenMask>) -> Result<u32> {
        let params = &self.params;
        let scratch = &mut self.scratch;
        let penalizes = (params.repetition_penalty, params.presence_penalty) != (1.0, 0.0)
            || params.frequency_penalty != 0.0;
        let dries = params.dry_multiplier > 0.0;
        let changes = penalizes || dries || mask.is_some() || !params.logit_bias.is_empty();
        let logits = if changes {
            let changed = &mut scratch.logits;
            changed.clear();
            changed.extend_from_slice(logits);
            transforms::add_bias(changed, &params.logit_bias);
            if penalizes {
                transforms::penalize(changed, self.history.counts(), params);
            }
            if dries {
                transforms::dry(changed, &self.history, params, &mut scratch.dry);
            }
            if let Some(mask) = mask {
                mask.apply(changed);
            }
            &changed[..]
        } else {
            logits
        };
        // Where nothing was taken away, it was the model that left no token.
        let none = || match changes {
            true => Error::NoTokenAllowed,
            false => Error::NotANumber,
        };
        if params.temperature == 0.0 {
            return candidates::most_likely(logits)?.ok_or_else(none);
        }

        let candidates = &mut scratch.candidates;
        let top_k = match self.mirostat {
            None => params.top_k as usize,
            Some(_) => 0,
        };
        candidates.fill(logits, top_k)?;
        let mut temperature = params.temperature;
        if params.dynamic_temperature_range > 0.0 {
            transforms::soften(candidates, 1.0);
            temperature = transforms::dynamic_temperature(candidates, params);
        }
        transforms::soften(candidates, temperature);
        let drawn = match &mut self.mirostat {
            Some(mirostat) => mirostat.draw(candidates, &mut self.random),
            None => {
                transforms::keep_top_p(candidates, params.top_p);
                transforms::keep_min_p(candidates, params.min_p);
                transforms::keep_typical(candidates, params.typical_p);
                transforms::exclude_top_choices(
                    candidates,
                    params.xtc_probability,
                    params.xtc_threshold,
                    &mut self.random,
                );
                candidates.draw(&mut self.random)
            }
        };
        drawn.map(|candidate| candidate.token).ok_or_else(none)
    }
}

impl From<NotFinite> for Error {
    fn from(_: NotFinite) -> Self {
        Self::NotANumber
    }
}

/// Logarithm of the sum of the exponentials: what a log-softmax takes off each logit.
fn log_sum_exp(logits: &[f32]) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    largest + sum.ln()
}

#[cfg(test)]
mod tests;
