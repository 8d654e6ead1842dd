//! Qwen 3 with a mixture of experts in each layer.

use super::{
    Architecture, qwen3,
    shape::{Shape, check_head_lengths, check_rope_scaling},
};
use crate::{
    gguf::cross_check::{Dim, Expected, optional, required},
    layers::{Experts, ExpertsShape, FeedForward},
};

pub(super) const QWEN3_MOE: Architecture = Architecture {
    name: "qwen3moe",
    tensors: TENSORS,
    check: |metadata| {
        check_head_lengths("qwen3moe", metadata)?;
        check_rope_scaling("qwen3moe", metadata, &[])
    },
    window: super::no_window,
    load: |weights, context_length| {
        let source = weights.source();
        let shape = Shape::read(source)?;
        let experts = ExpertsShape {
            experts: source.required("expert_count")?,
            used: source.required("expert_used_count")?,
            embedding: shape.embedding,
            feed_forward: source.required("expert_feed_forward_length")?,
        };
        qwen3::load(weights, context_length, &shape, |layer| {
            let name = |part: &str| format!("blk.{layer}.{part}");
            let router = name("ffn_gate_inp.weight");
            let gate = name("ffn_gate_exps.weight");
            let up = name("ffn_up_exps.weight");
            let down = name("ffn_down_exps.weight");
            let experts = Experts::new(weights, experts, &router, [&gate, &up, &down])?;
            Ok(FeedForward::Experts(experts))
        })
    },
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
        required("blk.*.attn_q_norm.weight", &[KeyLength]),
        required("blk.*.attn_k_norm.weight", &[KeyLength]),
        required("blk.*.attn_output.weight", &[Attended, Embedding]),
        required("blk.*.ffn_norm.weight", &[Embedding]),
        required("blk.*.ffn_gate_inp.weight", &[Embedding, Experts]),
        required(
            "blk.*.ffn_gate_exps.weight",
            &[Embedding, ExpertFeedForward, Experts],
        ),
        required(
            "blk.*.ffn_up_exps.weight",
            &[Embedding, ExpertFeedForward, Experts],
        ),
        required(
            "blk.*.ffn_down_exps.weight",
            &[ExpertFeedForward, Embedding, Experts],
        ),
    ]
};
