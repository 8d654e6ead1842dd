//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, builder::TypedValueParser};
use wick_engine::process::protocol;

use crate::{
    sampling::SamplingOptions,
    sizes::{bytes, rate},
};

/// Chat with language models on your own machine: no account, no cloud, no telemetry.
#[derive(Debug, Parser)]
#[command(name = "wick", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 other failure, 2 wrong usage, 3 a file cannot be read or written, \
4 the model cannot be run, 5 the engine failed, 6 Wick's data cannot be used, 7 no such model or chat, 8 the Hub or the way to it failed, 130 stopped, 141 nobody reads.\n\
WICK_DATA_DIR names the folder for models and chats, HF_ENDPOINT a mirror of the Hub.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer a prompt, or chat where none is given
    Run(Box<RunOptions>),
    /// Download a model into the library; run it again to go on with one that was stopped
    Pull(PullOptions),
    /// Show the models of the library
    List,
    /// Copy a model into the library
    Import {
        /// A GGUF file, any part of a split one, or a folder of safetensors
        path: PathBuf,
        /// Use it where it lies instead
        #[arg(long)]
        in_place: bool,
    },
    /// Delete a model; the file of one that is used in place stays
    Rm {
        /// Its name or id, or the beginning of either
        model: String,
    },
    /// Read every byte of a model and say whether it is whole
    Verify {
        /// Its name or id, or the beginning of either; all where it is absent
        model: Option<String>,
    },
    /// Use models of LM Studio, Ollama, Jan, GPT4All and the Hugging Face cache where they lie
    Adopt {
        /// Their names, as this shows them without any
        names: Vec<String>,
        /// All that Wick can run
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Show the folder of models, or move it
    Folder {
        /// Where to, with all models
        #[arg(long, value_name = "FOLDER")]
        r#move: Option<PathBuf>,
    },
    /// Search the Hub for models, and say which of them run here
    Search(SearchOptions),
    /// Show the files of a model on the Hub, and what each would take here
    Show {
        /// Its repository: owner/name
        repository: String,
    },
    /// Keep an access token for the Hub; it is read from standard input
    Login,
    /// Forget the access token
    Logout,
    /// Tell what a model is, what it takes and whether it runs, without loading it
    Check(CheckOptions),
    /// Show what this machine is, and what was measured of it
    Hardware {
        /// Measure it first, which takes ten seconds at most
        #[arg(long)]
        measure: bool,
    },
    /// Say which models this machine, or another, should run, and why
    Recommend(Box<RecommendOptions>),
    /// Measure how fast a model reads and writes
    Bench(BenchOptions),
    /// Measure how well a model predicts a text
    Perplexity(PerplexityOptions),
}

#[derive(Debug, Args)]
pub struct PullOptions {
    /// `owner/name:LEVEL` on the Hub, a file's name after the repository's, or the address of either; without a level,
    /// what is recommended for this machine
    pub model: String,
    /// A branch, a tag or a commit of the repository
    #[arg(long)]
    pub revision: Option<String>,
    /// Most bytes a second: 2MB/s; as the settings say where it is absent
    #[arg(long, value_parser = rate, value_name = "RATE")]
    pub limit: Option<f64>,
}

#[derive(Debug, Args)]
pub struct CheckOptions {
    /// A GGUF file, any part of a split one, or a folder of safetensors files
    pub model: PathBuf,
    /// Tokens of context that memory is reckoned for
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=134_217_728))]
    pub context: Option<u32>,
    /// How keys and values are kept
    #[arg(long, value_enum, default_value_t)]
    pub cache_type: CacheType,
}

#[derive(Debug, Args)]
pub struct SearchOptions {
    /// Words of the name
    pub query: Vec<String>,
    /// What comes first
    #[arg(long, value_enum, default_value_t)]
    pub sort: Sort,
    /// Only models of this class
    #[arg(long, value_enum)]
    pub class: Option<Class>,
    /// Only models that run on this machine
    #[arg(long)]
    pub fits: bool,
    /// A licence that will do (apache-2.0, mit); may be given several times
    #[arg(long)]
    pub licence: Vec<String>,
    /// A language that the model must have been made for, by its code (de); may be given several times
    #[arg(long)]
    pub language: Vec<String>,
    /// Only models of this family, by its name in GGUF (qwen3)
    #[arg(long)]
    pub architecture: Option<String>,
    /// Only models of this publisher
    #[arg(long)]
    pub publisher: Option<String>,
    /// Most models
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200).map(usize::from))]
    pub limit: usize,
}

