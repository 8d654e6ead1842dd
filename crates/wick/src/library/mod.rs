//! Models on disk. A model of one file is that file, named by its sha256; one of several files is a folder of that
//! name. The name a person knows comes from what was imported, else from the header.

mod import;
mod name;
mod types;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) use import::import;
pub use types::{
    Adoptable, Availability, Deleted, FolderState, ImportEvent, ImportMode, LibraryFolder,
    LibraryModel, MoveEvent, Origin, Peer, Storage, VerifyEvent, VerifyOutcome,
};

use crate::{
    Paths, Result,
    store::{ModelRow, Store, now_ms},
};

/// What a model folder may hold beside its weights.
const SIDE_FILES: [&str; 9] = [
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// What the engine is to load: the file of a model, the first part of a split one, or its folder.
pub(crate) fn file_of(paths: &Paths, id: &str) -> PathBuf {
    let folder = folder_of(paths, id);
    if !folder.is_dir() {
        return folder.with_extension("gguf");
    }
    let parts = files_in(&folder).into_iter().map(|(path, _)| path);
    parts
        .filter(|path| path.extension().is_some_and(|end| end == "gguf"))
        .min()
        .unwrap_or(folder)
}

/// Where a model of several files lies.
fn folder_of(paths: &Paths, id: &str) -> PathBuf {
    paths.models().join(id)
}

/// The files of the model in a folder of the library, and their sizes. What a system leaves there is not counted.
fn files_in(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            SIDE_FILES.contains(&&*name)
                || name.ends_with(".gguf")
                || name.ends_with(".safetensors")
        })
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
        .collect()
}

/// Bytes of all files of a model; 0 where there is none.
fn size_of(paths: &Paths, id: &str) -> u64 {
    let folder = folder_of(paths, id);
    match folder.is_dir() {
        true => files_in(&folder).iter().map(|(_, bytes)| bytes).sum(),
        false => fs::metadata(file_of(paths, id)).map_or(0, |file| file.len()),
    }
}

/// Removes a file or a folder, if it is there.
fn remove(path: &Path) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).ok(),
        false => fs::remove_file(path).ok(),
    };
}

/// All models, with whether their files are there.
pub(crate) fn list(paths: &Paths, store: &Store) -> Result<Vec<LibraryModel>> {
    let rows = store.models()?;
    Ok(rows
        .into_iter()
        .map(|row| with_availability(paths, row))
        .collect())
}

/// Adds models that lie in the models folder and are not listed: the list may have been set aside.
pub(crate) fn adopt_unlisted(paths: &Paths, store: &Store) -> Result<()> {
    let known: Vec<String> = store.models()?.into_iter().map(|row| row.id).collect();
    let Ok(entries) = fs::read_dir(paths.models()) else {
        return Ok(());
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let named_by_hash = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        if path
            .extension()
            .is_some_and(|extension| extension == "part")
        {
            // Left by an import that was cut off.
            remove(&path);
        } else if named_by_hash
            && !known.contains(&stem)
            && let Ok(info) = name::inspect(&file_of(paths, &stem))
        {
            store.save_model(&ModelRow {
                size_bytes: size_of(paths, &stem),
                id: stem,
                info,
                added_at_ms: now_ms(),
            })?;
        }
    }
    Ok(())
}

fn with_availability(paths: &Paths, row: ModelRow) -> LibraryModel {
    let there = row.size_bytes > 0 && size_of(paths, &row.id) == row.size_bytes;
    LibraryModel {
        id: row.id,
        info: row.info,
        size_bytes: row.size_bytes,
        added_at_ms: row.added_at_ms,
        availability: match there {
            true => Availability::Available,
            false => Availability::Missing,
        },
        storage: Storage::Kept,
        origin: None,
        last_used_at_ms: None,
        decode_tokens_per_second: None,
        newer_commit: None,
    }
}
