//! BitNet b1.58: weights of -1, 0 and 1 with one scale a matrix, norms before the last products of attention and of
//! the feed-forward part, and the square of a ReLU (SiLU in the first models of the family).

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
    source::ModelSource,
};

pub(super) const BITNET: Architecture = Architecture {
    name: "bitnet",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("bitnet", metadata)?;
        check_rope_scaling("bitnet", metadata, &[])
    },
    window: super::no_window,
    load,
};

fn load(weights: &Weights<'_>, context_length: usize) -> Result<Transformer> {
    let shape = Shape::read(weights.source())?;
    let scaling = rope_scaling(&shape, weights)?;
    let (style, base) = (RopeStyle::Halves, shape.rope_base);
    let rope = shape.rope(style, base, &scaling, context_length, weights)?;
    let activation = activation(weights.source())?;
    let blocks = weights.blocks(shape.layers, |layer| {
        let norm = |part: &str, width: usize| {
            weights.norm(&format!("blk.{layer}.{part}"), width, shape.epsilon)
        };
        let attention = AttentionWeights {
            qkv: shape.qkv(weights, layer)?,
            output: shape.attention_output(weights, layer)?,
            query_key_norms: None,
            sub_norm: Some(norm("attn_sub_norm.weight", shape.queries())?),
            rope: rope.clone(),
        };
        let mlp = shape.gated_mlp(weights, layer, activation)?;
        let mlp = mlp.with_sub_norm(norm("ffn_sub_norm.weight", shape.feed_forward)?);
        let (heads, cache) = (shape.heads, shape.cache(None));
        Ok(Block {
            attention_norm: norm("attn_norm.weight", shape.embedding)?,
            attention: Attention::new(layer, heads, cache, attention),
            post_attention_norm: None,
            feed_forward_norm: norm("ffn_norm.weight", shape.embedding)?,
            feed_forward: FeedForward::Mlp(mlp),
            post_feed_forward_norm: None,
        })
    })?;
    shape.transformer(weights, blocks)
}

/// Most files do not say: those with Llama 2's vocabulary are of the first models, the others of the 2B4T and later.
fn activation(source: &ModelSource) -> Result<Activation> {
    let said = source.optional_str("hidden_activation")?;
    let vocabulary = source.metadata().str("tokenizer.ggml.model")?;
    Ok(match (said, vocabulary) {
        (Some("silu"), _) | (None, Some("llama")) => Activation::Silu,
        _ => Activation::ReluSquared,
    })
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
        required("blk.*.attn_sub_norm.weight", &[Attended]),
        required("blk.*.attn_output.weight", &[Attended, Embedding]),
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_gate.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_up.weight", &[Embedding, FeedForward]),
        required("blk.*.ffn_sub_norm.weight", &[FeedForward]),
        required("blk.*.ffn_down.weight", &[FeedForward, Embedding]),
        // What every weight of the matrix is to be multiplied with.
        optional("blk.*.attn_q.scale", &[Fixed(1)]),
        optional("blk.*.attn_k.scale", &[Fixed(1)]),
        optional("blk.*.attn_v.scale", &[Fixed(1)]),
        optional("blk.*.attn_output.scale", &[Fixed(1)]),
        optional("blk.*.ffn_gate.scale", &[Fixed(1)]),
        optional("blk.*.ffn_up.scale", &[Fixed(1)]),
        optional("blk.*.ffn_down.scale", &[Fixed(1)]),
    ]
};
