//! `wick pull`: from the Hub into the library.

use std::sync::Arc;

use indicatif::ProgressBar;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use wick::{
    AppEvent, Error, Result, Wick,
    download::{Ask, Download, DownloadState},
};

use super::{library::megabytes, progress};
use crate::arguments::PullOptions;

/// Downloads it, or goes on with it. Ctrl-C pauses.
pub async fn pull(options: &PullOptions, as_json: bool) -> Result<()> {
    let ask = options.model.parse::<Ask>()?.at(options.revision.clone());
    let wick = super::open()?;
    if let Some(limit) = options.limit {
        wick.limit_downloads(Some((limit as u64).max(1)));
    }
    let request = wick.find_download(&ask).await?;
    let download = wick.start_download(&request)?;
    let shown = tokio::spawn(show(wick.clone(), download.id, as_json));
    let pull = wick.pull(download.id);
    tokio::pin!(pull);
    let outcome = loop {
        tokio::select! {
            outcome = &mut pull => break outcome,
            pressed = tokio::signal::ctrl_c() => match pressed {
                Ok(()) => wick.pause_download(download.id)?,
                Err(_) => break pull.await,
            },
        }
    };
    shown.abort();
    match outcome {
        Ok(model) => {
            // It is done; the window need not list it.
            wick.cancel_download(download.id)?;
            match as_json {
                true => outln!("{}", json!({ "model": model })),
                false => {
                    let (name, level) = (&model.info.name, &model.info.quantization);
                    outln!("{name} {level} is in the library.");
                }
            }
            Ok(())
        }
        Err(Error::Cancelled) => {
            tell_how_to_go_on(&wick, download.id, &options.model, as_json)?;
            Err(Error::Cancelled)
        }
        Err(error) => Err(error),
    }
}

fn tell_how_to_go_on(wick: &Wick, id: i64, model: &str, as_json: bool) -> Result<()> {
    let downloads = wick.downloads()?;
    let download = downloads.iter().find(|download| download.id == id);
    if let (Some(download), false) = (download, as_json) {
        let done = megabytes(download.done_bytes);
        let total = download.size_bytes.map_or("?".into(), megabytes);
        errln!("\n{done} of {total} are here. Go on with: wick pull {model}");
    }
    Ok(())
}

/// Shows what becomes of one download until it is ended.
async fn show(wick: Arc<Wick>, id: i64, as_json: bool) {
    let mut events = wick.events();
    let bar = progress::bar("", as_json);
    let mut noticed = None;
    loop {
        match events.recv().await {
            Ok(AppEvent::DownloadsChanged { downloads }) => {
                let Some(download) = downloads.iter().find(|download| download.id == id) else {
                    continue;
                };
                if as_json {
                    outln!("{}", json!({ "download": download }));
                    continue;
                }
                if download.notice != noticed {
                    noticed.clone_from(&download.notice);
                    bar.suspend(|| errln!("{}", noticed.as_deref().unwrap_or_default()));
                }
                draw(&bar, download);
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn draw(bar: &ProgressBar, download: &Download) {
    let name = match download.file.as_str() {
        "" => &download.repository,
        file => file,
    };
    bar.set_prefix(name.rsplit('/').next().unwrap_or(name).to_owned());
    progress::show(
        bar,
        download.done_bytes,
        download.size_bytes.unwrap_or_default(),
    );
    bar.set_message(match &download.status {
        DownloadState::Queued | DownloadState::Resolving => "asking the Hub".into(),
        DownloadState::Downloading {
            bytes_per_second,
            seconds_left,
        } => {
            let left = seconds_left.map(progress::duration).unwrap_or_default();
            format!("{}/s {left}", megabytes(*bytes_per_second as u64))
        }
        DownloadState::Waiting { reason, .. } => format!("waiting: {reason}"),
        DownloadState::Verifying => "verifying".into(),
        DownloadState::Paused => "paused".into(),
        DownloadState::Failed { .. } => "failed".into(),
        DownloadState::Finished { .. } => bar.message(),
    });
}
