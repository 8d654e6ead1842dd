//! Guesses of what comes next, so that one pass can check several tokens: from the text so far, where the same words
//! stood before (prompt lookup), or from a smaller model. What is written is the same as without; only a guess that
//! the sampler would have drawn anyway is taken.

use std::{collections::HashMap, sync::Arc, time::Instant};

use crate::{
    Result,
    decoder::{Decoder, LoadedModel},
};

/// Tokens that must repeat before a guess is made of them.
const NGRAM: usize = 3;
/// Longest guess.
const LONGEST: usize = 8;
/// How fast what was learned gives way to what is new.
const LEARNING_RATE: f32 = 0.2;
/// Passes without a guess after guesses that did not pay, before another is tried.
const PAUSE: u32 = 24;

/// Where guesses come from, and whether they pay.
pub(super) struct Drafts {
    source: Option<Source>,
    payoff: Payoff,
}

enum Source {
    Lookup(Lookup),
    Model(Decoder),
}

impl Drafts {
    /// No guesses.
    pub(super) fn none() -> Self {
        Self::of(None)
    }

    /// From what was read and written.
    pub(super) fn from_text() -> Self {
        Self::of(Some(Source::Lookup(Lookup::default())))
    }

    /// From a smaller model.
    pub(super) fn from_model(model: &Arc<LoadedModel>) -> Self {
        Self::of(Some(Source::Model(Decoder::new(model))))
    }

    fn of(source: Option<Source>) -> Self {
        Self {
            source,
            payoff: Payoff::default(),
        }
    }

    /// At most `limit` tokens that may follow `read` and `last`.
    pub(super) fn propose(&mut self, read: &[u32], last: u32, limit: usize) -> Result<Vec<u32>> {
        let length = self.payoff.length().min(limit);
        let draft = match &mut self.source {
            None => Vec::new(),
            Some(Source::Lookup(lookup)) => lookup.propose(read, last, length),
            Some(Source::Model(decoder)) => guess(decoder, read, last, length)?,
        };
        self.payoff.begin(draft.len());
        Ok(draft)
    }

    /// Learns how many of a guess were right.
    pub(super) fn learn(&mut self, drafted: usize, accepted: usize) {
        self.payoff.learn(drafted, accepted);
    }
}

/// Where each run of [`NGRAM`] tokens stood last.
#[derive(Default)]
struct Lookup {
    followed_by: HashMap<[u32; NGRAM], usize>,
    seen: Vec<u32>,
}

impl Lookup {
    fn propose(&mut self, read: &[u32], last: u32, length: usize) -> Vec<u32> {
        let tokens = || read.iter().copied().chain([last]);
        let same = self.seen.iter().copied().zip(tokens());
        if same.take_while(|(a, b)| a == b).count() < self.seen.len() {
            // The conversation was cut: begin anew.
            self.followed_by.clear();
            self.seen.clear();
        }
        let known = self.seen.len();
        self.seen.extend(tokens().skip(known));
        let end = self.seen.len();
        // All runs but the last, which is the one to be looked up.
        for at in (known + 1).saturating_sub(NGRAM).max(NGRAM)..end {
            if let Ok(run) = <[u32; NGRAM]>::try_from(&self.seen[at - NGRAM..at]) {
                self.followed_by.insert(run, at);
            }
        }
        let run = end.checked_sub(NGRAM).map(|from| &self.seen[from..]);
        let run = run.and_then(|run| <[u32; NGRAM]>::try_from(run).ok());
        let found = run.and_then(|run| self.followed_by.get(&run));
        found.map_or(Vec::new(), |&at| {
            self.seen[at..end.min(at + length)].to_vec()
        })
    }
}

/// What a smaller model holds most likely.
fn guess(decoder: &mut Decoder, read: &[u32], last: u32, length: usize) -> Result<Vec<u32>> {
    let mut draft = Vec::new();
    if length == 0 || read.len() + 1 + length > decoder.context_length() {
        return Ok(draft);
    }
    decoder.truncate(decoder.usable_prefix(read));
    let missing: Vec<u32> = read[decoder.position()..]
        .iter()
        .copied()
        .chain([last])
        .collect();
    let mut logits = decoder.prefill(&missing)?;
    loop {
        let likeliest = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((token, _)) = likeliest else {
            return Ok(draft);
        };
        draft.push(token as u32);
        if draft.len() >= length {
            return Ok(draft);
        }
        logits = decoder.decode(token as u32)?;
    }
}

/// Whether guesses pay here, measured: tokens gained against time lost.
#[derive(Default)]
struct Payoff {
    began: Option<(usize, Instant)>,
    /// Time of a pass without a guess.
    plain: Option<f32>,
    /// Time of a pass with one.
    drafted: Option<f32>,
    /// Tokens that a pass with a guess gives.
    tokens: Option<f32>,
    pause: u32,
}

impl Payoff {
    /// How long the next guess may be.
    fn length(&mut self) -> usize {
        if self.pause > 0 {
            self.pause -= 1;
            return 0;
        }
        let gain = match (self.plain, self.drafted, self.tokens) {
            (Some(plain), Some(drafted), Some(tokens)) => tokens * plain / drafted,
            // Not known yet: a pass of each kind tells.
            (None, ..) => return 0,
            _ => return LONGEST / 2,
        };
        if gain < 1.0 {
            // Tried again later, with a fresh mind: the text may repeat itself then.
            self.pause = PAUSE;
            self.drafted = None;
            self.tokens = None;
            return 0;
        }
        let tokens = self.tokens.unwrap_or(1.0);
        ((tokens * 1.5) as usize + 1).min(LONGEST)
    }

    fn begin(&mut self, drafted: usize) {
        self.began = Some((drafted, Instant::now()));
    }

    fn learn(&mut self, drafted: usize, accepted: usize) {
        let Some((length, began)) = self.began.take() else {
            return;
        };
        let seconds = began.elapsed().as_secs_f32();
        let learn = |old: &mut Option<f32>, new: f32| {
            *old = Some(old.map_or(new, |old| old + LEARNING_RATE * (new - old)));
        };
        match length == drafted && drafted > 0 {
            true => {
                learn(&mut self.drafted, seconds);
                learn(&mut self.tokens, 1.0 + accepted as f32);
            }
            false => learn(&mut self.plain, seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_the_same_words_before_is_proposed() {
        let mut lookup = Lookup::default();
        let text = [1, 2, 3, 4, 5, 6, 9, 1, 2];
        assert_eq!(lookup.propose(&text, 3, 4), [4, 5, 6, 9]);
        assert_eq!(lookup.propose(&text, 3, 2), [4, 5]);
        // Another end of the same beginning.
        assert_eq!(lookup.propose(&text[..8], 7, 4), [0; 0]);
        assert_eq!(lookup.propose(&[], 7, 4), [0; 0]);
    }

    #[test]
    fn a_run_that_goes_on_proposes_itself() {
        let mut lookup = Lookup::default();
        assert_eq!(lookup.propose(&[7, 7, 7, 7], 7, 3), [7]);
    }

    #[test]
    fn guesses_that_cost_more_than_they_give_are_paused() {
        let mut payoff = Payoff {
            plain: Some(1.0),
            drafted: Some(1.9),
            tokens: Some(1.5),
            ..Payoff::default()
        };
        assert_eq!(payoff.length(), 0);
        assert_eq!(payoff.pause, PAUSE);
        let mut payoff = Payoff {
            plain: Some(1.0),
            drafted: Some(1.2),
            tokens: Some(3.0),
            ..Payoff::default()
        };
        assert!(payoff.length() >= 3);
    }
}
