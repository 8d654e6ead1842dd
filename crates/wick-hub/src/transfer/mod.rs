//! Getting files whole: parallel ranges, a journal to go on from, and no end without the right hash.
//!
//! A [`Transfer`] lives in a folder of its own. What is in there survives a lost connection, a dropped future, `kill -9`
//! and a loss of power; whoever opens the folder again for the same files goes on where it ended. Each block is hashed as
//! it comes and each file is read again at the end. A block that the disk has changed is fetched again alone; one that
//! came wrong is found by fetching blocks again and comparing, and replaced.

mod bandwidth;
mod blocks;
mod disk;
mod error;
mod fetch;
mod journal;
mod plan;
mod progress;
mod retry;
mod run;
#[cfg(test)]
mod simulated;
mod source;
mod store;
mod verify;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{CommitHash, Hub, RemoteFile, RemotePath, RepoId, Sha256Hex};
use disk::Disk;
use journal::Journal;
use store::Store;

pub use bandwidth::Bandwidth;
pub use error::{Error, Result};
pub use progress::{Progress, State};
pub use retry::Patience;

/// What stays free on the disk beside the files.
const SPARE_BYTES: u64 = 1 << 30;

/// What is to be fetched: the parts of a split model, or all files of a set. They are whole together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferSpec {
    /// From which repository.
    pub repo: RepoId,
    /// At which commit.
    pub commit: CommitHash,
    /// Which files.
    pub files: Vec<RemoteFile>,
}

/// A transfer in its folder. No other transfer, of this or another process, can be in the same.
#[derive(Debug)]
pub struct Transfer {
    spec: TransferSpec,
    folder: PathBuf,
    store: Arc<Store>,
    opened: Opened,
    /// Locked for as long as the transfer is open.
    _lock: File,
}

/// What was found in the folder of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing.
    New,
    /// A part of the files.
    Resumed {
        /// How much.
        kept_bytes: u64,
    },
    /// Something of other files, which is gone now.
    Restarted,
}

/// How much of the machine a transfer may take, and how long it tries.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Shared by all transfers that get a clone of it.
    pub bandwidth: Bandwidth,
    /// At the same time.
    pub connections: usize,
    /// After failures.
    pub patience: Patience,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bandwidth: Bandwidth::unlimited(),
            connections: 4,
            patience: Patience::default(),
        }
    }
}

/// A file that is whole, proved and saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFile {
    /// Where it is: in the transfer's folder.
    pub local: PathBuf,
    /// What the server calls it.
    pub label: RemotePath,
    /// Its size.
    pub size: u64,
    /// Its sha256.
    pub sha256: Sha256Hex,
}

impl Transfer {
    /// Opens the folder for these files: begins, or goes on with what is there. Takes the disk space they need.
    ///
    /// Blocks while it does.
    pub fn open(folder: &Path, spec: TransferSpec) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|source| Error::disk("made", folder, source))?;
        let lock = lock(folder)?;
        let head = journal::head(&spec);
        let found = Journal::open(folder, &head)?.filter(|_| store::has_parts(folder, &spec));
        let (journal, records, is_new) = match found {
            Some((journal, records)) => (Some(journal), records, false),
            None => (None, Vec::new(), clear(folder)?),
        };
        let parts = make_parts(folder, &spec).inspect_err(|_| {
            // What does not fit takes no space.
            if journal.is_none() {
                clear(folder).ok();
            }
        })?;
        // The journal comes last: where there is one, the files are there.
        let (opened, journal) = match journal {
            Some(journal) => (Opened::Resumed { kept_bytes: 0 }, journal),
            None if is_new => (Opened::New, Journal::create(folder, &head)?),
            None => (Opened::Restarted, Journal::create(folder, &head)?),
        };
        let store = Store::new(parts, journal, &records);
        let kept_bytes = store.kept_bytes();
        Ok(Self {
            spec,
            folder: folder.to_owned(),
            store: Arc::new(store),
            opened: match opened {
                Opened::Resumed { .. } => Opened::Resumed { kept_bytes },
                opened => opened,
            },
            _lock: lock,
        })
    }

    fn total_bytes(&self) -> u64 {
        self.spec.files.iter().map(|file| file.size).sum()
    }

    /// What was found in the folder.
    pub fn opened(&self) -> Opened {
        self.opened
    }

    /// Fetches what is missing and proves all files. Drop the future to pause: it is gone on with by another run, of
    /// this transfer or of one that is opened in the folder later.
    pub async fn run(
        &self,
        hub: &Hub,
        limits: &Limits,
        progress: impl Fn(Progress),
    ) -> Result<Vec<VerifiedFile>> {
        run::run(self, hub, limits, progress).await
    }

    /// Deletes the folder with all that is in it, when no transfer is open there. It is no error when there is none.
    pub fn discard(folder: &Path) -> Result<()> {
        match fs::remove_dir_all(folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::disk("deleted", folder, source))
            }
            _ => Ok(()),
        }
    }
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let mut options = File::options();
    let lock = options.write(true).create(true).truncate(false).open(&path);
    let lock = lock.map_err(|source| Error::disk("opened", &path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(Error::InUse),
        Err(fs::TryLockError::Error(source)) => Err(Error::disk("locked", path, source)),
    }
}

/// Removes all but the lock. Returns whether there was nothing worth mentioning.
fn clear(folder: &Path) -> Result<bool> {
    let list = || {
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let paths = entries.into_iter().map(|entry| entry.path());
        Ok(paths.filter(|path| !path.ends_with("lock")).collect())
    };
    let paths: Vec<PathBuf> = list().map_err(|source| Error::disk("listed", folder, source))?;
    for path in &paths {
        fs::remove_file(path).map_err(|source| Error::disk("deleted", path, source))?;
    }
    Ok(!paths.iter().any(|path| path.ends_with("journal")))
}

/// The files at their full length, if they fit.
fn make_parts(folder: &Path, spec: &TransferSpec) -> Result<Vec<(Disk, u64)>> {
    let open = |(number, file): (usize, &RemoteFile)| {
        Ok((Disk::open(store::part_path(folder, number))?, file.size))
    };
    let parts: Vec<(Disk, u64)> = spec
        .files
        .iter()
        .enumerate()
        .map(open)
        .collect::<Result<_>>()?;
    let mut needed = 0u64;
    for (part, size) in &parts {
        needed = needed.saturating_add(size.saturating_sub(part.allocated()?));
    }
    if needed > 0 {
        let available = fs4::available_space(folder)
            .map_err(|source| Error::disk("measured", folder, source))?;
        let needed = needed.saturating_add(SPARE_BYTES);
        if needed > available {
            return Err(Error::DiskFull { needed, available });
        }
    }
    for (part, size) in &parts {
        part.allocate(*size)?;
    }
    Ok(parts)
}
