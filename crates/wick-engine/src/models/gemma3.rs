//! Gemma 3, text: five layers that see a window for each that sees everything, each kind with rotary angles of its
//! own; norms before and after; scaled embeddings.

use super::{
    Architecture,
    shape::{Shape, check_head_lengths, check_rope_scaling, rope_scaling},
};
use crate::{
    Result,
    gguf::Metadata,
    gguf::cross_check::{Dim, Expected, optional, required},
    layers::{
        Activation, Attention, AttentionWeights, Block, FeedForward, RopeScaling, RopeStyle,
        Transformer, Weights,
    },
};

pub(super) const GEMMA3: Architecture = Architecture {
    name: "gemma3",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("gemma3", metadata)?;
        check_rope_scaling("gemma3", metadata, &[])
    },
    window,
    load,
};

/// Every so many layers one sees everything.
const PATTERN: usize = 6;
/// Base of the rotary angles in layers with a window.
const WINDOW_ROPE_BASE: f32 = 10_000.0;
/// Layers of the 27B, whose scores are scaled by the embedding's share of a head and not by the head's own length.
const LAYERS_OF_27B: usize = 62;

fn sees_everything(metadata: &Metadata, layer: usize) -> Result<bool> {
    let pattern = metadata.u32("gemma3.attention.sliding_window_pattern")?;
    let pattern = pattern.map_or(PATTERN, |pattern| pattern as usize);
    Ok((layer + 1).is_multiple_of(pattern.max(1)))
}

fn window(metadata: &Metadata, layer: usize) -> Result<Option<usize>> {
    let window = metadata.u32("gemma3.attention.sliding_window")?;
    let window = window
        .filter(|window| *window > 0)
        .map(|window| window as usize);
    Ok(match sees_everything(metadata, layer)? {
        true => None,
        false => window,
    })
}

fn load(weights: &Weights<'_>, context_length: usize) -> Result<Transformer> {
    let source = weights.source();
    let shape = Shape::read(source)?;
    let base = source.optional_f32("rope.freq_base_swa")?;
    let scale = match source.optional_f32("attention.scale")? {
        Some(scale) => scale,
        None if shape.layers == LAYERS_OF_27B => {
            1.0 / ((shape.embedding / shape.heads) as f32).sqrt()
        }
        None => 1.0 / (shape.head_dim as f32).sqrt(),
    };
    let rope = |base: f32, scaling: &RopeScaling| {
        shape.rope(RopeStyle::Halves, base, scaling, context_length, weights)
    };
    let everywhere = rope(shape.rope_base, &rope_scaling(&shape, weights)?)?;
    let in_window = rope(base.unwrap_or(WINDOW_ROPE_BASE), &RopeScaling::default())?;
    let blocks = weights.blocks(shape.layers, |layer| {
        let sees_everything = sees_everything(source.metadata(), layer)?;
        let attention = AttentionWeights {
            qkv: shape.qkv(weights, layer)?,
            output: shape.attention_output(weights, layer)?,
            query_key_norms: Some(shape.query_key_norms(weights, layer)?),
            sub_norm: None,
            rope: match sees_everything {
                true => everywhere.clone(),
                false => in_window.clone(),
            },
        };
        let cache = shape.cache(window(source.metadata(), layer)?);
        let attention = Attention::new(layer, shape.heads, cache, attention);
        let norm = |part: &str| shape.norm(weights, layer, part);
        Ok(Block {
            attention_norm: norm("attn_norm.weight")?,
            attention: attention.with_scale(scale),
            post_attention_norm: Some(norm("post_attention_norm.weight")?),
            feed_forward_norm: norm("ffn_norm.weight")?,
            feed_forward: FeedForward::Mlp(shape.gated_mlp(
                weights,
                layer,
                Activation::GeluTanh,
            )?),
            post_feed_forward_norm: Some(norm("post_ffw_norm.weight")?),
        })
    })?;
    let mut model = shape.transformer(weights, blocks)?;
    model.embedding = model.embedding.scaled((shape.embedding as f32).sqrt());
    Ok(model)
}

const TENSORS: &[Expected] = {
    use Dim::*;
    &[
        required("token_embd.weight", &[Embedding, Vocabulary]),
        required("output_norm.weight", &[Embedding]),
        optional("output.weight", &[Embedding, Vocabulary]),
        required("blk.*.attn_norm.weight", &[Embedding]),
        required("blk.*.attn_q.weight", &[Embedding, Queries]),
        required("blk.*.attn_k.weight", &[Embedding, Keys]),
        required("blk.*.attn_v.weight", &[Embedding, Values]),
        required("blk.*.attn_q_norm.weight", &[KeyLength]),
        required("blk.*.attn_k_norm.weight", &[KeyLength]),
        required("blk.*.attn_output.weight", &[Attended, Embedding]),
        required("blk.*.post_attention_norm.weight", &[Embedding]),
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_gate.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_up.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_down.weight", &[FeedForward, Embedding]),
        required("blk.*.post_ffw_norm.weight", &[Embedding]),
    ]
};
