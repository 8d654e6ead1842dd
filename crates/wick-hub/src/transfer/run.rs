//! One run: fetch, verify, repair, until all files are proved.

use std::{
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::{
    Limits, Transfer, VerifiedFile, blocks,
    error::{Error, Result},
    fetch::Fetch,
    progress::{Meter, Progress, Speed, State, TELL_EVERY},
    retry::Gate,
    source::Source,
    store::{Store, part_path},
    verify::{self, Verdict},
};

/// How often a file is put right before it is called damaged.
const MOST_REPAIRS: u32 = 3;
/// Blocks that are compared between two looks at the whole file, per connection.
const COMPARED_BLOCKS: u32 = 128;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fetching,
    Verifying,
    Repairing,
}

/// Ends the run for those who still write when it is dropped.
struct Running<'a> {
    store: &'a Store,
    run: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.store.end(self.run);
    }
}

struct Run<'a, S> {
    transfer: &'a Transfer,
    fetch: Fetch<'a, S>,
    meter: Arc<Meter>,
    phase: watch::Sender<Phase>,
}

pub(super) async fn run<S: Source>(
    transfer: &Transfer,
    source: &S,
    limits: &Limits,
    progress: impl Fn(Progress),
) -> Result<Vec<VerifiedFile>> {
    let running = Running {
        store: &transfer.store,
        run: transfer.store.begin(),
    };
    let meter = Arc::new(Meter::default());
    let gate = Gate::new(limits.patience);
    let (phase, seen) = watch::channel(Phase::Fetching);
    let run = Run {
        transfer,
        fetch: Fetch {
            source,
            spec: &transfer.spec,
            store: &transfer.store,
            run: running.run,
            gate: &gate,
            limits,
            meter: &meter,
        },
        meter: meter.clone(),
        phase,
    };
    meter
        .done
        .store(transfer.store.kept_bytes(), Ordering::Relaxed);
    let ended = tokio::select! {
        ended = run.all() => ended,
        Err(error) = tell(transfer, &meter, &gate, seen, progress) => Err(error),
    };
    // Also what a run that failed has got is worth keeping.
    let store = transfer.store.clone();
    let saved = blocking(move || store.checkpoint()).await;
    match ended {
        Err(Error::DiskFull { available, .. }) => Err(Error::DiskFull {
            needed: transfer.total_bytes() - transfer.store.kept_bytes(),
            available,
        }),
        ended => ended.and_then(|files| saved.map(|()| files)),
    }
}

/// Tells how far it is, and at once when something else begins. Saves what came when nothing more does.
async fn tell(
    transfer: &Transfer,
    meter: &Meter,
    gate: &Gate,
    mut phase: watch::Receiver<Phase>,
    progress: impl Fn(Progress),
) -> Result<std::convert::Infallible> {
    let total_bytes = transfer.total_bytes();
    let (mut speed, mut came_before) = (Speed::new(), 0);
    let mut ticks = interval(TELL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = *phase.borrow_and_update();
        let came = meter.came.load(Ordering::Relaxed);
        // One connection may have to wait while others get their bytes.
        let waiting = gate.waiting().filter(|_| came == came_before);
        came_before = came;
        let state = match (now, waiting) {
            (Phase::Verifying, _) => State::Verifying {
                checked_bytes: meter.checked.load(Ordering::Relaxed),
            },
            (_, Some((wait, reason))) => State::Waiting {
                until: SystemTime::now() + wait,
                reason,
            },
            (Phase::Fetching, None) => State::Transferring,
            (Phase::Repairing, None) => State::Repairing,
        };
        progress(Progress {
            done_bytes: meter.done.load(Ordering::Relaxed),
            total_bytes,
            bytes_per_second: speed.update(meter),
            state,
        });
        if transfer.store.is_due() {
            let store = transfer.store.clone();
            blocking(move || store.checkpoint()).await?;
        }
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = phase.changed() => {}
        }
    }
}

