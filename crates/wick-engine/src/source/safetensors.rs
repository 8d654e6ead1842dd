//! A validated folder as a source. Weights are mapped as they are; packed ones, and those that are yet to be rounded to
//! three values, are made anew.

use std::collections::HashMap;

use wick_kernels::{Format, WeightBytes, dequantize, quantize};

use super::{Container, ModelSource, SourceTensor, TensorBytes};
use crate::{
    Error, Result,
    gguf::TensorType,
    safetensors::{StoredTensor, ValidatedSafetensors},
};

impl ModelSource {
    /// The model of a checked folder.
    pub fn from_safetensors(folder: &ValidatedSafetensors) -> Result<Self> {
        let shards = folder.shards().iter();
        let files = shards.map(|shard| TensorBytes::open(&shard.path, shard.file_bytes));
        let files = files.collect::<Result<Vec<_>>>()?;
        let to_be_rounded = folder.metadata().bool("wick.ternary_online")? == Some(true);
        let mut tensors = HashMap::new();
        for stored in folder.tensors() {
            let data = match stored.is_packed {
                true => TensorBytes::made(folder.tensor_bytes(stored)?),
                false => files[stored.shard].slice(stored.range.clone())?,
            };
            let tensor = SourceTensor {
                tensor_type: stored.tensor_type,
                dims: stored.dims.clone(),
                data,
            };
            if to_be_rounded && is_of_a_layer(stored) {
                let (rounded, scale) = round_to_three_values(&tensor)?;
                tensors.insert(stored.name.clone(), rounded);
                let name = stored.name.replace(".weight", ".scale");
                tensors.insert(name, numbers(vec![1], &[scale]));
            } else {
                tensors.insert(stored.name.clone(), tensor);
            }
        }
        for computed in folder.computed() {
            let tensor = numbers(vec![computed.values.len()], &computed.values);
            tensors.insert(computed.name.to_owned(), tensor);
        }
        Ok(Self {
            architecture: folder.architecture().into(),
            metadata: folder.metadata().clone(),
            tensors,
            container: Container::Safetensors,
        })
    }
}

/// The matrices of the layers are rounded; the embedding and the output are not.
fn is_of_a_layer(stored: &StoredTensor) -> bool {
    stored.name.starts_with("blk.") && stored.dims.len() == 2
}

fn numbers(dims: Vec<usize>, values: &[f32]) -> SourceTensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    SourceTensor {
        tensor_type: TensorType::F32,
        dims,
        data: TensorBytes::made(bytes.collect()),
    }
}

/// BitNet's weights as they were trained: -1, 0 and 1, and the scale to multiply them with, which is the mean of their
/// absolute values (arXiv:2402.17764).
fn round_to_three_values(tensor: &SourceTensor) -> Result<(SourceTensor, f32)> {
    let format = tensor.tensor_type.format();
    let format = format.ok_or_else(|| Error::UnsupportedTensorType {
        tensor: "a matrix to be rounded to three values".into(),
        tensor_type: tensor.tensor_type.name().into(),
    })?;
    let mut weights = vec![0.0; tensor.dims.iter().product()];
    dequantize(format, tensor.data.as_ref(), &mut weights)?;
    // The file is several times as large as what is made of it.
    tensor.data.release(0..tensor.data.as_ref().len());
    let sum: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
    let scale = ((sum / weights.len().max(1) as f64) as f32).max(1e-5);
    for weight in &mut weights {
        *weight = (*weight / scale).round_ties_even().clamp(-1.0, 1.0);
    }
    // Blocks of TQ2_0 hold 256 weights of one row.
    let columns = tensor.dims[0];
    let Some(row_bytes) = Format::Tq2_0.row_bytes(columns) else {
        return Ok((numbers(tensor.dims.clone(), &weights), scale));
    };
    let mut blocks = vec![0; row_bytes * (weights.len() / columns)];
    quantize(Format::Tq2_0, &weights, &mut blocks)?;
    let rounded = SourceTensor {
        tensor_type: TensorType::Tq2_0,
        dims: tensor.dims.clone(),
        data: TensorBytes::made(blocks),
    };
    Ok((rounded, scale))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Bytes of a mapped file that are in memory.
    fn resident_bytes(path: &Path) -> Option<u64> {
        let maps = fs::read_to_string("/proc/self/smaps").ok()?;
        let name = path.to_str()?;
        let lines = maps.lines().skip_while(|line| !line.ends_with(name));
        let size = lines.filter_map(|line| line.strip_prefix("Rss:")).next()?;
        let size: u64 = size.trim().trim_end_matches(" kB").parse().ok()?;
        Some(size << 10)
    }

    #[test]
    fn what_was_rounded_leaves_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let (columns, rows) = (2048, 2048);
        // ±1, a half and a quarter of it, in BF16.
        let bytes = [[0x80, 0x3f], [0x80, 0xbf], [0x00, 0x3f], [0x80, 0x3e]];
        let bytes = bytes.concat().repeat(columns * rows / 4);
        fs::write(&path, &bytes).unwrap();
        let tensor = SourceTensor {
            tensor_type: TensorType::Bf16,
            dims: vec![columns, rows],
            data: TensorBytes::open(&path, bytes.len() as u64).unwrap(),
        };
        let (rounded, scale) = round_to_three_values(&tensor).unwrap();
        assert_eq!(scale, 0.6875);
        assert_eq!(rounded.tensor_type, TensorType::Tq2_0);
        let resident = resident_bytes(&path).expect("the file is mapped");
        assert!(resident < bytes.len() as u64 / 8, "{resident}");
    }
}
