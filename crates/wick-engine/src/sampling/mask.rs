//! Which tokens may come next, a bit for each.

/// A set of tokens. Those beyond its end are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenMask {
    words: Vec<u32>,
}

impl TokenMask {
    /// A set from words of 32 tokens each, the first token in the lowest bit.
    pub fn from_words(words: Vec<u32>) -> Self {
        Self { words }
    }

    /// Whether the token is in the set.
    pub fn allows(&self, token: u32) -> bool {
        let word = self.words.get(token as usize / 32);
        word.is_some_and(|word| word >> (token % 32) & 1 == 1)
    }

    /// The only token of the set; `None` where there are more or none. It needs no model to be chosen.
    pub fn single(&self) -> Option<u32> {
        let mut found = self
            .words
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0);
        let (at, word) = found.next()?;
        let alone = word.is_power_of_two() && found.next().is_none();
        alone.then(|| at as u32 * 32 + word.trailing_zeros())
    }

    /// Makes every other token impossible.
    pub(super) fn apply(&self, logits: &mut [f32]) {
        let (masked, beyond) = logits.split_at_mut(logits.len().min(self.words.len() * 32));
        beyond.fill(f32::NEG_INFINITY);
        for (logits, &word) in masked.chunks_mut(32).zip(&self.words) {
            match word {
                0 => logits.fill(f32::NEG_INFINITY),
                u32::MAX => {}
                _ => {
                    for (bit, logit) in logits.iter_mut().enumerate() {
                        if word >> bit & 1 == 0 {
                            *logit = f32::NEG_INFINITY;
                        }
                    }
                }
            }
        }
    }
}

impl FromIterator<u32> for TokenMask {
    fn from_iter<T: IntoIterator<Item = u32>>(tokens: T) -> Self {
        let mut words = Vec::new();
        for token in tokens {
            let at = token as usize / 32;
            if words.len() <= at {
                words.resize(at + 1, 0);
            }
            words[at] |= 1 << (token % 32);
        }
        Self { words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tokens_of_the_set_stay_possible() {
        let mask: TokenMask = (32..64).chain([1, 70]).collect();
        let mut logits = vec![1.0; 100];
        mask.apply(&mut logits);
        for (token, logit) in logits.iter().enumerate() {
            let allowed = token == 1 || token == 70 || (32..64).contains(&token);
            assert_eq!(*logit == 1.0, allowed, "{token}");
            assert_eq!(mask.allows(token as u32), allowed, "{token}");
        }
        assert!(!mask.allows(u32::MAX));
    }

    #[test]
    fn a_set_longer_than_the_logits_is_cut() {
        let mut logits = [1.0; 3];
        [2, 500]
            .into_iter()
            .collect::<TokenMask>()
            .apply(&mut logits);
        assert_eq!(logits, [f32::NEG_INFINITY, f32::NEG_INFINITY, 1.0]);
    }

    #[test]
    fn a_single_token_is_recognised() {
        let single = |tokens: &[u32]| tokens.iter().copied().collect::<TokenMask>().single();
        assert_eq!(single(&[77]), Some(77));
        assert_eq!(
            (single(&[]), single(&[3, 4]), single(&[3, 40])),
            (None, None, None)
        );
    }
}
