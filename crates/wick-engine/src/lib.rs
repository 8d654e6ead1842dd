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

pub mod chat_template;
pub mod constraint;
pub mod device;
mod error;
pub mod generate;
pub mod gguf;
mod memory;
pub mod models;
pub mod process;
pub mod sampling;
pub mod testkit;
pub mod token_stream;
pub mod tokenizer;

use std::path::Path;

pub use error::{Error, Result};

/// Says from the header alone what a file is, and refuses one that Wick cannot run: nothing is loaded.
///
/// The name is empty where the file has none. A file without a chat template is no model to talk to and is refused.
pub fn inspect(path: &Path) -> Result<process::protocol::ModelInfo> {
    let gguf = gguf::ValidatedGguf::open(path)?;
    let architecture = models::architecture_of(&gguf)?;
    gguf.to_candle()?;
    let tokenizer = tokenizer::Tokenizer::from_gguf(&gguf)?;
    chat_template::ChatTemplate::from_gguf(&gguf, &tokenizer)?;
    generate::info_of(&gguf, architecture, &Default::default())
}
