//! A checked header in the form that candle's loaders take.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{Content, TensorInfo as CandleTensorInfo, VersionedMagic};

use super::{ValidatedGguf, label};
use crate::{Error, Result};

impl ValidatedGguf {
    /// The same header as candle's loaders take it. Refuses tensor types that candle cannot load.
    pub fn to_candle(&self) -> Result<Content> {
        if let count @ 2.. = self.parts.len() {
            let reason = format!("is {count}; candle reads models of one file");
            return Err(self.metadata.malformed("split.count", reason));
        }
        let tensor_infos =
            self.tensors
                .iter()
                .map(|tensor| {
                    let ggml_dtype = tensor.tensor_type.to_candle().ok_or_else(|| {
                        Error::UnsupportedTensorType {
                            tensor: label(&tensor.name),
                            tensor_type: tensor.tensor_type.name().to_owned(),
                        }
                    })?;
                    let shape: Vec<usize> = tensor.dims.iter().rev().copied().collect();
                    let info = CandleTensorInfo {
                        ggml_dtype,
                        shape: shape.into(),
                        offset: tensor.offset,
                    };
                    Ok((tensor.name.clone(), info))
                })
                .collect::<Result<HashMap<_, _>>>()?;
        Ok(Content {
            magic: match self.version {
                2 => VersionedMagic::GgufV2,
                _ => VersionedMagic::GgufV3,
            },
            metadata: self.metadata.to_candle(),
            tensor_infos,
            tensor_data_offset: self.data_offset(),
        })
    }
}