/// What comes first in a search.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Sort {
    /// What many look at now
    #[default]
    Trending,
    /// What was downloaded most in the last month
    Downloads,
    /// What is liked most
    Likes,
    /// What changed last
    Recent,
}

/// Classes of models, by their weights.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Class {
    /// Up to 1.4 billion weights
    Micro,
    /// Up to 13.9 billion
    Small,
    /// More
    Medium,
}

#[derive(Debug, Args)]
pub struct RecommendOptions {
    /// Memory that stays free for other programs; a quarter of the machine's, and at least 2 GB, where it is absent
    #[arg(long, value_parser = bytes, value_name = "SIZE")]
    pub leave_free: Option<u64>,
    /// What counts more
    #[arg(long, value_enum, default_value_t)]
    pub prefer: Prefer,
    /// A language that the model must have been made for, by its code (de); may be given several times
    #[arg(long)]
    pub language: Vec<String>,
    /// Only models that think before they answer
    #[arg(long)]
    pub reasoning: bool,
    /// A licence that will do (apache-2.0, mit); may be given several times; any where it is absent
    #[arg(long)]
    pub licence: Vec<String>,
    /// Tokens of context; less where so much does not fit
    #[arg(long, default_value_t = wick::recommend::USUAL_CONTEXT_LENGTH, value_parser = clap::value_parser!(u32).range(256..=1_048_576))]
    pub context: u32,
    #[command(flatten)]
    pub other: OtherMachine,
}

/// A machine other than this one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Another machine")]
pub struct OtherMachine {
    /// Its memory: 16GB
    #[arg(long, value_parser = bytes, value_name = "SIZE")]
    pub ram: Option<u64>,
    /// Of that, what is free; what a fresh system leaves where it is absent
    #[arg(long, value_parser = bytes, value_name = "SIZE", requires = "ram")]
    pub free: Option<u64>,
    /// Rate at which it reads its memory: 50GB/s
    #[arg(long, value_parser = rate, value_name = "RATE", default_value = "40GB/s", requires = "ram")]
    pub bandwidth: f64,
    /// Its cores
    #[arg(long, default_value_t = 4, requires = "ram", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub cores: u32,
    /// Free memory of its graphics card, or what a graphics processor may have of a unified memory
    #[arg(long, value_parser = bytes, value_name = "SIZE", requires = "ram")]
    pub vram: Option<u64>,
    /// Rate at which its graphics processor reads memory; that of slow ones where it is absent
    #[arg(long, value_parser = rate, value_name = "RATE", requires = "vram")]
    pub vram_bandwidth: Option<f64>,
    /// Its graphics processor shares the machine's memory
    #[arg(long, requires = "vram")]
    pub unified: bool,
}

/// What counts more.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Prefer {
    /// The best answers that come as fast as one reads
    #[default]
    Balance,
    /// The best answers, also where one waits
    Quality,
    /// Fast answers
    Speed,
}

#[derive(Debug, Args)]
pub struct RunOptions {
    /// The prompt; without one, standard input is read (a terminal begins a chat)
    pub prompt: Option<String>,
    #[command(flatten)]
    pub model: ModelOptions,
    /// Instructions before the conversation
    #[arg(long)]
    pub system: Option<String>,
    #[command(flatten)]
    pub sampling: SamplingOptions,
    /// Most tokens of a reply
    #[arg(long)]
    pub max_tokens: Option<u32>,
    /// A text that ends the reply; may be given several times
    #[arg(long)]
    pub stop: Vec<String>,
    /// Whether a model that can think before it answers shall do so
    #[arg(long)]
    pub thinking: Option<bool>,
    #[command(flatten)]
    pub constraint: ConstraintOptions,
    /// Tell in JSON the log-probability of each token, and of so many of the likeliest beside it
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub logprobs: Option<u32>,
}

