//! What runs beside the commands once the application is open: events to the page, the starter model's way into
//! the library, the queue of downloads, the measurement of a machine that is new, and the chosen model's way into memory.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tauri::{AppHandle, Emitter, Manager, Runtime, async_runtime};
use tokio::sync::broadcast::error::RecvError;
use wick::{AppEvent, Wick};

/// The event all of the page listens to.
const APP_EVENT: &str = "app";

/// Begins all of it.
pub fn begin<R: Runtime>(app: &AppHandle<R>, wick: Arc<Wick>) {
    forward_events(app.clone(), &wick);
    forward_status(app.clone(), &wick);
    crate::taskbar::follow_downloads(app.clone(), &wick);
    async_runtime::spawn(wick.clone().run_downloads());
    let starter = starter_model(app);
    async_runtime::spawn(async move {
        let importer = wick.clone();
        let import = move || importer.import_starter(starter.as_deref());
        async_runtime::spawn_blocking(import).await.ok();
        // A message that comes meanwhile ends it, and the machine is measured another time.
        wick.calibrate_if_needed().await.ok();
        // Loading begins before the first question. What goes wrong here is said when that question is asked.
        wick.preload().await.ok();
    });
}

fn emit<R: Runtime>(app: &AppHandle<R>, event: &AppEvent) {
    // A window that is gone misses nothing.
    app.emit(APP_EVENT, event).ok();
}

fn forward_events<R: Runtime>(app: AppHandle<R>, wick: &Wick) {
    let mut events = wick.events();
    async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => emit(&app, &event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn forward_status<R: Runtime>(app: AppHandle<R>, wick: &Wick) {
    let mut status = wick.runtime().status();
    async_runtime::spawn(async move {
        while status.changed().await.is_ok() {
            let status = status.borrow_and_update().clone();
            emit(&app, &AppEvent::Engine { status });
        }
    });
}

/// `WICK_STARTER_MODEL`, else the model that the package carries.
fn starter_model<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
    let chosen = std::env::var_os("WICK_STARTER_MODEL").filter(|path| !path.is_empty());
    chosen.map(PathBuf::from).or_else(|| {
        let resources = app.path().resource_dir().ok()?;
        first_gguf(&resources).or_else(|| first_gguf(&resources.join("resources")))
    })
}

fn first_gguf(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let models = files.map(|file| file.path()).filter(|path| {
        let extension = path.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case("gguf")
    });
    models.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_of_a_folder_is_found_among_other_files() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(first_gguf(folder.path()), None);
        for name in ["readme.txt", "b.gguf", "a.GGUF"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = first_gguf(folder.path()).unwrap();
        assert_eq!(found, folder.path().join("a.GGUF"));
    }
}
