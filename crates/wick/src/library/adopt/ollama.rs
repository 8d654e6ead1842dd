//! Ollama: a manifest for each model, `manifests/{host}/{owner}/{name}/{tag}`, which names layers by their sha256;
//! each lies in `blobs/sha256-{hex}`. The weights are one layer.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wick_hub::Sha256Hex;

use super::{Found, MOST_MODELS, inside::Root};
use crate::library::Peer;

/// Most bytes of a manifest.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;
const WEIGHTS: &str = "application/vnd.ollama.image.model";

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

/// All models of it.
pub fn search(root: &Root) -> Vec<Found> {
    let manifests = root.path().join("manifests");
    let files = root.files_below(&manifests).into_iter();
    let found = files.filter_map(|file| found(root, &manifests, &file));
    found.take(MOST_MODELS).collect()
}

fn found(root: &Root, manifests: &Path, file: &Path) -> Option<Found> {
    let text = root.text(file, MOST_MANIFEST_BYTES)?;
    let manifest: Manifest = serde_json::from_str(&text).ok()?;
    let mut weights = manifest.layers.iter().filter(|l| l.media_type == WEIGHTS);
    let (Some(layer), None) = (weights.next(), weights.next()) else {
        return None;
    };
    // The path is made of the digits alone, once they are known to be digits.
    let digits = layer.digest.strip_prefix("sha256:")?;
    let sha256: Sha256Hex = digits.parse().ok()?;
    let blob = root.path().join("blobs").join(format!("sha256-{sha256}"));
    let name = name_of(file.strip_prefix(manifests).ok()?)?;
    Some(Found {
        peer: Peer::Ollama,
        label: label_of(&name),
        name,
        path: root.inside(&blob).filter(|blob| blob.is_file())?,
        sha256: Some(sha256.to_string()),
        origin: None,
    })
}

/// `registry.ollama.ai/library/qwen3/0.6b` is `qwen3:0.6b`, as Ollama says it.
fn name_of(manifest: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = manifest.iter().map(|part| part.to_str()).collect();
    match parts?[..] {
        ["registry.ollama.ai", "library", name, tag] => Some(format!("{name}:{tag}")),
        ["registry.ollama.ai", owner, name, tag] => Some(format!("{owner}/{name}:{tag}")),
        [host, owner, name, tag] => Some(format!("{host}/{owner}/{name}:{tag}")),
        _ => None,
    }
}

/// `qwen3:0.6b` reads as a file's name `qwen3-0.6b`.
fn label_of(name: &str) -> PathBuf {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.strip_suffix(":latest")
        .unwrap_or(last)
        .replace(':', "-")
        .into()
}
