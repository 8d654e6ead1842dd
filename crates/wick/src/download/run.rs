//! The path of one download: what is it, its bytes, is it whole, into the library.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use wick_hub::{
    Hub, Transfer, Wanted,
    transfer::{self, Limits, Opened, Progress, State},
};

use super::{
    DownloadState, Plan,
    partial::Partial,
    plan::{Verified, resolve},
    settle::settle,
};
use crate::{
    AppEvent, Error, Result, Wick,
    library::{Availability, FolderLock, LibraryModel},
    store::{DownloadRow, KeptState, now_ms},
};

/// Between two looks at whether somebody else has let go.
const UNTIL_NEXT_LOOK: Duration = Duration::from_secs(3);
/// The longest wait before the Hub is asked again what a file is.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Who waits for a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nobody in particular: it may wait for the network as long as it takes.
    Queue,
    /// Somebody at a terminal: what the Hub says at first is said at once.
    Terminal,
}

impl Wick {
    /// Runs it until it is in the library, fails or is stopped. What is kept of its state is right in any case.
    pub(super) async fn run_download(
        self: &Arc<Self>,
        id: i64,
        mode: Mode,
        stopped: watch::Receiver<bool>,
    ) -> Result<LibraryModel> {
        self.announce_downloads(true);
        let outcome = self.run_until_stopped(id, mode, stopped).await;
        let state = match &outcome {
            Ok(model) => Some(KeptState::Finished {
                model_id: model.id.clone(),
            }),
            // Whoever stopped it has said what becomes of it.
            Err(Error::Cancelled) => None,
            Err(error) => Some(KeptState::Failed {
                error: error.into(),
            }),
        };
        let kept = self.keep_outcome(id, state);
        self.downloads.end(id);
        self.announce_downloads(true);
        if let Ok(model) = &outcome {
            self.models_came(std::slice::from_ref(model))?;
        }
        kept.and(outcome)
    }

    fn keep_outcome(&self, id: i64, state: Option<KeptState>) -> Result<()> {
        if let Some(done_bytes) = self.downloads.done_bytes(id) {
            self.store.set_download_progress(id, done_bytes)?;
        }
        match state {
            Some(state) => self.store.set_download_state(id, &state),
            None => Ok(()),
        }
    }

