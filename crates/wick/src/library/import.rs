//! The way into the library: checked before a byte is copied, hashed while it is, and there as a whole or not at all.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use sha2::{Digest, Sha256};
use wick_engine::{gguf::ValidatedGguf, safetensors::ValidatedSafetensors};

use super::{
    ImportEvent, LibraryModel, SIDE_FILES, folder_of, name, remove, size_of, with_availability,
};
use crate::{
    Error, Paths, Result,
    store::{ModelRow, Store, now_ms},
};

/// Bytes copied between two looks at the cancel flag.
const CHUNK_BYTES: usize = 1 << 20;

/// Copies a GGUF file, the parts of a split one (`source` is any of them) or a model folder into the library. The
/// source is left as it is.
pub(crate) fn import(
    paths: &Paths,
    store: &Store,
    source: &Path,
    cancel: &AtomicBool,
    mut progress: impl FnMut(ImportEvent),
) -> Result<LibraryModel> {
    // Refused from the header alone, before a byte is copied.
    let info = name::inspect(source)?;
    let files = files_of(source)?;
    let mut total_bytes = 0;
    for file in &files {
        let metadata = fs::metadata(file).map_err(|error| Error::file(file, &error))?;
        total_bytes += metadata.len();
    }
    let part = paths
        .models()
        .join(format!("import-{}-{}.part", std::process::id(), now_ms()));
    fs::create_dir(&part).map_err(|error| Error::file(&part, &error))?;
    let mut copy = Copy {
        cancel,
        done_bytes: 0,
        progress: |done_bytes| {
            progress(ImportEvent::Copying {
                done_bytes,
                total_bytes,
            });
        },
    };
    let copied = copy.all(&files, &part);
    let size_bytes = copy.done_bytes;
    let settled = copied.and_then(|copied| settle(paths, &part, &copied, size_bytes));
    // What is still there was not needed, or not to be.
    remove(&part);
    let row = ModelRow {
        id: settled?,
        info,
        size_bytes,
        added_at_ms: now_ms(),
    };
    store.save_model(&row)?;
    let model = with_availability(paths, row);
    progress(ImportEvent::Finished {
        model: model.clone(),
    });
    Ok(model)
}

/// The files that make up the model, sorted by name. Their names hold no path: the engine checks those that an index
/// gives, and makes those of parts itself.
fn files_of(source: &Path) -> Result<Vec<PathBuf>> {
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

/// A file that lies in the part folder.
struct Copied {
    path: PathBuf,
    name: String,
    sha256: String,
}

/// Gives what was copied its place in the library and its id.
fn settle(paths: &Paths, part: &Path, copied: &[Copied], size_bytes: u64) -> Result<String> {
    let (id, from, to) = match copied {
        [file] => {
            let to = folder_of(paths, &file.sha256).with_extension("gguf");
            (file.sha256.clone(), file.path.as_path(), to)
        }
        files => {
            let mut hash = Sha256::new();
            for file in files {
                hash.update(format!("{} {}\n", file.name, file.sha256));
            }
            let id = hex(hash);
            let to = folder_of(paths, &id);
            sync_folder(part);
            (id, part, to)
        }
    };
    if to.is_dir() {
        if size_of(paths, &id) == size_bytes {
            return Ok(id);
        }
        // Not whole any more; a rename does not replace a folder.
        remove(&to);
    }
    fs::rename(from, &to).map_err(|error| Error::file(&to, &error))?;
    sync_folder(&paths.models());
    Ok(id)
}

/// A copy under way.
struct Copy<'a, F> {
    cancel: &'a AtomicBool,
    done_bytes: u64,
    progress: F,
}

impl<F: FnMut(u64)> Copy<'_, F> {
    fn all(&mut self, files: &[PathBuf], into: &Path) -> Result<Vec<Copied>> {
        let copied = files.iter().map(|source| {
            let name = source.file_name().unwrap_or_default();
            let path = into.join(name);
            Ok(Copied {
                sha256: self.one(source, &path)?,
                name: name.to_string_lossy().into_owned(),
                path,
            })
        });
        copied.collect()
    }

    /// Gives the sha256.
    fn one(&mut self, source: &Path, target: &Path) -> Result<String> {
        let mut input = File::open(source).map_err(|error| Error::file(source, &error))?;
        let mut output = File::create_new(target).map_err(|error| Error::file(target, &error))?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.cancel.load(Ordering::Relaxed) {
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
                .map_err(|error| Error::file(target, &error))?;
            self.done_bytes += read as u64;
            (self.progress)(self.done_bytes);
        }
        output
            .sync_all()
            .map_err(|error| Error::file(target, &error))?;
        Ok(hex(hash))
    }
}

fn hex(hash: Sha256) -> String {
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a rename itself durable, where the system lets a folder be opened.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}
