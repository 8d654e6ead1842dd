//! What there is of a model, in bytes and in products, as its header tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wick_kernels::Matrix;

use crate::{
    Error, Result,
    gguf::{
        Metadata, TensorType, ValidatedGguf,
        cross_check::{Dim, HyperParameters},
    },
    kv_cache::LayerShape,
    models::ARCHITECTURES,
    safetensors::ValidatedSafetensors,
};

/// More bytes than any machine has; a header that asks for more is damaged.
pub(super) const MOST_BYTES: u64 = 1 << 50;

/// What a model consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelShape {
    /// The family.
    pub architecture: String,
    /// How most weights are stored.
    pub quantization: String,
    /// Number of weights.
    pub parameters: u64,
    /// Of those, how many a token meets: fewer where experts share the work.
    pub active_parameters: u64,
    /// Tokens of context it was trained for.
    pub trained_context_length: u32,
    /// Length of the embedding.
    pub embedding: u64,
    /// Width of the feed-forward part, of one expert where there are several.
    pub feed_forward: u64,
    /// Heads of queries.
    pub heads: u64,
    /// Entries of the vocabulary.
    pub vocabulary: u64,
    /// Whether the logits are computed with the embedding's matrix.
    pub is_output_tied: bool,
    /// What each layer keeps of a token.
    pub layers: Vec<LayerShape>,
    /// The tensors, by what they are for and how they are stored.
    pub tensors: Vec<TensorGroup>,
}

/// What a tensor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A row of it for each token.
    Embedding,
    /// From the last layer to the logits. Where a model has no tensor of its own for that, the embedding's again.
    Output,
    /// A matrix that every token of a layer is multiplied with.
    Layer,
    /// Matrices of which each token is multiplied with a few.
    Experts,
    /// One dimension: copied when the model is loaded.
    Vector,
}

/// Tensors that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TensorGroup {
    /// What they are for.
    pub role: Role,
    /// Name of the type they are stored in.
    pub tensor_type: String,
    /// Whether they are stored number by number.
    pub is_float: bool,
    /// Bytes as stored.
    pub bytes: u64,
    /// Bytes once the processor has repacked them; 0 where they are computed with as they are stored.
    pub repacked_bytes: u64,
    /// Bytes on a graphics processor, which computes some types as F16.
    pub device_bytes: u64,
    /// Bytes that were made while loading and stay beside the repacked ones.
    pub made_bytes: u64,
    /// Bytes that are read to write a token.
    pub bytes_per_token: u64,
    /// Multiplications and additions for a token.
    pub macs_per_token: u64,
}

/// A tensor as a header describes it, by its GGUF name.
#[derive(Debug, Clone)]
pub(crate) struct TensorSize {
    pub name: String,
    pub tensor_type: TensorType,
    /// The fastest varying first.
    pub dims: Vec<usize>,
    /// Whether its bytes are made while loading.
    pub is_made: bool,
}

