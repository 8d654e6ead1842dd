//! What the application and the engine process say to each other: one JSON object a line, requests down
//! the engine's standard input, events up its standard output. Both sides treat the other's lines as data:
//! a line that does not parse, or is longer than [`MAX_LINE_BYTES`], ends the conversation.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    calibration::{Calibration, CalibrationRequest},
    constraint::Constraint,
    kv_cache::CacheFormat,
    sampling::SamplingParams,
};

/// Raised when the messages change shape; both sides come from one binary, so a difference is a bug.
pub const PROTOCOL_VERSION: u32 = 3;

/// Longest line either side accepts.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Chosen by the application, repeated in every event that answers the request.
pub type RequestId = u64;

/// From the application to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Load a model file; replaces what was loaded. Answered by `Loading`…, then `Loaded` or `Failed`.
    Load {
        /// Repeated in the answers.
        id: RequestId,
        /// The GGUF file.
        path: PathBuf,
        /// How to load it.
        options: LoadOptions,
    },
    /// Answer a conversation. `Reading`…, `Text`…, then `Finished` or `Failed`.
    Generate {
        /// Repeated in the answers.
        id: RequestId,
        /// What to answer, and how.
        request: Box<GenerateRequest>,
    },
    /// Measure the loaded model. One `BenchRun` a repetition, then `BenchFinished` or `Failed`.
    Bench {
        /// Repeated in the answers.
        id: RequestId,
        /// What to measure.
        request: BenchRequest,
    },
    /// Measure how well the loaded model predicts a text. `PerplexityRun`…, then `PerplexityFinished` or `Failed`.
    Perplexity {
        /// Repeated in the answers.
        id: RequestId,
        /// What to predict.
        request: PerplexityRequest,
    },
    /// Measure the machine; no model is needed. `Calibrating`…, then `Calibrated` or `Failed`.
    Calibrate {
        /// Repeated in the answers.
        id: RequestId,
        /// What to measure, and how much it may take.
        request: CalibrationRequest,
    },
    /// Put what was read in conversations on disk, where the model was loaded to keep it there. Answered by `Done`.
    Save {
        /// Repeated in the answer.
        id: RequestId,
    },
    /// Forget what was read in a conversation, in memory and on disk. Answered by `Done`.
    Forget {
        /// Repeated in the answer.
        id: RequestId,
        /// Whose.
        conversation: String,
    },
    /// Stop the reply or measurement with this id, running or waiting; it then ends as `Finished` with
    /// [`StopReason::Cancelled`], or as `Failed` with [`Error::Cancelled`]. Loading is not stopped: end the process.
    Cancel {
        /// The request to stop.
        id: RequestId,
    },
    /// Ask for `Memory`. Answered at once, also while a reply is being written.
    Report {
        /// Repeated in the answer.
        id: RequestId,
    },
}

