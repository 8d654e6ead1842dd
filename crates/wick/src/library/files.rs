//! The files that make up a model, and where Wick keeps its own. A model of one file is that file, named by its sha256;
//! one of several files is a folder of that name.

use std::{
    fs::{self, File, Metadata},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use wick_engine::{gguf::ValidatedGguf, safetensors::ValidatedSafetensors};

use crate::{Error, Result};

/// What a model folder may hold beside its weights.
pub(crate) const SIDE_FILES: [&str; 9] = [
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

/// The files that make up the model at `source`, sorted by name. Their names hold no path: the engine checks those that
/// an index gives, and makes those of parts itself.
pub(super) fn files_of(source: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = match source.is_dir() {
        true => {
            let model = ValidatedSafetensors::open(source)?;
            let shards = model.shards().iter().map(|shard| shard.path.clone());
            let beside = SIDE_FILES.map(|name| source.join(name));
            shards
                .chain(beside.into_iter().filter(|path| path.is_file()))
                .collect()
        }
        false => {
            let model = ValidatedGguf::open(source)?;
            model.parts().iter().map(|part| part.path.clone()).collect()
        }
    };
    files.sort();
    Ok(files)
}

/// The names that these files have in the library. The parts of a split model lose theirs: a set is the same under any.
pub(crate) fn local_names(files: &[PathBuf]) -> Vec<String> {
    let own = |path: &PathBuf| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into()
    };
    let are_parts = files.len() > 1 && files.iter().all(|path| is_gguf(path));
    match are_parts {
        true => (1..=files.len())
            .map(|number| part_name(number, files.len()))
            .collect(),
        false => files.iter().map(own).collect(),
    }
}

/// The name of a part of a split model.
pub(crate) fn part_name(number: usize, count: usize) -> String {
    format!("model-{number:05}-of-{count:05}.gguf")
}

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "gguf")
}

/// Where a model of several files lies.
pub(crate) fn folder_of(models: &Path, id: &str) -> PathBuf {
    models.join(id)
}

/// What the engine is to load of a model that Wick keeps: its file, the first part of a split one, or its folder.
pub(super) fn kept_file(models: &Path, id: &str) -> PathBuf {
    let folder = folder_of(models, id);
    if !folder.is_dir() {
        return folder.with_extension("gguf");
    }
    let parts = files_in(&folder).into_iter().map(|(path, _)| path);
    parts.filter(|path| is_gguf(path)).min().unwrap_or(folder)
}

/// The files of the model in a folder of the library, and their sizes. What a system leaves there is not counted.
pub(super) fn files_in(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            SIDE_FILES.contains(&&*name)
                || name.ends_with(".gguf")
                || name.ends_with(".safetensors")
        })
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
        .collect();
    files.sort();
    files
}

/// The files of a model that Wick keeps, and their sizes; none where it is gone.
pub(super) fn kept_files(models: &Path, id: &str) -> Vec<(PathBuf, u64)> {
    let folder = folder_of(models, id);
    if folder.is_dir() {
        return files_in(&folder);
    }
    let file = folder.with_extension("gguf");
    let bytes = fs::metadata(&file).ok().map(|metadata| metadata.len());
    bytes.map(|bytes| (file, bytes)).into_iter().collect()
}

/// Bytes of all files of a model that Wick keeps; 0 where there is none.
pub(crate) fn kept_bytes(models: &Path, id: &str) -> u64 {
    kept_files(models, id).iter().map(|(_, bytes)| bytes).sum()
}

/// When a file was last written: nanoseconds since 1970.
pub(super) fn modified_ns(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

/// The path as text, which the database and the window need.
pub(super) fn as_text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::File {
        path: path.display().to_string(),
        reason: "its name is not Unicode".into(),
    })
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes a rename itself durable, where the system lets a folder be opened.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}
