//! The library and the engine. Paths stay on this side: the file dialog is opened here.

use std::path::PathBuf;

use tauri::{AppHandle, Runtime, async_runtime::spawn_blocking, ipc::Channel};
use tauri_plugin_dialog::DialogExt;
use wick::{
    EngineStatus, Error,
    library::{ImportEvent, LibraryModel},
};

use super::{Answer, Shared};

#[tauri::command(async)]
pub fn models_list(desktop: Shared<'_>) -> Answer<Vec<LibraryModel>> {
    Ok(desktop.wick()?.models()?)
}

#[tauri::command]
pub async fn model_import<R: Runtime>(
    app: AppHandle<R>,
    desktop: Shared<'_>,
    on_event: Channel<ImportEvent>,
) -> Answer<Option<LibraryModel>> {
    let wick = desktop.wick()?;
    let import = move || match file_to_import(&app) {
        Some(path) => wick
            .import_model(&path, |event| drop(on_event.send(event)))
            .map(Some),
        None => Ok(None),
    };
    let imported = spawn_blocking(import).await;
    Ok(imported.map_err(|_| Error::Internal("the import ended early"))??)
}

#[tauri::command(async)]
pub fn model_import_cancel(desktop: Shared<'_>) -> Answer<()> {
    desktop.wick()?.cancel_import();
    Ok(())
}

#[tauri::command]
pub async fn model_select(desktop: Shared<'_>, model_id: String) -> Answer<()> {
    Ok(desktop.wick()?.select_model(&model_id).await?)
}

#[tauri::command]
pub async fn model_unload(desktop: Shared<'_>) -> Answer<()> {
    desktop.wick()?.runtime().unload().await;
    Ok(())
}

#[tauri::command(async)]
pub fn engine_status(desktop: Shared<'_>) -> Answer<EngineStatus> {
    Ok(desktop.wick()?.runtime().status().borrow().clone())
}

/// The file the person chooses; `WICK_IMPORT_FILE` chooses it for automation, which can use no system dialog.
fn file_to_import<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("WICK_IMPORT_FILE") {
        return Some(path.into()).filter(|path: &PathBuf| !path.as_os_str().is_empty());
    }
    let dialog = app.dialog().file().set_title("Import a model");
    let file = dialog
        .add_filter("GGUF models", &["gguf"])
        .blocking_pick_file()?;
    file.into_path().ok()
}
