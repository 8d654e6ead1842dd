//! A validated GGUF file as a source: the file is mapped, and each tensor is a part of the mapping.

use super::{Container, MappedBytes, ModelSource, SourceTensor};
use crate::{Result, gguf::ValidatedGguf};

impl ModelSource {
    /// The model of a checked file.
    pub fn from_gguf(gguf: &ValidatedGguf) -> Result<Self> {
        let file = MappedBytes::open(gguf.path(), gguf.file_bytes())?;
        let tensors = gguf.tensors().iter().map(|tensor| {
            let start = gguf.data_offset() + tensor.offset;
            let source = SourceTensor {
                tensor_type: tensor.tensor_type,
                dims: tensor.dims.clone(),
                data: file.slice(start..start + tensor.bytes)?,
            };
            Ok((tensor.name.clone(), source))
        });
        Ok(Self {
            architecture: gguf.architecture().into(),
            metadata: gguf.metadata().clone(),
            tensors: tensors.collect::<Result<_>>()?,
            container: Container::Gguf,
        })
    }
}
