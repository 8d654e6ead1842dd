//! A look at every byte of a model: whether each is as it was when the model came into the library.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::{
    Library, VerifyEvent, VerifyOutcome,
    files::{kept_files, local_names, modified_ns},
    hash::Reading,
    import::id_of_files,
};
use crate::{Error, Result, store::ModelFile};

impl Library<'_> {
    /// Reads all files of the model and remembers what it found. Blocking.
    pub fn verify(
        &self,
        id: &str,
        cancel: &AtomicBool,
        mut progress: impl FnMut(VerifyEvent),
    ) -> Result<VerifyOutcome> {
        let row = self.row(id)?;
        let total_bytes = row.size_bytes;
        let mut reading = Reading::new(cancel, total_bytes, |done_bytes| {
            progress(VerifyEvent::Reading {
                done_bytes,
                total_bytes,
            });
        });
        let outcome = match row.files.is_empty() {
            true => self.verify_by_id(id, &mut reading)?,
            false => self.verify_files(id, row.files, &mut reading)?,
        };
        progress(VerifyEvent::Finished {
            outcome: outcome.clone(),
        });
        Ok(outcome)
    }

    fn verify_files<F: FnMut(u64)>(
        &self,
        id: &str,
        mut files: Vec<ModelFile>,
        reading: &mut Reading<'_, F>,
    ) -> Result<VerifyOutcome> {
        let mut outcome = VerifyOutcome::Whole;
        for file in &mut files {
            let path = self.folder.path.join(&file.path);
            let metadata = fs::metadata(&path).map_err(|error| Error::file(&path, &error))?;
            let found = reading.hash(&path)?;
            file.is_damaged = found != file.sha256;
            if !file.is_damaged {
                // It is the same file, whatever its time says.
                file.modified_ns = file.modified_ns.and(modified_ns(&metadata));
            } else if outcome == VerifyOutcome::Whole {
                outcome = VerifyOutcome::Damaged {
                    file: file_name(&path),
                    expected: file.sha256.clone(),
                    found,
                };
            }
        }
        self.store.set_model_files(id, &files)?;
        Ok(outcome)
    }

    /// Of a model that an older Wick imported, only the hash of all together is known. From now on those of each are.
    fn verify_by_id<F: FnMut(u64)>(
        &self,
        id: &str,
        reading: &mut Reading<'_, F>,
    ) -> Result<VerifyOutcome> {
        let kept = kept_files(&self.folder.path, id);
        let paths: Vec<PathBuf> = kept.iter().map(|(path, _)| path.clone()).collect();
        let hashes: Result<Vec<String>> = paths.iter().map(|path| reading.hash(path)).collect();
        let hashes = hashes?;
        let found = id_of_files(&local_names(&paths), &hashes);
        // Names of parts were others once.
        let by_own_names = id_of_files(&paths.iter().map(file_name).collect::<Vec<_>>(), &hashes);
        if found != id && by_own_names != id {
            return Ok(VerifyOutcome::Damaged {
                file: paths.first().map(file_name).unwrap_or_default(),
                expected: id.into(),
                found,
            });
        }
        let files = kept.iter().zip(hashes).map(|((path, size_bytes), sha256)| {
            let within = path.strip_prefix(&self.folder.path).unwrap_or(path);
            ModelFile {
                path: within.to_string_lossy().into_owned(),
                size_bytes: *size_bytes,
                modified_ns: None,
                sha256,
                is_damaged: false,
            }
        });
        self.store.set_model_files(id, &files.collect::<Vec<_>>())?;
        Ok(VerifyOutcome::Whole)
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