/// From the engine to the application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The first line.
    Hello {
        /// [`PROTOCOL_VERSION`] of the engine.
        protocol: u32,
        /// Version of the package.
        version: String,
    },
    /// How far loading has come.
    Loading {
        /// The request answered.
        id: RequestId,
        /// 0 to 1.
        fraction: f32,
    },
    /// The model is ready.
    Loaded {
        /// The request answered.
        id: RequestId,
        /// What was loaded.
        model: ModelInfo,
        /// From the request to ready.
        load_ms: u64,
        /// Memory of the process once loaded.
        memory: MemoryUse,
    },
    /// How much of the prompt has been read (prefill).
    Reading {
        /// The request answered.
        id: RequestId,
        /// Tokens of the prompt read so far, reused ones included.
        processed: u32,
        /// Tokens in the prompt.
        total: u32,
        /// Tokens that were still in the KV cache from the turn before.
        reused: u32,
        /// Messages that had to leave the front of the conversation for it to fit the context.
        dropped_messages: u32,
    },
    /// The next piece of the reply: whole characters only.
    Text {
        /// The request answered.
        id: RequestId,
        /// What to append.
        text: String,
    },
    /// The next piece of what the model thinks before it answers.
    Reasoning {
        /// The request answered.
        id: RequestId,
        /// What to append.
        text: String,
    },
    /// A token of the reply, where log-probabilities were asked for; its text comes in `Text` or `Reasoning`.
    Token {
        /// The request answered.
        id: RequestId,
        /// The token.
        token: TokenLogprob,
    },
    /// The reply is complete.
    Finished {
        /// The request answered.
        id: RequestId,
        /// How it went.
        stats: ReplyStats,
    },
    /// One repetition of a measurement.
    BenchRun {
        /// The request answered.
        id: RequestId,
        /// Its figures.
        run: BenchRun,
    },
    /// All repetitions are done.
    BenchFinished {
        /// The request answered.
        id: RequestId,
        /// Memory of the process afterwards.
        memory: MemoryUse,
        /// Threads the engine computed with.
        threads: u32,
    },
    /// One more chunk of the text is scored.
    PerplexityRun {
        /// The request answered.
        id: RequestId,
        /// The figures so far.
        run: PerplexityRun,
    },
    /// The text is scored.
    PerplexityFinished {
        /// The request answered.
        id: RequestId,
        /// The figures.
        run: PerplexityRun,
    },
    /// How far the measurement of the machine has come.
    Calibrating {
        /// The request answered.
        id: RequestId,
        /// 0 to 1.
        fraction: f32,
    },
    /// The machine is measured.
    Calibrated {
        /// The request answered.
        id: RequestId,
        /// The figures.
        calibration: Calibration,
    },
    /// Answer to `Save` and `Forget`.
    Done {
        /// The request answered.
        id: RequestId,
    },
    /// Answer to `Report`.
    Memory {
        /// The request answered.
        id: RequestId,
        /// Memory of the process now.
        memory: MemoryUse,
    },
    /// The request could not be done. The engine lives on, except after [`Error::Panicked`].
    Failed {
        /// The request answered.
        id: RequestId,
        /// Why.
        error: Error,
    },
}

/// How to load a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadOptions {
    /// Tokens of context; `None` takes the model's own, at most [`LoadOptions::DEFAULT_CONTEXT_LENGTH`].
    pub context_length: Option<u32>,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Threads to compute with on the processor; `None` takes all.
    pub threads: Option<u32>,
    /// How keys and values are kept.
    pub cache_type: CacheType,
    /// A smaller model of the same vocabulary that guesses what this one will write.
    pub draft_model: Option<PathBuf>,
    /// Where what was read is kept for another day; `None` keeps it in memory only.
    pub keep_on_disk: Option<KeepOnDisk>,
}

/// How keys and values are kept in the KV cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum CacheType {
    /// Exact, and twice as large as usual.
    F32,
    /// As models are trained.
    #[default]
    F16,
    /// Half the memory, at a small loss.
    Q8_0,
}

impl From<CacheType> for CacheFormat {
    fn from(cache_type: CacheType) -> Self {
        match cache_type {
            CacheType::F32 => Self::F32,
            CacheType::F16 => Self::F16,
            CacheType::Q8_0 => Self::Q8_0,
        }
    }
}

/// Where sequences are kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepOnDisk {
    /// The folder, of all models.
    pub folder: PathBuf,
    /// The model's id: the name of its folder in there, and what its files are checked against.
    pub model: String,
    /// Most bytes that all models take.
    pub max_bytes: u64,
}

impl LoadOptions {
    /// Context that is taken where none is asked for: enough for a long chat, and modest in memory.
    pub const DEFAULT_CONTEXT_LENGTH: u32 = 8192;
}

/// Where to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The GPU this build knows and the machine has, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Role {
    /// Instructions for the whole chat.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool the model called: what it answered.
    Tool,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// Who wrote it.
    pub role: Role,
    /// What it says.
    pub content: String,
    /// What the model thought before it answered. Templates that know of reasoning get it, others do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Tools the model called, each as `{"id", "type": "function", "function": {"name", "arguments"}}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<serde_json::Value>,
    /// Name of the tool that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The call that a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message that says something, and nothing else.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            reasoning: None,
            tool_calls: Vec::new(),
            name: None,
            tool_call_id: None,
        }
    }
}

/// What a chat template is told beside the conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RenderOptions {
    /// Tools the model may call, each as `{"type": "function", "function": {…}}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<serde_json::Value>,
    /// Whether the model shall think before it answers; `None` leaves it to the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_thinking: Option<bool>,
}