    async fn run_until_stopped(
        self: &Arc<Self>,
        id: i64,
        mode: Mode,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<LibraryModel> {
        let row = self.store.download(id)?.ok_or(Error::Cancelled)?;
        let bring = async {
            let locks = self.locks(&row, mode).await?;
            let brought = self.bring(&row, &locks.partial, mode).await?;
            Ok((locks, brought))
        };
        let stop = stopped.wait_for(|stopped| *stopped);
        let brought = tokio::select! {
            biased;
            brought = bring => brought,
            _ = stop => Err(Error::Cancelled),
        };
        // From here on it cannot be stopped: it is a matter of moments.
        let (locks, brought) = match brought {
            Ok(brought) => brought,
            Err(error) => {
                if let (Error::Cancelled, None) = (&error, self.store.download(id)?) {
                    self.discard(&row)?;
                }
                return Err(error);
            }
        };
        match brought {
            Brought::Known(model_id) => self.library()?.model(&model_id),
            Brought::Whole(plan) => {
                self.set_download_status(id, DownloadState::Verifying);
                let wick = self.clone();
                let settled = spawn_blocking(move || {
                    let settled = settle(&wick.library()?, &row, &plan, &locks.partial);
                    drop(locks);
                    settled
                });
                let model_id = settled.await.map_err(|_| ended_early())??;
                self.library()?.model(&model_id)
            }
        }
    }

    /// Holds the folder of models in its place, and others off this download.
    async fn locks(&self, row: &DownloadRow, mode: Mode) -> Result<Locks> {
        loop {
            let locks = || {
                let folder = FolderLock::shared(&self.paths)?;
                let models = self.library()?.folder;
                models.must_be_writable()?;
                let partial = Partial::of(&models.path, row);
                Ok(Locks {
                    _download: partial.lock()?,
                    _folder: folder,
                    partial,
                })
            };
            match locks() {
                Err(Error::FileInUse { by, .. }) if mode == Mode::Queue => {
                    self.wait(row.id, UNTIL_NEXT_LOOK, by.into()).await;
                }
                locks => return locks,
            }
        }
    }

    /// Fetches what is missing; what comes back is whole.
    async fn bring(&self, row: &DownloadRow, partial: &Partial, mode: Mode) -> Result<Brought> {
        let mut plan = match &row.plan {
            Some(plan)
                if plan.verified.is_some() && super::settle::is_there(plan, self, partial)? =>
            {
                return Ok(Brought::Whole(plan.clone()));
            }
            Some(plan) => plan.clone(),
            None => self.resolve(row, mode, None).await?,
        };
        let hub = self.hub().await?;
        loop {
            if let Some(model_id) = self.in_library(&plan)? {
                partial.discard()?;
                let origin = plan.origin(&row.request);
                self.store.set_model_origin(&model_id, &origin)?;
                return Ok(Brought::Known(model_id));
            }
            match self.transfer(row, &plan, partial, &hub).await {
                Ok(verified) => {
                    plan.verified = Some(verified);
                    self.store.set_download_plan(row.id, &plan, None)?;
                    return Ok(Brought::Whole(plan));
                }
                Err(error) if has_changed(&error) => {
                    let newer = self.resolve(row, mode, Some(&plan)).await?;
                    if newer.files == plan.files && newer.commit == plan.commit {
                        // It has not, by what the Hub says of it: what it sends is wrong.
                        return Err(in_words(error, partial.transfer()));
                    }
                    plan = newer;
                }
                Err(error) => return Err(in_words(error, partial.transfer())),
            }
        }
    }

    /// Asks what is to be fetched, until there is an answer.
    async fn resolve(&self, row: &DownloadRow, mode: Mode, before: Option<&Plan>) -> Result<Plan> {
        let mut wait = Duration::from_secs(1);
        loop {
            self.set_download_status(row.id, DownloadState::Resolving);
            let hub = self.hub().await?;
            // What was told before led to what is not there.
            let hub = before.map_or_else(|| hub.clone(), |_| hub.anew());
            let failed = match resolve(&hub, &row.request).await {
                Ok(plan) => {
                    let notice = before.map(|_| "the file changed on the server; started afresh");
                    self.store.set_download_plan(row.id, &plan, notice)?;
                    return Ok(plan);
                }
                Err(Error::Hub(error)) if error.is_retryable() => error,
                Err(error) => return Err(error),
            };
            let is_asked_to_wait = failed.retry_after().is_some();
            if mode == Mode::Terminal && before.is_none() && !is_asked_to_wait {
                return Err(failed.into());
            }
            let jitter = rand::random_range(0.5..1.0);
            let pause = failed.retry_after().unwrap_or_default() + wait.mul_f64(jitter);
            self.wait(row.id, pause, failed.to_string()).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn wait(&self, id: i64, pause: Duration, reason: String) {
        let until_ms = now_ms() + pause.as_millis() as i64;
        self.set_download_status(id, DownloadState::Waiting { until_ms, reason });
        sleep(pause).await;
    }

    /// The model of the library that has these bytes already, by the hash that the server promises. One in the trash
    /// comes out of it.
    fn in_library(&self, plan: &Plan) -> Result<Option<String>> {
        let Some(id) = plan.promised_id() else {
            return Ok(None);
        };
        let library = self.library()?;
        let is_whole = |id| {
            let model = library.model(id);
            model.is_ok_and(|model| model.availability == Availability::Available)
        };
        if is_whole(id) {
            return Ok(Some(id.to_owned()));
        }
        if library.restore(id).is_ok() {
            if is_whole(id) {
                return Ok(Some(id.to_owned()));
            }
            self.store.set_model_deleted(id, true)?;
        }
        Ok(None)
    }

    async fn transfer(
        &self,
        row: &DownloadRow,
        plan: &Plan,
        partial: &Partial,
        hub: &Hub,
    ) -> transfer::Result<Vec<Verified>> {
        let spec = plan.spec(&row.request.repository);
        let spec = spec.map_err(|error| match error {
            Error::Hub(error) => error,
            // No other kind of error comes of names.
            _ => wick_hub::Error::Refused {
                what: row.request.repository.clone(),
                refusal: wick_hub::Refusal::Path,
            },
        })?;
        let folder = partial.transfer().to_owned();
        let opened = spawn_blocking(move || Transfer::open(&folder, spec)).await;
        let transfer = opened.map_err(|_| transfer::Error::Paused)??;
        if let Opened::Resumed { kept_bytes } = transfer.opened() {
            self.downloads.note_bytes(row.id, kept_bytes);
        }
        let limits = Limits {
            bandwidth: self.downloads.bandwidth(),
            ..Limits::default()
        };
        let files = transfer
            .run(hub, &limits, |progress| {
                self.note_progress(row.id, &progress)
            })
            .await?;
        Ok(files.iter().map(Verified::of).collect())
    }

    fn note_progress(&self, id: i64, progress: &Progress) {
        self.downloads.note_bytes(id, progress.done_bytes);
        let left = progress.total_bytes.saturating_sub(progress.done_bytes);
        let bytes_per_second = progress.bytes_per_second;
        let status = match &progress.state {
            State::Transferring | State::Repairing => DownloadState::Downloading {
                bytes_per_second,
                seconds_left: (bytes_per_second >= 1.0).then(|| left as f64 / bytes_per_second),
            },
            State::Waiting { until, reason } => DownloadState::Waiting {
                until_ms: milliseconds(*until),
                reason: reason.clone(),
            },
            State::Verifying { .. } => DownloadState::Verifying,
        };
        self.set_download_status(id, status);
    }

    /// Removes what is here of a download that was cancelled.
    pub(super) fn discard(&self, row: &DownloadRow) -> Result<()> {
        Partial::of(&self.library()?.folder.path, row).discard()
    }
}

/// What keeps others away while a download runs.
struct Locks {
    partial: Partial,
    _download: super::partial::PartialLock,
    _folder: FolderLock,
}

/// What a download has come to.
enum Brought {
    /// The library had it.
    Known(String),
    /// All files are here and whole.
    Whole(Plan),
}

/// Whether the server no longer has what was to be fetched. Then it is asked what it has now.
fn has_changed(error: &transfer::Error) -> bool {
    matches!(
        error,
        transfer::Error::Changed { .. }
            | transfer::Error::Hub(wick_hub::Error::NotFound {
                what: Wanted::Revision | Wanted::File,
                ..
            })
    )
}

fn in_words(error: transfer::Error, folder: &Path) -> Error {
    use std::io::ErrorKind;
    match error {
        transfer::Error::Hub(error) => error.into(),
        transfer::Error::DiskFull { needed, available } => Error::DiskFull {
            path: folder.display().to_string(),
            needed_bytes: needed.saturating_sub(available),
        },
        transfer::Error::Disk { file, source, .. } => match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Error::StorageUnwritable {
                    path: file.display().to_string(),
                    reason: source.to_string(),
                }
            }
            _ => Error::file(&file, &source),
        },
        transfer::Error::Changed { path } | transfer::Error::Corrupt { path, .. } => {
            Error::DownloadCorrupt {
                file: path.to_string(),
            }
        }
        transfer::Error::InUse => Error::FileInUse {
            path: folder.display().to_string(),
            by: "another Wick is downloading it",
        },
        transfer::Error::Paused => Error::Cancelled,
    }
}

fn ended_early() -> Error {
    Error::Internal("a download ended early")
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

impl Wick {
    pub(super) fn set_download_status(&self, id: i64, status: DownloadState) {
        let is_news = self.downloads.set_status(id, status);
        self.announce_downloads(is_news);
    }

    /// Tells all of the queue: at once what is news, else not too often.
    pub(super) fn announce_downloads(&self, is_news: bool) {
        if self.downloads.is_due(is_news)
            && let Ok(downloads) = self.downloads()
        {
            self.announce(AppEvent::DownloadsChanged { downloads });
        }
    }
}
