//! What can go wrong in the application, and the code each failure carries across every border.

use serde::{Deserialize, Serialize};

/// Any failure of the application.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine said no.
    #[error(transparent)]
    Engine(#[from] wick_engine::Error),
    /// The Hub said no, or could not be reached.
    #[error(transparent)]
    Hub(#[from] wick_hub::Error),
    /// The Hub does not take the access token.
    #[error("{endpoint} does not take this access token")]
    TokenRefused {
        /// Who was asked.
        endpoint: String,
    },
    /// The engine process ended on its own.
    #[error("the engine stopped unexpectedly ({reason})")]
    EngineCrashed {
        /// Exit status or signal, and what it last said.
        reason: String,
    },
    /// The engine process could not be started.
    #[error("the engine could not be started: {reason}")]
    EngineStart {
        /// What the system said.
        reason: String,
    },
    /// No model has been chosen, or the library is empty.
    #[error("no model is chosen")]
    NoModel,
    /// The library knows the model, and its file is gone.
    #[error("the file of {name} is missing: {path}")]
    ModelMissing {
        /// The model's name.
        name: String,
        /// Where its file should be.
        path: String,
    },
    /// The library knows the model, and its file is no longer the one that it was.
    #[error("the file of {name} has changed: {path}")]
    ModelChanged {
        /// The model's name.
        name: String,
        /// Its file.
        path: String,
    },
    /// The folder of models is not there.
    #[error("the folder of models is not there: {path}")]
    ModelsFolderMissing {
        /// Where it should be.
        path: String,
    },
    /// Its bytes are not those that its name or its history promises.
    #[error("{path} is damaged: its sha256 is {found}, not {expected}")]
    FileDamaged {
        /// The file.
        path: String,
        /// Its sha256 as it was, or as it is named.
        expected: String,
        /// As it is.
        found: String,
    },
    /// Somebody else holds the file.
    #[error("{path} is in use: {by}")]
    FileInUse {
        /// The file.
        path: String,
        /// By whom.
        by: &'static str,
    },
    /// What the server sent, again and again, is not what it had promised.
    #[error("what came of {file} is not what the server had promised")]
    DownloadCorrupt {
        /// The file, by its name there.
        file: String,
    },
    /// Nothing but white space.
    #[error("the message is empty")]
    EmptyMessage,
    /// A setting out of its range.
    #[error("{setting} is {value}; it must be {range}")]
    InvalidSetting {
        /// Which.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// No such chat, message or model.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The chat is already being answered.
    #[error("this chat is still being answered; stop the reply first")]
    Busy,
    /// Somebody asked to stop. Not a failure.
    #[error("cancelled")]
    Cancelled,
    /// A link with a scheme that Wick does not open.
    #[error("Wick does not open this link: {reason}")]
    LinkRefused {
        /// Why.
        reason: String,
    },
    /// The data folder cannot be written.
    #[error("{path} cannot be written: {reason}")]
    StorageUnwritable {
        /// The folder.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The disk is full.
    #[error("the disk is full: {path}{}", needs(*needed_bytes))]
    DiskFull {
        /// What was being written.
        path: String,
        /// Bytes to free; 0 where unknown.
        needed_bytes: u64,
    },
    /// The database was written by a newer Wick.
    #[error("{path} was written by a newer Wick (format {found}; this one knows {supported})")]
    StorageFromNewerVersion {
        /// The database.
        path: String,
        /// Its format.
        found: i64,
        /// The newest this Wick knows.
        supported: i64,
    },
    /// The database is damaged.
    #[error("{path} is damaged: {reason}")]
    StorageDamaged {
        /// The database.
        path: String,
        /// What SQLite said.
        reason: String,
    },
    /// The database refused.
    #[error("the database failed: {0}")]
    Storage(rusqlite::Error),
    /// The repository has no such file.
    #[error("{repository} has no {wanted}; it has {available}")]
    NoSuchFile {
        /// Which repository.
        repository: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        available: String,
    },
    /// The repository has some parts of the model only.
    #[error("{file} is a part of a model of which the repository lacks others")]
    IncompleteSet {
        /// The part.
        file: String,
    },
    /// Something that belongs to a model and is none of text.
    #[error("{file} is no model of text")]
    NoTextModel {
        /// The file.
        file: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A part of Wick broke its own rules.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// Result of the application.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What programs match on. The UI has title, advice and tone for each; the command line an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[allow(
    missing_docs,
    reason = "each code is the name of an error documented above"
)]
pub enum ErrorCode {
    NotGguf,
    UnsupportedGgufVersion,
    FileTruncated,
    FileMalformed,
    UnsupportedArchitecture,
    UnsupportedTensorType,
    UnsupportedTokenizer,
    NoChatTemplate,
    ChatTemplateFailed,
    PromptTooLong,
    EmptyMessage,
    InvalidSettings,
    NoModel,
    ModelMissing,
    ModelChanged,
    ModelsFolderMissing,
    FileInUse,
    DownloadCorrupt,
    DeviceUnavailable,
    NotANumber,
    ComputeFailed,
    EngineCrashed,
    EngineStartFailed,
    Cancelled,
    NotFound,
    FileReadFailed,
    DiskFull,
    StorageUnwritable,
    StorageDamaged,
    StorageFromNewerVersion,
    StorageFailed,
    LinkRefused,
    Offline,
    HubNotFound,
    HubGated,
    HubSignIn,
    HubRateLimited,
    HubFailed,
    HubRefused,
    Busy,
    Internal,
}

/// An error as it crosses to the UI, to JSON output, and into the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[error("{message}")]
pub struct AppError {
    /// What programs match on.
    pub code: ErrorCode,
    /// One sentence with the particulars.
    pub message: String,
}

impl Error {
    /// The code of this error.
    pub fn code(&self) -> ErrorCode {
        use wick_engine::Error as Engine;
        use wick_hub::Error as Hub;
        match self {
            Self::Engine(error) => match error {
                Engine::Read { .. } => ErrorCode::FileReadFailed,
                Engine::NotGguf { .. } => ErrorCode::NotGguf,
                Engine::UnsupportedVersion { .. } => ErrorCode::UnsupportedGgufVersion,
                Engine::Truncated { .. } => ErrorCode::FileTruncated,
                Engine::Malformed { .. } | Engine::MalformedFile { .. } => ErrorCode::FileMalformed,
                Engine::UnsupportedArchitecture { .. } => ErrorCode::UnsupportedArchitecture,
                Engine::UnsupportedTensorType { .. } => ErrorCode::UnsupportedTensorType,
                Engine::UnsupportedTokenizer { .. } => ErrorCode::UnsupportedTokenizer,
                Engine::MissingTensor { .. }
                | Engine::MissingKey { .. }
                | Engine::WrongShape { .. } => ErrorCode::FileMalformed,
                Engine::OtherVocabulary => ErrorCode::UnsupportedTokenizer,
                Engine::TextTooShort { .. } => ErrorCode::EmptyMessage,
                Engine::NoSuchToken { .. } => ErrorCode::ComputeFailed,
                Engine::NoChatTemplate => ErrorCode::NoChatTemplate,
                Engine::ChatTemplate { .. } => ErrorCode::ChatTemplateFailed,
                Engine::PromptTooLong { .. } => ErrorCode::PromptTooLong,
                Engine::EmptyPrompt => ErrorCode::EmptyMessage,
                Engine::InvalidSampling { .. }
                | Engine::InvalidConstraint { .. }
                | Engine::NoTokenAllowed => ErrorCode::InvalidSettings,
                Engine::NoModelLoaded => ErrorCode::NoModel,
                Engine::DeviceUnavailable { .. } => ErrorCode::DeviceUnavailable,
                Engine::NotANumber => ErrorCode::NotANumber,
                Engine::Compute { .. } => ErrorCode::ComputeFailed,
                Engine::Panicked { .. } => ErrorCode::EngineCrashed,
                Engine::Cancelled => ErrorCode::Cancelled,
            },
            Self::Hub(error) => match error {
                Hub::Offline { .. } | Hub::TimedOut { .. } | Hub::Interrupted { .. } => {
                    ErrorCode::Offline
                }
                Hub::NotFound { .. } | Hub::NotFoundOrPrivate { .. } | Hub::Disabled { .. } => {
                    ErrorCode::HubNotFound
                }
                Hub::Gated { .. } => ErrorCode::HubGated,
                Hub::RateLimited { .. } => ErrorCode::HubRateLimited,
                Hub::Encryption { .. }
                | Hub::ExpiredAddress { .. }
                | Hub::Server { .. }
                | Hub::BadAnswer { .. }
                | Hub::TooLarge { .. } => ErrorCode::HubFailed,
                Hub::Refused { .. } => ErrorCode::HubRefused,
            },
            Self::TokenRefused { .. } => ErrorCode::HubSignIn,
            Self::EngineCrashed { .. } => ErrorCode::EngineCrashed,
            Self::EngineStart { .. } => ErrorCode::EngineStartFailed,
            Self::NoModel => ErrorCode::NoModel,
            Self::ModelMissing { .. } => ErrorCode::ModelMissing,
            Self::ModelChanged { .. } => ErrorCode::ModelChanged,
            Self::ModelsFolderMissing { .. } => ErrorCode::ModelsFolderMissing,
            Self::FileDamaged { .. } => ErrorCode::FileMalformed,
            Self::FileInUse { .. } => ErrorCode::FileInUse,
            Self::NoSuchFile { .. } => ErrorCode::HubNotFound,
            Self::IncompleteSet { .. } => ErrorCode::FileTruncated,
            Self::NoTextModel { .. } => ErrorCode::UnsupportedArchitecture,
            Self::DownloadCorrupt { .. } => ErrorCode::DownloadCorrupt,
            Self::EmptyMessage => ErrorCode::EmptyMessage,
            Self::InvalidSetting { .. } => ErrorCode::InvalidSettings,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Busy => ErrorCode::Busy,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::LinkRefused { .. } => ErrorCode::LinkRefused,
            Self::StorageUnwritable { .. } => ErrorCode::StorageUnwritable,
            Self::DiskFull { .. } => ErrorCode::DiskFull,
            Self::StorageFromNewerVersion { .. } => ErrorCode::StorageFromNewerVersion,
            Self::StorageDamaged { .. } => ErrorCode::StorageDamaged,
            Self::Storage(_) => ErrorCode::StorageFailed,
            Self::File { .. } => ErrorCode::FileReadFailed,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// A file error on `path`; a full disk is told apart.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        let path = path.display().to_string();
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::DiskFull {
                path,
                needed_bytes: 0,
            },
            _ => Self::File {
                path,
                reason: error.to_string(),
            },
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Sqlite;
        match error.sqlite_error_code() {
            Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => Self::StorageDamaged {
                path: "the database".into(),
                reason: error.to_string(),
            },
            Some(Sqlite::DiskFull) => Self::DiskFull {
                path: "the database".into(),
                needed_bytes: 0,
            },
            Some(Sqlite::ReadOnly | Sqlite::CannotOpen | Sqlite::PermissionDenied) => {
                Self::StorageUnwritable {
                    path: "the database".into(),
                    reason: error.to_string(),
                }
            }
            _ => Self::Storage(error),
        }
    }
}

impl From<&Error> for AppError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// How much has to be freed, where that is known, as people say it.
fn needs(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        1..1_000_000_000 => format!(" needs {} MB more", bytes.div_ceil(1_000_000)),
        _ => format!(" needs {:.2} GB more", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_with_what_is_known() {
        for (needed_bytes, text) in [
            (0, "the disk is full: /models"),
            (65_594_432, "the disk is full: /models needs 66 MB more"),
            (
                1_130_292_288,
                "the disk is full: /models needs 1.13 GB more",
            ),
        ] {
            let path = "/models".into();
            let error = Error::DiskFull { path, needed_bytes };
            assert_eq!(error.to_string(), text);
        }
    }
}