/// A conversation to answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerateRequest {
    /// Oldest first; a system message first if there is one; the last is the user's.
    pub messages: Vec<ChatMessage>,
    /// How tokens are chosen.
    pub sampling: SamplingParams,
    /// Most tokens to write; `None` writes until the model ends its turn or the context is full.
    pub max_tokens: Option<u32>,
    /// Texts that end the reply; they are not part of it.
    pub stop: Vec<String>,
    /// What the chat template is told beside the conversation.
    #[serde(default)]
    pub render: RenderOptions,
    /// What the reply must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<Constraint>,
    /// Tell each token with its log-probability, and of so many of the likeliest beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// Whose conversation this is: what was read of it is kept on disk when another one is begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Write every token by itself, without guessing what follows it: for measurements and tests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_drafts: bool,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum StopReason {
    /// The model ended its turn.
    EndOfTurn,
    /// A stop text appeared.
    StopText,
    /// `max_tokens` were written.
    MaxTokens,
    /// The context is full.
    ContextFull,
    /// Somebody asked to stop.
    Cancelled,
}

/// How a reply went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct ReplyStats {
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Tokens in the prompt.
    pub prompt_tokens: u32,
    /// Of those, tokens that were still in the KV cache.
    pub reused_tokens: u32,
    /// Tokens written.
    pub reply_tokens: u32,
    /// From the request to the first token, waiting for other requests not counted.
    pub time_to_first_token_ms: u32,
    /// Prompt tokens read a second (those not reused); 0 where none were.
    pub prefill_tokens_per_second: f32,
    /// Tokens written a second after the first; 0 for replies of one token.
    pub decode_tokens_per_second: f32,
    /// Tokens of context the model was loaded with.
    pub context_length: u32,
    /// Messages that left the front of the conversation for it to fit.
    pub dropped_messages: u32,
    /// Tokens that were guessed, to be checked several at once.
    #[serde(default)]
    pub drafted_tokens: u32,
    /// Of those, tokens that were right.
    #[serde(default)]
    pub accepted_tokens: u32,
}

/// A model as its file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct ModelInfo {
    /// `general.name`, or the file's stem.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Most used tensor type of the weights, as llama.cpp names files: `Q4_1`.
    pub quantization: String,
    /// Number of weights.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub parameters: u64,
    /// Tokens of context the model was trained for.
    pub trained_context_length: u32,
    /// Tokens of context it is (or would be) loaded with.
    pub context_length: u32,
    /// Whether the file carries a chat template.
    pub has_chat_template: bool,
}

/// Memory of the engine process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct MemoryUse {
    /// Resident now; 0 where the system does not tell.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub resident_bytes: u64,
    /// Most that was ever resident; 0 where the system does not tell.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub peak_bytes: u64,
}

/// A token with its log-probability in the model's own distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLogprob {
    /// Its bytes, which may be a part of a character.
    pub bytes: Vec<u8>,
    /// Its log-probability.
    pub logprob: f32,
    /// The likeliest tokens at its place, likeliest first.
    pub top: Vec<(Vec<u8>, f32)>,
}

/// A measurement to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchRequest {
    /// Tokens to read.
    pub prompt_tokens: u32,
    /// Tokens to write.
    pub generated_tokens: u32,
    /// Tokens that were read before, in both measurements.
    pub depth: u32,
    /// Whether those are not computed: what stands for them takes the same memory, and is there at once.
    pub fill: bool,
    /// Sequences that are written at the same time.
    pub sequences: u32,
    /// How many times, after one that is not counted.
    pub repetitions: u32,
}

/// One repetition of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchRun {
    /// Tokens read a second.
    pub prefill_tokens_per_second: f64,
    /// Tokens written a second.
    pub decode_tokens_per_second: f64,
}

/// A text to predict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerplexityRequest {
    /// The text.
    pub text: String,
    /// Tokens of a chunk.
    pub context_length: u32,
    /// How many chunks; `None` takes all of the text.
    pub chunks: Option<u32>,
}

/// How well a text was predicted so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerplexityRun {
    /// Chunks scored.
    pub chunks: u32,
    /// Chunks to score.
    pub chunks_total: u32,
    /// Tokens scored.
    pub tokens: u32,
    /// The exponential of the mean surprise: lower is better.
    pub perplexity: f64,
    /// Its standard error.
    pub standard_error: f64,
}
