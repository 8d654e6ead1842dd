//! Which files hold a model: one, or the shards that an index names. An index names files of its own folder only.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    header::MAX_TENSORS,
    json::{self, kind_of, malformed},
};
use crate::{Error, Result};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const MAX_INDEX_BYTES: u64 = 25_000_000;
const MAX_SHARDS: usize = 1024;
/// What a folder may hold instead, and what to say of it.
const OTHERS: [(&str, &str); 3] = [
    (
        "pytorch_model.bin",
        "it holds PyTorch weights, which can run code when they are read; Wick reads safetensors and GGUF",
    ),
    (
        "pytorch_model.bin.index.json",
        "it holds PyTorch weights, which can run code when they are read; Wick reads safetensors and GGUF",
    ),
    (
        "adapter_model.safetensors",
        "it holds an adapter, which needs the model it was trained on",
    ),
];

/// Names of tensors by the name of the file that holds them.
pub type WeightMap = BTreeMap<String, Vec<String>>;

/// The files of the model in `folder`; of shards, also the tensors each is to give.
pub(super) fn files(folder: &Path) -> Result<Vec<(PathBuf, Option<Vec<String>>)>> {
    let single = folder.join(SINGLE);
    if single.exists() {
        return Ok(vec![(single, None)]);
    }
    let index = folder.join(INDEX);
    if !index.exists() {
        let other = OTHERS.iter().find(|(name, _)| folder.join(name).exists());
        let reason = match other {
            Some((_, reason)) => (*reason).to_owned(),
            None => format!("it has neither {SINGLE} nor {INDEX}"),
        };
        return Err(Error::Read {
            path: folder.display().to_string(),
            reason,
        });
    }
    let shards = parse_index(&json::read(&index, MAX_INDEX_BYTES)?)?;
    let count = shards.len();
    let mut files = Vec::new();
    for (number, (file, tensors)) in shards.into_iter().enumerate() {
        let path = folder.join(&file);
        if !path.exists() {
            let reason = format!("file {} of {count} of this model is missing", number + 1);
            return Err(Error::Read {
                path: path.display().to_string(),
                reason,
            });
        }
        files.push((path, Some(tensors)));
    }
    Ok(files)
}

/// The contents of `model.safetensors.index.json`.
pub fn parse_index(bytes: &[u8]) -> Result<WeightMap> {
    // A tensor takes a value; what else an index says is short.
    let object = json::parse_object(INDEX, bytes, MAX_TENSORS + 1024)?;
    let weights = match object.get("weight_map") {
        Some(Value::Object(weights)) => weights,
        Some(other) => {
            let reason = format!("is {}; must be an object", kind_of(other));
            return Err(malformed(INDEX, "weight_map", reason));
        }
        None => return Err(malformed(INDEX, "weight_map", "is missing")),
    };
    if weights.is_empty() {
        return Err(malformed(INDEX, "weight_map", "is empty"));
    }
    let mut shards = WeightMap::new();
    for (tensor, file) in weights {
        let field = format!("weight_map of {tensor}");
        let Value::String(file) = file else {
            let reason = format!("is {}; must be a string", kind_of(file));
            return Err(malformed(INDEX, &field, reason));
        };
        if !is_plain_name(file) {
            let reason = "is not the name of a .safetensors file beside the index";
            return Err(malformed(INDEX, &field, reason));
        }
        shards.entry(file.clone()).or_default().push(tensor.clone());
    }
    if shards.len() > MAX_SHARDS {
        let reason = format!(
            "names {} files; at most {MAX_SHARDS} are allowed",
            shards.len()
        );
        return Err(malformed(INDEX, "weight_map", reason));
    }
    Ok(shards)
}

/// Whether this names a file of the same folder on every system, and a safetensors file.
fn is_plain_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | ' ');
    (1..=255).contains(&name.len())
        && name.ends_with(".safetensors")
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(allowed)
        && !name.contains("..")
}
