//! Alignments and tensors that break the rules of the format.

use wick_engine::gguf::TensorType;

use crate::{
    Case,
    Expected::{self, Field, Truncated},
    files::*,
};

pub fn cases() -> Vec<Case> {
    let alignment = "general.alignment";
    let power = "power of two";
    vec![
        // Alignment
        ("alignment 0", number(alignment, 0), Field(alignment, power)),
        ("alignment 4", number(alignment, 4), Field(alignment, power)),
        (
            "alignment 48",
            number(alignment, 48),
            Field(alignment, power),
        ),
        (
            "alignment 2 MiB",
            number(alignment, 2 << 20),
            Field(alignment, power),
        ),
        (
            "alignment of u64",
            value(alignment, 10, &[&le(32)]),
            Field(alignment, "type u64"),
        ),
        (
            "alignment of string",
            value(alignment, 8, &[&le(2), b"32"]),
            Field(alignment, "type string"),
        ),
        ("57 bytes, alignment 0", crash_57(), Field(alignment, power)),
        // Tensors
        (
            "96 bytes, dimensions whose product is 0",
            crash_96(),
            Field("dims of tensor t", "large"),
        ),
        (
            "no dimensions",
            tensor(&[], 0, 0, 4),
            Field("n_dims of tensor w", "is 0"),
        ),
        (
            "five dimensions",
            tensor(&[1; 5], 0, 0, 4),
            Field("n_dims of tensor w", "is 5"),
        ),
        (
            "dimension 0",
            tensor(&[4, 0], 0, 0, 4),
            Field("dims[1] of tensor w", "is 0"),
        ),
        (
            "dimension over 2^31",
            tensor(&[(1 << 31) + 1], 0, 0, 4),
            Field("dims[0] of tensor w", "2147483649"),
        ),
        (
            "dimension 2^64-1",
            tensor(&[1, 1, 1, u64::MAX], 0, 0, 4),
            Field("dims[3] of tensor w", "must be"),
        ),
        (
            "2^31 to the fourth",
            tensor(&[1 << 31; 4], 0, 0, 4),
            Field("dims of tensor w", "large"),
        ),
        (
            "bytes overflow",
            tensor(&[1 << 31, 1 << 31, 2], 0, 0, 4),
            Field("dims of tensor w", "large"),
        ),
        (
            "odd row of Q4_0",
            tensor(&[33, 32], 2, 0, 999),
            Field("dims[0] of tensor w", "multiple of 32"),
        ),
        (
            "short row of Q4_K",
            tensor(&[128, 2], 12, 0, 999),
            Field("dims[0] of tensor w", "multiple of 256"),
        ),
        (
            "withdrawn type",
            tensor(&[32], 4, 0, 99),
            Expected::TensorType("number 4"),
        ),
        (
            "type of the future",
            tensor(&[32], 40, 0, 99),
            Expected::TensorType("number 40"),
        ),
        (
            "type 2^32-1",
            tensor(&[32], u32::MAX, 0, 99),
            Field("type of tensor w", "no such type"),
        ),
        (
            "offset not aligned",
            tensor(&[1], 0, 4, 99),
            Field("offset of tensor w", "multiple of 32"),
        ),
        (
            "offset 2^64-32",
            tensor(&[1], 0, 0u64.wrapping_sub(32), 99),
            Field("offset of tensor w", "no file"),
        ),
        ("tensor past the end", tensor(&[32], 0, 0, 127), Truncated),
        (
            "offset past the end",
            tensor(&[1], 0, 1 << 30, 127),
            Truncated,
        ),
        (
            "empty name",
            header().tensor_info("", &[1], 0, 0).bytes(),
            Field("name of tensor 0", "empty"),
        ),
        (
            "long name",
            header().tensor_info(&"n".repeat(256), &[1], 0, 0).bytes(),
            Field("name of tensor 0", "256"),
        ),
        (
            "name not UTF-8",
            patched(b"output_norm", b"output_nor\xFF"),
            Field("name of tensor 2", UTF8),
        ),
        (
            "name there twice",
            with(&|w| {
                w.tensor("w", &[1], TensorType::F32, &[0; 4]).tensor(
                    "w",
                    &[1],
                    TensorType::F32,
                    &[0; 4],
                );
            }),
            Field("name of tensor w", "twice"),
        ),
        (
            "tensors in one place",
            with(&|w| {
                w.tensor("a", &[1], TensorType::F32, &[0; 64])
                    .tensor_info("b", &[1], 0, 0);
            }),
            Field("offset of tensor b", "tensor a ends at 4"),
        ),
        (
            "tensors that overlap, backwards",
            with(&|w| {
                w.tensor_info("a", &[1], 0, 32)
                    .tensor("b", &[16], TensorType::F32, &[0; 64]);
            }),
            Field("offset of tensor a", "tensor b ends at 64"),
        ),
    ]
}
