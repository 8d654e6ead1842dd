//! Qwen 2 and 2.5: as Llama, with biases on queries, keys and values.

use super::{
    Architecture,
    llama::load_with,
    shape::{check_head_lengths, check_rope_scaling},
};
use crate::{
    gguf::cross_check::{Dim, Expected, optional, required},
    layers::RopeStyle,
};

pub(super) const QWEN2: Architecture = Architecture {
    name: "qwen2",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("qwen2", metadata)?;
        check_rope_scaling("qwen2", metadata, &[])
    },
    window: super::no_window,
    load: |weights, context_length| load_with(RopeStyle::Halves, weights, context_length),
};

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
