//! Phi 3 and Phi-4-mini: queries, keys and values in one matrix, gate and up in another; part of a head turns, with
//! LongRoPE's factors beyond the context it was first trained for.

use super::{
    Architecture,
    shape::{Shape, check_head_lengths, check_rope_scaling},
};
use crate::{
    Result,
    gguf::Metadata,
    gguf::cross_check::{Dim, Expected, optional, required},
    layers::{
        Activation, Attention, AttentionWeights, Block, FeedForward, GatedMlp, RopeScaling,
        RopeStyle, Transformer, Weights,
    },
};

pub(super) const PHI3: Architecture = Architecture {
    name: "phi3",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("phi3", metadata)?;
        check_rope_scaling("phi3", metadata, &["longrope", "su"])
    },
    window,
    load,
};

fn window(metadata: &Metadata, _: usize) -> Result<Option<usize>> {
    let window = metadata.u32("phi3.attention.sliding_window")?;
    Ok(window
        .filter(|window| *window > 0)
        .map(|window| window as usize))
}

fn load(weights: &Weights<'_>, context_length: usize) -> Result<Transformer> {
    let source = weights.source();
    let shape = Shape::read(source)?;
    let (n, ff) = (shape.embedding, shape.feed_forward);
    let scaling = long_rope(&shape, weights, context_length)?;
    let (style, base) = (RopeStyle::Halves, shape.rope_base);
    let rope = shape.rope(style, base, &scaling, context_length, weights)?;
    let window = window(source.metadata(), 0)?.filter(|window| *window < context_length);
    let blocks = weights.blocks(shape.layers, |layer| {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let rows = [shape.queries(), shape.keys(), shape.keys()];
        let attention = AttentionWeights {
            qkv: weights.linear_cut(n, &name("attn_qkv.weight"), &rows)?,
            output: shape.attention_output(weights, layer)?,
            query_key_norms: None,
            sub_norm: None,
            rope: rope.clone(),
        };
        let mlp = GatedMlp::new(
            // The gate's rows come first.
            weights.linear(n, &[(&name("ffn_up.weight"), 2 * ff)])?,
            weights.linear(ff, &[(&name("ffn_down.weight"), n)])?,
            Activation::Silu,
        );
        let (heads, cache) = (shape.heads, shape.cache(window));
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

/// The factors for the context the model is loaded with, as llama.cpp chooses them: one set for a whole sequence, so
/// that what is in the cache stays right as the sequence grows.
fn long_rope(shape: &Shape, weights: &Weights<'_>, context_length: usize) -> Result<RopeScaling> {
    let source = weights.source();
    let original = source.optional("rope.scaling.original_context_length")?;
    let is_long = original.is_some_and(|original| context_length > original);
    let name = match is_long {
        true => "rope_factors_long.weight",
        false => "rope_factors_short.weight",
    };
    let factors = weights.optional_vector(name, shape.rotary_dim / 2)?;
    Ok(RopeScaling {
        factors: factors.unwrap_or_default(),
        linear: 1.0,
        magnitude: source
            .optional_f32("rope.scaling.attn_factor")?
            .unwrap_or(1.0),
    })
}

const TENSORS: &[Expected] = {
    use Dim::*;
    &[
        required("token_embd.weight", &[Embedding, Vocabulary]),
        required("output_norm.weight", &[Embedding]),
        optional("output.weight", &[Embedding, Vocabulary]),
        optional("rope_factors_long.weight", &[HalfRotary]),
        optional("rope_factors_short.weight", &[HalfRotary]),
        required("blk.*.attn_norm.weight", &[Embedding]),
        required("blk.*.attn_qkv.weight", &[Embedding, QueriesKeysValues]),
        required("blk.*.attn_output.weight", &[Attended, Embedding]),
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_up.weight", &[Embedding, GateAndUp]),
        required("blk.*.ffn_down.weight", &[FeedForward, Embedding]),
    ]
};
