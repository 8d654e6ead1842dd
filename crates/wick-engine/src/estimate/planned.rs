//! A model that is not there yet: its tensors by the table of its architecture, at any level of quantization.

use serde::{Deserialize, Serialize};

use super::{
    Mixture, ModelShape,
    mixture::Place,
    shape::{TensorSize, sum},
};
use crate::{
    Error, Result,
    gguf::{
        Metadata, MetadataValue, TensorType,
        cross_check::{HyperParameters, check_hyper_parameters, expected_tensors},
    },
    models,
};

/// The hyper-parameters of a model, as its makers publish them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Dimensions {
    /// The family, by GGUF's name.
    pub architecture: String,
    /// Layers.
    pub layers: u32,
    /// Length of the embedding.
    pub embedding: u32,
    /// Width of the feed-forward part.
    pub feed_forward: u32,
    /// Heads of queries.
    pub heads: u32,
    /// Heads of keys and values.
    pub kv_heads: u32,
    /// Length of a head.
    pub head_dim: u32,
    /// Entries of the vocabulary.
    pub vocabulary: u32,
    /// Tokens of context it was trained for.
    pub context_length: u32,
    /// Whether the logits are computed with the embedding's matrix.
    pub is_output_tied: bool,
    /// Positions that a token sees in layers with a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Experts of a layer, how many a token asks, and the width of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts: Option<ExpertDimensions>,
}

/// How a mixture of experts is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct ExpertDimensions {
    /// Experts of a layer.
    pub count: u32,
    /// How many a token asks.
    pub used: u32,
    /// Width of one.
    pub feed_forward: u32,
}

impl Dimensions {
    /// What a file of this level would consist of.
    pub fn at(&self, mixture: Mixture) -> Result<ModelShape> {
        let metadata = self.metadata();
        models::architecture_of(&self.architecture, &metadata)?;
        check_hyper_parameters(&self.architecture, &metadata)?;
        let tensors = self.tensors(&metadata, mixture)?;
        ModelShape::read(&self.architecture, mixture.name(), &metadata, &tensors)
    }

    /// Bytes of the tensors of a file of this level, each from a multiple of 32 on.
    pub fn tensor_bytes(&self, mixture: Mixture) -> Result<u64> {
        let tensors = self.tensors(&self.metadata(), mixture)?;
        sum(tensors.iter().map(|tensor| {
            let elements: u64 = tensor.dims.iter().map(|dim| *dim as u64).product();
            let blocks = elements / tensor.tensor_type.block_size();
            (blocks * tensor.tensor_type.block_bytes()).next_multiple_of(32)
        }))
    }

    fn metadata(&self) -> Metadata {
        let mut values: Vec<(&str, u32)> = vec![
            ("block_count", self.layers),
            ("embedding_length", self.embedding),
            ("feed_forward_length", self.feed_forward),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("attention.key_length", self.head_dim),
            ("attention.value_length", self.head_dim),
            ("vocab_size", self.vocabulary),
            ("context_length", self.context_length),
        ];
        values.extend(
            self.window
                .map(|window| ("attention.sliding_window", window)),
        );
        if let Some(experts) = self.experts {
            values.extend([
                ("expert_count", experts.count),
                ("expert_used_count", experts.used),
                ("expert_feed_forward_length", experts.feed_forward),
            ]);
        }
        let values = values.into_iter().map(|(suffix, value)| {
            let key = format!("{}.{suffix}", self.architecture);
            (key, MetadataValue::U32(value), suffix.to_owned())
        });
        Metadata::from_values("the dimensions", values)
    }

    /// Every tensor that the architecture must have, and the output where it is not the embedding.
    fn tensors(&self, metadata: &Metadata, mixture: Mixture) -> Result<Vec<TensorSize>> {
        let architecture = &self.architecture;
        let model = HyperParameters {
            architecture,
            metadata,
        };
        let table = expected_tensors(architecture).unwrap_or_default();
        let mut tensors = Vec::new();
        for expected in table {
            let is_output = expected.name_pattern == "output.weight" && !self.is_output_tied;
            if !expected.required && !is_output {
                continue;
            }
            let dims = expected.dims.iter().map(|dim| {
                let missing = || Error::MissingKey {
                    key: format!("{architecture}: {dim:?}"),
                };
                model.size(*dim)?.ok_or_else(missing)
            });
            let dims: Vec<usize> = dims.collect::<Result<_>>()?;
            let layers = match expected.name_pattern.contains('*') {
                true => self.layers as usize,
                false => 1,
            };
            for layer in 0..layers {
                let name = expected.name_pattern.replace('*', &layer.to_string());
                let place = Place {
                    layer,
                    layers: self.layers as usize,
                    group: (self.heads / self.kv_heads.max(1)) as usize,
                    columns: dims[0],
                    is_output_tied: self.is_output_tied,
                };
                let tensor_type = match dims.len() {
                    1 => TensorType::F32,
                    _ => mixture.type_of(&name, &place),
                };
                tensors.push(TensorSize {
                    is_made: mixture == Mixture::Ternary && tensor_type == mixture.main_type(),
                    name,
                    tensor_type,
                    dims: dims.clone(),
                });
            }
        }
        Ok(tensors)
    }
}
