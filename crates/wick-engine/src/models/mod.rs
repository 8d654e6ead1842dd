//! The seam between generation and the model families: [`Model`] and [`Step`], and the registry of families.
//!
//! To add one: a file here with a `load` function, a line in [`ARCHITECTURES`], a golden test.

mod bitnet;
mod gemma3;
mod llama;
mod phi3;
mod qwen2;
mod qwen3;
mod qwen3moe;
mod shape;
mod step;

pub use step::{Step, StepSequence};

use crate::{
    Error, Result,
    gguf::{Metadata, cross_check::Expected},
    kv_cache::LayerShape,
    layers::{Compute, Rows, Transformer, Weights},
    source::ModelSource,
};

/// Weights: loaded once, never changed, shared by every sequence.
pub trait Model: Send + Sync {
    /// What each layer keeps of a token.
    fn cache_layers(&self) -> Vec<LayerShape>;

    /// Number of tokens it knows.
    fn vocabulary_size(&self) -> usize;

    /// The tokens' embeddings, which a pass begins with: `(n_tokens, n_embd)`.
    fn embed(&self, tokens: &[u32]) -> Result<Rows>;

    /// Reads the step's tokens into the caches of their sequences, which do not advance yet, and returns the logits
    /// that follow the tokens asked for: `(n_outputs, n_vocabulary)`.
    fn forward(&self, step: &mut Step<'_>) -> Result<Rows>;
}

/// A family of models.
#[derive(Debug)]
pub struct Architecture {
    /// `general.architecture` of its files.
    pub name: &'static str,
    /// The tensors its files have.
    pub tensors: &'static [Expected],
    /// Refuses, from the header alone, what it would compute wrongly.
    check: fn(&Metadata) -> Result<()>,
    /// How many positions a token sees in a layer, by its number; `None` where it sees all.
    pub window: fn(&Metadata, layer: usize) -> Result<Option<usize>>,
    load: fn(&Weights<'_>, context_length: usize) -> Result<Transformer>,
}

/// The families Wick runs.
pub const ARCHITECTURES: &[Architecture] = &[
    llama::LLAMA,
    qwen2::QWEN2,
    qwen3::QWEN3,
    qwen3moe::QWEN3_MOE,
    gemma3::GEMMA3,
    phi3::PHI3,
    bitnet::BITNET,
];

/// The family by this name, for a header that it can run, or an error that names what it cannot.
pub fn architecture_of(name: &str, metadata: &Metadata) -> Result<&'static Architecture> {
    let known = ARCHITECTURES.iter().find(|known| known.name == name);
    let architecture = known.ok_or_else(|| unsupported(name))?;
    (architecture.check)(metadata)?;
    Ok(architecture)
}

/// A family whose tokens see everything in every layer.
fn no_window(_: &Metadata, _: usize) -> Result<Option<usize>> {
    Ok(None)
}

/// Says which families there are; `what` is the family, or the trait of it that Wick cannot compute.
fn unsupported(what: &str) -> Error {
    let names: Vec<&str> = ARCHITECTURES.iter().map(|known| known.name).collect();
    Error::UnsupportedArchitecture {
        architecture: what.into(),
        supported: names.join(", "),
    }
}

/// Loads a model, for sequences of at most `context_length` tokens. `progress` hears fractions from 0 to 1.
pub fn load(
    source: &ModelSource,
    context_length: usize,
    compute: Compute,
    progress: &mut dyn FnMut(f32),
) -> Result<Box<dyn Model>> {
    let architecture = architecture_of(source.architecture(), source.metadata())?;
    let weights = Weights::new(source, compute, progress);
    Ok(Box::new((architecture.load)(&weights, context_length)?))
}
