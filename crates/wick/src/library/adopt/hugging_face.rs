//! The cache that programs share which download from Hugging Face: `models--{owner}--{name}/snapshots/{commit}/{file}`,
//! where each file is a link to `blobs/{hash}` of the same repository; `refs/main` names the newest commit.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use wick_hub::{CommitHash, RepoId, Sha256Hex};

use super::{Found, MOST_MODELS, inside::Root, plain::is_model};
use crate::library::{Origin, Peer};

/// All models in it, each file once: of two commits that have it, by the newest one's.
pub fn search(root: &Root) -> Vec<Found> {
    let repositories = root.folders_in(root.path()).into_iter();
    let found = repositories.flat_map(|folder| match repository_of(&folder) {
        Some(repository) => in_repository(root, &folder, &repository),
        None => Vec::new(),
    });
    found.take(MOST_MODELS).collect()
}

fn repository_of(folder: &Path) -> Option<RepoId> {
    let name = folder.file_name()?.to_str()?.strip_prefix("models--")?;
    let (owner, name) = name.split_once("--")?;
    format!("{owner}/{name}").parse().ok()
}

fn in_repository(root: &Root, folder: &Path, repository: &RepoId) -> Vec<Found> {
    let newest = root
        .text(&folder.join("refs/main"), 100)
        .unwrap_or_default();
    let mut snapshots = root.folders_in(&folder.join("snapshots"));
    // The newest comes first.
    snapshots.sort_by_key(|snapshot| !snapshot.ends_with(newest.trim()));
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for snapshot in snapshots {
        let commit = snapshot.file_name().and_then(|name| name.to_str());
        let Some(commit) = commit.and_then(|name| name.parse::<CommitHash>().ok()) else {
            continue;
        };
        let files = root.files_below(&snapshot);
        let models = files.iter().filter(|file| is_model(file));
        for found in models.filter_map(|file| gguf(root, &snapshot, file)) {
            all.push((commit.clone(), found));
        }
        all.extend(safetensors(root, &snapshot, &files).map(|found| (commit.clone(), found)));
    }
    let once = all
        .into_iter()
        .filter(|(_, found)| seen.insert(found.seen_as.clone()));
    once.map(|(commit, found)| Found {
        peer: Peer::HuggingFace,
        name: match found.file.as_str() {
            "" => repository.to_string(),
            file => format!("{repository}/{file}"),
        },
        label: match found.file.as_str() {
            "" => repository.name().into(),
            file => file.into(),
        },
        path: found.path,
        sha256: found.sha256,
        origin: Some(Origin {
            repository: repository.to_string(),
            commit: commit.to_string(),
            file: found.file,
        }),
    })
    .collect()
}

struct InSnapshot {
    /// Its name in the repository; empty for a folder of safetensors.
    file: String,
    path: PathBuf,
    sha256: Option<String>,
    /// The file that it is, whatever link led there.
    seen_as: PathBuf,
}

fn gguf(root: &Root, snapshot: &Path, file: &Path) -> Option<InSnapshot> {
    let blob = root.inside(file)?;
    let is_part = file.file_stem()?.to_str()?.contains("-of-");
    // Large files are kept under their sha256, small ones under git's hash.
    let name = blob.file_name()?.to_str()?;
    let sha256 = name.parse::<Sha256Hex>().ok().filter(|_| !is_part);
    let within = file.strip_prefix(snapshot).ok()?.to_str()?;
    if is_part && !root.has_no_way_out(file.parent()?) {
        return None;
    }
    Some(InSnapshot {
        file: within.replace('\\', "/"),
        // The other parts are found by their names.
        path: match is_part {
            true => file.to_owned(),
            false => blob.clone(),
        },
        sha256: sha256.map(|sha256| sha256.to_string()),
        seen_as: blob,
    })
}

fn safetensors(root: &Root, snapshot: &Path, files: &[PathBuf]) -> Option<InSnapshot> {
    let has = |name: &str| files.contains(&snapshot.join(name));
    let weights = ["model.safetensors", "model.safetensors.index.json"];
    let weights = weights.into_iter().find(|name| has(name))?;
    (has("config.json") && root.has_no_way_out(snapshot)).then(|| InSnapshot {
        file: String::new(),
        path: snapshot.to_owned(),
        sha256: None,
        seen_as: std::fs::canonicalize(snapshot.join(weights)).unwrap_or_default(),
    })
}
