//! The database: SQLite in WAL mode, every commit durable. One connection behind a lock; calls are short.
//!
//! [`Store::open`] refuses what it cannot read (from a newer Wick, damaged) and never overwrites it;
//! [`set_aside`] moves such a file out of the way, in full, and says where.

mod calibrations;
mod chats;
mod documents;
mod downloads;
mod measurements;
mod messages;
mod migrations;
mod models;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::Connection;

use crate::{Error, Result};

pub(crate) use downloads::{DownloadRow, KeptState};
pub(crate) use messages::Written;
pub(crate) use models::{ModelFile, ModelRow};

/// Chats, messages, models and settings on disk.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens or makes the database at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let connect = || -> Result<Connection> {
            let mut connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            // The version comes first: a newer Wick may have chosen anything else differently.
            migrations::refuse_newer(&connection, &shown)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // FULL: a message shown as sent must survive a power cut, not only a crash.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            let check: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if check != "ok" {
                return Err(Error::StorageDamaged {
                    path: shown.clone(),
                    reason: check,
                });
            }
            migrations::migrate(&mut connection)?;
            Ok(connection)
        };
        let connection = connect().map_err(|error| match error {
            Error::StorageDamaged { reason, .. } => Error::StorageDamaged {
                path: shown.clone(),
                reason,
            },
            Error::StorageUnwritable { reason, .. } => Error::StorageUnwritable {
                path: shown.clone(),
                reason,
            },
            other => other,
        })?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// The connection; a panic elsewhere while it was held left no half-done transaction.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Moves the database and its journals aside under a new name in the same folder, and returns that name.
pub fn set_aside(path: &Path) -> Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let kept = (0..)
        .map(|n| path.with_file_name(format!("{stem}-set-aside-{}.db", now_ms() / 1000 + n)))
        .find(|kept| !kept.exists())
        .ok_or(Error::Internal("no free file name"))?;
    for journal in ["-wal", "-shm", ""] {
        let (from, to) = (with_suffix(path, journal), with_suffix(&kept, journal));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file(&from, &error));
            }
            _ => {}
        }
    }
    Ok(kept)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_new_database_opens_again() {
        let folder = folder();
        let path = folder.path().join("wick.db");
        drop(Store::open(&path).unwrap());
        Store::open(&path).unwrap();
    }

    #[test]
    fn a_database_of_a_newer_wick_is_refused_and_left_alone() {
        let folder = folder();
        let path = folder.path().join("wick.db");
        drop(Store::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", 9999)
            .unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(
            error,
            Error::StorageFromNewerVersion { found: 9999, .. }
        ));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_damaged_database_is_refused_and_set_aside_whole() {
        let folder = folder();
        let path = folder.path().join("wick.db");
        fs::write(&path, vec![0x5a; 9000]).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, Error::StorageDamaged { .. }), "{error}");
        let kept = set_aside(&path).unwrap();
        assert_eq!(fs::read(kept).unwrap(), vec![0x5a; 9000]);
        Store::open(&path).unwrap();
    }

    #[test]
    fn a_database_damaged_in_the_middle_is_noticed() {
        let folder = folder();
        let path = folder.path().join("wick.db");
        let store = Store::open(&path).unwrap();
        for n in 0..200 {
            store
                .save_document(&format!("{n}"), &"x".repeat(500))
                .unwrap();
        }
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        let (from, to) = (bytes.len() / 3, bytes.len() / 3 + 20_000);
        bytes[from..to].fill(0xee);
        fs::write(&path, bytes).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, Error::StorageDamaged { .. }), "{error}");
    }

    #[test]
    fn setting_aside_never_overwrites_what_was_set_aside_before() {
        let folder = folder();
        let path = folder.path().join("wick.db");
        fs::write(&path, "first").unwrap();
        let first = set_aside(&path).unwrap();
        fs::write(&path, "second").unwrap();
        let second = set_aside(&path).unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read_to_string(first).unwrap(), "first");
    }
}
