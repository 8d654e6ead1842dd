//! Hyper-parameters within bounds, and in agreement with each other, the vocabulary and the tensors. It speaks of keys
//! and tensors by their GGUF names, whatever the container they came in.

mod expected;

use std::ops::RangeInclusive;

use super::Metadata;
use crate::{Result, models::ARCHITECTURES};

pub use expected::{Dim, Expected, Flaw, TensorProblem, optional, required};

/// The tensors of an architecture that Wick runs.
pub fn expected_tensors(architecture: &str) -> Option<&'static [Expected]> {
    let known = ARCHITECTURES.iter();
    let mut known = known.filter(|known| known.name == architecture);
    known.next().map(|known| known.tensors)
}

/// The bounds of whole numbers, by key.
const WHOLE_NUMBERS: &[(&str, RangeInclusive<u32>)] = &[
    ("context_length", 1..=1 << 27),
    ("block_count", 1..=512),
    ("embedding_length", 1..=1 << 20),
    ("feed_forward_length", 0..=1 << 20),
    ("expert_feed_forward_length", 0..=1 << 20),
    ("expert_count", 0..=4096),
    ("expert_used_count", 0..=4096),
    ("attention.head_count", 0..=4096),
    ("attention.head_count_kv", 0..=4096),
    ("attention.key_length", 1..=1 << 16),
    ("attention.value_length", 1..=1 << 16),
    ("attention.sliding_window", 0..=1 << 27),
    ("attention.sliding_window_pattern", 1..=1 << 10),
    ("rope.dimension_count", 1..=1 << 16),
    ("rope.scaling.original_context_length", 1..=1 << 27),
    ("vocab_size", 1..=1 << 24),
];

const NEEDED_BY_ATTENTION: [&str; 3] = [
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
];

const NUMBERS: &[(&str, RangeInclusive<f32>)] = &[
    ("rope.freq_base", 1.0..=1e12),
    ("rope.freq_base_swa", 1.0..=1e12),
    ("rope.scaling.factor", 0.0..=1e6),
    ("rope.scaling.attn_factor", 0.0..=1e3),
    ("rope.scale_linear", 0.0..=1e6),
    ("attention.layer_norm_rms_epsilon", 0.0..=1.0),
    ("attention.layer_norm_epsilon", 0.0..=1.0),
    ("attention.scale", 0.0..=1e3),
    ("attn_logit_softcapping", 0.0..=1e6),
    ("final_logit_softcapping", 0.0..=1e6),
    ("expert_weights_scale", 0.0..=1e3),
];

/// Ways to stretch rotary angles that the format knows.
const ROPE_SCALINGS: [&str; 5] = ["none", "linear", "yarn", "longrope", "su"];

const TOKENS: &str = "tokenizer.ggml.tokens";

/// The numbers that shape a model, where it has one number for all layers.
pub(crate) struct HyperParameters<'a> {
    pub(crate) architecture: &'a str,
    pub(crate) metadata: &'a Metadata,
}

