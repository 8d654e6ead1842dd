//! The folder of models: the one beside the database, until the user moves it. A folder elsewhere carries a mark, so that
//! the empty place where a disk was is not taken for an empty library.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{FolderState, LibraryFolder};
use crate::{Error, Paths, Result, hardware::disk, store::Store};

/// Names the document that says where the folder is.
pub(super) const DOCUMENT: &str = "models_folder";
/// Carries the mark.
pub(super) const MARK: &str = ".wick-models";

/// Where models are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelsFolder {
    pub path: PathBuf,
    /// What its mark says; the folder beside the database needs none.
    pub mark: Option<String>,
}

impl ModelsFolder {
    /// As it is now: another Wick may have moved it.
    pub fn of(paths: &Paths, store: &Store) -> Result<Self> {
        let known = store.document(DOCUMENT)?;
        let known = known.and_then(|text| serde_json::from_str(&text).ok());
        Ok(known.unwrap_or_else(|| Self {
            path: paths.models(),
            mark: None,
        }))
    }

    /// Whether it is there, and the one that it was.
    pub fn is_there(&self) -> bool {
        match &self.mark {
            None => self.path.is_dir(),
            Some(mark) => fs::read_to_string(self.path.join(MARK)).is_ok_and(|text| text == *mark),
        }
    }

    /// Refuses a folder that is not there or to which nothing can be added.
    pub fn must_be_writable(&self) -> Result<()> {
        let path = self.path.display().to_string();
        if !self.is_there() {
            return Err(Error::ModelsFolderMissing { path });
        }
        match try_to_write(&self.path) {
            Err(error) if error.kind() != ErrorKind::StorageFull => Err(Error::StorageUnwritable {
                path,
                reason: error.to_string(),
            }),
            _ => Ok(()),
        }
    }

    pub fn state(&self) -> FolderState {
        match self.must_be_writable() {
            Ok(()) => FolderState::Ok,
            Err(Error::ModelsFolderMissing { .. }) => FolderState::Missing,
            Err(_) => FolderState::ReadOnly,
        }
    }

    /// Refuses what does not fit on its disk.
    pub fn must_have_room(&self, bytes: u64) -> Result<()> {
        match disk::read(&self.path) {
            Some(disk) if disk.free_bytes < bytes => Err(Error::DiskFull {
                path: self.path.display().to_string(),
                needed_bytes: bytes - disk.free_bytes,
            }),
            _ => Ok(()),
        }
    }

    pub fn describe(&self, models_bytes: u64, trash_bytes: u64) -> LibraryFolder {
        LibraryFolder {
            path: self.path.display().to_string(),
            state: self.state(),
            free_bytes: disk::read(&self.path).map(|disk| disk.free_bytes),
            models_bytes,
            trash_bytes,
        }
    }
}

/// Tells in advance what the system will say to a write.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".write-test-{}", std::process::id()));
    let written = fs::write(&probe, b"wick");
    // Another thread may have done it.
    fs::remove_file(&probe).ok();
    written
}

/// Held while models come into the folder or leave it, by any number; by one alone, while the folder moves. Another
/// Wick may run on the same data, so it is a lock on a file, which the system takes back from a process that dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// For adding and deleting models.
    pub fn shared(paths: &Paths) -> Result<Self> {
        Self::take(paths, &paths.models_lock(), File::try_lock_shared)
    }

    /// For moving all of them.
    pub fn alone(paths: &Paths) -> Result<Self> {
        Self::take(paths, &paths.models_lock(), File::try_lock)
    }

    /// For the moment in which one model gets or loses its place; waits for those of others.
    pub fn brief(paths: &Paths) -> Result<Self> {
        let path = paths.models_lock().with_extension("moment");
        Self::take(paths, &path, |file| {
            file.lock().map_err(TryLockError::Error)
        })
    }

    fn take(
        paths: &Paths,
        path: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self> {
        let failed = |error: &std::io::Error| Error::file(path, error);
        let mut how = File::options();
        let file = how.create(true).truncate(false).read(true).write(true);
        let file = file.open(path).map_err(|error| failed(&error))?;
        match lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::FileInUse {
                path: paths.models().display().to_string(),
                by: "models are being added, moved or deleted",
            }),
            // A file system without locks is not a reason to refuse everything.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                Ok(Self { _file: file })
            }
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }
}
