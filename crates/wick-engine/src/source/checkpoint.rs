//! A model on disk whose header has been checked, whatever its container: what can be said before any weight is read.

use std::path::Path;

use crate::{
    Result,
    chat_template::ChatTemplate,
    estimate::ModelShape,
    gguf::{Metadata, ValidatedGguf},
    models,
    process::protocol::ModelInfo,
    safetensors::ValidatedSafetensors,
    source::ModelSource,
    tokenizer::Tokenizer,
};

/// A GGUF file, the parts of a split one, or a folder as the Hub ships it.
#[derive(Debug, Clone)]
pub enum Checkpoint {
    /// A GGUF file, or the parts of one.
    Gguf(ValidatedGguf),
    /// A folder of safetensors files.
    Folder(ValidatedSafetensors),
}

impl Checkpoint {
    /// Reads and checks the header, and refuses a model that Wick cannot run.
    pub fn open(path: &Path) -> Result<Self> {
        let checkpoint = match path.is_dir() {
            true => Self::Folder(ValidatedSafetensors::open(path)?),
            false => Self::Gguf(ValidatedGguf::open(path)?),
        };
        models::architecture_of(checkpoint.architecture(), checkpoint.metadata())?;
        if let Self::Gguf(gguf) = &checkpoint {
            gguf.check_tensor_types()?;
        }
        Ok(checkpoint)
    }

    /// GGUF's name of the architecture.
    pub fn architecture(&self) -> &str {
        match self {
            Self::Gguf(gguf) => gguf.architecture(),
            Self::Folder(folder) => folder.architecture(),
        }
    }

    /// What the header says, under GGUF's keys.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Gguf(gguf) => gguf.metadata(),
            Self::Folder(folder) => folder.metadata(),
        }
    }

    /// The model as a person wants to see it.
    pub fn model_info(&self) -> Result<ModelInfo> {
        match self {
            Self::Gguf(gguf) => gguf.model_info(),
            Self::Folder(folder) => folder.model_info(),
        }
    }

    /// What it consists of, to estimate from.
    pub fn shape(&self) -> Result<ModelShape> {
        match self {
            Self::Gguf(gguf) => ModelShape::of_gguf(gguf),
            Self::Folder(folder) => ModelShape::of_folder(folder),
        }
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        match self {
            Self::Gguf(gguf) => Tokenizer::from_gguf(gguf),
            Self::Folder(folder) => Tokenizer::from_hub_folder(folder.folder()),
        }
    }

    /// Its chat template.
    pub fn chat_template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate> {
        match self {
            Self::Gguf(gguf) => ChatTemplate::from_gguf(gguf, tokenizer),
            Self::Folder(folder) => ChatTemplate::from_hub_folder(folder.folder(), tokenizer),
        }
    }

    /// Its weights, mapped.
    pub fn weights(&self) -> Result<ModelSource> {
        match self {
            Self::Gguf(gguf) => ModelSource::from_gguf(gguf),
            Self::Folder(folder) => ModelSource::from_safetensors(folder),
        }
    }
}
