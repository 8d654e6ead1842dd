//! Hyper-parameters that cannot be, or do not agree with each other, the vocabulary or the tensors.

use wick_engine::gguf::TensorType;
use wick_engine::testkit::GgufWriter;

use crate::{Case, Expected::Field, files::*};

pub fn cases() -> Vec<Case> {
    vec![
        // The model
        (
            "no architecture",
            GgufWriter::new().bytes(),
            Field("general.architecture", "missing"),
        ),
        (
            "architecture that is a number",
            GgufWriter::new().u32("general.architecture", 1).bytes(),
            Field("general.architecture", "must be a string"),
        ),
        (
            "architecture with a space",
            GgufWriter::new()
                .string("general.architecture", "ll ama")
                .bytes(),
            Field("general.architecture", "letters"),
        ),
        (
            "empty architecture",
            GgufWriter::new().string("general.architecture", "").bytes(),
            Field("general.architecture", "1 to 64"),
        ),
        (
            "part of a split model",
            number("split.count", 3),
            Field("split.count", "3 files"),
        ),
        (
            "0 layers",
            number("llama.block_count", 0),
            Field("llama.block_count", "1 to 512"),
        ),
        (
            "513 layers",
            number("llama.block_count", 513),
            Field("llama.block_count", "is 513"),
        ),
        (
            "layers as text",
            with(&|w| _ = w.string("llama.block_count", "1")),
            Field("llama.block_count", "whole number"),
        ),
        (
            "-1 layers",
            value("llama.block_count", 5, &[&[0xFF; 4]]),
            Field("llama.block_count", "is -1"),
        ),
        (
            "2^32+1 layers",
            value("llama.block_count", 10, &[&le((1 << 32) + 1)]),
            Field("llama.block_count", "4294967297"),
        ),
        (
            "no context",
            number("llama.context_length", 0),
            Field("llama.context_length", "is 0"),
        ),
        (
            "endless context",
            number("llama.context_length", u32::MAX),
            Field("llama.context_length", "must be"),
        ),
        (
            "no embedding",
            number("llama.embedding_length", 0),
            Field("llama.embedding_length", "is 0"),
        ),
        (
            "0 heads",
            number("llama.attention.head_count", 0),
            Field("llama.attention.head_count", "is 0"),
        ),
        (
            "one layer with too many heads",
            with(&|w| _ = w.i32s("llama.attention.head_count_kv", &[2, 5000])),
            Field("llama.attention.head_count_kv", "is 5000"),
        ),
        (
            "heads that do not divide the embedding",
            with(&|w| {
                _ = w
                    .u32("llama.embedding_length", 10)
                    .u32("llama.attention.head_count", 4)
            }),
            Field("llama.attention.head_count", "does not divide"),
        ),
        (
            "kv heads that do not divide the heads",
            with(&|w| {
                _ = w
                    .u32("llama.attention.head_count", 4)
                    .u32("llama.attention.head_count_kv", 3)
            }),
            Field("llama.attention.head_count_kv", "does not divide"),
        ),
        (
            "odd rope",
            sized(&|w| _ = w.u32("llama.rope.dimension_count", 1)),
            Field("llama.rope.dimension_count", "even"),
        ),
        (
            "wide rope",
            sized(&|w| _ = w.u32("llama.rope.dimension_count", 4)),
            Field("llama.rope.dimension_count", "at most 2"),
        ),
        (
            "rope of NaN",
            float("llama.rope.freq_base", f32::NAN),
            Field("llama.rope.freq_base", "finite"),
        ),
        (
            "rope of base 0",
            float("llama.rope.freq_base", 0.0),
            Field("llama.rope.freq_base", "is 0"),
        ),
        (
            "rope as integer",
            number("llama.rope.freq_base", 10_000),
            Field("llama.rope.freq_base", "finite float"),
        ),
        (
            "negative epsilon",
            float("llama.attention.layer_norm_rms_epsilon", -1.0),
            Field("llama.attention.layer_norm_rms_epsilon", "is -1"),
        ),
        (
            "more experts used than there are",
            with(&|w| {
                _ = w
                    .u32("llama.expert_count", 2)
                    .u32("llama.expert_used_count", 3)
            }),
            Field("llama.expert_used_count", "2 experts"),
        ),
        (
            "no tokens",
            with(&|w| _ = w.strings("tokenizer.ggml.tokens", &[])),
            Field("tokenizer.ggml.tokens", "empty"),
        ),
        (
            "tokens that are floats",
            with(&|w| _ = w.f32s("tokenizer.ggml.tokens", &[1.0])),
            Field("tokenizer.ggml.tokens", "array of strings"),
        ),
        (
            "scores for other tokens",
            with(&|w| {
                _ = w
                    .strings("tokenizer.ggml.tokens", &tokens(3))
                    .f32s("tokenizer.ggml.scores", &[0.0])
            }),
            Field("tokenizer.ggml.scores", "3 tokens"),
        ),
        (
            "types for other tokens",
            with(&|w| {
                _ = w
                    .strings("tokenizer.ggml.tokens", &tokens(3))
                    .i32s("tokenizer.ggml.token_type", &[1; 4])
            }),
            Field("tokenizer.ggml.token_type", "length of 4"),
        ),
        (
            "another vocabulary",
            with(&|w| {
                _ = w
                    .strings("tokenizer.ggml.tokens", &tokens(3))
                    .u32("llama.vocab_size", 4)
            }),
            Field("llama.vocab_size", "is 4"),
        ),
        (
            "embedding of another vocabulary",
            with(&|w| {
                w.strings("tokenizer.ggml.tokens", &tokens(3)).tensor(
                    "token_embd.weight",
                    &[8, 2],
                    TensorType::F32,
                    &[0; 64],
                );
            }),
            Field("dims of tensor token_embd.weight", "[any, 3]"),
        ),
        (
            "embedding of another width",
            shape("token_embd.weight", &[4, 3]),
            Field("dims of tensor token_embd.weight", "[8, any]"),
        ),
        (
            "embedding of one dimension",
            shape("token_embd.weight", &[8]),
            Field("dims of tensor token_embd.weight", "are [8]"),
        ),
        (
            "output of another width",
            shape("output.weight", &[9, 3]),
            Field("dims of tensor output.weight", "[8, any]"),
        ),
        (
            "norm of another width",
            shape("output_norm.weight", &[9]),
            Field("dims of tensor output_norm.weight", "[8]"),
        ),
        (
            "layer past the last",
            shape("blk.1.attn_norm.weight", &[8]),
            Field("name of tensor blk.1.attn_norm.weight", "only 1"),
        ),
        (
            "layer without number",
            shape("blk.x.attn_norm.weight", &[8]),
            Field("name of tensor blk.x.attn_norm.weight", "layers"),
        ),
        (
            "queries of another shape",
            shape("blk.0.attn_q.weight", &[8, 9]),
            Field("dims of tensor blk.0.attn_q.weight", "[8, 8]"),
        ),
        (
            "keys of another shape",
            shape("blk.0.attn_k.weight", &[8, 8]),
            Field("dims of tensor blk.0.attn_k.weight", "[8, 4]"),
        ),
        (
            "bias of another shape",
            shape("blk.0.attn_v.bias", &[8]),
            Field("dims of tensor blk.0.attn_v.bias", "[4]"),
        ),
        (
            "feed-forward of another shape",
            shape("blk.0.ffn_down.weight", &[8, 16]),
            Field("dims of tensor blk.0.ffn_down.weight", "[16, 8]"),
        ),
    ]
}