impl ModelShape {
    /// From what a header says, under GGUF's keys and names.
    pub(crate) fn read(
        architecture: &str,
        quantization: &str,
        metadata: &Metadata,
        tensors: &[TensorSize],
    ) -> Result<Self> {
        let model = HyperParameters {
            architecture,
            metadata,
        };
        let size = |dim, key: &str| {
            let missing = || Error::MissingKey {
                key: format!("{architecture}.{key}"),
            };
            model.size(dim)?.ok_or_else(missing)
        };
        let number = |suffix: &str| {
            let key = format!("{architecture}.{suffix}");
            let value = metadata.u32(&key)?;
            value.ok_or(Error::MissingKey { key })
        };
        let known = ARCHITECTURES.iter().find(|a| a.name == architecture);
        let head_dim = size(Dim::KeyLength, "attention.key_length")?;
        let keys = size(Dim::Keys, "attention.head_count_kv")?;
        let layers = (0..number("block_count")? as usize).map(|layer| {
            Ok(LayerShape {
                kv_heads: keys / head_dim.max(1),
                head_dim,
                window: match known {
                    Some(known) => (known.window)(metadata, layer)?,
                    None => None,
                },
            })
        });
        let experts = model.size(Dim::Experts)?.unwrap_or(0) as u64;
        let experts_used = match experts {
            0 => 0,
            _ => u64::from(number("expert_used_count")?),
        };
        let feed_forward = match experts {
            0 => size(Dim::FeedForward, "feed_forward_length")?,
            _ => size(Dim::ExpertFeedForward, "expert_feed_forward_length")?,
        };
        let is_output_tied = !tensors.iter().any(|tensor| role_of(tensor) == Role::Output);
        let mut groups = BTreeMap::new();
        for tensor in tensors {
            let role = role_of(tensor);
            add(&mut groups, role, tensor, (experts_used, experts.max(1)))?;
            if role == Role::Embedding && is_output_tied {
                add(&mut groups, Role::Output, tensor, (0, 1))?;
            }
        }
        let weights = |tensor: &TensorSize| product(&tensor.dims);
        let is_of_experts = |tensor: &&TensorSize| role_of(tensor) == Role::Experts;
        let parameters = sum(tensors.iter().map(weights))?;
        let of_experts = sum(tensors.iter().filter(is_of_experts).map(weights))?;
        let active = of_experts / experts.max(1) * experts_used;
        Ok(Self {
            architecture: architecture.to_owned(),
            quantization: quantization.to_owned(),
            parameters,
            active_parameters: parameters - of_experts + active,
            trained_context_length: number("context_length")?,
            embedding: size(Dim::Embedding, "embedding_length")? as u64,
            feed_forward: feed_forward as u64,
            heads: u64::from(number("attention.head_count")?),
            vocabulary: size(Dim::Vocabulary, "vocab_size")? as u64,
            layers: layers.collect::<Result<_>>()?,
            is_output_tied,
            tensors: groups.into_values().collect(),
        })
    }

    /// Of a checked file.
    pub fn of_gguf(gguf: &ValidatedGguf) -> Result<Self> {
        let tensors = gguf.tensors().iter().map(|tensor| TensorSize {
            name: tensor.name.clone(),
            tensor_type: tensor.tensor_type,
            dims: tensor.dims.clone(),
            is_made: false,
        });
        let tensors: Vec<TensorSize> = tensors.collect();
        let (architecture, quantization) = (gguf.architecture(), gguf.quantization()?);
        Self::read(architecture, quantization, gguf.metadata(), &tensors)
    }

    /// Of a checked folder. Matrices that are rounded to three values when they are loaded count as such.
    pub fn of_folder(folder: &ValidatedSafetensors) -> Result<Self> {
        let metadata = folder.metadata();
        let is_rounded = metadata.bool("wick.ternary_online")? == Some(true);
        let tensors = folder.tensors().iter().map(|tensor| {
            let is_of_a_layer = tensor.name.starts_with("blk.") && tensor.dims.len() == 2;
            let is_made = tensor.is_packed || is_rounded && is_of_a_layer;
            TensorSize {
                name: tensor.name.clone(),
                tensor_type: match is_made {
                    true => TensorType::Tq2_0,
                    false => tensor.tensor_type,
                },
                dims: tensor.dims.clone(),
                is_made,
            }
        });
        let tensors: Vec<TensorSize> = tensors.collect();
        let (architecture, quantization) = (folder.architecture(), folder.quantization());
        Self::read(architecture, quantization, metadata, &tensors)
    }

    /// Bytes as stored, without the header.
    pub fn stored_bytes(&self) -> u64 {
        let is_again = |group: &TensorGroup| group.role == Role::Output && self.is_output_tied;
        let stored = self.tensors.iter().filter(|group| !is_again(group));
        stored.map(|group| group.bytes).sum()
    }
}

fn role_of(tensor: &TensorSize) -> Role {
    match tensor.name.as_str() {
        "token_embd.weight" => Role::Embedding,
        "output.weight" => Role::Output,
        name if name.contains("_exps.") => Role::Experts,
        _ if tensor.dims.len() < 2 => Role::Vector,
        _ => Role::Layer,
    }
}

