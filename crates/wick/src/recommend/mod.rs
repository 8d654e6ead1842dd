//! Which models of the catalog a machine should run, and why: pure functions of what the machine is, what was measured
//! of it, and what the person wants.

mod candidate;
mod choose;
mod here;
mod machine;
mod quality;
mod reasons;

use serde::{Deserialize, Serialize};
use wick_engine::estimate::{Memory, Mixture, Range, Verdict};

pub use choose::{estimate, levels, predictions, recommend};
pub(crate) use here::Known;
pub use machine::{Machine, MadeUp, MadeUpGpu};

use crate::catalog::{Class, FileSize};

/// Context that is taken where none is asked for.
pub const USUAL_CONTEXT_LENGTH: u32 = 8192;

/// What the person wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Preferences {
    /// Memory that stays free for other programs; `None` is a quarter of the machine's, and at least 2 GB.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub leave_free_bytes: Option<u64>,
    /// What counts more.
    pub prefer: Prefer,
    /// Languages that the model must have been made for, by their codes.
    pub languages: Vec<String>,
    /// Whether it must be one that thinks before it answers.
    pub reasoning: bool,
    /// Licences that will do; none is any.
    pub licences: Vec<String>,
    /// Tokens of context; less where so much does not fit.
    pub context_length: u32,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            leave_free_bytes: None,
            prefer: Prefer::default(),
            languages: Vec::new(),
            reasoning: false,
            licences: Vec::new(),
            context_length: USUAL_CONTEXT_LENGTH,
        }
    }
}

/// What counts more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Prefer {
    /// The best answers that come as fast as one reads.
    #[default]
    Balance,
    /// The best answers, also where one waits.
    Quality,
    /// Fast answers.
    Speed,
}

/// What a recommendation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Kind {
    /// The one to take.
    Best,
    /// One that answers faster.
    Faster,
    /// One that answers better.
    Smarter,
}

/// Where a model is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Place {
    /// On the processor.
    Processor,
    /// On a graphics processor, all of it.
    Gpu {
        /// Its name.
        name: String,
    },
}

/// What a model of the catalog would take on a machine, and how fast it would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Prediction {
    /// The model's id in the catalog.
    pub model_id: String,
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// How it is quantized.
    pub level: Mixture,
    /// The repository of its file, on the Hub.
    pub repository: String,
    /// Its file there.
    pub file: String,
    /// What is to be downloaded.
    pub download: FileSize,
    /// What it takes, and how fast it is.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// What a model takes on a machine, and how fast it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Estimate {
    /// Tokens of context.
    pub context_length: u32,
    /// Where it is computed.
    pub place: Place,
    /// Memory at its peak.
    #[serde(flatten)]
    pub memory: Memory,
    /// Tokens of a prompt read in a second; `None`, as are the other speeds, where the machine was not measured.
    pub prefill_tokens_per_second: Option<Range>,
    /// Tokens written in a second.
    pub decode_tokens_per_second: Option<Range>,
    /// Seconds until a reply to a prompt of 500 tokens begins.
    pub time_to_first_token_seconds: Option<Range>,
    /// All of it in a word.
    pub verdict: Verdict,
}

/// What suits a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Advice {
    /// The best model of the catalog, a faster and a smarter one; empty where none fits.
    pub recommendations: Vec<Recommendation>,
    /// What every model of the catalog would take, and how fast it would be.
    pub predictions: Vec<Prediction>,
    /// The same at every level that the catalog has files of.
    pub levels: Vec<Prediction>,
}

/// A model for a machine, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Recommendation {
    /// What it is recommended for.
    pub kind: Kind,
    /// What it takes, and how fast it is.
    pub prediction: Prediction,
    /// Why, a sentence each; never empty.
    pub reasons: Vec<String>,
}
