//! Judgement of figures.

use serde::{Deserialize, Serialize};

use super::Speed;

/// As fast as people read.
pub const READING_TOKENS_PER_SECOND: f64 = 10.0;
/// Slower than this is no conversation.
pub const USABLE_TOKENS_PER_SECOND: f64 = 4.0;

/// Whether a model fits, and whether it is fast enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Verdict {
    /// Whether it fits.
    pub memory: MemoryVerdict,
    /// How fast it is; `None` where nothing was measured.
    pub speed: Option<SpeedVerdict>,
}

/// Whether a model fits in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fit", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum MemoryVerdict {
    /// It does, and what other programs shall have stays free.
    FitsWell,
    /// It works, and leaves little for other programs.
    Tight,
    /// It does not.
    TooLarge {
        /// What is missing.
        #[cfg_attr(feature = "bindings", ts(type = "number"))]
        missing_bytes: u64,
    },
}

/// How fast a model is, to somebody who reads along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum SpeedVerdict {
    /// It writes faster than people read.
    FasterThanReading,
    /// One waits a little.
    Usable,
    /// One waits.
    Slow,
}

impl MemoryVerdict {
    /// Of a model that needs so much, where so much is free and so much of it shall stay free.
    pub fn of(needed_bytes: u64, available_bytes: u64, leave_free_bytes: u64) -> Self {
        match available_bytes.checked_sub(needed_bytes) {
            Some(left) if left >= leave_free_bytes => Self::FitsWell,
            Some(_) => Self::Tight,
            None => Self::TooLarge {
                missing_bytes: needed_bytes - available_bytes,
            },
        }
    }
}

impl SpeedVerdict {
    /// By what is expected.
    pub fn of(speed: &Speed) -> Self {
        match speed.decode_tokens_per_second.expected {
            rate if rate >= READING_TOKENS_PER_SECOND => Self::FasterThanReading,
            rate if rate >= USABLE_TOKENS_PER_SECOND => Self::Usable,
            _ => Self::Slow,
        }
    }
}
