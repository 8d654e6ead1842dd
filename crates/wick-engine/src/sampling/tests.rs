//! The chain as a whole.

use super::*;

/// Everything off but the draw.
fn plain() -> SamplingParams {
    SamplingParams {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        seed: Some(1),
        ..Default::default()
    }
}

fn draw(params: &SamplingParams, count: usize) -> Vec<u32> {
    let logits: Vec<f32> = (0..50).map(|n| (n % 7) as f32 * 0.5).collect();
    let mut sampler = Sampler::new(params.clone()).unwrap();
    (0..count)
        .map(|_| {
            let token = sampler.sample(&logits).unwrap();
            sampler.accept(token);
            token
        })
        .collect()
}

/// Each transform on its own, and all of them.
fn chains() -> Vec<SamplingParams> {
    let everything = SamplingParams {
        temperature: 1.5,
        dynamic_temperature_range: 0.5,
        top_k: 30,
        top_p: 0.95,
        min_p: 0.02,
        typical_p: 0.95,
        xtc_probability: 0.5,
        xtc_threshold: 0.05,
        repetition_penalty: 1.1,
        presence_penalty: 0.1,
        frequency_penalty: 0.1,
        dry_multiplier: 0.8,
        logit_bias: vec![(3, 1.0), (6, -100.0)],
        ..plain()
    };
    let mirostat = SamplingParams {
        mirostat_tau: 3.0,
        ..everything.clone()
    };
    vec![SamplingParams::default(), plain(), everything, mirostat]
}

#[test]
fn a_seed_gives_the_same_tokens_again() {
    for params in chains() {
        let seeded = |seed| SamplingParams {
            seed: Some(seed),
            ..params.clone()
        };
        assert_eq!(draw(&seeded(7), 200), draw(&seeded(7), 200));
        assert_ne!(draw(&seeded(7), 200), draw(&seeded(8), 200));
    }
}

#[test]
fn a_clone_goes_on_from_the_same_state() {
    let logits: Vec<f32> = (0..50).map(|n| (n % 7) as f32 * 0.5).collect();
    for params in chains() {
        let mut sampler = Sampler::new(params).unwrap();
        for _ in 0..20 {
            let token = sampler.sample(&logits).unwrap();
            sampler.accept(token);
        }
        let mut clone = sampler.clone();
        for _ in 0..50 {
            let token = sampler.sample(&logits).unwrap();
            assert_eq!(clone.sample(&logits), Ok(token));
            sampler.accept(token);
            clone.accept(token);
        }
    }
}

#[test]
fn temperature_zero_takes_the_most_likely() {
    let params = SamplingParams {
        temperature: 0.0,
        ..SamplingParams::default()
    };
    assert_eq!(draw(&params, 3), [6, 6, 6]);
}

#[test]
fn bias_penalties_and_mask_hold_at_temperature_zero() {
    let sample = |params: SamplingParams, mask: Option<TokenMask>| {
        let params = SamplingParams {
            temperature: 0.0,
            ..params
        };
        let mut sampler = Sampler::new(params).unwrap();
        for token in [2, 3, 2, 3, 2] {
            sampler.accept(token);
        }
        let sampled = sampler.sample_with(&[1.0, 2.0, 3.0, 4.0], mask.as_ref());
        sampled.map(|sampled| sampled.token)
    };
    assert_eq!(sample(plain(), None), Ok(3));
    let bias = SamplingParams {
        logit_bias: vec![(0, 10.0)],
        ..plain()
    };
    assert_eq!(sample(bias, None), Ok(0));
    let penalty = SamplingParams {
        repetition_penalty: 2.0,
        presence_penalty: 1.0,
        ..plain()
    };
    assert_eq!(sample(penalty, None), Ok(1));
    let dry = SamplingParams {
        dry_multiplier: 5.0,
        ..plain()
    };
    assert_eq!(sample(dry, None), Ok(2));
    let mask = [0, 1].into_iter().collect();
    assert_eq!(sample(plain(), Some(mask)), Ok(1));
}

#[test]
fn draws_follow_the_probabilities() {
    let mut sampler = Sampler::new(plain()).unwrap();
    let logits = [0.0, 3f32.ln(), f32::NEG_INFINITY];
    let mut counts = [0; 3];
    for _ in 0..4000 {
        counts[sampler.sample(&logits).unwrap() as usize] += 1;
    }
    assert_eq!(counts[2], 0);
    assert!((2850..3150).contains(&counts[1]), "{counts:?}");
}

#[test]
fn nothing_outside_the_mask_is_ever_drawn() {
    let mask: TokenMask = [5, 13, 40].into_iter().collect();
    let logits: Vec<f32> = (0..50).map(|n| (n % 7) as f32).collect();
    for params in chains() {
        let mut sampler = Sampler::new(params).unwrap();
        for _ in 0..200 {
            let sampled = sampler.sample_with(&logits, Some(&mask)).unwrap();
            assert!(mask.allows(sampled.token));
            sampler.accept(sampled.token);
        }
    }
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    for temperature in [0.0, 1.0] {
        let params = SamplingParams {
            temperature,
            ..SamplingParams::default()
        };
        let mut sampler = Sampler::new(params).unwrap();
        for logits in [[f32::NAN; 2], [f32::NEG_INFINITY; 2], [0.0, f32::INFINITY]] {
            assert_eq!(sampler.sample(&logits), Err(Error::NotANumber));
        }
        assert_eq!(sampler.sample(&[]), Err(Error::NotANumber));
    }
}

#[test]
fn a_mask_of_banned_tokens_only_is_an_error_of_its_own() {
    for params in chains() {
        let params = SamplingParams {
            logit_bias: vec![(1, -100.0)],
            ..params
        };
        let mut sampler = Sampler::new(params).unwrap();
        let mask = [1, 90].into_iter().collect();
        let sampled = sampler.sample_with(&[0.0; 4], Some(&mask));
        assert_eq!(sampled, Err(Error::NoTokenAllowed));
    }
}

#[test]
fn logprobs_are_the_models_own_whatever_is_transformed() {
    let logits = [0.5f32, 0.25, 0.125, 0.125].map(f32::ln);
    let params = SamplingParams {
        temperature: 0.3,
        top_k: 1,
        logit_bias: vec![(2, 50.0)],
        ..plain()
    };
    let mut sampler = Sampler::new(params.clone()).unwrap().with_logprobs(3);
    let sampled = sampler.sample_with(&logits, None).unwrap();
    assert_eq!(sampled.token, 2);
    let close = |a: f32, b: f32| (a - b.ln()).abs() < 1e-6;
    assert!(close(sampled.logprob.unwrap(), 0.125));
    let tokens: Vec<u32> = sampled.top.iter().map(|(token, _)| *token).collect();
    assert_eq!(tokens, [0, 1, 2]);
    assert!(close(sampled.top[0].1, 0.5) && close(sampled.top[1].1, 0.25));

    let mut sampler = Sampler::new(params.clone()).unwrap().with_logprobs(0);
    let sampled = sampler.sample_with(&logits, None).unwrap();
    assert!(sampled.logprob.is_some() && sampled.top.is_empty());
    let sampled = Sampler::new(params)
        .unwrap()
        .sample_with(&logits, None)
        .unwrap();
    assert_eq!((sampled.logprob, sampled.top), (None, vec![]));
}
