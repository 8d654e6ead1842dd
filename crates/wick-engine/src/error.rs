//! What can go wrong in the engine. Errors cross the process border as data, so every variant is plain.

use serde::{Deserialize, Serialize};

/// Any failure of the engine.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is something else.
    #[error("{path} is not a GGUF file (it starts with {found})")]
    NotGguf {
        /// The file.
        path: String,
        /// Its first bytes, as text where they are.
        found: String,
    },
    /// The file is GGUF of a version Wick does not read.
    #[error("GGUF version {version} is not supported (Wick reads 2 and 3, little-endian)")]
    UnsupportedVersion {
        /// The version found.
        version: u32,
    },
    /// The file ends before its tensors do: most often an unfinished download.
    #[error("the file is cut short: it has {actual} bytes and needs {needed}")]
    Truncated {
        /// Bytes the header asks for.
        needed: u64,
        /// Bytes there are.
        actual: u64,
    },
    /// The header breaks a rule of the format.
    #[error("the file is damaged: {field} at byte {offset}: {reason}")]
    Malformed {
        /// Where.
        offset: u64,
        /// Which field.
        field: String,
        /// Which rule.
        reason: String,
    },
    /// One of a model's several files breaks a rule.
    #[error("the model is damaged: {file}: {field}: {reason}")]
    MalformedFile {
        /// Which file.
        file: String,
        /// Which field.
        field: String,
        /// Which rule.
        reason: String,
    },
    /// A model family Wick cannot run.
    #[error("the architecture \"{architecture}\" is not supported (Wick runs {supported})")]
    UnsupportedArchitecture {
        /// `general.architecture`.
        architecture: String,
        /// The ones Wick runs, comma-separated.
        supported: String,
    },
    /// A tensor type Wick cannot compute with.
    #[error("the tensor {tensor} has type {tensor_type}, which is not supported")]
    UnsupportedTensorType {
        /// Name of the tensor.
        tensor: String,
        /// Its type.
        tensor_type: String,
    },
    /// A tensor that the architecture needs is not there.
    #[error("the tensor {tensor} is missing")]
    MissingTensor {
        /// Its name.
        tensor: String,
    },
    /// A number that the architecture needs is not there.
    #[error("the header does not say {key}")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A tensor has another shape than the architecture gives it.
    #[error("the tensor {tensor} has the wrong shape {dims:?}")]
    WrongShape {
        /// Its name.
        tensor: String,
        /// Its dimensions.
        dims: Vec<usize>,
    },
    /// A number that is no token of the model.
    #[error("there is no token {token} in a vocabulary of {vocabulary}")]
    NoSuchToken {
        /// The number.
        token: u64,
        /// Tokens there are.
        vocabulary: u64,
    },
    /// A draft model with another vocabulary.
    #[error("the draft model has another vocabulary than the model it should guess for")]
    OtherVocabulary,
    /// A text with fewer tokens than one chunk.
    #[error("the text has {found} tokens; at least {needed} are needed")]
    TextTooShort {
        /// Tokens of a chunk.
        needed: u32,
        /// Tokens of the text.
        found: u32,
    },
    /// A tokenizer Wick cannot build.
    #[error("the tokenizer \"{tokenizer}\" is not supported: {reason}")]
    UnsupportedTokenizer {
        /// `tokenizer.ggml.model` and `.pre`.
        tokenizer: String,
        /// Why.
        reason: String,
    },
    /// The file has no chat template.
    #[error("the file has no chat template, so Wick does not know how to talk to this model")]
    NoChatTemplate,
    /// The chat template does not parse or fails on this conversation.
    #[error("the model's chat template failed: {reason}")]
    ChatTemplate {
        /// What minijinja said.
        reason: String,
    },
    /// The last message alone does not fit.
    #[error("the message needs {needed} tokens and the context holds {available}")]
    PromptTooLong {
        /// Tokens needed.
        needed: u32,
        /// Tokens that fit, room for an answer kept.
        available: u32,
    },
    /// Nothing to answer.
    #[error("there is no message to answer")]
    EmptyPrompt,
    /// A sampling parameter out of its range.
    #[error("{parameter} is {value}; it must be {range}")]
    InvalidSampling {
        /// Which.
        parameter: String,
        /// Its value.
        value: String,
        /// What it may be.
        range: String,
    },
    /// A schema, regular expression or grammar that cannot be followed.
    #[error("the reply cannot be held to this format: {reason}")]
    InvalidConstraint {
        /// Why.
        reason: String,
    },
    /// What was asked for leaves no token to choose: every one that the constraint allows is banned.
    #[error("every token that could come next is banned")]
    NoTokenAllowed,
    /// A request that needs a model came before one was loaded.
    #[error("no model is loaded")]
    NoModelLoaded,
    /// The device asked for is not there.
    #[error("{device} is not available: {reason}")]
    DeviceUnavailable {
        /// Which device.
        device: String,
        /// Why.
        reason: String,
    },
    /// The model computed something that is no number: damaged weights.
    #[error("the model produced values that are not numbers; its weights may be damaged")]
    NotANumber,
    /// The tensor library failed.
    #[error("the computation failed: {reason}")]
    Compute {
        /// What it said.
        reason: String,
    },
    /// The engine's own code panicked; it was caught.
    #[error("the engine failed: {reason}")]
    Panicked {
        /// The panic's message.
        reason: String,
    },
    /// Somebody asked to stop. Not a failure.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// An I/O error on `path`.
    pub fn read(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Read {
            path: path.display().to_string(),
            reason: error.to_string(),
        }
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Compute {
            reason: error.to_string(),
        }
    }
}

impl From<wick_kernels::Error> for Error {
    fn from(error: wick_kernels::Error) -> Self {
        Self::Compute {
            reason: error.to_string(),
        }
    }
}

/// Result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;
