//! Model files made to break the reader: each must be refused, by the rule it breaks.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use candle_core::quantized::gguf_file::Value;
use wick_engine::{
    Error,
    gguf::{TensorType, ValidatedGguf},
    testkit::GgufWriter,
};

fn open(bytes: &[u8]) -> Result<ValidatedGguf, Error> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("model.gguf");
    fs::write(&path, bytes).expect("the file can be written");
    ValidatedGguf::open(&path)
}

fn tokens(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("t{index}")).collect()
}

/// What every good file has, before what a case adds.
fn header() -> GgufWriter {
    let mut writer = GgufWriter::new();
    writer.string("general.architecture", "llama");
    writer
}

fn good() -> GgufWriter {
    let mut writer = header();
    writer
        .string("general.name", "Tiny\u{202E} \nmodel")
        .u32("general.file_type", 3)
        .u32("llama.block_count", 1)
        .u32("llama.context_length", 9000)
        .u32("llama.embedding_length", 32)
        .u32("llama.feed_forward_length", 64)
        .u32("llama.attention.head_count", 4)
        .u32("llama.attention.head_count_kv", 2)
        .u32("llama.rope.dimension_count", 8)
        .f32("llama.rope.freq_base", 10_000.0)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .value("llama.some_u64", 10, &7u64.to_le_bytes())
        .value("llama.some_i8", 1, &[0xFE])
        .value(
            "llama.some_u16s",
            9,
            &[2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0],
        )
        .bool("tokenizer.ggml.add_bos_token", true)
        .strings("tokenizer.ggml.tokens", &tokens(3))
        .f32s("tokenizer.ggml.scores", &[0.0, 1.0, 2.0])
        .i32s("tokenizer.ggml.token_type", &[1, 1, -1])
        .string("tokenizer.chat_template", "{{ messages }}")
        .tensor("token_embd.weight", &[32, 3], TensorType::Q4_1, &[1; 60])
        .tensor(
            "blk.0.attn_q.weight",
            &[32, 32],
            TensorType::Q8_0,
            &[2; 1088],
        )
        .tensor("output_norm.weight", &[32], TensorType::F32, &[0; 128]);
    writer
}

/// The good file with the one occurrence of `from` replaced.
fn patched(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = good().bytes();
    let at = bytes.windows(from.len()).position(|window| window == from);
    let at = at.expect("what is to be replaced is in the file");
    bytes.splice(at..at + from.len(), to.iter().copied());
    bytes
}

/// The good file with bytes overwritten.
fn at(offset: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = good().bytes();
    bytes[offset..offset + with.len()].copy_from_slice(with);
    bytes
}

/// A file with one more value.
fn value(key: &str, value_type: u32, parts: &[&[u8]]) -> Vec<u8> {
    header().value(key, value_type, &parts.concat()).bytes()
}

/// A file of one described tensor and `data` zero bytes.
fn tensor(dims: &[u64], id: u32, offset: u64, data: usize) -> Vec<u8> {
    let mut bytes = header().tensor_info("w", dims, id, offset).bytes();
    bytes.extend(vec![0; data]);
    bytes
}

