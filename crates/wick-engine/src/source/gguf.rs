//! A validated GGUF model as a source: its files are mapped, and each tensor is a part of a mapping.

use super::{Container, ModelSource, SourceTensor, TensorBytes};
use crate::{Result, gguf::ValidatedGguf};

impl ModelSource {
    /// The model of a checked header.
    pub fn from_gguf(gguf: &ValidatedGguf) -> Result<Self> {
        let parts = gguf.parts().iter();
        let files = parts.map(|part| TensorBytes::open(&part.path, part.file_bytes));
        let files = files.collect::<Result<Vec<_>>>()?;
        let tensors = gguf.tensors().iter().map(|tensor| {
            let start = gguf.parts()[tensor.part].data_offset + tensor.offset;
            let source = SourceTensor {
                tensor_type: tensor.tensor_type,
                dims: tensor.dims.clone(),
                data: files[tensor.part].slice(start..start + tensor.bytes)?,
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
