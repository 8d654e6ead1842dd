//! Qwen 2 and 2.5: as Llama, with biases on queries, keys and values.

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

pub(super) const QWEN2: Architecture = Architecture {
    name: "qwen2",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("qwen2", metadata)?;
        check_rope_scaling("qwen2", metadata, &[])
    },
    load,
};

fn load(weights: &Weights<'_>, context_length: usize) -> Result<Transformer> {
    let shape = Shape::read(weights.source())?;
    let scaling = rope_scaling(&shape, weights)?;
    let (style, base) = (RopeStyle::Halves, shape.rope_base);
    let rope = shape.rope(style, base, &scaling, context_length, weights)?;
    let blocks = weights.blocks(shape.layers, |layer| {
        let attention = AttentionWeights {
            // attn_q.bias, attn_k.bias and attn_v.bias come along.
            qkv: shape.qkv(weights, layer)?,
            output: shape.attention_output(weights, layer)?,
            query_key_norms: None,
            sub_norm: None,
            rope: rope.clone(),
        };
        let mlp = shape.gated_mlp(weights, layer, Activation::Silu)?;
        let (heads, cache) = (shape.heads, shape.cache(None));
        Ok(Block {
            attention_norm: shape.norm(weights, layer, "attn_norm.weight")?,
            attention: Attention::new(layer, heads, cache, attention, weights.compute()),
            post_attention_norm: None,
            feed_forward_norm: shape.norm(weights, layer, "ffn_norm.weight")?,
            feed_forward: FeedForward::Mlp(mlp),
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
        required("blk.*.attn_q.bias", &[Queries]),
        required("blk.*.attn_k.bias", &[Keys]),
        required("blk.*.attn_v.bias", &[Values]),
        required("blk.*.attn_output.weight", &[Attended, Embedding]),
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_gate.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_up.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_down.weight", &[FeedForward, Embedding]),
    ]
};
