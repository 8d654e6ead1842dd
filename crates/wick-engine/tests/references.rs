//! Tiny models of every family, whose logits and greedy tokens were recorded with transformers in F32 (see
//! scripts/reference). One test for all: a family without a reference fails it.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use candle_core::Device;
use serde::Deserialize;
use wick_engine::{
    decoder::{Decoder, LoadedModel, Reading, read},
    kv_cache::CacheFormat,
    layers::Compute,
    models::ARCHITECTURES,
    source::ModelSource,
};
use wick_kernels::Threads;

#[derive(Deserialize)]
struct Expected {
    architecture: String,
    runs: BTreeMap<String, Run>,
}

#[derive(Deserialize)]
struct Run {
    prompt: Vec<u32>,
    logits: Vec<At>,
    greedy: Vec<u32>,
    /// What the model must be loaded with for this run, where it matters.
    #[serde(default)]
    context_length: Option<usize>,
}

#[derive(Deserialize)]
struct At {
    position: usize,
    f32_le_base64: String,
}

impl At {
    fn logits(&self) -> Vec<f32> {
        let bytes = BASE64_STANDARD.decode(&self.f32_le_base64).unwrap();
        let numbers = bytes.as_chunks::<4>().0.iter();
        numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

const CONTEXT: usize = 200;

fn fixtures() -> Vec<(PathBuf, Expected)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path());
    let models = folders.filter(|folder| folder.join("model.gguf").exists());
    let mut models: Vec<_> = models
        .map(|folder| {
            let expected = fs::read(folder.join("expected.json")).unwrap();
            (folder, serde_json::from_slice(&expected).unwrap())
        })
        .collect();
    models.sort_by(|a, b| a.0.cmp(&b.0));
    models
}

fn host() -> Compute {
    Compute::Host(Arc::new(Threads::new(2)))
}

fn load(path: &Path, run: &Run, cache: CacheFormat, compute: Compute) -> Arc<LoadedModel> {
    let source = ModelSource::open(path).unwrap();
    let context = run.context_length.unwrap_or(CONTEXT);
    LoadedModel::load(&source, context, cache, compute, &mut |_| {}).unwrap()
}

fn largest_difference(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let differences = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, difference| match difference.is_nan() {
        true => f32::INFINITY,
        false => largest.max(difference),
    })
}

fn most_likely(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.unwrap().0 as u32
}

/// Logits behind every token of the prompt, read so many at a time.
fn logits_of_all(decoder: &mut Decoder, prompt: &[u32], at_once: usize) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    for piece in prompt.chunks(at_once) {
        let reading = Reading {
            decoder,
            tokens: piece,
            outputs: piece.len(),
        };
        let logits = read(vec![reading]).unwrap().remove(0);
        let vocabulary = logits.len() / piece.len();
        all.extend(logits.chunks(vocabulary).map(<[f32]>::to_vec));
    }
    all
}

fn greedy(decoder: &mut Decoder, logits: &[f32], count: usize) -> Vec<u32> {
    let mut written = vec![most_likely(logits)];
    while written.len() < count {
        let logits = decoder.decode(written[written.len() - 1]).unwrap();
        written.push(most_likely(&logits));
    }
    written
}

#[test]
fn every_family_has_a_reference() {
    let found: Vec<String> = fixtures()
        .into_iter()
        .map(|(_, expected)| expected.architecture)
        .collect();
    for family in ARCHITECTURES {
        assert!(found.iter().any(|name| name == family.name), "{}", family.name);
    }
}

#[test]
fn logits_and_greedy_tokens_are_those_of_transformers() {
    for (folder, expected) in fixtures() {
        for (name, run) in &expected.runs {
            let label = format!("{} {name}", folder.file_name().unwrap().display());
            let model = load(&folder.join("model.gguf"), run, CacheFormat::F32, host());
            for at_once in [1, 7, 64] {
                let mut decoder = Decoder::new(&model);
                let found = logits_of_all(&mut decoder, &run.prompt, at_once);
                let differences = run.logits.iter();
                let largest = differences
                    .map(|at| largest_difference(&found[at.position], &at.logits()))
                    .fold(0.0, f32::max);
                println!("{label}, {at_once} at a time: {largest:e}");
                assert!(largest < 1e-4, "{label}, {at_once} at a time: off by {largest}");
                let last = found.last().unwrap();
                let written = greedy(&mut decoder, last, run.greedy.len());
                assert_eq!(written, run.greedy, "{label}, {at_once} at a time");
            }
        }
    }
}

#[test]
fn candles_operations_give_the_same_as_the_kernels() {
    for (folder, expected) in fixtures() {
        for (name, run) in &expected.runs {
            let label = format!("{} {name}", folder.file_name().unwrap().display());
            let candle = Compute::Candle(Device::Cpu);
            let model = load(&folder.join("model.gguf"), run, CacheFormat::F32, candle);
            let mut decoder = Decoder::new(&model);
            let found = logits_of_all(&mut decoder, &run.prompt, 64);
            for at in &run.logits {
                let difference = largest_difference(&found[at.position], &at.logits());
                assert!(difference < 1e-4, "{label}: off by {difference}");
            }
            let last = found.last().unwrap();
            assert_eq!(greedy(&mut decoder, last, 8), run.greedy[..8], "{label}");
        }
    }
}
