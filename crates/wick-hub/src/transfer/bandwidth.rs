//! A limit on bytes per second that all transfers share.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// A limit on bytes per second. Clones are the same limit; it can change at any time.
#[derive(Clone, Debug, Default)]
pub struct Bandwidth(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes_per_second: Option<NonZeroU64>,
    /// When all that was let through is paid for.
    free_at: Option<Instant>,
}

impl Bandwidth {
    /// No limit yet.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Sets or lifts the limit, also for those who wait at the moment.
    pub fn set(&self, bytes_per_second: Option<NonZeroU64>) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State {
            bytes_per_second,
            free_at: None,
        };
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Returns when so many bytes may pass.
    pub(super) async fn take(&self, bytes: u64) {
        loop {
            let changed = self.0.changed.notified();
            let Some(turn) = self.turn(bytes) else { return };
            tokio::select! {
                () = sleep_until(turn) => return,
                () = changed => {}
            }
        }
    }

    /// When bytes may pass; at once without a limit.
    fn turn(&self, bytes: u64) -> Option<Instant> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = state.bytes_per_second?.get();
        let now = Instant::now();
        let turn = state.free_at.map_or(now, |free_at| free_at.max(now));
        state.free_at = Some(turn + Duration::from_secs_f64(bytes as f64 / rate as f64));
        (turn > now).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_transfers_share_one_limit() {
        let limit = Bandwidth::unlimited();
        limit.set(NonZeroU64::new(1_000_000));
        let begun = Instant::now();
        let one = async || {
            for _ in 0..50 {
                limit.take(100_000).await;
            }
        };
        tokio::join!(one(), one());
        // The first bytes pass at once, so the last do so one turn early.
        assert_eq!(begun.elapsed().as_millis().div_ceil(100) * 100, 9_900);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lifted_limit_lets_those_go_who_wait() {
        let limit = Bandwidth::unlimited();
        limit.set(NonZeroU64::new(1));
        limit.take(3600).await;
        let begun = Instant::now();
        let lift = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            limit.set(None);
        };
        tokio::join!(limit.take(1), lift);
        assert_eq!(begun.elapsed().as_secs(), 5);
    }
}
