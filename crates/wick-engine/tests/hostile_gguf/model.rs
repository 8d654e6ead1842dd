//! Hyper-parameters that cannot be, or do not agree with each other, the vocabulary or the tensors.

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
            "0 layers",
            number("tiny.block_count", 0),
            Field("tiny.block_count", "1 to 512"),
        ),
        (
            "513 layers",
            number("tiny.block_count", 513),
            Field("tiny.block_count", "is 513"),
        ),
        (
            "layers as text",
            with(&|w| _ = w.string("tiny.block_count", "1")),
            Field("tiny.block_count", "whole number"),
        ),
        (
            "-1 layers",
            value("tiny.block_count", 5, &[&[0xFF; 4]]),
            Field("tiny.block_count", "is -1"),
        ),
        (
            "2^32+1 layers",
            value("tiny.block_count", 10, &[&le((1 << 32) + 1)]),
            Field("tiny.block_count", "4294967297"),
        ),
        (
            "no context",
            number("tiny.context_length", 0),
            Field("tiny.context_length", "is 0"),
        ),
        (
            "endless context",
            number("tiny.context_length", u32::MAX),
            Field("tiny.context_length", "must be"),
        ),
        (
            "no embedding",
            number("tiny.embedding_length", 0),
            Field("tiny.embedding_length", "is 0"),
        ),
        (
            "0 heads",
            number("tiny.attention.head_count", 0),
            Field("tiny.attention.head_count", "is 0"),
        ),
        (
            "one layer with too many heads",
            with(&|w| _ = w.i32s("tiny.attention.head_count_kv", &[2, 5000])),
            Field("tiny.attention.head_count_kv", "is 5000"),
        ),
        (
            "heads that do not divide the embedding",
            with(&|w| {
                _ = w
                    .u32("tiny.embedding_length", 10)
                    .u32("tiny.attention.head_count", 4)
            }),
            Field("tiny.attention.head_count", "does not divide"),
        ),
        (
            "kv heads that do not divide the heads",
            with(&|w| {
                _ = w
                    .u32("tiny.attention.head_count", 4)
                    .u32("tiny.attention.head_count_kv", 3)
            }),
            Field("tiny.attention.head_count_kv", "does not divide"),
        ),
        (
            "rope of NaN",
            float("tiny.rope.freq_base", f32::NAN),
            Field("tiny.rope.freq_base", "finite"),
        ),
        (
            "rope of base 0",
            float("tiny.rope.freq_base", 0.0),
            Field("tiny.rope.freq_base", "is 0"),
        ),
        (
            "rope as integer",
            number("tiny.rope.freq_base", 10_000),
            Field("tiny.rope.freq_base", "finite float"),
        ),
        (
            "negative epsilon",
            float("tiny.attention.layer_norm_rms_epsilon", -1.0),
            Field("tiny.attention.layer_norm_rms_epsilon", "is -1"),
        ),
        (
            "more experts used than there are",
            with(&|w| {
                _ = w
                    .u32("tiny.expert_count", 2)
                    .u32("tiny.expert_used_count", 3)
            }),
            Field("tiny.expert_used_count", "2 experts"),
        ),
        (
            "rope of base infinity",
            float("tiny.rope.freq_base", f32::INFINITY),
            Field("tiny.rope.freq_base", "finite"),
        ),
        (
            "local rope of base 0",
            float("tiny.rope.freq_base_swa", 0.0),
            Field("tiny.rope.freq_base_swa", "is 0"),
        ),
        (
            "rope 0 wide",
            number("tiny.rope.dimension_count", 0),
            Field("tiny.rope.dimension_count", "is 0"),
        ),
        (
            "rope stretched by NaN",
            float("tiny.rope.scaling.factor", f32::NAN),
            Field("tiny.rope.scaling.factor", "finite"),
        ),
        (
            "rope stretched backwards",
            float("tiny.rope.scaling.factor", -8.0),
            Field("tiny.rope.scaling.factor", "is -8"),
        ),
        (
            "rope stretched in an unknown way",
            with(&|w| _ = w.string("tiny.rope.scaling.type", "quadratic")),
            Field("tiny.rope.scaling.type", "none of"),
        ),
        (
            "kind of rope as a number",
            number("tiny.rope.scaling.type", 1),
            Field("tiny.rope.scaling.type", "string"),
        ),
        (
            "attention factor without end",
            float("tiny.rope.scaling.attn_factor", 1e9),
            Field("tiny.rope.scaling.attn_factor", "must be"),
        ),
        (
            "original context of nothing",
            number("tiny.rope.scaling.original_context_length", 0),
            Field("tiny.rope.scaling.original_context_length", "is 0"),
        ),
        (
            "endless sliding window",
            number("tiny.attention.sliding_window", u32::MAX),
            Field("tiny.attention.sliding_window", "must be"),
        ),
        (
            "sliding window as text",
            with(&|w| _ = w.string("tiny.attention.sliding_window", "512")),
            Field("tiny.attention.sliding_window", "whole number"),
        ),
        (
            "a sliding window in every 0th layer",
            number("tiny.attention.sliding_window_pattern", 0),
            Field("tiny.attention.sliding_window_pattern", "is 0"),
        ),
        (
            "heads 0 wide",
            number("tiny.attention.key_length", 0),
            Field("tiny.attention.key_length", "is 0"),
        ),
        (
            "values 2^31 wide",
            number("tiny.attention.value_length", 1 << 31),
            Field("tiny.attention.value_length", "must be"),
        ),
        (
            "too many heads",
            number("tiny.attention.head_count", 4097),
            Field("tiny.attention.head_count", "is 4097"),
        ),
        (
            "no feed-forward",
            number("tiny.feed_forward_length", 0),
            Field("tiny.feed_forward_length", "is 0"),
        ),
        (
            "one layer with an endless feed-forward",
            with(&|w| _ = w.i32s("tiny.feed_forward_length", &[64, 1 << 30])),
            Field("tiny.feed_forward_length", "must be"),
        ),
        (
            "one layer with -1 heads",
            with(&|w| _ = w.i32s("tiny.attention.head_count", &[4, -1])),
            Field("tiny.attention.head_count", "must be"),
        ),
        (
            "layers as a list of texts",
            with(&|w| _ = w.strings("tiny.block_count", &tokens(2))),
            Field("tiny.block_count", "array of integers"),
        ),
        (
            "experts beyond number",
            number("tiny.expert_count", 1 << 20),
            Field("tiny.expert_count", "must be"),
        ),
        (
            "none of the experts used",
            with(&|w| {
                _ = w
                    .u32("tiny.expert_count", 2)
                    .u32("tiny.expert_used_count", 0)
            }),
            Field("tiny.expert_used_count", "0 of 2"),
        ),
        (
            "epsilon of 2",
            float("tiny.attention.layer_norm_epsilon", 2.0),
            Field("tiny.attention.layer_norm_epsilon", "is 2"),
        ),
        (
            "logits capped at infinity",
            float("tiny.final_logit_softcapping", f32::INFINITY),
            Field("tiny.final_logit_softcapping", "finite"),
        ),
        (
            "no vocabulary",
            number("tiny.vocab_size", 0),
            Field("tiny.vocab_size", "is 0"),
        ),
        (
            "architecture of 65 letters",
            GgufWriter::new()
                .string("general.architecture", &"a".repeat(65))
                .bytes(),
            Field("general.architecture", "1 to 64"),
        ),
        (
            "architecture that is a path",
            GgufWriter::new()
                .string("general.architecture", "../llama")
                .bytes(),
            Field("general.architecture", "letters"),
        ),
        (
            "architecture that is a list",
            GgufWriter::new()
                .strings("general.architecture", &tokens(1))
                .bytes(),
            Field("general.architecture", "must be a string"),
        ),
        (
            "layer numbered with a sign",
            shape("blk.+0.attn_norm.weight", &[8]),
            Field("name of tensor blk.+0.attn_norm.weight", "number"),
        ),
        (
            "layer numbered with a leading zero",
            shape("blk.00.attn_norm.weight", &[8]),
            Field("name of tensor blk.00.attn_norm.weight", "number"),
        ),
        (
            "layer 2^32",
            shape("blk.4294967296.attn_norm.weight", &[8]),
            Field("name of tensor blk.4294967296.attn_norm.weight", "number"),
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
                    .u32("tiny.vocab_size", 4)
            }),
            Field("tiny.vocab_size", "is 4"),
        ),
        (
            "layer past the last",
            shape("blk.1.attn_norm.weight", &[8]),
            Field("name of tensor blk.1.attn_norm.weight", "only 1"),
        ),
        (
            "layer without number",
            shape("blk.x.attn_norm.weight", &[8]),
            Field("name of tensor blk.x.attn_norm.weight", "number"),
        ),
    ]
}
