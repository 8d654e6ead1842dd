//! When to ask again, and when not to.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::error::{Error, Result};

/// So many answers in a row that no server should give are no accident.
const MOST_ODD_ANSWERS: u32 = 6;
/// That a file is another now counts for so many: said twice, it is so, and who waits for it learns it soon.
const CHANGED: u32 = 3;

/// How a transfer goes on after failures.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The wait after the first failure; each further one doubles it. How much of it is waited is left to chance, so
    /// that not all who lost a server come back at once.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// After how many failures in a row, with not a byte between them, the transfer ends. Without a number it goes on
    /// until it is dropped.
    pub most_failures: Option<u32>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            most_failures: None,
        }
    }
}

/// What an error means for the next attempt.
enum Outlook {
    /// It may go better.
    Good,
    /// It may, but a few more of these and it will not.
    Doubtful { odd_answers: u32 },
    /// It will not.
    None,
}

impl Outlook {
    fn of(error: &Error) -> Self {
        match error {
            // A signed address expires, and the next one does not; a host that refuses each of them means it.
            Error::Hub(
                crate::Error::ExpiredAddress { .. }
                | crate::Error::BadAnswer { .. }
                | crate::Error::Encryption { .. },
            ) => Self::Doubtful { odd_answers: 1 },
            Error::Changed { .. } => Self::Doubtful {
                odd_answers: CHANGED,
            },
            Error::Hub(error) if error.is_retryable() => Self::Good,
            _ => Self::None,
        }
    }
}

/// What all connections of a transfer wait at before they ask.
#[derive(Debug)]
pub(super) struct Gate {
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts the failures that changed something: when several connections fail at once, it is one failure.
    epoch: u64,
    failures: u32,
    odd_answers: u32,
    opens_at: Option<Instant>,
    reason: Option<String>,
}

impl Gate {
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            state: Mutex::default(),
        }
    }

    /// Waits until it may be asked again. Returns what [`Self::failed`] wants to know.
    pub async fn pass(&self) -> u64 {
        loop {
            let (epoch, opens_at) = {
                let state = self.lock();
                (state.epoch, state.opens_at)
            };
            match opens_at.filter(|&at| at > Instant::now()) {
                None => return epoch,
                Some(at) => sleep_until(at).await,
            }
        }
    }

    /// Bytes came.
    pub fn went_well(&self) {
        let mut state = self.lock();
        state.failures = 0;
        state.odd_answers = 0;
    }

    /// An attempt failed that passed in this epoch. Returns the error when there is no use in another.
    pub fn failed(&self, epoch: u64, error: Error) -> Result<()> {
        let outlook = Outlook::of(&error);
        if let Outlook::None = outlook {
            return Err(error);
        }
        let mut state = self.lock();
        let now = Instant::now();
        let asked = match &error {
            Error::Hub(error) => error.retry_after(),
            _ => None,
        };
        if state.epoch == epoch {
            state.epoch += 1;
            state.failures += 1;
            if let Outlook::Doubtful { odd_answers } = outlook {
                state.odd_answers += odd_answers;
            }
            let most = self.patience.most_failures.unwrap_or(u32::MAX);
            if state.odd_answers >= MOST_ODD_ANSWERS || state.failures >= most {
                return Err(error);
            }
            let wait = self.patience.chance(state.failures);
            state.wait_until(now + wait);
        }
        if let Some(asked) = asked {
            let chance = self.patience.chance(1);
            state.wait_until(now + asked + chance);
        }
        state.reason = Some(error.to_string());
        Ok(())
    }

    /// How long nobody asks and why, when nobody does or nothing has come since the last failure.
    pub fn waiting(&self) -> Option<(Duration, String)> {
        let state = self.lock();
        let left = state.opens_at.map(|at| at.duration_since(Instant::now()));
        let left = left.unwrap_or_default();
        let is_waiting = state.failures > 0 || left > Duration::ZERO;
        Some((left, state.reason.clone()?)).filter(|_| is_waiting)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait_until(&mut self, at: Instant) {
        self.opens_at = Some(self.opens_at.map_or(at, |before| before.max(at)));
    }
}

impl Patience {
    /// Any time up to the wait after so many failures.
    fn chance(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        let wait = self.first_wait.saturating_mul(doubled);
        wait.min(self.longest_wait).mul_f64(rand::random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offline() -> Error {
        let (host, reason) = ("hub".into(), "no route".into());
        crate::Error::Offline { host, reason }.into()
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_the_longest_and_begin_anew_when_bytes_came() {
        let gate = Gate::new(Patience::default());
        let mut longest = Duration::ZERO;
        for failures in 1..=60u32 {
            let epoch = gate.pass().await;
            gate.failed(epoch, offline()).unwrap();
            let (wait, _) = gate.waiting().unwrap();
            assert!(wait.as_secs_f64() <= 2f64.powi(failures as i32 - 1).min(30.0));
            longest = longest.max(wait);
        }
        assert!(longest > Duration::from_secs(15), "{longest:?}");
        gate.pass().await;
        gate.went_well();
        assert!(gate.waiting().is_none());
        gate.failed(gate.pass().await, offline()).unwrap();
        assert!(gate.waiting().unwrap().0 <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_names_a_time_is_not_asked_before() {
        let gate = Gate::new(Patience::default());
        let retry_after = Duration::from_secs(55);
        let limited = || Error::from(crate::Error::RateLimited { retry_after });
        let (one, other) = (gate.pass().await, gate.pass().await);
        gate.failed(one, limited()).unwrap();
        gate.failed(other, limited()).unwrap();
        // Another connection still gets its bytes; that opens no gate.
        gate.went_well();
        let begun = Instant::now();
        gate.pass().await;
        assert!((55..=56).contains(&begun.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_at_the_same_time_count_once() {
        let patience = Patience {
            most_failures: Some(3),
            ..Patience::default()
        };
        let gate = Gate::new(patience);
        for _ in 0..2 {
            let epoch = gate.pass().await;
            for _ in 0..8 {
                gate.failed(epoch, offline()).unwrap();
            }
        }
        assert!(gate.failed(gate.pass().await, offline()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn odd_answers_end_a_transfer_and_lost_connections_do_not() {
        let gate = Gate::new(Patience::default());
        for _ in 0..1000 {
            gate.failed(gate.pass().await, offline()).unwrap();
        }
        let odd = || {
            Error::from(crate::Error::BadAnswer {
                host: "hub".into(),
                reason: "a page".into(),
            })
        };
        for _ in 1..MOST_ODD_ANSWERS {
            gate.failed(gate.pass().await, odd()).unwrap();
        }
        assert!(gate.failed(gate.pass().await, odd()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_another_now_is_asked_for_once_more() {
        let gate = Gate::new(Patience::default());
        let changed = || Error::Changed {
            path: "a.gguf".parse().unwrap(),
        };
        gate.failed(gate.pass().await, changed()).unwrap();
        assert!(gate.failed(gate.pass().await, changed()).is_err());
    }
}
