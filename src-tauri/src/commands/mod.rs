//! The commands the page may call: each hands its question to [`wick`] and the answer back.

pub mod app;
pub mod chat;
pub mod downloads;
pub mod hardware;
pub mod hub;
pub mod models;
pub mod recommend;
pub mod settings;

use tauri::State;
use wick::AppError;

use crate::state::Desktop;

/// What every command answers with.
type Answer<T> = Result<T, AppError>;

/// What every command works on.
type Shared<'a> = State<'a, Desktop>;
