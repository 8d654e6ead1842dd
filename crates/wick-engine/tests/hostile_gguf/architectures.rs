//! Models of known architectures whose tensors are not those the hyper-parameters ask for.

use crate::{
    Case,
    Expected::Field,
    complete::{Complete, complete},
    files::tokens,
};

/// A case for a model and what is wrong with it.
fn case(name: &'static str, model: Complete, field: &'static str, part: &'static str) -> Case {
    (name, model.bytes(), Field(field, part))
}

pub fn cases() -> Vec<Case> {
    [
        hyper_parameters(),
        missing(),
        shapes(),
        unknown(),
        experts(),
    ]
    .concat()
}

fn hyper_parameters() -> Vec<Case> {
    let llama = || complete("llama");
    vec![
        case(
            "no layers said",
            llama().without_number("block_count"),
            "llama.block_count",
            "missing",
        ),
        case(
            "no embedding said",
            llama().without_number("embedding_length"),
            "llama.embedding_length",
            "missing",
        ),
        case(
            "no heads said",
            llama().without_number("attention.head_count"),
            "llama.attention.head_count",
            "missing",
        ),
        case(
            "heads that differ between layers",
            llama()
                .without_number("attention.head_count")
                .and(|w| _ = w.i32s("llama.attention.head_count", &[4])),
            "llama.attention.head_count",
            "differs between layers",
        ),
        case(
            "rope wider than the heads",
            llama().number("rope.dimension_count", 10),
            "llama.rope.dimension_count",
            "at most 8",
        ),
        case(
            "odd rope",
            llama().number("rope.dimension_count", 7),
            "llama.rope.dimension_count",
            "even",
        ),
        case(
            "odd heads without a rope said",
            complete("qwen3")
                .without_number("rope.dimension_count")
                .number("attention.key_length", 7),
            "qwen3.rope.dimension_count",
            "is 7",
        ),
        case(
            "more layers said than there are",
            llama().number("block_count", 2),
            "tensor blk.1.attn_k.weight",
            "missing",
        ),
        case(
            "as many layers as allowed, and one there",
            complete("gemma3").number("block_count", 512),
            "tensor blk.1.attn_k.weight",
            "missing",
        ),
    ]
}

fn missing() -> Vec<Case> {
    vec![
        case(
            "no embedding tensor",
            complete("llama").without("token_embd.weight"),
            "tensor token_embd.weight",
            "missing",
        ),
        case(
            "no last norm",
            complete("qwen3").without("output_norm.weight"),
            "tensor output_norm.weight",
            "missing",
        ),
        case(
            "no queries",
            complete("llama").without("blk.0.attn_q.weight"),
            "tensor blk.0.attn_q.weight",
            "missing",
        ),
        case(
            "no bias of the keys",
            complete("qwen2").without("blk.0.attn_k.bias"),
            "tensor blk.0.attn_k.bias",
            "missing",
        ),
        case(
            "no norm of the queries",
            complete("qwen3").without("blk.0.attn_q_norm.weight"),
            "tensor blk.0.attn_q_norm.weight",
            "missing",
        ),
        case(
            "no router",
            complete("qwen3moe").without("blk.0.ffn_gate_inp.weight"),
            "tensor blk.0.ffn_gate_inp.weight",
            "missing",
        ),
        case(
            "no experts",
            complete("qwen3moe").without("blk.0.ffn_down_exps.weight"),
            "tensor blk.0.ffn_down_exps.weight",
            "missing",
        ),
        case(
            "no norm after attention",
            complete("gemma3").without("blk.0.post_attention_norm.weight"),
            "tensor blk.0.post_attention_norm.weight",
            "missing",
        ),
        case(
            "no norm after feed-forward",
            complete("gemma3").without("blk.0.post_ffw_norm.weight"),
            "tensor blk.0.post_ffw_norm.weight",
            "missing",
        ),
        case(
            "no fused attention",
            complete("phi3").without("blk.0.attn_qkv.weight"),
            "tensor blk.0.attn_qkv.weight",
            "missing",
        ),
        case(
            "no norm inside attention",
            complete("bitnet").without("blk.0.attn_sub_norm.weight"),
            "tensor blk.0.attn_sub_norm.weight",
            "missing",
        ),
        case(
            "no norm inside feed-forward",
            complete("bitnet").without("blk.0.ffn_sub_norm.weight"),
            "tensor blk.0.ffn_sub_norm.weight",
            "missing",
        ),
    ]
}

