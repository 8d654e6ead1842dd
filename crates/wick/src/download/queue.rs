//! The queue: what runs, what waits, and what the user does to it.

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};
use wick_hub::{RemotePath, RepoId, transfer::Bandwidth};

use super::{Download, DownloadRequest, DownloadState, partial::remove_orphans, run::Mode};
use crate::{
    Error, Result, Wick,
    library::LibraryModel,
    store::{DownloadRow, KeptState},
};

/// Downloads at a time: each uses several connections.
const MOST_AT_A_TIME: usize = 2;
/// Between two tellings of progress.
const BETWEEN_TELLINGS: Duration = Duration::from_millis(250);

/// What runs in this process.
#[derive(Debug)]
pub(crate) struct Downloads {
    running: Mutex<BTreeMap<i64, Running>>,
    /// Something may be to do.
    wake: Notify,
    /// One has ended.
    ended: Notify,
    /// Whether none may begin.
    is_held: AtomicBool,
    bandwidth: Bandwidth,
    told: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    status: DownloadState,
    done_bytes: Option<u64>,
}

impl Default for Downloads {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            wake: Notify::new(),
            ended: Notify::new(),
            is_held: AtomicBool::new(false),
            bandwidth: Bandwidth::unlimited(),
            told: Mutex::default(),
        }
    }
}

impl Downloads {
    /// A panic elsewhere left it whole: each change is one step.
    fn running(&self) -> MutexGuard<'_, BTreeMap<i64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that it runs; what comes back hears when it shall stop.
    pub fn begin(&self, id: i64) -> Result<watch::Receiver<bool>> {
        let mut running = self.running();
        if running.contains_key(&id) {
            return Err(Error::FileInUse {
                path: format!("download {id}"),
                by: "it is running already",
            });
        }
        let (stop, stopped) = watch::channel(false);
        let status = DownloadState::Resolving;
        running.insert(
            id,
            Running {
                stop,
                status,
                done_bytes: None,
            },
        );
        Ok(stopped)
    }

    pub fn end(&self, id: i64) {
        self.running().remove(&id);
        self.ended.notify_waiters();
        self.wake.notify_one();
    }

    /// Whether it is in another state than before.
    pub fn set_status(&self, id: i64, status: DownloadState) -> bool {
        let mut running = self.running();
        let Some(running) = running.get_mut(&id) else {
            return false;
        };
        let kind = std::mem::discriminant(&running.status);
        let is_news = kind != std::mem::discriminant(&status);
        running.status = status;
        is_news
    }

    pub fn note_bytes(&self, id: i64, done_bytes: u64) {
        if let Some(running) = self.running().get_mut(&id) {
            running.done_bytes = Some(done_bytes);
        }
    }

    pub fn done_bytes(&self, id: i64) -> Option<u64> {
        self.running().get(&id)?.done_bytes
    }

    pub fn bandwidth(&self) -> Bandwidth {
        self.bandwidth.clone()
    }

    /// Whether the queue is to be told now.
    pub fn is_due(&self, is_news: bool) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = is_news || told.is_none_or(|told| told.elapsed() >= BETWEEN_TELLINGS);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }

    fn stop(&self, id: i64) {
        if let Some(running) = self.running().get(&id) {
            running.stop.send_replace(true);
        }
    }

    fn describe(&self, row: DownloadRow) -> Download {
        let running = self.running();
        let live = running.get(&row.id);
        let done_bytes = live.and_then(|live| live.done_bytes);
        let kept = match row.state {
            KeptState::Queued => DownloadState::Queued,
            KeptState::Paused => DownloadState::Paused,
            KeptState::Failed { error } => DownloadState::Failed { error },
            KeptState::Finished { model_id } => DownloadState::Finished { model_id },
        };
        let status = match (live, &kept) {
            // What was just paused may take a moment to end.
            (Some(live), DownloadState::Queued | DownloadState::Failed { .. }) => {
                live.status.clone()
            }
            _ => kept,
        };
        Download {
            id: row.id,
            repository: row.request.repository,
            file: row.request.file,
            commit: row.plan.as_ref().map(|plan| plan.commit.clone()),
            size_bytes: row.plan.as_ref().map(super::Plan::bytes),
            done_bytes: done_bytes.unwrap_or(row.done_bytes),
            added_at_ms: row.added_at_ms,
            status,
            notice: row.notice,
        }
    }
}

impl Wick {
    /// The queue in its order.
    pub fn downloads(&self) -> Result<Vec<Download>> {
        let rows = self.store.downloads()?.into_iter();
        Ok(rows.map(|row| self.downloads.describe(row)).collect())
    }

