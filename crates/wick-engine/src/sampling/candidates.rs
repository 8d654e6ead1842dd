//! The tokens that may still be drawn, and how the likeliest of many are found without sorting them all.

use std::cmp::Ordering;

use rand::{Rng, RngExt};

/// Logits looked at together: a block without one that is large enough is passed over at a glance.
const BLOCK: usize = 64;
/// Lanes in which a block is compared, so that the compiler can use vector instructions.
const LANES: usize = 8;

/// A token that may still be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub token: u32,
    pub logit: f32,
    /// Its share among the candidates; 0 before the temperature is applied.
    pub probability: f32,
}

/// A logit that is infinite or no number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NotFinite;

/// Candidates in the order of their tokens, or likeliest first where `sorted`.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub list: Vec<Candidate>,
    pub sorted: bool,
}

/// Ties go to the lower token, so that the order, and with it a seed's draw, is always the same.
pub(super) fn likeliest_first(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.total_cmp(&a.logit).then(a.token.cmp(&b.token))
}

impl Candidates {
    /// Takes the `top_k` largest logits, sorted; all of them, in their order, where `top_k` is 0. Negative infinity
    /// is a token that cannot be drawn.
    pub fn fill(&mut self, logits: &[f32], top_k: usize) -> Result<(), NotFinite> {
        self.list.clear();
        self.sorted = top_k > 0;
        let room = match top_k {
            0 => usize::MAX,
            _ => (2 * top_k).max(BLOCK),
        };
        let mut floor = f32::NEG_INFINITY;
        for (block, logits) in logits.chunks(BLOCK).enumerate() {
            if largest(logits)? <= floor {
                continue;
            }
            for (at, &logit) in logits.iter().enumerate() {
                if logit <= floor {
                    continue;
                }
                self.list.push(Candidate {
                    token: (block * BLOCK + at) as u32,
                    logit,
                    probability: 0.0,
                });
                if self.list.len() == room {
                    self.keep_likeliest(top_k);
                    floor = self.list[top_k - 1].logit;
                }
            }
        }
        if top_k > 0 {
            self.keep_likeliest(top_k);
            self.list.sort_unstable_by(likeliest_first);
        }
        Ok(())
    }

    /// The likeliest candidate.
    pub fn best(&self) -> Option<Candidate> {
        match self.sorted {
            true => self.list.first().copied(),
            false => self.list.iter().copied().min_by(likeliest_first),
        }
    }

    /// Makes the probabilities sum to 1 again.
    pub fn renormalize(&mut self) {
        let total: f32 = self
            .list
            .iter()
            .map(|candidate| candidate.probability)
            .sum();
        for candidate in &mut self.list {
            candidate.probability /= total;
        }
    }

    /// Keeps what `keep` says yes to, and renormalizes.
    pub fn retain(&mut self, keep: impl Fn(&Candidate) -> bool) {
        let before = self.list.len();
        self.list.retain(keep);
        if self.list.len() < before {
            self.renormalize();
        }
    }

    /// Keeps the first candidates by `order` that together reach `mass`, at least one, in that order.
    pub fn keep_mass(&mut self, mass: f32, order: impl Fn(&Candidate, &Candidate) -> Ordering) {
        let (mut done, mut step, mut sum) = (0, 4 * BLOCK, 0.0);
        while done < self.list.len() {
            let rest = &mut self.list[done..];
            let next = step.min(rest.len());
            if next < rest.len() {
                rest.select_nth_unstable_by(next - 1, &order);
            }
            rest[..next].sort_unstable_by(&order);
            for (at, candidate) in rest[..next].iter().enumerate() {
                sum += candidate.probability;
                if sum >= mass {
                    self.list.truncate(done + at + 1);
                    self.renormalize();
                    return;
                }
            }
            done += next;
            step *= 4;
        }
    }

    /// Draws one by the probabilities; `None` where there is none.
    pub fn draw(&self, random: &mut impl Rng) -> Option<Candidate> {
        let weight = |candidate: &Candidate| f64::from(candidate.probability);
        let total: f64 = self.list.iter().map(weight).sum();
        let mut left = random.random::<f64>() * total;
        let drawn = self.list.iter().find(|candidate| {
            left -= weight(candidate);
            left < 0.0
        });
        drawn.or(self.list.last()).copied()
    }

    fn keep_likeliest(&mut self, count: usize) {
        if count < self.list.len() {
            self.list.select_nth_unstable_by(count - 1, likeliest_first);
            self.list.truncate(count);
        }
    }
}