fn shapes() -> Vec<Case> {
    let shape = |name, architecture, tensor: &'static str, dims: &[usize], field, part| {
        case(
            name,
            complete(architecture).tensor(tensor, dims),
            field,
            part,
        )
    };
    vec![
        shape(
            "embedding of another vocabulary",
            "llama",
            "token_embd.weight",
            &[32, 2],
            "dims of tensor token_embd.weight",
            "[32, 3]",
        ),
        shape(
            "embedding of another width",
            "qwen2",
            "token_embd.weight",
            &[64, 3],
            "dims of tensor token_embd.weight",
            "are [64, 3]",
        ),
        shape(
            "embedding of one dimension",
            "qwen3",
            "token_embd.weight",
            &[96],
            "dims of tensor token_embd.weight",
            "are [96]",
        ),
        shape(
            "embedding of three dimensions",
            "gemma3",
            "token_embd.weight",
            &[32, 3, 1],
            "dims of tensor token_embd.weight",
            "[32, 3]",
        ),
        shape(
            "output of another vocabulary",
            "llama",
            "output.weight",
            &[32, 4],
            "dims of tensor output.weight",
            "[32, 3]",
        ),
        shape(
            "last norm of another width",
            "phi3",
            "output_norm.weight",
            &[33],
            "dims of tensor output_norm.weight",
            "[32]",
        ),
        shape(
            "queries the other way round",
            "qwen3",
            "blk.0.attn_k.weight",
            &[16, 32],
            "dims of tensor blk.0.attn_k.weight",
            "[32, 16]",
        ),
        shape(
            "as many keys as queries",
            "llama",
            "blk.0.attn_k.weight",
            &[32, 32],
            "dims of tensor blk.0.attn_k.weight",
            "[32, 16]",
        ),
        shape(
            "values of one head",
            "llama",
            "blk.0.attn_v.weight",
            &[32, 8],
            "dims of tensor blk.0.attn_v.weight",
            "[32, 16]",
        ),
        shape(
            "bias as long as all queries",
            "qwen2",
            "blk.0.attn_v.bias",
            &[32],
            "dims of tensor blk.0.attn_v.bias",
            "[16]",
        ),
        shape(
            "norm of all queries at once",
            "qwen3",
            "blk.0.attn_q_norm.weight",
            &[32],
            "dims of tensor blk.0.attn_q_norm.weight",
            "[8]",
        ),
        shape(
            "attention that puts out less",
            "gemma3",
            "blk.0.attn_output.weight",
            &[16, 32],
            "dims of tensor blk.0.attn_output.weight",
            "[32, 32]",
        ),
        shape(
            "feed-forward the other way round",
            "llama",
            "blk.0.ffn_down.weight",
            &[32, 64],
            "dims of tensor blk.0.ffn_down.weight",
            "[64, 32]",
        ),
        shape(
            "rope factors for the whole head",
            "llama",
            "rope_freqs.weight",
            &[8],
            "dims of tensor rope_freqs.weight",
            "[4]",
        ),
        shape(
            "long factors for fewer angles",
            "phi3",
            "rope_factors_long.weight",
            &[3],
            "dims of tensor rope_factors_long.weight",
            "[4]",
        ),
        shape(
            "short factors for more angles",
            "phi3",
            "rope_factors_short.weight",
            &[5],
            "dims of tensor rope_factors_short.weight",
            "[4]",
        ),
        shape(
            "fused attention without the values",
            "phi3",
            "blk.0.attn_qkv.weight",
            &[32, 48],
            "dims of tensor blk.0.attn_qkv.weight",
            "[32, 64]",
        ),
        shape(
            "gate and up of which one is missing",
            "phi3",
            "blk.0.ffn_up.weight",
            &[32, 64],
            "dims of tensor blk.0.ffn_up.weight",
            "[32, 128]",
        ),
        shape(
            "a scale for every row",
            "bitnet",
            "blk.0.attn_q.scale",
            &[32],
            "dims of tensor blk.0.attn_q.scale",
            "[1]",
        ),
        shape(
            "inner norm of another width",
            "bitnet",
            "blk.0.ffn_sub_norm.weight",
            &[32],
            "dims of tensor blk.0.ffn_sub_norm.weight",
            "[64]",
        ),
        case(
            "heads wider than their weights",
            complete("gemma3").number("attention.key_length", 16),
            "dims of tensor blk.0.attn_q.weight",
            "[32, 64]",
        ),
        case(
            "a vocabulary of another size",
            complete("llama")
                .and(|w| _ = w.strings("llama.unused", &tokens(9)))
                .tensor("token_embd.weight", &[32, 9]),
            "dims of tensor token_embd.weight",
            "are [32, 9]",
        ),
        case(
            "sizes whose product passes 32 bits",
            complete("llama")
                .number("attention.key_length", 1 << 16)
                .number("attention.head_count", 4096),
            "dims of tensor blk.0.attn_q.weight",
            "[32, 268435456]",
        ),
    ]
}