impl HyperParameters<'_> {
    fn key(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }

    /// `None` where it is not there, or there for each layer.
    fn get(&self, suffix: &str) -> Result<Option<u32>> {
        let key = self.key(suffix);
        match self.metadata.is_array(&key) {
            true => Ok(None),
            false => self.metadata.u32(&key),
        }
    }

    /// As [`HyperParameters::get`], 0 being as good as nothing.
    fn positive(&self, suffix: &str) -> Result<Option<u32>> {
        Ok(self.get(suffix)?.filter(|value| *value > 0))
    }

    fn wrong<T>(&self, suffix: &str, reason: String) -> Result<T> {
        Err(self.metadata.malformed(&self.key(suffix), reason))
    }

    /// Length of the keys of a head.
    fn key_length(&self) -> Result<Option<u32>> {
        let even_share = match (
            self.get("embedding_length")?,
            self.positive("attention.head_count")?,
        ) {
            (Some(embedding), Some(heads)) => Some(embedding / heads),
            _ => None,
        };
        Ok(self.get("attention.key_length")?.or(even_share))
    }

    fn rotary_length(&self) -> Result<Option<u32>> {
        let length = self.get("rope.dimension_count")?;
        Ok(length.or(self.key_length()?))
    }

    /// Entries of the vocabulary.
    fn vocabulary(&self) -> Result<Option<u32>> {
        let tokens = self.metadata.strings(TOKENS)?.map(|t| t.len() as u32);
        Ok(tokens.or(self.get("vocab_size")?))
    }

    fn check_bounds(&self) -> Result<()> {
        let recurrent = ["mamba", "rwkv"];
        let has_attention = !recurrent.iter().any(|r| self.architecture.starts_with(r));
        for (suffix, allowed) in WHOLE_NUMBERS {
            let key = self.key(suffix);
            let (from, to) = (*allowed.start(), *allowed.end());
            let check = |value: u32, from: u32| match (from..=to).contains(&value) {
                true => Ok(()),
                false => self.wrong(suffix, format!("is {value}; must be {from} to {to}")),
            };
            if !self.metadata.is_array(&key) {
                // Models without attention say 0 of what it needs.
                let needed = has_attention && NEEDED_BY_ATTENTION.contains(suffix);
                let from = from.max(u32::from(needed));
                let value = self.metadata.u32(&key)?;
                value.map_or(Ok(()), |value| check(value, from))?;
            } else if !self.metadata.is_array_of_bools(&key) {
                // One number a layer, as a few architectures have it; layers may lack what others have.
                for value in self.metadata.i32s(&key)?.unwrap_or_default() {
                    check(u32::try_from(value).unwrap_or(u32::MAX), 0)?;
                }
            }
        }
        for (suffix, allowed) in NUMBERS {
            if let Some(value) = self.metadata.f32(&self.key(suffix))?
                && !allowed.contains(&value)
            {
                let (from, to) = (allowed.start(), allowed.end());
                return self.wrong(suffix, format!("is {value}; must be {from} to {to}"));
            }
        }
        if let Some(kind) = self.metadata.str(&self.key("rope.scaling.type"))?
            && !ROPE_SCALINGS.contains(&kind)
        {
            let reason = format!("is none of {}", ROPE_SCALINGS.join(", "));
            return self.wrong("rope.scaling.type", reason);
        }
        Ok(())
    }

    fn check_each_other(&self) -> Result<()> {
        if let (Some(experts), Some(used)) =
            (self.get("expert_count")?, self.get("expert_used_count")?)
        {
            if used > experts {
                let reason = format!("is {used}, more than the {experts} experts there are");
                return self.wrong("expert_used_count", reason);
            }
            if used == 0 && experts > 0 {
                return self.wrong("expert_used_count", format!("is 0 of {experts} experts"));
            }
        }
        let heads = self.positive("attention.head_count")?;
        if let (Some(heads), Some(kv_heads)) = (heads, self.positive("attention.head_count_kv")?)
            && heads % kv_heads != 0
        {
            let reason = format!("is {kv_heads}, which does not divide the {heads} heads");
            return self.wrong("attention.head_count_kv", reason);
        }
        if let (Some(embedding), Some(heads), None) = (
            self.get("embedding_length")?,
            heads,
            self.get("attention.key_length")?,
        ) && embedding % heads != 0
        {
            let reason =
                format!("is {heads}, which does not divide the embedding length {embedding}");
            return self.wrong("attention.head_count", reason);
        }
        if expected_tensors(self.architecture).is_some()
            && let (Some(rotary), Some(key)) = (self.rotary_length()?, self.key_length()?)
            && (rotary > key || rotary % 2 != 0)
        {
            let reason =
                format!("is {rotary}; must be even and at most {key}, the length of a head");
            return self.wrong("rope.dimension_count", reason);
        }
        Ok(())
    }

    fn check_vocabulary(&self) -> Result<()> {
        let metadata = self.metadata;
        let Some(tokens) = metadata.strings(TOKENS)?.map(<[String]>::len) else {
            return Ok(());
        };
        if tokens == 0 {
            return Err(metadata.malformed(TOKENS, "is empty"));
        }
        let list = |name: &str, found: Option<usize>| match found {
            Some(found) if found != tokens => {
                let reason = format!("has a length of {found}; there are {tokens} tokens");
                Err(metadata.malformed(name, reason))
            }
            _ => Ok(()),
        };
        const SCORES: &str = "tokenizer.ggml.scores";
        const TYPES: &str = "tokenizer.ggml.token_type";
        list(SCORES, metadata.f32s(SCORES)?.map(<[f32]>::len))?;
        list(TYPES, metadata.i32s(TYPES)?.map(|types| types.len()))?;
        match self.get("vocab_size")? {
            Some(size) if size as usize != tokens => self.wrong(
                "vocab_size",
                format!("is {size}; there are {tokens} tokens"),
            ),
            _ => Ok(()),
        }
    }
}

/// Hyper-parameters within bounds, and in agreement with each other and the vocabulary.
pub(crate) fn check_hyper_parameters(architecture: &str, metadata: &Metadata) -> Result<()> {
    let model = HyperParameters {
        architecture,
        metadata,
    };
    model.check_bounds()?;
    model.check_each_other()?;
    model.check_vocabulary()
}

/// All that is wrong with the tensors, given by name and dimensions (the fastest varying first): layers past the last;
/// of an architecture Wick runs, also those that are missing, unknown or of another shape.
pub(crate) fn check_tensors<'a>(
    architecture: &str,
    metadata: &Metadata,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize])>,
) -> Result<Vec<TensorProblem>> {
    let model = HyperParameters {
        architecture,
        metadata,
    };
    expected::check(&model, expected_tensors(architecture), tensors)
}
