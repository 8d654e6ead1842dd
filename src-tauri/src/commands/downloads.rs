//! The queue of downloads.

use wick::download::{Download, DownloadRequest};

use super::{Answer, Shared};

#[tauri::command(async)]
pub fn downloads_list(desktop: Shared<'_>) -> Answer<Vec<Download>> {
    Ok(desktop.wick()?.downloads()?)
}

#[tauri::command(async)]
pub fn download_start(desktop: Shared<'_>, request: DownloadRequest) -> Answer<Download> {
    Ok(desktop.wick()?.start_download(&request)?)
}

#[tauri::command(async)]
pub fn download_pause(desktop: Shared<'_>, id: i64) -> Answer<()> {
    Ok(desktop.wick()?.pause_download(id)?)
}

#[tauri::command(async)]
pub fn download_resume(desktop: Shared<'_>, id: i64) -> Answer<()> {
    Ok(desktop.wick()?.resume_download(id)?)
}

#[tauri::command(async)]
pub fn download_cancel(desktop: Shared<'_>, id: i64) -> Answer<()> {
    Ok(desktop.wick()?.cancel_download(id)?)
}

#[tauri::command(async)]
pub fn download_move(desktop: Shared<'_>, id: i64, position: usize) -> Answer<()> {
    Ok(desktop.wick()?.move_download(id, position)?)
}
