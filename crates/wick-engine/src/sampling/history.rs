//! The tokens that stand in the text already: those the penalties count, and those DRY compares.

use std::collections::{HashMap, HashSet};

use super::SamplingParams;
use crate::{Result, tokenizer::Tokenizer};

/// Where DRY sees no repetition across: tokens that hold a breaker, and breakers of several tokens.
#[derive(Debug, Clone, Default)]
pub(super) struct Breakers {
    tokens: HashSet<u32>,
    sequences: Vec<Vec<u32>>,
}

impl Breakers {
    /// Finds the breakers in a vocabulary.
    pub fn new(texts: &[String], tokenizer: &Tokenizer) -> Result<Self> {
        let mut breakers = Self::default();
        for token in 0..tokenizer.vocabulary_size() as u32 {
            let bytes = tokenizer.token_bytes(token);
            let holds = |text: &String| {
                let text = text.as_bytes();
                bytes.windows(text.len()).any(|part| part == text)
            };
            if texts.iter().any(holds) {
                breakers.tokens.insert(token);
            }
        }
        for text in texts {
            let sequence = tokenizer.encode_text(text)?;
            if sequence.len() > 1 {
                breakers.sequences.push(sequence);
            }
        }
        Ok(breakers)
    }

    /// Whether the token is a breaker by itself.
    pub fn contains(&self, token: u32) -> bool {
        self.tokens.contains(&token)
    }

    fn end(&self, tokens: &[u32]) -> bool {
        let ends = |sequence: &Vec<u32>| tokens.ends_with(sequence);
        tokens.last().is_some_and(|&last| self.contains(last)) || self.sequences.iter().any(ends)
    }
}

/// The last tokens of the text.
#[derive(Debug, Clone)]
pub(super) struct History {
    tokens: Vec<u32>,
    /// How many tokens are looked at by anything.
    longest: usize,
    /// How often each of the last `counted` tokens occurs among them.
    counts: HashMap<u32, u32>,
    counted: usize,
    breakers: Breakers,
    since_breaker: usize,
}

impl History {
    pub fn new(params: &SamplingParams, breakers: Breakers) -> Self {
        let last_n = |n: u32| if n == 0 { usize::MAX } else { n as usize };
        let counted = last_n(params.penalty_last_n);
        let compared = match params.dry_multiplier {
            0.0 => 0,
            _ => last_n(params.dry_last_n),
        };
        let breaker = breakers.sequences.iter().map(Vec::len).max().unwrap_or(0);
        Self {
            tokens: Vec::new(),
            longest: counted.max(compared).max(breaker),
            counts: HashMap::new(),
            counted,
            breakers,
            since_breaker: 0,
        }
    }

    pub fn push(&mut self, token: u32) {
        if let Some(leaving) = self.tokens.len().checked_sub(self.counted)
            && let Some(count) = self.counts.get_mut(&self.tokens[leaving])
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&self.tokens[leaving]);
            }
        }
        *self.counts.entry(token).or_default() += 1;
        // Cut rarely, so that a token costs nothing on average.
        if self.tokens.len() >= self.longest.saturating_mul(2) {
            self.tokens.drain(..self.tokens.len() - self.longest);
        }
        self.tokens.push(token);
        self.since_breaker = match self.breakers.end(&self.tokens) {
            true => 0,
            false => self.since_breaker + 1,
        };
    }

    /// How often each token occurs among those the penalties look at.
    pub fn counts(&self) -> &HashMap<u32, u32> {
        &self.counts
    }

    /// The last `count` tokens; all that are kept where it is 0.
    pub fn last(&self, count: u32) -> &[u32] {
        let count = if count == 0 {
            usize::MAX
        } else {
            count as usize
        };
        &self.tokens[self.tokens.len().saturating_sub(count)..]
    }

    pub fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    /// Tokens after the last breaker.
    pub fn since_breaker(&self) -> usize {
        self.since_breaker
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A history in which tokens and sequences are breakers.
    pub fn history(params: &SamplingParams, tokens: &[u32], breakers: &[&[u32]]) -> History {
        let (mut found, mut several) = (HashSet::new(), Vec::new());
        for breaker in breakers {
            match breaker {
                [token] => drop(found.insert(*token)),
                sequence => several.push(sequence.to_vec()),
            }
        }
        let mut history = History::new(
            params,
            Breakers {
                tokens: found,
                sequences: several,
            },
        );
        for &token in tokens {
            history.push(token);
        }
        history
    }

    #[test]
    fn counts_follow_the_window() {
        let params = SamplingParams {
            penalty_last_n: 3,
            ..Default::default()
        };
        let mut history = history(&params, &[], &[]);
        for (token, expected) in [
            (5, vec![(5, 1)]),
            (5, vec![(5, 2)]),
            (6, vec![(5, 2), (6, 1)]),
            (7, vec![(5, 1), (6, 1), (7, 1)]),
            (7, vec![(6, 1), (7, 2)]),
            (7, vec![(7, 3)]),
            (7, vec![(7, 3)]),
        ] {
            history.push(token);
            let mut counts: Vec<_> = history.counts().iter().map(|(t, n)| (*t, *n)).collect();
            counts.sort_unstable();
            assert_eq!(counts, expected);
        }
        assert_eq!(history.last(2), [7, 7]);
        (0..1000).for_each(|token| history.push(token));
        assert!(history.tokens.len() <= 6);
    }

    #[test]
    fn all_tokens_are_kept_where_that_is_asked() {
        let params = SamplingParams {
            dry_multiplier: 1.0,
            ..Default::default()
        };
        let tokens: Vec<u32> = (0..1000).collect();
        assert_eq!(history(&params, &tokens, &[]).last(0), tokens);
    }

    #[test]
    fn breakers_of_one_token_and_of_several_are_seen() {
        let params = SamplingParams::default();
        let since = |tokens: &[u32]| history(&params, tokens, &[&[9], &[1, 2]]).since_breaker();
        assert_eq!(since(&[3, 4]), 2);
        assert_eq!(since(&[3, 9, 4, 5]), 2);
        assert_eq!(since(&[3, 9]), 0);
        assert_eq!(since(&[1, 2, 3]), 1);
        assert_eq!(since(&[2, 1, 3]), 3);
    }

    #[test]
    fn breakers_are_found_in_the_vocabulary() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let model = crate::testkit::tiny_model("llama").writer().unwrap();
        std::fs::write(file.path(), model.bytes()).unwrap();
        let gguf = crate::gguf::ValidatedGguf::open(file.path()).unwrap();
        let tokenizer = Tokenizer::from_gguf(&gguf).unwrap();
        let encode = |text: &str| tokenizer.encode_text(text).unwrap();
        let texts = ["n".to_owned(), "xyz".to_owned()];
        let breakers = Breakers::new(&texts, &tokenizer).unwrap();
        // "in" and "and" are tokens of this vocabulary, "xyz" is not.
        for (text, breaks) in [("n", true), ("in", true), ("and", true), ("e", false)] {
            assert_eq!(breakers.end(&encode(text)), breaks, "{text}");
        }
        assert!(breakers.end(&encode("axyz")));
        assert!(!breakers.end(&encode("axy")) && !breakers.end(&encode("xyza")));
    }
}
