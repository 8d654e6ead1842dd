//! Qwen 3, dense: as Llama, with a norm on each head's query and key.

use super::{
    Architecture,
    shape::{Shape, check_head_lengths, check_rope_scaling, rope_scaling},
};
use crate::{
    Result,
    gguf::cross_check::{Dim, Expected, optional, required},
    layers::{
        Activation, Attention, AttentionWeights, Block, FeedForward, RopeStyle, Transformer,
        Weights,
    },
};

pub(super) const QWEN3: Architecture = Architecture {
    name: "qwen3",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("qwen3", metadata)?;
        check_rope_scaling("qwen3", metadata, &[])
    },
    window: super::no_window,
    load: |weights, context_length| {
        let shape = Shape::read(weights.source())?;
        load(weights, context_length, &shape, |layer| {
            let mlp = shape.gated_mlp(weights, layer, Activation::Silu)?;
            Ok(FeedForward::Mlp(mlp))
        })
    },
};

/// Qwen 3 with this feed-forward part in each layer: the family with experts differs in nothing else.
pub(super) fn load(
    weights: &Weights<'_>,
    context_length: usize,
    shape: &Shape,
    feed_forward: impl Fn(usize) -> Result<FeedForward>,
) -> Result<Transformer> {
    let scaling = rope_scaling(shape, weights)?;
    let (style, base) = (RopeStyle::Halves, shape.rope_base);
    let rope = shape.rope(style, base, &scaling, context_length, weights)?;
    let blocks = weights.blocks(shape.layers, |layer| {
        let attention = AttentionWeights {
            qkv: shape.qkv(weights, layer)?,
            output: shape.attention_output(weights, layer)?,
            query_key_norms: Some(shape.query_key_norms(weights, layer)?),
            sub_norm: None,
            rope: rope.clone(),
        };
        let (heads, cache) = (shape.heads, shape.cache(None));
        Ok(Block {
            attention_norm: shape.norm(weights, layer, "attn_norm.weight")?,
            attention: Attention::new(layer, heads, cache, attention),
            post_attention_norm: None,
            feed_forward_norm: shape.norm(weights, layer, "ffn_norm.weight")?,
            feed_forward: feed_forward(layer)?,
            post_feed_forward_norm: None,
        })
    })?;
    shape.transformer(weights, blocks)
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
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_gate.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_up.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_down.weight", &[FeedForward, Embedding]),
    ]
};
