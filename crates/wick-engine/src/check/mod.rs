//! What would happen if a model were loaded, from its header alone: what it is, what it takes, and everything that keeps
//! it from running.

mod files;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    estimate::{Memory, ModelShape, Plan},
    gguf::{FirstBytes, Metadata, Starts, TensorType, ValidatedGguf},
    models,
    process::protocol::{CacheType, LoadOptions},
};

/// How the model would be loaded.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckOptions {
    /// Tokens of context; `None` takes the model's own, at most [`LoadOptions::DEFAULT_CONTEXT_LENGTH`].
    pub context_length: Option<u32>,
    /// How keys and values are kept.
    pub cache_type: CacheType,
}

/// What a model is and whether it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// What it came in: `gguf` or `safetensors`.
    pub container: String,
    /// The files of weights: one, or the parts of a model that is split.
    pub files: Vec<PathBuf>,
    /// Bytes of all of them.
    pub file_bytes: u64,
    /// As the header names it; empty where it does not.
    pub name: String,
    /// The family.
    pub architecture: String,
    /// Whether Wick knows the family.
    pub is_architecture_supported: bool,
    /// Number of weights.
    pub parameters: u64,
    /// How most weights are stored.
    pub quantization: String,
    /// How weights are stored, the type with the most bytes first.
    pub tensor_types: Vec<TensorTypeUse>,
    /// How text becomes tokens.
    pub tokenizer: TokenizerUse,
    /// Whether there is a chat template.
    pub has_chat_template: bool,
    /// Tokens of context the model was trained for.
    pub trained_context_length: Option<u32>,
    /// Tokens of context that memory is reckoned for: what was asked, at most what it was trained for.
    pub context_length: u32,
    /// How keys and values would be kept.
    pub cache_type: CacheType,
    /// Memory it takes on the processor; `None` where the header does not say enough.
    #[serde(flatten)]
    pub memory: Option<Memory>,
    /// What it consists of, for other estimates; `None` where the header does not say enough.
    pub shape: Option<ModelShape>,
    /// Everything that keeps it from running.
    pub problems: Vec<Problem>,
}

impl CheckReport {
    /// Whether nothing keeps it from running.
    pub fn can_run(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One way in which weights are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TensorTypeUse {
    /// Name of the type.
    pub tensor_type: String,
    /// Tensors of it.
    pub tensors: u32,
    /// Bytes of those.
    pub bytes: u64,
    /// Whether Wick can compute with it.
    pub is_supported: bool,
}

/// The tokenizer of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenizerUse {
    /// As the header names it, `gpt2/qwen2` for one; empty where it does not.
    pub kind: String,
    /// Entries of the vocabulary.
    pub tokens: u32,
    /// Whether Wick can build it.
    pub is_supported: bool,
}

/// Something that keeps a model from running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// In words.
    pub message: String,
    /// As data.
    pub error: Error,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self {
            message: error.to_string(),
            error,
        }
    }
}

/// Checks a GGUF file, any part of a split one, or a model folder. An error means that it could not be read as a model
/// at all; what can be read and not run is told in the report.
pub fn check(path: &Path, options: CheckOptions) -> Result<CheckReport> {
    let read = match path.is_dir() {
        true => files::read_folder(path)?,
        false => files::read_gguf(path)?,
    };
    Ok(report(read, options))
}

/// What the first bytes of the files of a model tell.
#[derive(Debug, Clone, PartialEq)]
pub enum StartReport {
    /// Everything, as [`check`] would.
    Report(Box<CheckReport>),
    /// Too little of one of the files.
    Wants {
        /// Which, from 0.
        file: usize,
        /// How many of its first bytes are wanted next.
        bytes: u64,
    },
}

