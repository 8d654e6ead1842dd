//! How far downloads are, where the system shows it on the window's place in the taskbar or dock.

use tauri::{
    AppHandle, Manager, Runtime, async_runtime,
    window::{ProgressBarState, ProgressBarStatus},
};
use tokio::sync::broadcast::error::RecvError;
use wick::{
    AppEvent, Wick,
    download::{Download, DownloadState},
};

use crate::window::MAIN;

/// Begins to follow them.
pub fn follow_downloads<R: Runtime>(app: AppHandle<R>, wick: &Wick) {
    let mut events = wick.events();
    async_runtime::spawn(async move {
        let mut shown = None;
        loop {
            match events.recv().await {
                Ok(AppEvent::DownloadsChanged { downloads }) => {
                    let percent = percent(&downloads);
                    if percent != shown {
                        show(&app, percent);
                        shown = percent;
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn show<R: Runtime>(app: &AppHandle<R>, percent: Option<u64>) {
    let status = match percent {
        Some(_) => ProgressBarStatus::Normal,
        None => ProgressBarStatus::None,
    };
    if let Some(window) = app.get_webview_window(MAIN) {
        let state = ProgressBarState {
            status: Some(status),
            progress: percent,
        };
        // Where the system has no such thing, nothing is lost.
        window.set_progress_bar(state).ok();
    }
}

/// Of all downloads that run together; `None` where none does.
fn percent(downloads: &[Download]) -> Option<u64> {
    let (mut done, mut total) = (0u64, 0u64);
    for download in downloads {
        let runs = matches!(
            download.status,
            DownloadState::Downloading { .. }
                | DownloadState::Waiting { .. }
                | DownloadState::Verifying
        );
        if let (true, Some(size)) = (runs, download.size_bytes) {
            total = total.saturating_add(size);
            done = done.saturating_add(download.done_bytes.min(size));
        }
    }
    (total > 0).then(|| (done as f64 / total as f64 * 100.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_counts_by_its_bytes_and_what_waits_for_the_user_does_not() {
        let download = |done_bytes, size_bytes, status| Download {
            id: 1,
            repository: "a/b".into(),
            file: "c.gguf".into(),
            commit: None,
            size_bytes,
            done_bytes,
            added_at_ms: 0,
            status,
            notice: None,
        };
        let running = || DownloadState::Downloading {
            bytes_per_second: 1.0,
            seconds_left: None,
        };
        assert_eq!(percent(&[]), None);
        let paused = download(50, Some(100), DownloadState::Paused);
        assert_eq!(percent(std::slice::from_ref(&paused)), None);
        assert_eq!(
            percent(&[download(0, None, DownloadState::Resolving)]),
            None
        );
        let large = download(100, Some(300), running());
        let small = download(100, Some(100), DownloadState::Verifying);
        assert_eq!(percent(&[paused, large, small]), Some(50));
        assert_eq!(percent(&[download(9, Some(3), running())]), Some(100));
    }
}