fn le(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

#[derive(Debug)]
enum Expected {
    /// `Malformed`, with this field and a reason that holds this text.
    Field(&'static str, &'static str),
    Truncated,
    NotGguf(&'static str),
    Version(u32),
    TensorType(&'static str),
}
use Expected::{Field, NotGguf, Truncated, Version};

fn cases() -> Vec<(&'static str, Vec<u8>, Expected)> {
    const STRING: [u8; 4] = 8u32.to_le_bytes();
    let with = |edit: &dyn Fn(&mut GgufWriter)| {
        let mut writer = header();
        edit(&mut writer);
        writer.bytes()
    };
    // Keys of a plain model, then one that disagrees.
    let sized = |edit: &dyn Fn(&mut GgufWriter)| {
        with(&|w| {
            w.u32("llama.block_count", 1)
                .u32("llama.embedding_length", 8)
                .u32("llama.feed_forward_length", 16)
                .u32("llama.attention.head_count", 4)
                .u32("llama.attention.head_count_kv", 2);
            edit(w);
        })
    };
    let shape = |name: &str, dims: &[usize]| {
        let data = vec![0; dims.iter().product::<usize>() * 4];
        sized(&|w| {
            w.tensor(name, dims, TensorType::F32, &data);
        })
    };
    let number = |key: &str, value: u32| with(&|w| _ = w.u32(key, value));
    let float = |key: &str, value: f32| with(&|w| _ = w.f32(key, value));
    let utf8 = "is not valid UTF-8";
    let hello = |prefix: &[u8]| [prefix, &[0; 100]].concat();
    let alignment = "general.alignment";
    let power = "power of two";
    vec![
        // What is no GGUF file at all
        ("empty", vec![], NotGguf("empty")),
        (
            "web page",
            b"\n <!DOCTYPE HTML><html>".to_vec(),
            NotGguf("web page"),
        ),
        ("html", b"<html lang=en>".to_vec(), NotGguf("web page")),
        ("xml", b"<?xml version=1>".to_vec(), NotGguf("XML")),
        ("json", b"{\"error\":1}".to_vec(), NotGguf("JSON")),
        ("zip", hello(b"PK\x03\x04"), NotGguf("ZIP")),
        (
            "torch zip",
            hello(b"PK\x03\x04xxarchive/data.pkl"),
            NotGguf("PyTorch"),
        ),
        ("torch pickle", hello(b"\x80\x02}q"), NotGguf("PyTorch")),
        (
            "safetensors",
            hello(b"\x40\0\0\0\0\0\0\0{\"a\":{}}"),
            NotGguf("safetensors"),
        ),
        ("ggml", hello(b"lmgg"), NotGguf("GGML legacy")),
        ("ggjt", hello(b"tjgg"), NotGguf("GGML legacy")),
        ("big-endian magic", hello(b"FUGG"), NotGguf("big-endian")),
        (
            "lfs pointer",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            NotGguf("Git LFS"),
        ),
        (
            "text",
            b"Not Found".to_vec(),
            NotGguf("the text \"Not Found\""),
        ),
        ("zeros", vec![0; 64], NotGguf("zeros")),
        (
            "noise",
            hello(&[0xDE, 0xAD, 0xBE, 0xEF]),
            NotGguf("de ad be ef"),
        ),
        ("one byte", vec![7], NotGguf("07")),
        ("lower case magic", hello(b"gguf"), NotGguf("67 67 75 66")),
        ("half a magic", b"GG".to_vec(), Truncated),
        ("magic alone", b"GGUF".to_vec(), Truncated),
        // Version and counts
        ("version 0", at(4, &[0]), Version(0)),
        ("version 1", at(4, &[1]), Version(1)),
        ("version 4", at(4, &[4]), Version(4)),
        ("big-endian version", at(4, &[0, 0, 0, 3]), Version(3 << 24)),
        (
            "tensors over the limit",
            at(8, &le(65_537)),
            Field("tensor_count", "65537"),
        ),
        (
            "tensors 2^64-1",
            at(8, &le(u64::MAX)),
            Field("tensor_count", "at most"),
        ),
        (
            "keys over the limit",
            at(16, &le(65_537)),
            Field("metadata_kv_count", "65537"),
        ),
        (
            "keys 2^63",
            at(16, &le(1 << 63)),
            Field("metadata_kv_count", "at most"),
        ),
        (
            "more keys than bytes",
            with(&|_| ())[..69].to_vec().tap(16, &le(65_536)),
            Truncated,
        ),
        (
            "more tensors than bytes",
            with(&|_| ())[..69].to_vec().tap(8, &le(65_536)),
            Truncated,
        ),
        // Keys
        (
            "key of 64 KiB",
            at(24, &le(65_536)),
            Field("key 0", "65536"),
        ),
        (
            "key of 2^64-1",
            at(24, &le(u64::MAX)),
            Field("key 0", "at most"),
        ),
        ("key past the end", at(24, &le(65_535)), Truncated),
        (
            "empty key",
            value("", 7, &[&[1]]),
            Field("key 1", "is empty"),
        ),
        ("key not UTF-8", at(32, &[0xFF]), Field("key 0", utf8)),
        (
            "key there twice",
            with(&|w| _ = w.string("general.architecture", "llama")),
            Field("general.architecture", "twice"),
        ),
        (
            "key there twice, other type",
            with(&|w| _ = w.u32("a", 1).bool("a", true)),
            Field("a", "twice"),
        ),
        (
            "hostile key in a message",
            value("a\u{7}b", 77, &[]),
            Field("type of a\u{FFFD}b", "is 77"),
        ),
        // Values
        (
            "type 13",
            value("k", 13, &[&[0; 8]]),
            Field("type of k", "is 13"),
        ),
        (
            "type 2^32-1",
            value("k", u32::MAX, &[&[0; 8]]),
            Field("type of k", "must be 0 to 12"),
        ),
        (
            "bool 2",
            value("k", 7, &[&[2]]),
            Field("k", "neither 0 nor 1"),
        ),
        (
            "string over 16 MiB",
            value("k", 8, &[&le((16 << 20) + 1)]),
            Field("k", "16777217"),
        ),
        (
            "string of 2^64-1",
            value("k", 8, &[&le(u64::MAX)]),
            Field("k", "at most"),
        ),
        (
            "string past the end",
            value("k", 8, &[&le(16 << 20)]),
            Truncated,
        ),
        (
            "string not UTF-8",
            value("k", 8, &[&le(2), b"\xC3\x28"]),
            Field("k", utf8),
        ),
        (
            "string of a surrogate",
            value("k", 8, &[&le(3), b"\xED\xA0\x80"]),
            Field("k", utf8),
        ),
        (
            "number past the end",
            header().value("k", 10, &[]).bytes()[..65].to_vec(),
            Truncated,
        ),
        // Arrays
        (
            "array of arrays",
            value("k", 9, &[&9u32.to_le_bytes(), &le(1), &STRING, &le(0)]),
            Field("type of the elements of k", "arrays of arrays"),
        ),
        (
            "array of type 99",
            value("k", 9, &[&[99, 0, 0, 0], &le(0)]),
            Field("type of the elements of k", "is 99"),
        ),
        (
            "array of 2^64-1 bytes",
            value("k", 9, &[&[0; 4], &le(u64::MAX)]),
            Field("length of k", "256 MiB"),
        ),
        (
            "array whose size overflows",
            value("k", 9, &[&[10, 0, 0, 0], &le(1 << 61)]),
            Field("length of k", "256 MiB"),
        ),
        (
            "array longer than a header",
            value("k", 9, &[&[0; 4], &le(256 << 20)]),
            Field("length of k", "256 MiB"),
        ),
        (
            "array longer than the file",
            value("k", 9, &[&[0; 4], &le(200 << 20)]),
            Truncated,
        ),
        (
            "more strings than allowed",
            value("k", 9, &[&STRING, &le((4 << 20) + 1)]),
            Field("length of k", "4194304 strings"),
        ),
        (
            "more strings than bytes",
            value("k", 9, &[&STRING, &le(1 << 20)]),
            Truncated,
        ),
        (
            "element too long",
            value("k", 9, &[&STRING, &le(1), &le(1 << 40)]),
            Field("element 0 of k", "at most"),
        ),
        (
            "element not UTF-8",
            value("k", 9, &[&STRING, &le(2), &le(1), b"a", &le(1), &[0x80]]),
            Field("element 1 of k", utf8),
        ),
        (
            "array of odd bools",
            value("k", 9, &[&[7, 0, 0, 0], &le(3), &[0, 1, 2]]),
            Field("element 2 of k", "neither"),
        ),
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
            Field("name of tensor 2", utf8),
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

trait Tap {
    fn tap(self, offset: usize, with: &[u8]) -> Self;
}

impl Tap for Vec<u8> {
    fn tap(mut self, offset: usize, with: &[u8]) -> Self {
        self[offset..offset + with.len()].copy_from_slice(with);
        self
    }
}

/// 57 bytes on which a reader divides by zero.
fn crash_57() -> Vec<u8> {
    let mut bytes = GgufWriter::new().u32("general.alignment", 0).bytes();
    bytes.truncate(57);
    bytes
}

/// 96 bytes whose tensor of 65536⁴ weights takes no bytes where products wrap.
fn crash_96() -> Vec<u8> {
    let mut bytes = GgufWriter::new()
        .tensor_info("t", &[65_536; 4], 0, 0)
        .bytes();
    bytes.resize(96, 0);
    bytes
}

#[test]
fn refuses_every_bad_file_by_the_rule_it_breaks() {
    let cases = cases();
    assert!(cases.len() >= 60);
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases {
        let error = open(&bytes).err();
        let right = match (&error, &expected) {
            (
                Some(Error::Malformed {
                    offset,
                    field,
                    reason,
                }),
                Field(wanted, part),
            ) => field == wanted && reason.contains(part) && *offset <= bytes.len() as u64,
            (Some(Error::Truncated { needed, actual }), Truncated) => {
                needed > actual && *actual == bytes.len() as u64
            }
            (Some(Error::NotGguf { found, .. }), NotGguf(part)) => found.contains(part),
            (Some(Error::UnsupportedVersion { version }), Version(wanted)) => version == wanted,
            (
                Some(Error::UnsupportedTensorType {
                    tensor,
                    tensor_type,
                }),
                Expected::TensorType(wanted),
            ) => tensor == "w" && tensor_type == wanted,
            _ => false,
        };
        if !right {
            wrong.push(format!("{name}: expected {expected:?}, got {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_say_where_the_damage_is() {
    assert_eq!(
        open(&at(24, &le(65_536))).err(),
        Some(Error::Malformed {
            offset: 24,
            field: "key 0".to_owned(),
            reason: "has a length of 65536 bytes; at most 65535 are allowed".to_owned(),
        })
    );
    let bytes = good().bytes();
    let name = bytes
        .windows(18)
        .position(|window| window == b"output_norm.weight");
    let dims = name.unwrap() + 18;
    let broken = bytes.tap(dims + 4, &le(0));
    let error = open(&broken).err();
    assert!(
        matches!(&error, Some(Error::Malformed { offset, .. }) if *offset == dims as u64 + 4),
        "{error:?}"
    );
}

#[test]
fn a_good_file_keeps_what_it_says() {
    let gguf = open(&good().bytes()).unwrap();
    let metadata = gguf.metadata();
    assert_eq!(gguf.architecture(), "llama");
    assert_eq!(metadata.u32("llama.context_length"), Ok(Some(9000)));
    assert_eq!(metadata.u32("llama.some_u64"), Ok(Some(7)));
    assert_eq!(metadata.u32("absent"), Ok(None));
    assert_eq!(metadata.f32("llama.rope.freq_base"), Ok(Some(10_000.0)));
    assert_eq!(
        metadata.bool("tokenizer.ggml.add_bos_token"),
        Ok(Some(true))
    );
    assert_eq!(
        metadata.str("tokenizer.chat_template"),
        Ok(Some("{{ messages }}"))
    );
    assert_eq!(
        metadata.strings("tokenizer.ggml.tokens"),
        Ok(Some(&tokens(3)[..]))
    );
    assert_eq!(
        metadata.f32s("tokenizer.ggml.scores"),
        Ok(Some(&[0.0, 1.0, 2.0][..]))
    );
    assert_eq!(
        metadata.i32s("tokenizer.ggml.token_type"),
        Ok(Some(vec![1, 1, -1]))
    );
    assert_eq!(metadata.i32s("llama.some_u16s"), Ok(Some(vec![1, 2])));
    assert!(metadata.u32("llama.some_i8").is_err());
    assert!(metadata.u32("general.name").is_err());
    assert!(metadata.str("llama.block_count").is_err());
    assert!(metadata.bool("llama.block_count").is_err());
    assert!(metadata.strings("tokenizer.ggml.scores").is_err());
    assert!(metadata.f32s("tokenizer.ggml.tokens").is_err());
    assert!(metadata.i32s("tokenizer.ggml.scores").is_err());

    let shapes: Vec<_> = gguf
        .tensors()
        .iter()
        .map(|t| (t.name.as_str(), t.dims.as_slice(), t.bytes, t.offset))
        .collect();
    assert_eq!(
        shapes,
        [
            ("token_embd.weight", &[32, 3][..], 60, 0),
            ("blk.0.attn_q.weight", &[32, 32][..], 1088, 64),
            ("output_norm.weight", &[32][..], 128, 1152),
        ]
    );

    let info = gguf.model_info().unwrap();
    assert_eq!(info.name, "Tiny model");
    assert_eq!(
        (info.architecture.as_str(), info.quantization.as_str()),
        ("llama", "Q4_1")
    );
    assert_eq!(info.parameters, 96 + 1024 + 32);
    assert_eq!(
        (info.trained_context_length, info.context_length),
        (9000, 8192)
    );
    assert!(info.has_chat_template);
}

#[test]
fn candle_reads_the_same_from_the_file_as_from_the_header() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    fs::write(&path, good().bytes()).unwrap();
    let ours = ValidatedGguf::open(&path).unwrap().to_candle().unwrap();
    let mut file = fs::File::open(&path).unwrap();
    let theirs = candle_core::quantized::gguf_file::Content::read(&mut file).unwrap();
    assert_eq!(ours.magic, theirs.magic);
    assert_eq!(ours.tensor_data_offset, theirs.tensor_data_offset);
    assert_eq!(ours.tensor_infos.len(), theirs.tensor_infos.len());
    for (name, info) in &theirs.tensor_infos {
        let found = &ours.tensor_infos[name];
        assert_eq!(
            (&found.shape, found.ggml_dtype, found.offset),
            (&info.shape, info.ggml_dtype, info.offset)
        );
        ours.tensor(&mut file, name, &candle_core::Device::Cpu)
            .unwrap();
    }
    assert!(
        ours.metadata
            .keys()
            .all(|key| !key.starts_with("tokenizer."))
    );
    assert!(matches!(ours.metadata["llama.some_u64"], Value::U32(7)));
    assert!(matches!(ours.metadata["llama.some_i8"], Value::I32(-2)));
    assert!(matches!(
        ours.metadata["llama.rope.freq_base"],
        Value::F32(10_000.0)
    ));
    assert!(matches!(&ours.metadata["llama.some_u16s"], Value::Array(array) if array.len() == 2));
}

#[test]
fn only_types_candle_loads_go_to_candle() {
    for tensor_type in TensorType::ALL.iter().copied() {
        let (weights, bytes) = (tensor_type.block_size(), tensor_type.block_bytes());
        assert_eq!(TensorType::from_id(tensor_type.id()), Some(tensor_type));
        let mut writer = header();
        writer.tensor(
            "w",
            &[weights as usize],
            tensor_type,
            &vec![0; bytes as usize],
        );
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.gguf");
        fs::write(&path, writer.bytes()).unwrap();
        match (
            tensor_type.to_candle(),
            ValidatedGguf::open(&path).unwrap().to_candle(),
        ) {
            (Some(dtype), Ok(content)) => {
                assert_eq!(
                    (dtype.block_size() as u64, dtype.type_size() as u64),
                    (weights, bytes)
                );
                let mut file = fs::File::open(&path).unwrap();
                content
                    .tensor(&mut file, "w", &candle_core::Device::Cpu)
                    .unwrap();
            }
            (
                None,
                Err(Error::UnsupportedTensorType {
                    tensor,
                    tensor_type: name,
                }),
            ) => {
                assert_eq!((tensor.as_str(), name.as_str()), ("w", tensor_type.name()));
            }
            (_, other) => panic!("{tensor_type}: {other:?}"),
        }
    }
}

#[test]
fn a_model_without_names_is_described_by_its_weights() {
    let mut writer = header();
    writer
        .u32("llama.context_length", 2048)
        .tensor("a", &[64], TensorType::F32, &[0; 256])
        .tensor("b", &[256, 4], TensorType::Q6K, &[0; 840]);
    let info = open(&writer.bytes()).unwrap().model_info().unwrap();
    assert_eq!(
        (info.name.as_str(), info.quantization.as_str()),
        ("", "Q6_K")
    );
    assert_eq!(
        (info.trained_context_length, info.context_length),
        (2048, 2048)
    );
    assert!(!info.has_chat_template);
    let error = open(&header().bytes()).unwrap().model_info().err();
    assert!(
        matches!(error, Some(Error::Malformed { field, .. }) if field == "llama.context_length")
    );
    let long = header()
        .u32("llama.context_length", 1)
        .string("general.name", &"é".repeat(500))
        .bytes();
    assert_eq!(
        open(&long)
            .unwrap()
            .model_info()
            .unwrap()
            .name
            .chars()
            .count(),
        200
    );
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let bytes = good().bytes();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    fs::write(&path, &bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    assert!(ValidatedGguf::open(&path).is_ok());
    for length in (0..bytes.len() as u64).rev() {
        file.set_len(length).unwrap();
        match ValidatedGguf::open(&path).err() {
            Some(Error::Truncated { needed, actual }) => {
                assert!(needed > actual && actual == length)
            }
            Some(Error::NotGguf { .. }) if length == 0 => {}
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn one_changed_byte_never_panics() {
    let good = good().bytes();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    // The weights themselves are not read.
    for offset in 0..good.len() - 1280 {
        for with in [0, 0x7F, 0xFF] {
            let mut bytes = good.clone();
            bytes[offset] = with;
            fs::write(&path, &bytes).unwrap();
            if let Ok(gguf) = ValidatedGguf::open(&path) {
                let _ = (gguf.to_candle(), gguf.model_info());
            }
        }
    }
}

#[test]
fn a_header_may_not_be_endless() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    // Each array alone is allowed, both together are not. The file is sparse.
    let first = value("a", 9, &[&[0; 4], &le(200 << 20)])[..94].to_vec();
    let second = [&le(1)[..], b"b", &[9, 0, 0, 0], &[0; 4], &le(100 << 20)].concat();
    fs::write(&path, first.tap(16, &le(3))).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(94 + (200 << 20))).unwrap();
    file.write_all(&second).unwrap();
    file.set_len(400 << 20).unwrap();
    let error = ValidatedGguf::open(&path).err();
    assert!(
        matches!(&error, Some(Error::Malformed { field, .. }) if field == "length of b"),
        "{error:?}"
    );
}

#[test]
fn what_is_no_file_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |path: &Path| matches!(ValidatedGguf::open(path), Err(Error::Read { .. }));
    assert!(refused(directory.path()));
    assert!(refused(&directory.path().join("absent.gguf")));
}

#[test]
fn tensors_may_be_described_in_any_order_and_with_gaps() {
    let mut writer = header();
    writer
        .tensor_info("b", &[1], 0, 128)
        .tensor_info("a", &[1], 0, 32);
    let mut bytes = writer.bytes();
    bytes.extend([0; 132]);
    assert_eq!(open(&bytes).unwrap().tensors().len(), 2);
}

#[test]
fn version_2_reads_as_version_3() {
    let gguf = open(&at(4, &[2])).unwrap();
    assert_eq!(gguf.tensors().len(), 3);
    assert_eq!(
        gguf.to_candle().unwrap().magic,
        candle_core::quantized::gguf_file::VersionedMagic::GgufV2
    );
}
