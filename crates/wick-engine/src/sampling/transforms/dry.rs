//! DRY ("don't repeat yourself"): the longer the repetition a token would continue, the less likely it becomes.

use std::collections::HashMap;

use crate::sampling::{SamplingParams, history::History};

/// No penalty is larger: it decides already, and infinity could leave no token at all.
const MAX_PENALTY: f32 = 1e6;

/// Buffers that are used again for each token.
#[derive(Debug, Default)]
pub(in crate::sampling) struct DryScratch {
    /// For each distance from the end: how many tokens before it equal those before the end.
    repeated: Vec<u32>,
    /// For each token: the longest sequence it would continue.
    longest: HashMap<u32, u32>,
}

/// Where the last tokens stood before, the token that followed there is penalized: `multiplier` ×
/// `base` ^ (length - `allowed_length`), by the longest such sequence. Sequences end at a breaker, and a breaker is
/// never penalized itself.
pub(in crate::sampling) fn dry(
    logits: &mut [f32],
    history: &History,
    params: &SamplingParams,
    scratch: &mut DryScratch,
) {
    let tokens = history.last(params.dry_last_n);
    let limit = u32::try_from(history.since_breaker()).unwrap_or(u32::MAX);
    if limit < params.dry_allowed_length {
        return;
    }
    repetitions(tokens, &mut scratch.repeated);
    scratch.longest.clear();
    for (distance, &length) in scratch.repeated.iter().enumerate().skip(1) {
        let length = length.min(limit);
        if length >= params.dry_allowed_length {
            let next = tokens[tokens.len() - distance];
            let longest = scratch.longest.entry(next).or_default();
            *longest = length.max(*longest);
        }
    }
    for (&token, &length) in &scratch.longest {
        if let Some(logit) = logits.get_mut(token as usize)
            && !history.breakers().contains(token)
        {
            let beyond = (length - params.dry_allowed_length) as f32;
            let penalty = params.dry_multiplier * params.dry_base.powf(beyond);
            *logit -= penalty.min(MAX_PENALTY);
        }
    }
}

/// The Z-algorithm from the end: `out[d]` is how many of the tokens that end `d` before the end equal the last ones.
/// It looks at each token twice at most, however repetitive they are.
fn repetitions(tokens: &[u32], out: &mut Vec<u32>) {
    let count = tokens.len();
    let from_end = |at: usize| tokens[count - 1 - at];
    out.clear();
    out.resize(count, 0);
    // The match that reaches furthest: where it starts and ends.
    let (mut start, mut end) = (0, 0);
    for at in 1..count {
        let mut length = match at < end {
            true => (out[at - start] as usize).min(end - at),
            false => 0,
        };
        while at + length < count && from_end(length) == from_end(at + length) {
            length += 1;
        }
        if at + length > end {
            (start, end) = (at, at + length);
        }
        out[at] = length as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::history::tests::history;

    fn params() -> SamplingParams {
        SamplingParams {
            dry_multiplier: 1.0,
            dry_base: 2.0,
            dry_allowed_length: 2,
            ..Default::default()
        }
    }

    /// What is taken off the logits of the tokens 0 to 9.
    fn penalties(tokens: &[u32], params: &SamplingParams, breakers: &[&[u32]]) -> [f32; 10] {
        let mut logits = [0.0; 10];
        let history = history(params, tokens, breakers);
        dry(&mut logits, &history, params, &mut DryScratch::default());
        logits.map(|logit| 0.0 - logit)
    }

    fn only(token: usize, penalty: f32) -> [f32; 10] {
        let mut all = [0.0; 10];
        all[token] = penalty;
        all
    }

    #[test]
    fn repetitions_are_those_a_naive_search_finds() {
        let mut found = Vec::new();
        for seed in 0..200u32 {
            let mut state = seed.wrapping_mul(747_796_405) + 1;
            let tokens: Vec<u32> = (0..40)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 16) % (1 + seed % 4)
                })
                .collect();
            repetitions(&tokens, &mut found);
            for distance in 1..tokens.len() {
                let earlier = tokens[..tokens.len() - distance].iter().rev();
                let length = tokens.iter().rev().zip(earlier).take_while(|(a, b)| a == b);
                assert_eq!(found[distance] as usize, length.count(), "{tokens:?}");
            }
        }
    }

    #[test]
    fn a_token_that_continues_a_repetition_is_penalized_by_its_length() {
        assert_eq!(penalties(&[1, 2, 3, 4, 1], &params(), &[]), [0.0; 10]);
        assert_eq!(penalties(&[1, 2, 3, 4, 1, 2], &params(), &[]), only(3, 1.0));
        assert_eq!(
            penalties(&[1, 2, 3, 4, 1, 2, 3], &params(), &[]),
            only(4, 2.0)
        );
    }

    #[test]
    fn of_several_repetitions_the_longest_counts() {
        let tokens = [8, 1, 2, 5, 9, 1, 2, 5, 8, 1, 2];
        assert_eq!(penalties(&tokens, &params(), &[]), only(5, 2.0));
    }

    #[test]
    fn nothing_is_seen_across_a_breaker_nor_before_the_window() {
        let tokens = [7, 1, 2, 3, 7, 1, 2];
        assert_eq!(penalties(&tokens, &params(), &[]), only(3, 2.0));
        assert_eq!(penalties(&tokens, &params(), &[&[7]]), only(3, 1.0));
        assert_eq!(penalties(&tokens, &params(), &[&[1]]), [0.0; 10]);
        assert_eq!(penalties(&tokens, &params(), &[&[7, 1]]), [0.0; 10]);
        let short = SamplingParams {
            dry_last_n: 5,
            ..params()
        };
        assert_eq!(penalties(&tokens, &short, &[]), [0.0; 10]);
    }

    #[test]
    fn a_breaker_is_not_penalized() {
        let tokens = [1, 2, 7, 3, 1, 2];
        assert_eq!(penalties(&tokens, &params(), &[]), only(7, 1.0));
        assert_eq!(penalties(&tokens, &params(), &[&[7]]), [0.0; 10]);
    }

    #[test]
    fn hostile_repetition_costs_no_more_and_no_penalty_is_infinite() {
        let tokens = vec![1; 500_000];
        let penalized = penalties(&tokens, &params(), &[]);
        assert_eq!(penalized, only(1, MAX_PENALTY));
    }
}
