//! Whole models of every architecture, as small as they can be, and ways to spoil them.

use wick_engine::{
    gguf::{
        TensorType,
        cross_check::{Dim, expected_tensors},
    },
    testkit::GgufWriter,
};

use crate::files::tokens;

pub const ARCHITECTURES: [&str; 7] = [
    "llama", "qwen2", "qwen3", "qwen3moe", "gemma3", "phi3", "bitnet",
];

/// A model of one layer with every tensor its architecture may have.
#[derive(Clone)]
pub struct Complete {
    architecture: &'static str,
    numbers: Vec<(&'static str, u32)>,
    tensors: Vec<(String, Vec<usize>)>,
    writer: GgufWriter,
}

pub fn complete(architecture: &'static str) -> Complete {
    let size = |dim: &Dim| match dim {
        Dim::Embedding => 32,
        Dim::Vocabulary => 3,
        Dim::FeedForward => 64,
        Dim::GateAndUp => 128,
        Dim::ExpertFeedForward => 16,
        Dim::Experts => 4,
        Dim::Queries | Dim::Attended => 32,
        Dim::Keys | Dim::Values => 16,
        Dim::QueriesKeysValues => 64,
        Dim::KeyLength => 8,
        Dim::HalfRotary => 4,
        Dim::Fixed(size) => *size,
        Dim::Any => 1,
    };
    let expected = expected_tensors(architecture).unwrap();
    let tensors = expected.iter().map(|expected| {
        let name = expected.name_pattern.replace('*', "0");
        (name, expected.dims.iter().map(size).collect())
    });
    Complete {
        architecture,
        numbers: vec![
            ("context_length", 512),
            ("block_count", 1),
            ("embedding_length", 32),
            ("feed_forward_length", 64),
            ("expert_feed_forward_length", 16),
            ("expert_count", 4),
            ("expert_used_count", 2),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
            ("rope.dimension_count", 8),
        ],
        tensors: tensors.collect(),
        writer: GgufWriter::new(),
    }
}

impl Complete {
    pub fn number(mut self, suffix: &'static str, value: u32) -> Self {
        self.numbers.retain(|(known, _)| *known != suffix);
        self.numbers.push((suffix, value));
        self
    }

    pub fn without_number(mut self, suffix: &str) -> Self {
        self.numbers.retain(|(known, _)| *known != suffix);
        self
    }

    pub fn without(mut self, tensor: &str) -> Self {
        let before = self.tensors.len();
        self.tensors.retain(|(name, _)| name != tensor);
        assert!(self.tensors.len() < before, "there is no {tensor}");
        self
    }

    /// Another shape for a tensor, or one more tensor.
    pub fn tensor(mut self, tensor: &str, dims: &[usize]) -> Self {
        self.tensors.retain(|(name, _)| name != tensor);
        self.tensors.push((tensor.to_owned(), dims.to_vec()));
        self
    }

    /// Anything else, `KEY` for keys of the architecture.
    pub fn and(mut self, edit: impl FnOnce(&mut GgufWriter)) -> Self {
        edit(&mut self.writer);
        self
    }

    pub fn tensors(&self) -> &[(String, Vec<usize>)] {
        &self.tensors
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut writer = self.writer.clone();
        writer
            .string("general.architecture", self.architecture)
            .strings("tokenizer.ggml.tokens", &tokens(3));
        for (suffix, value) in &self.numbers {
            writer.u32(&format!("{}.{suffix}", self.architecture), *value);
        }
        for (name, dims) in &self.tensors {
            let data = vec![0; dims.iter().product::<usize>() * 4];
            writer.tensor(name, dims, TensorType::F32, &data);
        }
        writer.bytes()
    }
}
