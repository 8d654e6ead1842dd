//! Models on disk. A file's name is its sha256; the name a person knows comes from its header.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wick_engine::process::protocol::ModelInfo;

use crate::{
    Error, Paths, Result,
    store::{ModelRow, Store, now_ms},
};

/// Whether a model's file is where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Availability {
    /// It is.
    Available,
    /// It is gone, or has another size.
    Missing,
}

/// A model of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct LibraryModel {
    /// sha256 of the file, in hex.
    pub id: String,
    /// What its header says.
    pub info: ModelInfo,
    /// Size of the file.
    pub size_bytes: u64,
    /// When it came into the library.
    pub added_at_ms: i64,
    /// Whether the file is there.
    pub availability: Availability,
}

/// How an import comes along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum ImportEvent {
    /// Being copied and checked.
    Copying {
        /// Bytes done.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// In the library.
    Finished {
        /// As it now stands there.
        model: LibraryModel,
    },
}

/// Bytes copied between two looks at the cancel flag.
const CHUNK_BYTES: usize = 1 << 20;

/// The file of a model.
pub(crate) fn file_of(paths: &Paths, id: &str) -> PathBuf {
    paths.models().join(format!("{id}.gguf"))
}

/// All models, with whether their files are there.
pub(crate) fn list(paths: &Paths, store: &Store) -> Result<Vec<LibraryModel>> {
    let rows = store.models()?;
    Ok(rows
        .into_iter()
        .map(|row| with_availability(paths, row))
        .collect())
}

/// Adds files that lie in the models folder and are not listed: the list may have been set aside.
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
            fs::remove_file(&path).ok();
        } else if named_by_hash
            && !known.contains(&stem)
            && let Ok(info) = wick_engine::inspect(&path)
            && let Ok(metadata) = fs::metadata(&path)
        {
            store.save_model(&ModelRow {
                id: stem,
                info,
                size_bytes: metadata.len(),
                added_at_ms: now_ms(),
            })?;
        }
    }
    Ok(())
}

/// Copies a GGUF file into the library, checked before and hashed on the way. The source is left as it is.
pub(crate) fn import(
    paths: &Paths,
    store: &Store,
    source: &Path,
    cancel: &AtomicBool,
    mut progress: impl FnMut(ImportEvent),
) -> Result<LibraryModel> {
    // Refused from the header alone, before a byte is copied.
    let mut info = wick_engine::inspect(source)?;
    if let Some(name) = name_from_file(source) {
        info.name = name;
    }
    let mut input = File::open(source).map_err(|error| Error::file(source, &error))?;
    let total_bytes = input
        .metadata()
        .map_err(|error| Error::file(source, &error))?
        .len();

    let part = paths
        .models()
        .join(format!("import-{}-{}.part", std::process::id(), now_ms()));
    let copied = copy_and_hash(&mut input, source, &part, cancel, |done_bytes| {
        progress(ImportEvent::Copying {
            done_bytes,
            total_bytes,
        });
    });
    let settled = copied.and_then(|id| {
        let path = file_of(paths, &id);
        fs::rename(&part, &path).map_err(|error| Error::file(&path, &error))?;
        sync_folder(&paths.models());
        Ok(id)
    });
    let id = settled.inspect_err(|_| {
        fs::remove_file(&part).ok();
    })?;
    let row = ModelRow {
        id,
        info,
        size_bytes: total_bytes,
        added_at_ms: now_ms(),
    };
    store.save_model(&row)?;
    let model = with_availability(paths, row);
    progress(ImportEvent::Finished {
        model: model.clone(),
    });
    Ok(model)
}

/// A readable name from a file's: `SmolLM2-135M-Instruct.Q4_1.gguf` → `SmolLM2 135M Instruct`. Headers are full of
/// names that only a training run knew. None for a file whose name is a hash or says nothing.
fn name_from_file(source: &Path) -> Option<String> {
    let stem = source.file_stem()?.to_string_lossy().into_owned();
    let says_nothing = |text: &str| {
        text.len() < 3
            || text == "model"
            || (text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let parts: Vec<&str> = stem.split(['-', '_', '.', ' ']).collect();
    let is_quantization = |part: &str| {
        let upper = part.to_uppercase();
        let rest = upper.strip_prefix("IQ").or_else(|| upper.strip_prefix('Q'));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            || ["F16", "F32", "BF16", "FP16", "MXFP4"].contains(&upper.as_str())
    };
    // Everything from the quantization on is not the name; dots inside it are versions (0.6B).
    let end = parts
        .iter()
        .skip(1)
        .position(|part| is_quantization(part))
        .map_or(stem.len(), |n| {
            parts[..=n].iter().map(|part| part.len() + 1).sum::<usize>() - 1
        });
    let name = stem[..end].replace(['-', '_'], " ");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    (!says_nothing(&name)).then_some(name)
}

fn copy_and_hash(
    input: &mut File,
    source: &Path,
    part: &Path,
    cancel: &AtomicBool,
    mut progress: impl FnMut(u64),
) -> Result<String> {
    let mut output = File::create_new(part).map_err(|error| Error::file(part, &error))?;
    let (mut hash, mut done_bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let read = input
            .read(&mut chunk)
            .map_err(|error| Error::file(source, &error))?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        output
            .write_all(&chunk[..read])
            .map_err(|error| Error::file(part, &error))?;
        done_bytes += read as u64;
        progress(done_bytes);
    }
    output
        .sync_all()
        .map_err(|error| Error::file(part, &error))?;
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Makes the rename itself durable, where the system lets a folder be opened.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

fn with_availability(paths: &Paths, row: ModelRow) -> LibraryModel {
    let there =
        fs::metadata(file_of(paths, &row.id)).is_ok_and(|file| file.len() == row.size_bytes);
    LibraryModel {
        id: row.id,
        info: row.info,
        size_bytes: row.size_bytes,
        added_at_ms: row.added_at_ms,
        availability: match there {
            true => Availability::Available,
            false => Availability::Missing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_person_calls_the_model() {
        for (file, name) in [
            (
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                Some("SmolLM2 135M Instruct"),
            ),
            ("Qwen3-0.6B-Q8_0.gguf", Some("Qwen3 0.6B")),
            ("phi_4_mini-q4_k_m.gguf", Some("phi 4 mini")),
            ("Qwen3-1.7B.gguf", Some("Qwen3 1.7B")),
            ("model.gguf", None),
            ("b179c9523d0e6a0f98a330c7562b682750a6f8c8.gguf", None),
        ] {
            assert_eq!(name_from_file(Path::new(file)).as_deref(), name, "{file}");
        }
    }
}
