//! The engine of Wick: GGUF files, tokenizers, chat templates, decoders, sampling, and the loop that answers
//! over a pipe. Synchronous, without network and without state of its own: a file, a seed and tokens give the
//! same tokens again.
//!
//! The way of a prompt: [`gguf::ValidatedGguf`] → [`tokenizer::Tokenizer`], [`chat_template::ChatTemplate`] and a
//! [`models::Model`] → [`generate::Session`], which [`process::run_engine`] serves to the application.
//!
//! ```
//! use wick_engine::sampling::{Sampler, SamplingParams};
//!
//! let greedy = SamplingParams { temperature: 0.0, ..SamplingParams::default() };
//! let mut sampler = Sampler::new(greedy)?;
//! assert_eq!(sampler.sample(&[0.1, 2.0, -1.0])?, 1);
//! # Ok::<(), wick_engine::Error>(())
//! ```

pub mod calibration;
pub mod chat_template;
pub mod check;
pub mod constraint;
pub mod decoder;
pub mod device;
mod error;
pub mod estimate;
pub mod generate;
pub mod gguf;
pub mod kv_cache;
pub mod layers;
mod memory;
pub mod models;
pub mod process;
pub mod reasoning;
pub mod safetensors;
pub mod sampling;
pub mod source;
pub mod testkit;
pub mod token_stream;
pub mod tokenizer;

use std::path::Path;

pub use error::{Error, Result};

/// Says from the header alone what a model is, and refuses one that Wick cannot run: nothing is loaded.
///
/// The name is empty where the header has none. A model without a chat template is nobody to talk to and is refused.
pub fn inspect(path: &Path) -> Result<process::protocol::ModelInfo> {
    let checkpoint = source::Checkpoint::open(path)?;
    let tokenizer = checkpoint.tokenizer()?;
    checkpoint.chat_template(&tokenizer)?;
    generate::info_of(&checkpoint, &Default::default())
}