/// What the reply must be.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct ConstraintOptions {
    /// The reply is JSON that this schema describes: a file, or the schema itself
    #[arg(long)]
    pub json_schema: Option<String>,
    /// The reply is text that this regular expression matches as a whole
    #[arg(long)]
    pub regex: Option<String>,
    /// The reply is text of the grammar in this file, in llguidance's variant of Lark
    #[arg(long)]
    pub grammar: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct ModelOptions {
    /// A GGUF file, or the name or id of a model in the library; the chosen one where it is absent
    #[arg(long, short)]
    pub model: Option<String>,
    /// Threads to compute with; all cores where it is absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub threads: Option<u32>,
    /// Tokens of context
    #[arg(long, value_parser = clap::value_parser!(u32).range(256..=1_048_576))]
    pub context: Option<u32>,
    /// How keys and values are kept
    #[arg(long, value_enum, default_value_t)]
    pub cache_type: CacheType,
    /// A smaller GGUF file of the same vocabulary, which guesses what the model will write
    #[arg(long)]
    pub draft_model: Option<PathBuf>,
}

/// How keys and values are kept.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum CacheType {
    /// Exact, and twice as large as usual
    F32,
    /// As usual
    #[default]
    F16,
    /// Half the memory, at a small loss
    #[value(name = "q8_0")]
    Q8_0,
}

#[derive(Debug, Args)]
pub struct BenchOptions {
    #[command(flatten)]
    pub model: ModelOptions,
    /// Tokens to read
    #[arg(short = 'p', long, default_value_t = 512)]
    pub prompt_tokens: u32,
    /// Tokens to write
    #[arg(short = 'n', long, default_value_t = 128)]
    pub generated_tokens: u32,
    /// Tokens that were read before, in both measurements
    #[arg(short = 'd', long, default_value_t = 0)]
    pub depth: u32,
    /// Do not compute the tokens that were read before: long contexts then take seconds, and as much memory
    #[arg(long)]
    pub fill: bool,
    /// Sequences that are written at the same time; their tokens are counted together
    #[arg(short = 's', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub sequences: u32,
    /// How many times, after one that is not counted
    #[arg(long, short, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repetitions: u32,
    /// Compare what is predicted of these files with what is measured, for each of the contexts
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["model", "context", "depth", "sequences"])]
    pub check_predictions: Vec<PathBuf>,
    /// Contexts to compare at
    #[arg(long, value_delimiter = ',', default_value = "2048,8192,32768", requires = "check_predictions", value_parser = clap::value_parser!(u32).range(256..=1_048_576))]
    pub contexts: Vec<u32>,
}

#[derive(Debug, Args)]
pub struct PerplexityOptions {
    /// A GGUF file, or the name or id of a model in the library; the chosen one where it is absent
    #[arg(long, short)]
    pub model: Option<String>,
    /// The text
    #[arg(long, short)]
    pub file: PathBuf,
    /// Tokens of a chunk, of which the second half is scored
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(8..=131_072))]
    pub context: u32,
    /// How many chunks; the whole text where it is absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub chunks: Option<u32>,
    /// Threads to compute with; all cores where it is absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub threads: Option<u32>,
    /// How keys and values are kept
    #[arg(long, value_enum, default_value_t)]
    pub cache_type: CacheType,
}

impl From<Sort> for wick::hub::HubSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Trending => Self::Trending,
            Sort::Downloads => Self::Downloads,
            Sort::Likes => Self::Likes,
            Sort::Recent => Self::Recent,
        }
    }
}

impl From<Class> for wick::catalog::Class {
    fn from(class: Class) -> Self {
        match class {
            Class::Micro => Self::Micro,
            Class::Small => Self::Small,
            Class::Medium => Self::Medium,
        }
    }
}

impl From<Prefer> for wick::recommend::Prefer {
    fn from(prefer: Prefer) -> Self {
        match prefer {
            Prefer::Balance => Self::Balance,
            Prefer::Quality => Self::Quality,
            Prefer::Speed => Self::Speed,
        }
    }
}

impl From<CacheType> for protocol::CacheType {
    fn from(cache_type: CacheType) -> Self {
        match cache_type {
            CacheType::F32 => Self::F32,
            CacheType::F16 => Self::F16,
            CacheType::Q8_0 => Self::Q8_0,
        }
    }
}
