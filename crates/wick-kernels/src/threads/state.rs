//! How threads agree on a job without locks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where the current job stands, in one number: which job it is (32 bits), whether it may be entered (1 bit) and how
/// many workers are inside (16 bits). Nobody waits for a worker that has not entered, so that a thread the system does
/// not run just now keeps nobody waiting.
#[derive(Default)]
pub(super) struct State(AtomicU64);

impl State {
    const OPEN: u64 = 1 << 16;

    pub(super) fn job(state: u64) -> u64 {
        state >> 32
    }

    fn running(state: u64) -> u64 {
        state & 0xffff
    }

    pub(super) fn load(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The next job.
    pub(super) fn begin(&self) {
        let job = Self::job(self.load()) + 1;
        self.0.store(job << 32 | Self::OPEN, Ordering::SeqCst);
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.0.fetch_and(!Self::OPEN, Ordering::SeqCst);
    }

    /// Enters the current job if it is open.
    pub(super) fn enter(&self) -> bool {
        let enter = |state| (state & Self::OPEN != 0).then_some(state + 1);
        let entered = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter);
        entered.is_ok()
    }

    /// Leaves it; whether nobody else can still be inside.
    pub(super) fn leave(&self) -> bool {
        let left = self.0.fetch_sub(1, Ordering::SeqCst) - 1;
        Self::running(left) == 0 && left & Self::OPEN == 0
    }

    pub(super) fn is_empty(&self) -> bool {
        Self::running(self.load()) == 0
    }
}
