//! A good file, and ways to break it.

use std::fs;

use wick_engine::{
    Error,
    gguf::{TensorType, ValidatedGguf},
    testkit::GgufWriter,
};

pub fn open(bytes: &[u8]) -> Result<ValidatedGguf, Error> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("model.gguf");
    fs::write(&path, bytes).expect("the file can be written");
    ValidatedGguf::open(&path)
}

pub fn tokens(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("t{index}")).collect()
}

/// What every good file has, before what a case adds.
pub fn header() -> GgufWriter {
    let mut writer = GgufWriter::new();
    writer.string("general.architecture", "tiny");
    writer
}

pub fn good() -> GgufWriter {
    let mut writer = header();
    writer
        .string("general.name", "Tiny\u{202E} \nmodel")
        .u32("general.file_type", 3)
        .u32("tiny.block_count", 1)
        .u32("tiny.context_length", 9000)
        .u32("tiny.embedding_length", 32)
        .u32("tiny.feed_forward_length", 64)
        .u32("tiny.attention.head_count", 4)
        .u32("tiny.attention.head_count_kv", 2)
        .u32("tiny.rope.dimension_count", 8)
        .f32("tiny.rope.freq_base", 10_000.0)
        .f32("tiny.attention.layer_norm_rms_epsilon", 1e-5)
        .value("tiny.some_u64", 10, &7u64.to_le_bytes())
        .value("tiny.some_i8", 1, &[0xFE])
        .value(
            "tiny.some_u16s",
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
pub fn patched(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = good().bytes();
    let at = bytes.windows(from.len()).position(|window| window == from);
    let at = at.expect("what is to be replaced is in the file");
    bytes.splice(at..at + from.len(), to.iter().copied());
    bytes
}

/// The good file with bytes overwritten.
pub fn at(offset: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = good().bytes();
    bytes[offset..offset + with.len()].copy_from_slice(with);
    bytes
}

/// A file with one more value.
pub fn value(key: &str, value_type: u32, parts: &[&[u8]]) -> Vec<u8> {
    header().value(key, value_type, &parts.concat()).bytes()
}

/// A file of one described tensor and `data` zero bytes.
pub fn tensor(dims: &[u64], id: u32, offset: u64, data: usize) -> Vec<u8> {
    let mut bytes = header().tensor_info("w", dims, id, offset).bytes();
    bytes.extend(vec![0; data]);
    bytes
}

pub fn le(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

pub trait Tap {
    fn tap(self, offset: usize, with: &[u8]) -> Self;
}

impl Tap for Vec<u8> {
    fn tap(mut self, offset: usize, with: &[u8]) -> Self {
        self[offset..offset + with.len()].copy_from_slice(with);
        self
    }
}

/// 57 bytes on which a reader divides by zero.
pub fn crash_57() -> Vec<u8> {
    let mut bytes = GgufWriter::new().u32("general.alignment", 0).bytes();
    bytes.truncate(57);
    bytes
}

/// 96 bytes whose tensor of 65536⁴ weights takes no bytes where products wrap.
pub fn crash_96() -> Vec<u8> {
    let mut bytes = GgufWriter::new()
        .tensor_info("t", &[65_536; 4], 0, 0)
        .bytes();
    bytes.resize(96, 0);
    bytes
}

pub const UTF8: &str = "is not valid UTF-8";

/// A file with what `edit` adds.
pub fn with(edit: &dyn Fn(&mut GgufWriter)) -> Vec<u8> {
    let mut writer = header();
    edit(&mut writer);
    writer.bytes()
}

/// A file with one more integer.
pub fn number(key: &str, value: u32) -> Vec<u8> {
    with(&|w| _ = w.u32(key, value))
}

/// A file with one more float.
pub fn float(key: &str, value: f32) -> Vec<u8> {
    with(&|w| _ = w.f32(key, value))
}

/// The keys of a plain model, and what `edit` adds.
pub fn sized(edit: &dyn Fn(&mut GgufWriter)) -> Vec<u8> {
    with(&|w| {
        w.u32("tiny.block_count", 1)
            .u32("tiny.embedding_length", 8)
            .u32("tiny.feed_forward_length", 16)
            .u32("tiny.attention.head_count", 4)
            .u32("tiny.attention.head_count_kv", 2);
        edit(w);
    })
}

/// A plain model with a tensor of these dimensions.
pub fn shape(name: &str, dims: &[usize]) -> Vec<u8> {
    let data = vec![0; dims.iter().product::<usize>() * 4];
    sized(&|w| {
        w.tensor(name, dims, TensorType::F32, &data);
    })
}