/// Checks a GGUF file that is still to be downloaded, or all parts of a split one, by their first bytes. With none of
/// them it says what to begin with.
pub fn check_start(files: &[FirstBytes<'_>], options: CheckOptions) -> Result<StartReport> {
    Ok(match ValidatedGguf::from_starts(files)? {
        Starts::Wants { file, bytes } => StartReport::Wants { file, bytes },
        Starts::Headers(read) => {
            let (gguf, problems) = *read;
            let facts = files::facts_of_gguf(&gguf, problems)?;
            StartReport::Report(Box::new(report(facts, options)))
        }
    })
}

/// What both containers tell of a model.
struct Facts {
    container: &'static str,
    files: Vec<PathBuf>,
    file_bytes: u64,
    name: String,
    architecture: String,
    quantization: String,
    metadata: Metadata,
    tensors: Vec<TensorFact>,
    shape: Result<ModelShape>,
    tokenizer: TokenizerUse,
    has_chat_template: bool,
    problems: Vec<Error>,
}

struct TensorFact {
    name: String,
    tensor_type: TensorType,
    dims: Vec<usize>,
    bytes: u64,
}

fn report(facts: Facts, options: CheckOptions) -> CheckReport {
    let architecture = facts.architecture;
    let mut problems = Vec::new();
    let known = models::ARCHITECTURES.iter();
    let is_architecture_supported = known.clone().any(|known| known.name == architecture);
    if !is_architecture_supported {
        let names: Vec<&str> = known.map(|known| known.name).collect();
        problems.push(Error::UnsupportedArchitecture {
            architecture: architecture.clone(),
            supported: names.join(", "),
        });
    }
    problems.extend(facts.problems);
    problems.extend(type_problems(&facts.tensors));
    let key = format!("{architecture}.context_length");
    let trained_context_length = facts.metadata.u32(&key).ok().flatten();
    if trained_context_length.is_none() {
        problems.push(facts.metadata.malformed(&key, "is missing"));
    }
    let usual = LoadOptions::DEFAULT_CONTEXT_LENGTH;
    let wanted = options.context_length.unwrap_or(usual);
    let context_length = trained_context_length.map_or(wanted, |trained| wanted.min(trained));
    let plan = Plan {
        context_length,
        cache_type: options.cache_type,
        gpu_layers: 0,
    };
    let memory = facts.shape.as_ref().map(|shape| shape.memory(&plan));
    CheckReport {
        container: facts.container.to_owned(),
        files: facts.files,
        file_bytes: facts.file_bytes,
        name: facts.name,
        is_architecture_supported,
        parameters: parameters(&facts.tensors),
        quantization: facts.quantization,
        tensor_types: type_uses(&facts.tensors),
        tokenizer: facts.tokenizer,
        has_chat_template: facts.has_chat_template,
        trained_context_length,
        context_length,
        cache_type: options.cache_type,
        memory: memory.ok().and_then(Result::ok),
        shape: facts.shape.ok(),
        problems: problems.into_iter().map(Problem::from).collect(),
        architecture,
    }
}

fn parameters(tensors: &[TensorFact]) -> u64 {
    let elements = |tensor: &TensorFact| tensor.dims.iter().map(|dim| *dim as u64).product::<u64>();
    tensors.iter().map(elements).sum()
}

/// One problem for each type Wick cannot compute with, and for each vector that is stored in blocks.
fn type_problems(tensors: &[TensorFact]) -> Vec<Error> {
    let mut told = Vec::new();
    let mut problems = Vec::new();
    for tensor in tensors {
        let is_blocked_vector = tensor.dims.len() == 1 && tensor.tensor_type.block_size() > 1;
        let is_new = !told.contains(&tensor.tensor_type);
        if is_new && (is_blocked_vector || tensor.tensor_type.format().is_none()) {
            told.push(tensor.tensor_type);
            problems.push(Error::UnsupportedTensorType {
                tensor: crate::gguf::label(&tensor.name),
                tensor_type: tensor.tensor_type.name().to_owned(),
            });
        }
    }
    problems
}

fn type_uses(tensors: &[TensorFact]) -> Vec<TensorTypeUse> {
    let mut uses = BTreeMap::<TensorType, (u32, u64)>::new();
    for tensor in tensors {
        let (count, bytes) = uses.entry(tensor.tensor_type).or_default();
        *count += 1;
        *bytes += tensor.bytes;
    }
    let mut uses: Vec<_> = uses
        .into_iter()
        .map(|(tensor_type, (tensors, bytes))| TensorTypeUse {
            tensor_type: tensor_type.name().to_owned(),
            tensors,
            bytes,
            is_supported: tensor_type.format().is_some(),
        })
        .collect();
    uses.sort_by_key(|used| std::cmp::Reverse(used.bytes));
    uses
}
