//! What the library tells of itself.

use serde::{Deserialize, Serialize};
use wick_engine::process::protocol::ModelInfo;

use crate::AppError;

/// Whether a model's file is where it should be, and what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Availability {
    /// It is.
    Available,
    /// It is gone.
    Missing,
    /// It has another size or time than when it came into the library: it may be another file.
    Changed,
    /// The folder of models is not there: its disk is unplugged, say.
    FolderMissing,
}

/// Where a file came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Origin {
    /// `owner/name` on the Hub.
    pub repository: String,
    /// The state of the repository, 40 hex digits.
    pub commit: String,
    /// The file's path there: the first part's where it is split, empty for a folder of safetensors. A label.
    pub file: String,
}

/// Whose files a model's are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Storage {
    /// Wick's own, in its folder of models.
    Kept,
    /// The user's, where they lie. Wick reads them and no more.
    InPlace {
        /// The file or folder.
        path: String,
    },
    /// Another program's, where they lie. Wick reads them and no more.
    Adopted {
        /// Which program.
        from: Peer,
        /// The file or folder.
        path: String,
    },
}

/// A program that keeps models on disk, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Peer {
    /// LM Studio.
    LmStudio,
    /// Ollama.
    Ollama,
    /// Jan.
    Jan,
    /// GPT4All.
    Gpt4all,
    /// The cache that programs share which download from Hugging Face.
    HuggingFace,
}

impl Peer {
    /// Its own spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::LmStudio => "LM Studio",
            Self::Ollama => "Ollama",
            Self::Jan => "Jan",
            Self::Gpt4all => "GPT4All",
            Self::HuggingFace => "Hugging Face cache",
        }
    }
}

/// A model of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct LibraryModel {
    /// sha256 of the file, in hex; of the names and sha256s where there are several.
    pub id: String,
    /// What its header says.
    pub info: ModelInfo,
    /// Size of its files.
    pub size_bytes: u64,
    /// When it came into the library.
    pub added_at_ms: i64,
    /// Whether its files are there.
    pub availability: Availability,
    /// Whose they are.
    pub storage: Storage,
    /// Where they came from, where that is known.
    pub origin: Option<Origin>,
    /// When it last answered.
    pub last_used_at_ms: Option<i64>,
    /// How fast it writes on this machine: the median of what was measured.
    pub decode_tokens_per_second: Option<f64>,
    /// The commit of the newer file that its repository has, as far as was looked.
    pub newer_commit: Option<String>,
}

/// Whether an import makes the file Wick's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum ImportMode {
    /// It is copied into the folder of models.
    #[default]
    Copy,
    /// It stays where it is.
    InPlace,
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
    /// Being read and checked, and left where it is.
    Reading {
        /// Bytes done.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// In the library.
    Finished {
        /// As it now stands there.
        model: Box<LibraryModel>,
    },
}

/// A model that another program keeps, and that can be used where it lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Adoptable {
    /// What adopting it asks for.
    pub key: String,
    /// Whose it is.
    pub peer: Peer,
    /// What that program calls it.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Size of its files.
    pub size_bytes: u64,
    /// Why Wick cannot run it.
    pub problem: Option<AppError>,
    /// The model of the library that it is already.
    pub already: Option<String>,
}

/// What was deleted. It can be restored until the app closes; the space is free after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Deleted {
    /// The model.
    pub id: String,
    /// What its files take; 0 where they are not Wick's, which stay.
    pub freed_bytes: u64,
}

/// The folder of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct LibraryFolder {
    /// Where it is.
    pub path: String,
    /// Whether it can be used.
    pub state: FolderState,
    /// What is free on its disk, where the system tells.
    pub free_bytes: Option<u64>,
    /// What the models in it take, those in the trash included.
    pub models_bytes: u64,
    /// What those in the trash take.
    pub trash_bytes: u64,
}

/// Whether the folder of models can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum FolderState {
    /// It can.
    Ok,
    /// It can be read: models run, none can be added or deleted.
    ReadOnly,
    /// It is not there: its disk is unplugged, say.
    Missing,
}

/// How a look at the bytes of a model comes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum VerifyEvent {
    /// Being read.
    Reading {
        /// Bytes done.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// All of it was read.
    Finished {
        /// What was found.
        outcome: VerifyOutcome,
    },
}

/// What a look at the bytes of a model found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum VerifyOutcome {
    /// Each is as it was when the model came into the library.
    Whole,
    /// They are others.
    Damaged {
        /// The file, by its name.
        file: String,
        /// Its sha256 as it was.
        expected: String,
        /// As it is.
        found: String,
    },
}

/// How a move of the folder of models comes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum MoveEvent {
    /// Being copied, or read again.
    Moving {
        /// Bytes done.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// The models are there.
    Finished {
        /// The folder as it now is.
        folder: LibraryFolder,
    },
}
