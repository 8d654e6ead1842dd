//! `wick folder`: where models lie, and how they get elsewhere.

use std::path::PathBuf;

use serde_json::json;
use wick::{
    Result,
    library::{FolderState, LibraryFolder, MoveEvent},
};

use super::{library::megabytes, progress};

/// Shows the folder, or moves it first; Ctrl-C leaves everything where it was.
pub async fn folder(to: Option<PathBuf>, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let folder = match to {
        None => wick.models_folder()?,
        Some(to) => {
            let stopper = wick.clone();
            tokio::spawn(async move {
                while tokio::signal::ctrl_c().await.is_ok() {
                    stopper.cancel_move();
                }
            });
            let bar = progress::bar("Moving", as_json);
            let moved = wick.move_models_folder(to, move |event| {
                if let MoveEvent::Moving {
                    done_bytes,
                    total_bytes,
                } = event
                {
                    progress::show(&bar, done_bytes, total_bytes);
                }
            });
            moved.await?
        }
    };
    match as_json {
        true => outln!("{}", json!({ "folder": folder })),
        false => print(&folder),
    }
    Ok(())
}

fn print(folder: &LibraryFolder) {
    let note = match folder.state {
        FolderState::Ok => "",
        FolderState::ReadOnly => " (read-only)",
        FolderState::Missing => " (not there: connect the disk that it lies on)",
    };
    outln!("{}{note}", folder.path);
    out!("{} in models", megabytes(folder.models_bytes));
    if folder.trash_bytes > 0 {
        out!(", of that {} in the trash", megabytes(folder.trash_bytes));
    }
    match folder.free_bytes {
        Some(free) => outln!(", {} free", megabytes(free)),
        None => outln!(),
    }
}
