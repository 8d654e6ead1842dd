//! How often the Hub is asked: once a second, a few at once after a pause, and not at all while it says to wait.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// Between two questions, in the long run.
const INTERVAL: Duration = Duration::from_secs(1);
/// Questions at once after a pause: a model's page asks four.
const BURST: u32 = 10;

/// The pace of one Hub.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When all questions so far would be through at the sustained rate.
    through: Option<Instant>,
    /// Until when the server wants no more.
    closed_until: Option<Instant>,
}

impl Pace {
    /// Waits for the next question's turn.
    pub(crate) async fn turn(&self) -> Result<()> {
        let wait = self.reserve(Instant::now())?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// How long to wait for it.
    fn reserve(&self, now: Instant) -> Result<Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(Error::RateLimited {
                retry_after: until - now,
            });
        }
        let through = state.through.map_or(now, |through| through.max(now)) + INTERVAL;
        state.through = Some(through);
        Ok((through - now).saturating_sub(INTERVAL * BURST))
    }

    /// Notes that the server wants no question for so long.
    pub(crate) fn close(&self, now: Instant, wait: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed_until = now.checked_add(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_questions_at_once_and_then_one_a_second() {
        let (pace, now) = (Pace::default(), Instant::now());
        let waits: Vec<u64> = (0..13)
            .map(|_| pace.reserve(now).unwrap().as_secs())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.reserve(later).unwrap(), Duration::ZERO);
    }

    #[test]
    fn nothing_is_asked_while_the_server_wants_to_rest() {
        let (pace, now) = (Pace::default(), Instant::now());
        pace.close(now, Duration::from_secs(56));
        let error = pace.reserve(now + Duration::from_secs(6)).unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(50)));
        assert!(pace.reserve(now + Duration::from_secs(56)).is_ok());
    }
}
