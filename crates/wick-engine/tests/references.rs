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
    layers::{Compute, Host},
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

/// One recorded run of a model.
struct Reference {
    label: String,
    folder: PathBuf,
    run: Run,
    context_length: usize,
    /// How far a logit may lie from the recorded one.
    tolerance: f32,
}

/// Runs that are of other programs: without a window where the model has one, with rounded activations.
const OF_OTHERS: [&str; 2] = ["without_window", "int8_activations"];

fn fixtures() -> Vec<(PathBuf, Expected)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = fs::read_dir(all)
        .unwrap()
        .map(|entry| entry.unwrap().path());
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

fn references() -> Vec<Reference> {
    let mut all = Vec::new();
    for (folder, expected) in fixtures() {
        let model = folder.file_name().unwrap().display().to_string();
        for (name, run) in expected.runs {
            if OF_OTHERS.contains(&name.as_str()) {
                continue;
            }
            all.push(Reference {
                label: format!("{model} {name}"),
                folder: folder.clone(),
                run,
                // Phi-4-mini takes its long factors where the context is longer than the 96 it was first trained for.
                context_length: if name == "short" { 96 } else { 200 },
                // Weights of three values are multiplied with activations of sixteen bits.
                tolerance: if model == "bitnet-ternary" {
                    5e-3
                } else {
                    1e-4
                },
            });
        }
    }
    all
}

fn host() -> Compute {
    Compute::Host(Host::new(Threads::new(2)))
}

fn load(reference: &Reference, file: &str, compute: Compute) -> Arc<LoadedModel> {
    let source = ModelSource::open(&reference.folder.join(file)).unwrap();
    let cache = CacheFormat::F32;
    let context = reference.context_length;
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
        assert!(
            found.iter().any(|name| name == family.name),
            "{}",
            family.name
        );
    }
}

fn hold_to_reference(reference: &Reference, file: &str, compute: Compute, at_once: usize) {
    let Reference { label, run, .. } = reference;
    let label = format!("{label}, {file}, {at_once} at a time");
    let model = load(reference, file, compute);
    let mut decoder = Decoder::new(&model);
    let found = logits_of_all(&mut decoder, &run.prompt, at_once);
    let differences = run.logits.iter();
    let differences = differences.map(|at| largest_difference(&found[at.position], &at.logits()));
    let largest = differences.fold(0.0, f32::max);
    println!("{label}: {largest:e}");
    assert!(largest < reference.tolerance, "{label}: off by {largest}");
    let written = greedy(&mut decoder, found.last().unwrap(), run.greedy.len());
    assert_eq!(written, run.greedy, "{label}");
}

#[test]
fn logits_and_greedy_tokens_are_those_of_transformers() {
    for reference in references() {
        for at_once in [1, 7, 64] {
            hold_to_reference(&reference, "model.gguf", host(), at_once);
        }
    }
}

#[test]
fn folders_as_the_hub_ships_them_give_the_same() {
    let mut folders = 0;
    for reference in references() {
        if reference.folder.join("hub").is_dir() {
            hold_to_reference(&reference, "hub", host(), 64);
            folders += 1;
        }
    }
    assert!(folders > 10);
}

#[test]
fn candles_operations_give_the_same_as_the_kernels() {
    // Its weights are quantized, and candle rounds the activations they meet.
    let plain = references().into_iter();
    let plain = plain.filter(|reference| !reference.label.starts_with("bitnet-ternary"));
    for reference in plain {
        let candle = Compute::Candle(Device::Cpu);
        hold_to_reference(&reference, "model.gguf", candle, 64);
    }
}
