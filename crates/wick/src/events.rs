//! Facts that every view may want to know at once.

use serde::{Deserialize, Serialize};
use wick_engine::process::protocol::MemoryUse;

use crate::{
    AppError, Settings, download::Download, hardware::CalibrationState, library::ImportEvent,
};

/// What the engine process is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum EngineStatus {
    /// No process, no memory taken.
    Idle,
    /// A model is being loaded.
    Loading {
        /// Which.
        model_id: String,
        /// 0 to 1.
        fraction: f32,
    },
    /// A model is loaded.
    Ready {
        /// Which.
        model_id: String,
        /// Memory of the process.
        memory: MemoryUse,
    },
    /// A reply is being written.
    Generating {
        /// By which model.
        model_id: String,
    },
    /// The process died on its own; the next message starts a new one.
    Crashed {
        /// The model it had loaded.
        model_id: Option<String>,
        /// What happened.
        error: AppError,
    },
}

/// Where the model that comes with Wick is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum StarterState {
    /// On its way into the library.
    Importing,
    /// In the library.
    Present,
    /// This Wick came without one, or it could not be imported.
    Absent,
}

/// Something changed that was not asked for by the view that shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum AppEvent {
    /// The engine's state.
    Engine {
        /// Its new state.
        status: EngineStatus,
    },
    /// Models came or went.
    LibraryChanged,
    /// Chats came, went or changed their order.
    ChatsChanged,
    /// The settings changed.
    SettingsChanged {
        /// All of them.
        settings: Box<Settings>,
    },
    /// The machine is being measured, whoever asked for it.
    Calibration {
        /// How it goes.
        state: CalibrationState,
    },
    /// The queue of downloads. A few times a second while bytes come, at once where the state of one changes.
    DownloadsChanged {
        /// All of it, in its order.
        downloads: Vec<Download>,
    },
    /// How files that were dropped on the window come into the library, one after another.
    Import {
        /// How the one under way comes along.
        event: Option<ImportEvent>,
        /// Why one could not be imported.
        error: Option<AppError>,
    },
    /// Files are held over the window.
    DropHover {
        /// Whether they still are.
        active: bool,
    },
    /// The starter model's way into the library.
    Starter {
        /// Where it is.
        state: StarterState,
        /// Why it could not be imported.
        error: Option<AppError>,
    },
}
