//! The way into the library: checked before a byte is copied, hashed while it is, and there as a whole or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use wick_engine::process::protocol::ModelInfo;

use super::{
    Availability, ImportEvent, ImportMode, Library, LibraryModel, Origin, Storage,
    files::{
        as_text, files_of, folder_of, kept_bytes, local_names, modified_ns, remove, sync_folder,
    },
    folder::FolderLock,
    hash::{Reading, id_of},
    name,
};
use crate::{
    Error, Result,
    store::{ModelFile, ModelRow, now_ms},
};

/// A file that is on disk for good, and not yet in its place.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    /// Where it lies.
    pub path: PathBuf,
    /// What the library calls it.
    pub name: String,
    pub size_bytes: u64,
    pub sha256: String,
}

/// A model whose files stay where they are.
pub(super) struct InPlace {
    pub files: Vec<PathBuf>,
    pub info: ModelInfo,
    pub storage: Storage,
    pub origin: Option<Origin>,
}

impl Library<'_> {
    /// Brings a GGUF file, the parts of a split one (`source` is any of them) or a model folder into the library. The
    /// source is left as it is.
    pub fn import(
        &self,
        source: &Path,
        mode: ImportMode,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(ImportEvent),
    ) -> Result<LibraryModel> {
        // Refused from the header alone, before a byte is read.
        let info = name::inspect(source)?;
        let files = files_of(source)?;
        let total_bytes = size_of(&files)?;
        let _lock = FolderLock::shared(self.paths)?;
        let id = match mode {
            ImportMode::Copy => {
                let known = self.find_by_bytes(&files, total_bytes, cancel, progress)?;
                match known {
                    Some(id) => id,
                    None => self.copy(&files, total_bytes, info, cancel, progress)?,
                }
            }
            ImportMode::InPlace => {
                let source = fs::canonicalize(source).map_err(|e| Error::file(source, &e))?;
                let storage = Storage::InPlace {
                    path: as_text(&source)?,
                };
                let model = InPlace {
                    files: files_of(&source)?,
                    info,
                    storage,
                    origin: None,
                };
                let mut reading = Reading::new(cancel, total_bytes, |done_bytes| {
                    progress(ImportEvent::Reading {
                        done_bytes,
                        total_bytes,
                    });
                });
                self.add_in_place(model, None, &mut reading)?
            }
        };
        let model = self.model(&id)?;
        progress(ImportEvent::Finished {
            model: Box::new(model.clone()),
        });
        Ok(model)
    }

    /// The model of the library that these files are already. Only where one has their size are they read for it.
    fn find_by_bytes(
        &self,
        files: &[PathBuf],
        total_bytes: u64,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(ImportEvent),
    ) -> Result<Option<String>> {
        let models = self.list()?;
        let may_be = |model: &LibraryModel| {
            model.size_bytes == total_bytes && model.availability == Availability::Available
        };
        if !models.iter().any(may_be) {
            return Ok(None);
        }
        let mut reading = Reading::new(cancel, total_bytes, |done_bytes| {
            progress(ImportEvent::Reading {
                done_bytes,
                total_bytes,
            });
        });
        let hashes: Result<Vec<String>> = files.iter().map(|file| reading.hash(file)).collect();
        let id = id_of_files(&local_names(files), &hashes?);
        Ok(models
            .iter()
            .any(|model| model.id == id && may_be(model))
            .then_some(id))
    }

    fn copy(
        &self,
        files: &[PathBuf],
        total_bytes: u64,
        info: ModelInfo,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(ImportEvent),
    ) -> Result<String> {
        self.folder.must_be_writable()?;
        self.folder.must_have_room(total_bytes)?;
        let name = format!("import-{}-{}.part", std::process::id(), now_ms());
        let part = self.folder.path.join(name);
        fs::create_dir(&part).map_err(|error| Error::file(&part, &error))?;
        let mut reading = Reading::new(cancel, total_bytes, |done_bytes| {
            progress(ImportEvent::Copying {
                done_bytes,
                total_bytes,
            });
        });
        let copied: Result<Vec<Arrived>> = files
            .iter()
            .zip(local_names(files))
            .map(|(source, name)| {
                let path = part.join(&name);
                let sha256 = reading.copy(source, &path)?;
                let copy = fs::metadata(&path).map_err(|error| Error::file(&path, &error))?;
                Ok(Arrived {
                    path,
                    name,
                    size_bytes: copy.len(),
                    sha256,
                })
            })
            .collect();
        let settled = copied.and_then(|copied| {
            let _lock = FolderLock::brief(self.paths)?;
            let row = self.settle(&copied, &part, info, None)?;
            self.store.save_model(&row)?;
            Ok(row.id)
        });
        // What is still there was not needed, or not to be.
        remove(&part).ok();
        settled
    }

    /// Gives what has arrived its place in the library. Several files must lie in `together` by the names they shall
    /// have. What the database is to hold of them comes back.
    pub fn settle(
        &self,
        arrived: &[Arrived],
        together: &Path,
        info: ModelInfo,
        origin: Option<Origin>,
    ) -> Result<ModelRow> {
        let names = arrived
            .iter()
            .map(|file| (file.name.as_str(), file.sha256.as_str()));
        let id = id_of(names);
        let size_bytes = arrived.iter().map(|file| file.size_bytes).sum();
        let models = &self.folder.path;
        let (from, to, is_file) = match arrived {
            [file] if file.name.ends_with(".gguf") => {
                let to = folder_of(models, &id).with_extension("gguf");
                (file.path.as_path(), to, true)
            }
            _ => {
                sync_folder(together);
                (together, folder_of(models, &id), false)
            }
        };
        // What is in its place already stays there, unless it is not whole; after a crash it may be all that there is.
        let is_in_place = kept_bytes(models, &id) == size_bytes;
        let is_good = is_in_place && (!from.exists() || !self.is_damaged(&id)?);
        if !is_good {
            // A rename replaces a file, and no folder.
            if to.is_dir() {
                remove(&to).map_err(|error| Error::file(&to, &error))?;
            }
            fs::rename(from, &to).map_err(|error| Error::file(&to, &error))?;
            sync_folder(models);
        }
        let files = arrived.iter().map(|file| ModelFile {
            path: match is_file {
                true => format!("{id}.gguf"),
                false => format!("{id}/{}", file.name),
            },
            size_bytes: file.size_bytes,
            modified_ns: None,
            sha256: file.sha256.clone(),
            is_damaged: false,
        });
        Ok(ModelRow {
            files: files.collect(),
            id,
            info,
            size_bytes,
            added_at_ms: now_ms(),
            storage: Storage::Kept,
            origin,
            last_used_at_ms: None,
            newer_commit: None,
        })
    }

    fn is_damaged(&self, id: &str) -> Result<bool> {
        let row = self.store.model(id)?;
        Ok(row.is_some_and(|row| row.files.iter().any(|file| file.is_damaged)))
    }

    /// Adds a model whose files stay where they are, and gives its id. A file that the library has already is not
    /// listed twice. With `expected`, its sha256 must be that.
    pub(super) fn add_in_place<F: FnMut(u64)>(
        &self,
        model: InPlace,
        expected: Option<&str>,
        reading: &mut Reading<'_, F>,
    ) -> Result<String> {
        let mut files = Vec::new();
        for path in &model.files {
            let file = as_it_is(path, reading.hash(path)?)?;
            if let Some(expected) = expected.filter(|expected| *expected != file.sha256) {
                return Err(Error::FileDamaged {
                    path: file.path,
                    expected: expected.into(),
                    found: file.sha256,
                });
            }
            files.push(file);
        }
        let hashes: Vec<String> = files.iter().map(|file| file.sha256.clone()).collect();
        let id = id_of_files(&local_names(&model.files), &hashes);
        let known = self.model(&id).ok();
        if known.is_some_and(|known| known.availability == Availability::Available) {
            return Ok(id);
        }
        self.store.save_model(&ModelRow {
            id: id.clone(),
            info: model.info,
            size_bytes: files.iter().map(|file| file.size_bytes).sum(),
            added_at_ms: now_ms(),
            storage: model.storage,
            files,
            origin: model.origin,
            last_used_at_ms: None,
            newer_commit: None,
        })?;
        Ok(id)
    }
}

/// What the database holds of a file that stays where it is.
pub(super) fn as_it_is(path: &Path, sha256: String) -> Result<ModelFile> {
    let metadata = fs::metadata(path).map_err(|error| Error::file(path, &error))?;
    Ok(ModelFile {
        path: as_text(path)?,
        size_bytes: metadata.len(),
        modified_ns: modified_ns(&metadata),
        sha256,
        is_damaged: false,
    })
}

pub(super) fn id_of_files(names: &[String], hashes: &[String]) -> String {
    let names = names.iter().map(String::as_str);
    id_of(names.zip(hashes.iter().map(String::as_str)))
}

pub(super) fn size_of(files: &[PathBuf]) -> Result<u64> {
    let mut total_bytes = 0;
    for file in files {
        let metadata = fs::metadata(file).map_err(|error| Error::file(file, &error))?;
        total_bytes += metadata.len();
    }
    Ok(total_bytes)
}
