//! How far a transfer is, and how fast.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Bytes that are here.
    pub done_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Lately.
    pub bytes_per_second: f64,
    /// What goes on.
    pub state: State,
}

/// What goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Bytes come.
    Transferring,
    /// None come, and the server is asked again.
    Waiting {
        /// When.
        until: SystemTime,
        /// What went wrong.
        reason: String,
    },
    /// All is here and being read again.
    Verifying {
        /// Bytes that were.
        checked_bytes: u64,
    },
    /// Not all of it was right: what could be wrong is being fetched again.
    Repairing,
}

/// Half of what is said of the speed is younger than two seconds.
const HALF_LIFE: f64 = 2.0;

/// Counts bytes; shared by all connections.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Bytes of the files that are here or in hand.
    pub done: AtomicU64,
    /// Bytes that came over the network.
    pub came: AtomicU64,
    /// Bytes that were read again.
    pub checked: AtomicU64,
}

/// A mean over the last seconds.
#[derive(Debug)]
pub(super) struct Speed {
    at: Instant,
    came: u64,
    bytes_per_second: f64,
}

impl Speed {
    pub fn new() -> Self {
        Self {
            at: Instant::now(),
            came: 0,
            bytes_per_second: 0.0,
        }
    }

    pub fn update(&mut self, meter: &Meter) -> f64 {
        let (now, came) = (Instant::now(), meter.came.load(Ordering::Relaxed));
        let seconds = now.duration_since(self.at).as_secs_f64();
        if seconds > 0.0 {
            let latest = came.saturating_sub(self.came) as f64 / seconds;
            let is_first = self.came == 0;
            let kept = if is_first {
                0.0
            } else {
                0.5f64.powf(seconds / HALF_LIFE)
            };
            self.bytes_per_second = self.bytes_per_second * kept + latest * (1.0 - kept);
            (self.at, self.came) = (now, came);
        }
        self.bytes_per_second
    }
}

/// How often progress is told.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(250);