fn add(
    groups: &mut BTreeMap<(Role, TensorType), TensorGroup>,
    role: Role,
    tensor: &TensorSize,
    (used, experts): (u64, u64),
) -> Result<()> {
    let tensor_type = tensor.tensor_type;
    let elements = product(&tensor.dims);
    let bytes = elements.div_ceil(tensor_type.block_size());
    let bytes = bytes.saturating_mul(tensor_type.block_bytes());
    let columns = tensor.dims.first().copied().unwrap_or(1).max(1);
    let rows = usize::try_from(elements / columns as u64).unwrap_or(usize::MAX);
    let is_matrix = matches!(role, Role::Output | Role::Layer | Role::Experts);
    let format = tensor_type.format().filter(|_| is_matrix);
    let repacked = format.and_then(|format| Matrix::repacked_bytes(format, rows, columns));
    let (per_token, macs) = match role {
        Role::Embedding | Role::Vector => (0, 0),
        Role::Output | Role::Layer => (bytes, elements),
        Role::Experts => {
            let share = |whole: u64| (whole / experts).saturating_mul(used);
            (share(bytes), share(elements))
        }
    };
    let group = groups
        .entry((role, tensor_type))
        .or_insert_with(|| TensorGroup {
            role,
            tensor_type: tensor_type.name().to_owned(),
            is_float: tensor_type.block_size() == 1,
            bytes: 0,
            repacked_bytes: 0,
            device_bytes: 0,
            made_bytes: 0,
            bytes_per_token: 0,
            macs_per_token: 0,
        });
    let is_spread_out = tensor_type.block_size() == 1 || tensor_type.to_candle().is_none();
    let on_device = match is_spread_out {
        true => elements.saturating_mul(2),
        false => bytes,
    };
    let made = if tensor.is_made { bytes } else { 0 };
    group.bytes = sum([group.bytes, bytes])?;
    group.repacked_bytes = sum([group.repacked_bytes, repacked.unwrap_or(0) as u64])?;
    group.device_bytes = sum([group.device_bytes, on_device])?;
    group.made_bytes = sum([group.made_bytes, made])?;
    group.bytes_per_token = sum([group.bytes_per_token, per_token])?;
    group.macs_per_token = sum([group.macs_per_token, macs])?;
    Ok(())
}

fn product(dims: &[usize]) -> u64 {
    let dims = dims.iter().map(|dim| *dim as u64);
    dims.fold(1, u64::saturating_mul)
}

/// A sum that some machine could have.
pub(super) fn sum(parts: impl IntoIterator<Item = u64>) -> Result<u64> {
    let sum = parts.into_iter().fold(0, u64::saturating_add);
    match sum <= MOST_BYTES {
        true => Ok(sum),
        false => Err(Error::MalformedFile {
            file: "the header".into(),
            field: "hyper-parameters".into(),
            reason: "ask for more than any machine has".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{Dimensions, Mixture, Plan};

    /// BitNet b1.58 2B4T.
    fn bitnet() -> Dimensions {
        Dimensions {
            architecture: "bitnet".into(),
            layers: 30,
            embedding: 2560,
            feed_forward: 6912,
            heads: 20,
            kv_heads: 5,
            head_dim: 128,
            vocabulary: 128_256,
            context_length: 4096,
            is_output_tied: true,
            window: None,
            experts: None,
        }
    }

    /// A folder's packed matrices are made anew in memory, and what was made stays there when it has been repacked: no
    /// file is behind it that it could be read from again. The same weights in a GGUF file are there once.
    #[test]
    fn weights_made_while_loading_are_held_beside_what_they_are_repacked_to() {
        let folder = bitnet().at(Mixture::Ternary).unwrap();
        let made = |group: &TensorGroup| group.made_bytes > 0;
        let [layers] = &folder
            .tensors
            .iter()
            .filter(|g| made(g))
            .collect::<Vec<_>>()[..]
        else {
            panic!("only the matrices of the layers are packed");
        };
        assert_eq!(
            (layers.role, layers.made_bytes),
            (Role::Layer, layers.bytes)
        );
        let in_a_file = ModelShape {
            tensors: folder
                .tensors
                .iter()
                .cloned()
                .map(|group| TensorGroup {
                    made_bytes: 0,
                    ..group
                })
                .collect(),
            ..folder.clone()
        };
        let weights = |shape: &ModelShape| {
            let memory = shape.memory(&Plan::on_processor(2048)).unwrap();
            memory.memory_bytes.weights
        };
        assert_eq!(weights(&folder) - weights(&in_a_file), layers.bytes);
        // On a graphics processor neither is.
        let plan = Plan {
            gpu_layers: 31,
            ..Plan::on_processor(2048)
        };
        assert_eq!(folder.memory(&plan), in_a_file.memory(&plan));
    }
}
