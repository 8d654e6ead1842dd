//! Folders whose files are not there or not those the index names, and indexes that point elsewhere.

use serde_json::{Value, json};

use crate::{
    Case,
    folder::{good, safetensors, sharded},
};

const INDEX: &str = "model.safetensors.index.json";
const ONE: &str = "model-00001-of-00002.safetensors";
const TWO: &str = "model-00002-of-00002.safetensors";

/// The sharded folder with another index.
fn index(name: &'static str, text: &str, said: &'static [&'static str]) -> Case {
    (name, sharded().with(INDEX, text.as_bytes()), said)
}

/// An index that says the norm is in `file`.
fn elsewhere(name: &'static str, file: &str) -> Case {
    let mut index: Value = serde_json::from_slice(&sharded().0[INDEX]).unwrap();
    index["weight_map"]["model.norm.weight"] = file.into();
    let said: &[&str] = &[INDEX, "weight_map of model.norm.weight", "beside the index"];
    (
        name,
        sharded().with(INDEX, index.to_string().as_bytes()),
        said,
    )
}

pub fn cases() -> Vec<Case> {
    let mut lost: Value = serde_json::from_slice(&sharded().0[INDEX]).unwrap();
    lost["weight_map"]["model.norm.weight"] = TWO.into();
    let many: serde_json::Map<_, _> = (0..1025)
        .map(|n| (n.to_string(), json!(format!("{n}.safetensors"))))
        .collect();
    vec![
        (
            "no weights",
            good().without("model.safetensors"),
            &["neither model.safetensors"],
        ),
        (
            "PyTorch weights",
            good()
                .without("model.safetensors")
                .with("pytorch_model.bin", b"x"),
            &["PyTorch", "can run code"],
        ),
        (
            "an adapter",
            good()
                .without("model.safetensors")
                .with("adapter_model.safetensors", b"x"),
            &["adapter"],
        ),
        (
            "first shard missing",
            sharded().without(ONE),
            &[ONE, "file 1 of 2", "missing"],
        ),
        (
            "last shard missing",
            sharded().without(TWO),
            &[TWO, "file 2 of 2", "missing"],
        ),
        (
            "a shard that is empty",
            sharded().with(TWO, b""),
            &[TWO, "cut short"],
        ),
        (
            "a tensor that is not where the index says",
            sharded().with(INDEX, lost.to_string().as_bytes()),
            &[TWO, "tensor model.norm.weight", "index says"],
        ),
        (
            "a shard with other tensors",
            sharded().with(ONE, &safetensors(&[("w", "F16", &[1])])),
            &[ONE, "index says"],
        ),
        index("index that is no JSON", "{", &[INDEX, "JSON"]),
        index("index that is a list", "[]", &[INDEX, "no object"]),
        index(
            "index without a map",
            "{}",
            &[INDEX, "weight_map", "missing"],
        ),
        index(
            "map that is a list",
            r#"{"weight_map":[]}"#,
            &[INDEX, "weight_map", "must be an object"],
        ),
        index(
            "empty map",
            r#"{"weight_map":{}}"#,
            &[INDEX, "weight_map", "empty"],
        ),
        index(
            "file that is a number",
            r#"{"weight_map":{"w":1}}"#,
            &[INDEX, "weight_map of w", "a number"],
        ),
        index(
            "a tensor in two files",
            r#"{"weight_map":{"w":"a.safetensors","w":"b.safetensors"}}"#,
            &[INDEX, "\"w\" is there twice"],
        ),
        index(
            "more files than allowed",
            &json!({ "weight_map": many }).to_string(),
            &[INDEX, "1025 files"],
        ),
        elsewhere("file one folder up", "../model.safetensors"),
        elsewhere("file in a folder below", "sub/model.safetensors"),
        elsewhere("file from the root", "/etc/model.safetensors"),
        elsewhere("file with backslashes", "..\\model.safetensors"),
        elsewhere("file of another drive", "C:model.safetensors"),
        elsewhere("file of another host", "\\\\host\\model.safetensors"),
        elsewhere("file that is hidden", ".model.safetensors"),
        elsewhere("file with two dots", "a..safetensors"),
        elsewhere("file of another kind", "pytorch_model.bin"),
        elsewhere("file without a name", ""),
        elsewhere("file with a NUL", "a\0.safetensors"),
        elsewhere("file with a line break", "a\n.safetensors"),
        elsewhere(
            "file of 300 letters",
            &format!("{}.safetensors", "a".repeat(300)),
        ),
    ]
}
