//! The tensors of each architecture.

use super::{
    Expected,
    expected::Dim::{
        Attended, Embedding, ExpertFeedForward, Experts, FeedForward, Fixed, GateAndUp, HalfRotary,
        KeyLength, Keys, Queries, QueriesKeysValues, Values, Vocabulary,
    },
    optional, required,
};

/// The tensors of an architecture that Wick runs.
pub fn expected_tensors(architecture: &str) -> Option<&'static [Expected]> {
    Some(match architecture {
        "llama" => LLAMA,
        "qwen2" => QWEN2,
        "qwen3" => QWEN3,
        "qwen3moe" => QWEN3_MOE,
        "gemma3" => GEMMA3,
        "phi3" => PHI3,
        "bitnet" => BITNET,
        _ => return None,
    })
}

const LLAMA: &[Expected] = &[
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
];

const QWEN2: &[Expected] = &[
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
];

const QWEN3: &[Expected] = &[
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
];

const QWEN3_MOE: &[Expected] = &[
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
];

const GEMMA3: &[Expected] = &[
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
];

const PHI3: &[Expected] = &[
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
];

const BITNET: &[Expected] = &[
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
];
