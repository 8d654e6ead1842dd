//! What the queue of downloads tells of itself.

use serde::{Deserialize, Serialize};

use crate::AppError;

/// What is to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct DownloadRequest {
    /// `owner/name` on the Hub.
    pub repository: String,
    /// A branch, a tag or a commit; the main branch where it is absent.
    #[serde(default)]
    pub revision: Option<String>,
    /// Path of the file there, the first part's where it is split; empty is the folder of safetensors.
    pub file: String,
}

/// A download of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Download {
    /// Its number.
    pub id: i64,
    /// `owner/name` on the Hub.
    pub repository: String,
    /// As it was asked for.
    pub file: String,
    /// The state of the repository that is fetched, once that is known.
    pub commit: Option<String>,
    /// Bytes in all, once that is known.
    pub size_bytes: Option<u64>,
    /// Bytes that are here.
    pub done_bytes: u64,
    /// When it was asked for.
    pub added_at_ms: i64,
    /// How it stands.
    pub status: DownloadState,
    /// Something that happened to it and that the user should know.
    pub notice: Option<String>,
}

/// How a download stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum DownloadState {
    /// It waits for those before it.
    Queued,
    /// Its commit, sizes and hashes are asked for, and its header is read.
    Resolving,
    /// Bytes come.
    Downloading {
        /// How many a second.
        bytes_per_second: f64,
        /// How long that takes, if it stays so.
        seconds_left: Option<f64>,
    },
    /// It tries again by itself.
    Waiting {
        /// When.
        until_ms: i64,
        /// What it waits for.
        reason: String,
    },
    /// All bytes are here; they are read again, and the model is checked.
    Verifying,
    /// The user stopped it; what is here is kept.
    Paused,
    /// It cannot go on by itself. What is here is kept.
    Failed {
        /// Why.
        error: AppError,
    },
    /// It is in the library.
    Finished {
        /// As this model.
        model_id: String,
    },
}
