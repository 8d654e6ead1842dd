//! The library and the engine. Paths stay on this side: the file dialog is opened here.

use std::path::PathBuf;

use serde::Deserialize;
use tauri::{AppHandle, Runtime, async_runtime::spawn_blocking, ipc::Channel};
use tauri_plugin_dialog::DialogExt;
use wick::{
    EngineStatus, Error,
    library::{
        Adoptable, Deleted, ImportEvent, ImportMode, LibraryFolder, LibraryModel, MoveEvent,
        PeerFolders, VerifyEvent, VerifyOutcome,
    },
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
    mode: ImportMode,
    kind: Picked,
    on_event: Channel<ImportEvent>,
) -> Answer<Option<LibraryModel>> {
    let wick = desktop.wick()?;
    let import = move || match pick(&app, kind, "WICK_IMPORT_FILE") {
        Some(path) => wick
            .import_model(&path, mode, |event| drop(on_event.send(event)))
            .map(Some),
        None => Ok(None),
    };
    blocking(import).await
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

#[tauri::command]
pub async fn model_delete(desktop: Shared<'_>, model_id: String) -> Answer<Deleted> {
    Ok(desktop.wick()?.delete_model(&model_id).await?)
}

#[tauri::command(async)]
pub fn model_restore(desktop: Shared<'_>, model_id: String) -> Answer<()> {
    Ok(desktop.wick()?.restore_model(&model_id)?)
}

#[tauri::command(async)]
pub fn models_trash_empty(desktop: Shared<'_>) -> Answer<()> {
    Ok(desktop.wick()?.empty_model_trash()?)
}

#[tauri::command]
pub async fn model_verify(
    desktop: Shared<'_>,
    model_id: String,
    on_event: Channel<VerifyEvent>,
) -> Answer<VerifyOutcome> {
    let wick = desktop.wick()?;
    blocking(move || wick.verify_model(&model_id, |event| drop(on_event.send(event)))).await
}

#[tauri::command(async)]
pub fn model_verify_cancel(desktop: Shared<'_>) -> Answer<()> {
    desktop.wick()?.cancel_verify();
    Ok(())
}

#[tauri::command(async)]
pub fn models_folder(desktop: Shared<'_>) -> Answer<LibraryFolder> {
    Ok(desktop.wick()?.models_folder()?)
}

#[tauri::command(async)]
pub fn models_folder_open(desktop: Shared<'_>) -> Answer<()> {
    let folder = desktop.wick()?.models_folder()?.path;
    open::that_detached(&folder).map_err(|error| Error::file(folder.as_ref(), &error))?;
    Ok(())
}

#[tauri::command]
pub async fn models_folder_move<R: Runtime>(
    app: AppHandle<R>,
    desktop: Shared<'_>,
    on_event: Channel<MoveEvent>,
) -> Answer<Option<LibraryFolder>> {
    let wick = desktop.wick()?;
    let picked = blocking(move || Ok(pick(&app, Picked::Folder, "WICK_MOVE_FOLDER"))).await?;
    let Some(to) = picked else {
        return Ok(None);
    };
    let moved = wick.move_models_folder(to, move |event| drop(on_event.send(event)));
    Ok(Some(moved.await?))
}

#[tauri::command(async)]
pub fn models_folder_move_cancel(desktop: Shared<'_>) -> Answer<()> {
    desktop.wick()?.cancel_move();
    Ok(())
}

#[tauri::command]
pub async fn models_adoptable(desktop: Shared<'_>) -> Answer<Vec<Adoptable>> {
    let wick = desktop.wick()?;
    blocking(move || wick.adoptable(&PeerFolders::from_environment())).await
}

#[tauri::command]
pub async fn models_adopt(
    desktop: Shared<'_>,
    keys: Vec<String>,
    on_event: Channel<ImportEvent>,
) -> Answer<Vec<LibraryModel>> {
    let wick = desktop.wick()?;
    blocking(move || {
        let folders = PeerFolders::from_environment();
        wick.adopt(&folders, &keys, |event| drop(on_event.send(event)))
    })
    .await
}

#[tauri::command]
pub async fn models_check_newer(desktop: Shared<'_>) -> Answer<()> {
    Ok(desktop.wick()?.check_for_newer().await?)
}

/// Runs what takes long where nothing waits for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> wick::Result<T> + Send + 'static,
) -> Answer<T> {
    let done = spawn_blocking(work).await;
    Ok(done.map_err(|_| Error::Internal("the work ended early"))??)
}

/// What the person is asked to pick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Picked {
    /// A GGUF file.
    File,
    /// A folder.
    Folder,
}

/// What the person picks; `variable` picks for automation, which can use no system dialog.
fn pick<R: Runtime>(app: &AppHandle<R>, kind: Picked, variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(path.into()).filter(|path: &PathBuf| !path.as_os_str().is_empty());
    }
    let dialog = app.dialog().file();
    let picked = match kind {
        Picked::File => dialog
            .set_title("Import a model")
            .add_filter("GGUF models", &["gguf"])
            .blocking_pick_file(),
        Picked::Folder => dialog.set_title("Choose a folder").blocking_pick_folder(),
    };
    picked?.into_path().ok()
}