/// The token with the largest logit, the first of equals; `None` where none can be drawn.
pub(super) fn most_likely(logits: &[f32]) -> Result<Option<u32>, NotFinite> {
    let mut best = (None, f32::NEG_INFINITY);
    for (block, logits) in logits.chunks(BLOCK).enumerate() {
        let largest = largest(logits)?;
        if largest > best.1
            && let Some(at) = logits.iter().position(|&logit| logit == largest)
        {
            best = (Some((block * BLOCK + at) as u32), largest);
        }
    }
    Ok(best.0)
}

/// The largest of a block.
fn largest(logits: &[f32]) -> Result<f32, NotFinite> {
    let (mut largest, mut bad) = ([f32::NEG_INFINITY; LANES], [false; LANES]);
    for lanes in logits.chunks(LANES) {
        for (lane, &logit) in lanes.iter().enumerate() {
            bad[lane] |= logit.is_nan() | (logit == f32::INFINITY);
            largest[lane] = if logit > largest[lane] {
                logit
            } else {
                largest[lane]
            };
        }
    }
    match bad.contains(&true) {
        true => Err(NotFinite),
        false => Ok(largest.into_iter().fold(f32::NEG_INFINITY, f32::max)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sampling::transforms::soften;

    pub fn tokens(candidates: &Candidates) -> Vec<u32> {
        candidates.list.iter().map(|c| c.token).collect()
    }

    /// Probabilities 0.5, 0.3, 0.15 and 0.05 for the tokens 2, 0, 3 and 1; sorted or not.
    pub fn four(sorted: bool) -> Candidates {
        let mut candidates = Candidates::default();
        let logits = [0.3f32, 0.05, 0.5, 0.15].map(f32::ln);
        candidates
            .fill(&logits, if sorted { 4 } else { 0 })
            .unwrap();
        soften(&mut candidates, 1.0);
        candidates
    }

    /// Logits without order and with many ties.
    pub fn scattered(count: usize) -> Vec<f32> {
        let spread = |n: usize| (n.wrapping_mul(2_654_435_761) >> 7) % 997;
        (0..count).map(|n| spread(n) as f32 / 100.0 - 5.0).collect()
    }

    #[test]
    fn the_top_k_are_those_a_full_sort_would_give() {
        for count in [1, 63, 64, 65, 1000, 20_000] {
            let logits = scattered(count);
            let mut all: Vec<Candidate> = logits
                .iter()
                .enumerate()
                .map(|(token, &logit)| Candidate {
                    token: token as u32,
                    logit,
                    probability: 0.0,
                })
                .collect();
            all.sort_by(likeliest_first);
            for top_k in [1, 2, 40, 500, 30_000] {
                let mut found = Candidates::default();
                found.fill(&logits, top_k).unwrap();
                assert_eq!(found.list, all[..top_k.min(count)], "{top_k} of {count}");
            }
            assert_eq!(most_likely(&logits), Ok(Some(all[0].token)));
        }
    }

    #[test]
    fn ties_go_to_the_lower_token() {
        let mut candidates = Candidates::default();
        candidates.fill(&[1.0, 3.0, 3.0, 2.0], 2).unwrap();
        assert_eq!(tokens(&candidates), [1, 2]);
        assert_eq!(most_likely(&[1.0, 3.0, 3.0]), Ok(Some(1)));
    }

    #[test]
    fn what_is_no_number_is_found_anywhere_and_negative_infinity_left_out() {
        for bad in [f32::NAN, f32::INFINITY, -f32::NAN] {
            for at in [0, 9, 150] {
                let mut logits = scattered(151);
                logits[at] = bad;
                for top_k in [0, 5] {
                    assert_eq!(Candidates::default().fill(&logits, top_k), Err(NotFinite));
                }
                assert_eq!(most_likely(&logits), Err(NotFinite));
            }
        }
        let mut candidates = Candidates::default();
        let none = [f32::NEG_INFINITY; 3];
        candidates.fill(&none, 2).unwrap();
        assert_eq!(
            (tokens(&candidates), most_likely(&none)),
            (vec![], Ok(None))
        );
        candidates.fill(&[f32::NEG_INFINITY, 0.0], 0).unwrap();
        assert_eq!(tokens(&candidates), [1]);
    }

    #[test]
    fn mass_is_kept_in_steps_as_in_one() {
        let mut candidates = Candidates::default();
        candidates.fill(&scattered(5000), 0).unwrap();
        soften(&mut candidates, 5.0);
        let mut all = candidates.list.clone();
        all.sort_by(likeliest_first);
        let mut sum = 0.0;
        let reached = all.iter().position(|candidate| {
            sum += candidate.probability;
            sum >= 0.8
        });
        candidates.keep_mass(0.8, likeliest_first);
        let kept = tokens(&candidates);
        assert_eq!(kept.len(), reached.unwrap() + 1);
        assert!(kept.len() > 4 * BLOCK, "one step is no test");
        assert!(kept.iter().zip(&all).all(|(token, c)| *token == c.token));
    }
}
