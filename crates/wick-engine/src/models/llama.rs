//! Llama and what is built like it: Llama 2 and 3.x, Mistral, TinyLlama, SmolLM2.

use super::{
    Architecture,
    shape::{Shape, check_head_lengths, check_rope_scaling, rope_scaling},
    unsupported,
};
use crate::{
    Result,
    gguf::cross_check::{Dim, Expected, optional, required},
    layers::{
        Activation, Attention, AttentionWeights, Block, FeedForward, RopeStyle, Transformer,
        Weights,
    },
    source::Container,
};

pub(super) const LLAMA: Architecture = Architecture {
    name: "llama",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("llama", metadata)?;
        check_rope_scaling("llama", metadata, &["llama3"])?;
        match metadata.u32("llama.expert_count")? {
            Some(1..) => Err(unsupported("llama with experts (Mixtral)")),
            _ => Ok(()),
        }
    },
    window: super::no_window,
    load,
};

fn load(weights: &Weights<'_>, context_length: usize) -> Result<Transformer> {
    // GGUF files have the rows of queries and keys in another order than the Hub's.
    let style = match weights.source().container() {
        Container::Gguf => RopeStyle::Interleaved,
        Container::Safetensors => RopeStyle::Halves,
    };
    load_with(style, weights, context_length)
}

/// Llama with its heads turned in this way. Biases beside the matrices come along.
pub(super) fn load_with(
    style: RopeStyle,
    weights: &Weights<'_>,
    context_length: usize,
) -> Result<Transformer> {
    let shape = Shape::read(weights.source())?;
    let scaling = rope_scaling(&shape, weights)?;
    let rope = shape.rope(style, shape.rope_base, &scaling, context_length, weights)?;
    let blocks = weights.blocks(shape.layers, |layer| {
        let attention = AttentionWeights {
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
            attention: Attention::new(layer, heads, cache, attention),
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
        // Without it the embedding is used again.
        optional("output.weight", &[Embedding, Vocabulary]),
        optional("rope_freqs.weight", &[HalfRotary]),
        required("blk.*.attn_norm.weight", &[Embedding]),
        required("blk.*.attn_q.weight", &[Embedding, Queries]),
        required("blk.*.attn_k.weight", &[Embedding, Keys]),
        required("blk.*.attn_v.weight", &[Embedding, Values]),
        required("blk.*.attn_output.weight", &[Attended, Embedding]),
        optional("blk.*.attn_q.bias", &[Queries]),
        optional("blk.*.attn_k.bias", &[Keys]),
        optional("blk.*.attn_v.bias", &[Values]),
        optional("blk.*.attn_output.bias", &[Embedding]),
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_gate.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_up.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_down.weight", &[FeedForward, Embedding]),
        optional("blk.*.ffn_gate.bias", &[FeedForward]),
        optional("blk.*.ffn_up.bias", &[FeedForward]),
        optional("blk.*.ffn_down.bias", &[Embedding]),
    ]
};
