//! A checked model on disk, whatever its container: what the decoder is loaded from. Keys and tensor names are
//! GGUF's; weights are mapped from the files and never copied.

mod bytes;
mod checkpoint;
mod gguf;
mod safetensors;

use std::{collections::HashMap, path::Path};

pub use bytes::TensorBytes;
pub use checkpoint::Checkpoint;

use crate::{
    Error, Result,
    gguf::{Metadata, TensorType},
};

/// What the weights came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// A GGUF file, or the parts of one.
    Gguf,
    /// A folder of safetensors files, as the Hub ships them.
    Safetensors,
}

/// One tensor of a model.
#[derive(Debug, Clone)]
pub struct SourceTensor {
    /// How its weights are stored.
    pub tensor_type: TensorType,
    /// Its dimensions, the fastest varying first.
    pub dims: Vec<usize>,
    /// Its weights.
    pub data: TensorBytes,
}

/// A model to load.
#[derive(Debug)]
pub struct ModelSource {
    architecture: String,
    metadata: Metadata,
    tensors: HashMap<String, SourceTensor>,
    container: Container,
}

impl ModelSource {
    /// Checks a model and maps its weights: a GGUF file, any part of a split one, or a folder.
    pub fn open(path: &Path) -> Result<Self> {
        Checkpoint::open(path)?.weights()
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// What the header says.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What the weights came in.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Number of weights in all tensors.
    pub fn weights(&self) -> usize {
        let sizes = self
            .tensors
            .values()
            .map(|tensor| tensor.dims.iter().product::<usize>());
        sizes.sum()
    }

    /// A tensor that may be absent.
    pub fn find(&self, name: &str) -> Option<&SourceTensor> {
        self.tensors.get(name)
    }

    /// A tensor the model cannot do without.
    pub fn tensor(&self, name: &str) -> Result<&SourceTensor> {
        self.find(name).ok_or_else(|| Error::MissingTensor {
            tensor: name.into(),
        })
    }

    /// A number the model cannot do without, by its key without the architecture.
    pub fn required(&self, suffix: &str) -> Result<usize> {
        let key = self.key(suffix);
        let value = self.metadata.u32(&key)?;
        value
            .map(|value| value as usize)
            .ok_or(Error::MissingKey { key })
    }

    /// A number that may be absent.
    pub fn optional(&self, suffix: &str) -> Result<Option<usize>> {
        let value = self.metadata.u32(&self.key(suffix))?;
        Ok(value.map(|value| value as usize))
    }

    /// A fraction that may be absent.
    pub fn optional_f32(&self, suffix: &str) -> Result<Option<f32>> {
        self.metadata.f32(&self.key(suffix))
    }

    /// A word that may be absent.
    pub fn optional_str(&self, suffix: &str) -> Result<Option<&str>> {
        self.metadata.str(&self.key(suffix))
    }

    fn key(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }
}
