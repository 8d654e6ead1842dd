//! Start, storage, and the two ways out of the window: the browser and the data folder.

use std::{ffi::OsStr, path::Path};

use tauri::{AppHandle, Runtime};
use wick::Error;

use super::{Answer, Shared};
use crate::{background, links, state::StartState};

#[tauri::command(async)]
pub fn app_start<R: Runtime>(app: AppHandle<R>, desktop: Shared<'_>) -> Answer<StartState> {
    let (state, opened) = desktop.start()?;
    if let Some(wick) = opened {
        background::begin(&app, wick);
    }
    Ok(state)
}

#[tauri::command(async)]
pub fn app_set_storage_aside(desktop: Shared<'_>) -> Answer<String> {
    desktop.set_storage_aside()
}

#[tauri::command(async)]
pub fn app_open_link(url: String) -> Answer<()> {
    open_outside(links::parse(&url)?.as_str())
}

#[tauri::command(async)]
pub fn app_open_data_folder(desktop: Shared<'_>) -> Answer<()> {
    open_outside(desktop.paths()?.root())
}

fn open_outside(what: impl AsRef<OsStr>) -> Answer<()> {
    let what = what.as_ref();
    open::that_detached(what).map_err(|error| Error::file(Path::new(what), &error).into())
}