    /// Puts a model at the end of the queue, or has one go on that is in it.
    pub fn start_download(&self, request: &DownloadRequest) -> Result<Download> {
        request.repository.parse::<RepoId>()?;
        if !request.file.is_empty() {
            request.file.parse::<RemotePath>()?;
        }
        let rows = self.store.downloads()?;
        let is_same = |row: &&DownloadRow| {
            row.request == *request && !matches!(row.state, KeptState::Finished { .. })
        };
        let id = match rows.iter().find(is_same) {
            Some(row) => {
                self.store.set_download_state(row.id, &KeptState::Queued)?;
                row.id
            }
            None => self.store.add_download(request)?,
        };
        self.queue_changed();
        let row = self
            .store
            .download(id)?
            .ok_or_else(|| no_such_download(id))?;
        Ok(self.downloads.describe(row))
    }

    /// Stops it; what is here is kept.
    pub fn pause_download(&self, id: i64) -> Result<()> {
        let row = self.download_row(id)?;
        if !matches!(row.state, KeptState::Finished { .. }) {
            self.store.set_download_state(id, &KeptState::Paused)?;
        }
        self.downloads.stop(id);
        self.queue_changed();
        Ok(())
    }

    /// Has it go on, or try again.
    pub fn resume_download(&self, id: i64) -> Result<()> {
        let row = self.download_row(id)?;
        if !matches!(row.state, KeptState::Finished { .. }) {
            self.store.set_download_state(id, &KeptState::Queued)?;
        }
        self.queue_changed();
        Ok(())
    }

    /// Takes it from the queue. What is here of it is deleted; a model that is in the library stays there.
    pub fn cancel_download(&self, id: i64) -> Result<()> {
        let row = self.download_row(id)?;
        self.store.remove_download(id)?;
        match self.downloads.running().get(&id) {
            // It cleans up after itself.
            Some(running) => drop(running.stop.send_replace(true)),
            None => self.discard(&row)?,
        }
        self.queue_changed();
        Ok(())
    }

    /// Gives it another place in the queue; 0 is the first.
    pub fn move_download(&self, id: i64, position: usize) -> Result<()> {
        self.download_row(id)?;
        let rows = self.store.downloads()?.into_iter();
        let mut ids: Vec<i64> = rows
            .map(|row| row.id)
            .filter(|other| *other != id)
            .collect();
        ids.insert(position.min(ids.len()), id);
        self.store.order_downloads(&ids)?;
        self.queue_changed();
        Ok(())
    }

    fn download_row(&self, id: i64) -> Result<DownloadRow> {
        self.store.download(id)?.ok_or_else(|| no_such_download(id))
    }

    fn queue_changed(&self) {
        self.downloads.wake.notify_one();
        self.announce_downloads(true);
    }

    /// Sets or lifts the limit on what all downloads take together, until the settings change.
    pub fn limit_downloads(&self, bytes_per_second: Option<u64>) {
        let limit = bytes_per_second.and_then(NonZeroU64::new);
        self.downloads.bandwidth.set(limit);
    }

    /// Runs the queue for as long as Wick runs. For the window, of which there is only one.
    pub async fn run_downloads(self: Arc<Self>) {
        // What is left of earlier days does no harm.
        if let Ok(library) = self.library() {
            remove_orphans(&library.folder.path, &self.store).ok();
        }
        for row in self.store.downloads().unwrap_or_default() {
            if let KeptState::Finished { .. } = row.state {
                self.store.remove_download(row.id).ok();
            }
        }
        loop {
            self.begin_next();
            self.downloads.wake.notified().await;
        }
    }

    fn begin_next(self: &Arc<Self>) {
        if self.downloads.is_held.load(Ordering::Relaxed) {
            return;
        }
        let rows = self.store.downloads().unwrap_or_default();
        for row in rows.iter().filter(|row| row.state == KeptState::Queued) {
            {
                let running = self.downloads.running();
                if running.len() >= MOST_AT_A_TIME {
                    return;
                }
                if running.contains_key(&row.id) {
                    continue;
                }
            }
            let (wick, id) = (self.clone(), row.id);
            // It is among those that run before this asks again.
            let Ok(stopped) = self.downloads.begin(id) else {
                continue;
            };
            tokio::spawn(async move { wick.run_download(id, Mode::Queue, stopped).await.ok() });
        }
    }

    /// Runs one download of the queue and nothing else of it. For a terminal.
    pub async fn pull(self: &Arc<Self>, id: i64) -> Result<LibraryModel> {
        let stopped = self.downloads.begin(id)?;
        self.run_download(id, Mode::Terminal, stopped).await
    }

    /// Stops all downloads until [`Wick::release_downloads`], or until Wick is started again. Returns once none runs.
    pub async fn hold_downloads(&self) {
        self.downloads.is_held.store(true, Ordering::Relaxed);
        loop {
            // Before looking: one that ends in between is not missed.
            let ended = self.downloads.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            {
                let running = self.downloads.running();
                if running.is_empty() {
                    return;
                }
                for one in running.values() {
                    one.stop.send_replace(true);
                }
            }
            ended.await;
        }
    }

    /// Lets them go on.
    pub fn release_downloads(&self) {
        self.downloads.is_held.store(false, Ordering::Relaxed);
        self.downloads.wake.notify_one();
    }
}

fn no_such_download(id: i64) -> Error {
    Error::NotFound {
        what: "download",
        id: id.to_string(),
    }
}