fn unknown() -> Vec<Case> {
    let extra = |name, architecture, tensor: &'static str, field| {
        case(
            name,
            complete(architecture).tensor(tensor, &[32]),
            field,
            "no such tensor",
        )
    };
    vec![
        extra(
            "a bias that would be passed over",
            "qwen3",
            "blk.0.attn_q.bias",
            "name of tensor blk.0.attn_q.bias",
        ),
        extra(
            "a tensor of another architecture",
            "llama",
            "blk.0.attn_sub_norm.weight",
            "name of tensor blk.0.attn_sub_norm.weight",
        ),
        extra(
            "a router in a dense model",
            "qwen3",
            "blk.0.ffn_gate_inp.weight",
            "name of tensor blk.0.ffn_gate_inp.weight",
        ),
        extra(
            "a name that no model has",
            "gemma3",
            "w",
            "name of tensor w",
        ),
        case(
            "a pattern for a name",
            complete("llama").tensor("blk.*.attn_norm.weight", &[32]),
            "name of tensor blk.*.attn_norm.weight",
            "number",
        ),
        case(
            "a layer past the last",
            complete("qwen2").tensor("blk.1.attn_norm.weight", &[32]),
            "name of tensor blk.1.attn_norm.weight",
            "only 1 layers",
        ),
    ]
}

fn experts() -> Vec<Case> {
    let moe = || complete("qwen3moe");
    vec![
        case(
            "experts of another width",
            moe().tensor("blk.0.ffn_up_exps.weight", &[32, 32, 4]),
            "dims of tensor blk.0.ffn_up_exps.weight",
            "[32, 16, 4]",
        ),
        case(
            "fewer experts than said",
            moe().tensor("blk.0.ffn_gate_exps.weight", &[32, 16, 3]),
            "dims of tensor blk.0.ffn_gate_exps.weight",
            "[32, 16, 4]",
        ),
        case(
            "a router for fewer experts",
            moe().tensor("blk.0.ffn_gate_inp.weight", &[32, 3]),
            "dims of tensor blk.0.ffn_gate_inp.weight",
            "[32, 4]",
        ),
        case(
            "no number of experts, and one missing",
            moe()
                .without_number("expert_count")
                .without("blk.0.ffn_up_exps.weight"),
            "tensor blk.0.ffn_up_exps.weight",
            "missing",
        ),
        case(
            "one of the separate experts missing",
            moe()
                .without("blk.0.ffn_up_exps.weight")
                .tensor("blk.0.ffn_up_exps.0.weight", &[32, 16])
                .tensor("blk.0.ffn_up_exps.1.weight", &[32, 16])
                .tensor("blk.0.ffn_up_exps.3.weight", &[32, 16]),
            "tensor blk.0.ffn_up_exps.weight",
            "missing",
        ),
        case(
            "a separate expert past the last",
            moe().tensor("blk.0.ffn_up_exps.4.weight", &[32, 16]),
            "name of tensor blk.0.ffn_up_exps.4.weight",
            "no such tensor",
        ),
        case(
            "a separate expert of another shape",
            moe().tensor("blk.0.ffn_up_exps.0.weight", &[16, 32]),
            "dims of tensor blk.0.ffn_up_exps.0.weight",
            "[32, 16]",
        ),
    ]
}
