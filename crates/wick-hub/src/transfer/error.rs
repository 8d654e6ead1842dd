//! What can go wrong with a transfer.

use std::{io, path::PathBuf};

use crate::RemotePath;

/// A result of a transfer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a transfer ended without its files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server, or the way to it.
    #[error(transparent)]
    Hub(#[from] crate::Error),
    /// The files do not fit.
    #[error("not enough free disk space: {needed} bytes needed, {available} free")]
    DiskFull {
        /// What is still to be written, and what is to stay free.
        needed: u64,
        /// What is free.
        available: u64,
    },
    /// The disk refuses something.
    #[error("{} could not be {doing}: {source}", file.display())]
    Disk {
        /// What was tried, as a participle.
        doing: &'static str,
        /// With which file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The server has another file under this name and commit than the one that was to be fetched.
    #[error("{path} has changed on the server")]
    Changed {
        /// Which.
        path: RemotePath,
    },
    /// All bytes are here, and again and again they are not the right ones.
    #[error("{path} is damaged: its hash is {found}, not {expected}")]
    Corrupt {
        /// Which.
        path: RemotePath,
        /// The hash that proves the file.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// Another process, or another transfer of this one, is at work in this folder.
    #[error("this download is in progress elsewhere")]
    InUse,
    /// The run was dropped while this went on.
    #[error("the download was paused")]
    Paused,
}

impl Error {
    pub(super) fn disk(doing: &'static str, file: impl Into<PathBuf>, source: io::Error) -> Self {
        let file = file.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                needed: 0,
                available: file
                    .parent()
                    .map_or(0, |folder| fs4::available_space(folder).unwrap_or_default()),
            },
            _ => Self::Disk {
                doing,
                file,
                source,
            },
        }
    }
}