impl<S: Source> Run<'_, S> {
    async fn all(&self) -> Result<Vec<VerifiedFile>> {
        let files = 0..self.transfer.spec.files.len();
        let missing = files.clone().map(|file| self.transfer.store.missing(file));
        self.fetch.blocks(missing.collect()).await?;
        let mut verified = Vec::new();
        for file in files {
            verified.push(self.prove(file).await?);
        }
        Ok(verified)
    }

    /// Verifies a file and puts right what is wrong with it.
    async fn prove(&self, file: usize) -> Result<VerifiedFile> {
        let mut repairs = 0;
        loop {
            let (expected, found) = match self.verify(file).await? {
                Verdict::Whole(sha256) => return Ok(self.verified(file, sha256)),
                Verdict::Damaged { expected, found } => (expected, found),
            };
            if repairs == MOST_REPAIRS || !self.repair(file).await? {
                let path = self.transfer.spec.files[file].path.clone();
                return Err(Error::Corrupt {
                    path,
                    expected,
                    found,
                });
            }
            repairs += 1;
        }
    }

    async fn verify(&self, file: usize) -> Result<Verdict> {
        self.phase.send_replace(Phase::Verifying);
        let (store, run) = (self.transfer.store.clone(), self.fetch.run);
        let (remote, meter) = (self.transfer.spec.files[file].clone(), self.meter.clone());
        blocking(move || {
            // What is read below is what is on the disk.
            store.checkpoint()?;
            let disk = store.disk(file);
            verify::verify(&disk, &remote, &meter, || store.is_running(run))
        })
        .await
    }

    fn verified(&self, file: usize, sha256: crate::Sha256Hex) -> VerifiedFile {
        let remote = &self.transfer.spec.files[file];
        VerifiedFile {
            local: part_path(&self.transfer.folder, file),
            label: remote.path.clone(),
            size: remote.size,
            sha256,
        }
    }

    /// Returns whether anything was put right.
    async fn repair(&self, file: usize) -> Result<bool> {
        let (store, run) = (self.transfer.store.clone(), self.fetch.run);
        let size = self.transfer.spec.files[file].size;
        let changed = blocking(move || {
            let (disk, hashes) = (store.disk(file), store.hashes(file));
            verify::changed_blocks(&disk, size, &hashes, || store.is_running(run))
        })
        .await?;
        self.phase.send_replace(Phase::Repairing);
        if changed.is_empty() {
            return self.compare(file).await;
        }
        self.transfer.store.forget(file, &changed);
        let lost = changed.iter().map(|&block| blocks::length(size, block));
        self.meter.done.fetch_sub(lost.sum(), Ordering::Relaxed);
        self.fetch.blocks(self.blocks_of(file, changed)).await?;
        Ok(true)
    }

    /// What is on the disk is what came, so something came wrong: fetches block after block again and replaces those
    /// that come otherwise. Looks at the whole file after the first such block, the second, the fourth and so on.
    async fn compare(&self, file: usize) -> Result<bool> {
        let all = blocks::count(self.transfer.spec.files[file].size);
        let at_once = COMPARED_BLOCKS * u32::try_from(self.fetch.limits.connections).unwrap_or(1);
        let (mut replaced, mut look_at) = (0, 1);
        for first in (0..all).step_by(at_once.max(1) as usize) {
            let window = (first..all.min(first + at_once)).collect();
            replaced += self.fetch.blocks(self.blocks_of(file, window)).await?;
            if replaced >= look_at {
                look_at = replaced * 2;
                if let Verdict::Whole(_) = self.verify(file).await? {
                    return Ok(true);
                }
                self.phase.send_replace(Phase::Repairing);
            }
        }
        Ok(replaced > 0)
    }

    fn blocks_of(&self, file: usize, blocks: Vec<u32>) -> Vec<Vec<u32>> {
        let mut missing = vec![Vec::new(); self.transfer.spec.files.len()];
        missing[file] = blocks;
        missing
    }
}

/// Work for a thread that may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The process ends.
        Err(_) => Err(Error::Paused),
    }
}
