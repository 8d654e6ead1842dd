//! Where what is not whole yet lies: below the folder of models, so that it gets into its place by a rename. The names
//! are made of numbers; nothing that a server says is in them.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::PARTIAL;
use crate::{
    Error, Result,
    library::files::remove,
    store::{DownloadRow, Store},
};

/// The places of one download.
#[derive(Debug, Clone)]
pub(super) struct Partial {
    base: PathBuf,
}

/// Held by whoever works on a download; the system takes it back from a process that dies.
#[derive(Debug)]
pub(super) struct PartialLock {
    _file: File,
}

impl Partial {
    pub fn of(models: &Path, row: &DownloadRow) -> Self {
        Self {
            base: models.join(PARTIAL).join(key(row)),
        }
    }

    /// The transfer's own folder.
    pub fn transfer(&self) -> &Path {
        &self.base
    }

    /// The whole files by the names they will have.
    pub fn model(&self) -> PathBuf {
        self.base.with_extension("model")
    }

    /// For as long as this process works on it.
    pub fn lock(&self) -> Result<PartialLock> {
        let path = self.base.with_extension("lock");
        let failed = |error: &std::io::Error| Error::file(&path, error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::file(folder, &error))?;
        }
        let mut how = File::options();
        let file = how.create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(PartialLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::FileInUse {
                path: self.base.display().to_string(),
                by: "another Wick is downloading it",
            }),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }

    /// Removes all of it, the lock last.
    pub fn discard(&self) -> Result<()> {
        let places = [
            self.base.clone(),
            self.model(),
            self.base.with_extension("lock"),
        ];
        for path in places {
            remove(&path).map_err(|error| Error::file(&path, &error))?;
        }
        Ok(())
    }
}

fn key(row: &DownloadRow) -> String {
    format!("{}-{}", row.id, row.added_at_ms)
}

/// Removes what belongs to no download: one was cancelled and Wick died, or the database was set aside.
pub(super) fn remove_orphans(models: &Path, store: &Store) -> Result<()> {
    let rows = store.downloads()?;
    let keys: Vec<String> = rows.iter().map(key).collect();
    let entries = fs::read_dir(models.join(PARTIAL)).into_iter().flatten();
    for path in entries.flatten().map(|entry| entry.path()) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if !keys.iter().any(|key| *key == stem) {
            // What cannot be removed takes room and does no other harm.
            remove(&path).ok();
        }
    }
    Ok(())
}
