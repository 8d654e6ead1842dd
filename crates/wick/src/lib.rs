//! Wick without a window: the library of models, chats on disk, settings, and the engine process that answers.
//!
//! [`Wick`] is the whole application. The window (`src-tauri`) and the command line (`wick-cli`) are thin
//! coats over it; neither knows SQLite, files or the engine's protocol.
//!
//! ```
//! # fn main() -> wick::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! use wick::{EngineCommand, Paths, Wick};
//!
//! let engine = EngineCommand::new("wick", ["--engine"]);
//! let (wick, notice) = Wick::open(Paths::at(folder.path()), engine)?;
//! assert!(notice.is_none());
//! assert!(wick.chats(None)?.is_empty());
//! # Ok(())
//! # }
//! ```

mod app;
pub mod catalog;
pub mod chat;
mod child;
pub mod download;
mod error;
mod events;
pub mod hardware;
pub mod hub;
pub mod library;
mod paths;
pub mod recommend;
pub mod runtime;
mod settings;
mod store;

pub use app::{StorageNotice, Wick, set_storage_aside};
pub use child::run_as_child;
pub use error::{AppError, Error, ErrorCode, Result};
pub use events::{AppEvent, EngineStatus, StarterState};
pub use paths::Paths;
pub use runtime::EngineCommand;
pub use settings::{Settings, SettingsPatch, Theme};
