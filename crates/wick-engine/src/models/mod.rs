//! The seam between generation and the model families: [`Model`] and [`Decoder`], and the registry of families.
//!
//! To add one: a file here with a `load` function, a line in [`ARCHITECTURES`], a golden test.

mod dequantized;
mod llama;
mod qwen2;
mod qwen3;
mod transformers;

use candle_core::Device;

use crate::{Error, Result, gguf::ValidatedGguf};

/// Weights, loaded once.
pub trait Model: Send {
    /// An empty decoder that holds at most `context_length` tokens. It takes the place of the one before.
    fn decoder(&self, context_length: usize) -> Box<dyn Decoder>;
}

/// One sequence: tokens go in, logits for the next one come out. What it has read is its KV cache.
pub trait Decoder: Send {
    /// Reads tokens and returns the logits that follow the last of them: one for each vocabulary entry.
    fn prefill(&mut self, tokens: &[u32]) -> Result<Vec<f32>>;

    /// Reads one token and returns the logits that follow it.
    fn decode(&mut self, token: u32) -> Result<Vec<f32>> {
        self.prefill(&[token])
    }

    /// Tokens read so far.
    fn position(&self) -> usize;

    /// Forgets what was read beyond `position`, and returns the new position: a decoder that cannot go back
    /// by part forgets everything.
    fn truncate(&mut self, position: usize) -> usize;
}

type Load = fn(&ValidatedGguf, context_length: u32, &Device) -> Result<Box<dyn Model>>;

/// A family of models.
#[derive(Debug)]
pub struct Architecture {
    /// `general.architecture` of its files.
    pub name: &'static str,
    /// Tokens of context beyond which its decoder cannot go, whatever the file says.
    pub max_context_length: u32,
    /// Refuses, from the header alone, what its decoder would compute wrongly.
    check: fn(&ValidatedGguf) -> Result<()>,
    load: Load,
}

/// The families Wick runs.
pub const ARCHITECTURES: &[Architecture] = &[llama::LLAMA, qwen2::QWEN2, qwen3::QWEN3];

/// The family of a file that Wick can run, or an error that names what it cannot.
pub fn architecture_of(gguf: &ValidatedGguf) -> Result<&'static Architecture> {
    let wanted = gguf.architecture();
    let known = ARCHITECTURES.iter().find(|known| known.name == wanted);
    let architecture = known.ok_or_else(|| unsupported(wanted))?;
    (architecture.check)(gguf)?;
    Ok(architecture)
}

/// Says which families there are; `what` is the family, or the trait of it that Wick cannot compute.
fn unsupported(what: &str) -> Error {
    let names: Vec<&str> = ARCHITECTURES.iter().map(|known| known.name).collect();
    Error::UnsupportedArchitecture {
        architecture: what.into(),
        supported: names.join(", "),
    }
}

impl Architecture {
    /// Loads the weights, for decoders of at most `context_length` tokens.
    pub fn load(
        &self,
        gguf: &ValidatedGguf,
        context_length: u32,
        device: &Device,
    ) -> Result<Box<dyn Model>> {
        (self.load)(gguf, context_length, device)
    }
}
