//! The tensors of a header: their names, shapes and types, and where they lie. Every one lies in the file, none
//! on another.

use std::{collections::HashSet, io::Read};

use super::{Reader, TensorType, label, malformed};
use crate::{Error, Result};

/// Longest name of a tensor; llama.cpp stops at 63.
const MAX_TENSOR_NAME_BYTES: u64 = 255;
/// Most tensors of a model.
pub(super) const MAX_TENSORS: u64 = 65_536;
/// Largest dimension of a tensor.
const MAX_DIMENSION: u64 = 1 << 31;
/// No file is longer; an offset past it is damage, not an unfinished download.
const MAX_FILE_BYTES: u64 = 1 << 44;

/// Where one tensor lies, and what it holds.
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its dimensions, 1 to 4 of them, the fastest varying first (candle's are the other way round).
    pub dims: Vec<usize>,
    /// How its weights are stored.
    pub tensor_type: TensorType,
    /// Which of the model's files it is in, from 0.
    pub part: usize,
    /// Where it starts, from the start of that file's tensor data.
    pub offset: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// Where the header describes it.
    pub(super) described_at: u64,
}

impl TensorInfo {
    /// How many weights it holds.
    pub fn elements(&self) -> u64 {
        self.dims.iter().map(|dim| *dim as u64).product()
    }
}

pub(super) fn read_tensors(
    reader: &mut Reader<impl Read>,
    count: u64,
    alignment: u64,
) -> Result<Vec<TensorInfo>> {
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for index in 0..count {
        let described_at = reader.position;
        let name = reader.string(&format!("name of tensor {index}"), MAX_TENSOR_NAME_BYTES)?;
        if name.is_empty() {
            let field = format!("name of tensor {index}");
            return Err(malformed(described_at, field, "is empty"));
        }
        let field = |part: &str| format!("{part} of tensor {}", label(&name));
        if !names.insert(name.clone()) {
            return Err(malformed(described_at, field("name"), "is there twice"));
        }
        let at = reader.position;
        let rank = reader.u32()?;
        if !(1..=4).contains(&rank) {
            let reason = format!("is {rank}; must be 1 to 4");
            return Err(malformed(at, field("n_dims"), reason));
        }
        let dims_at = reader.position;
        let mut dims = Vec::with_capacity(rank as usize);
        for axis in 0..rank {
            let at = reader.position;
            let dim = reader.u64()?;
            if !(1..=MAX_DIMENSION).contains(&dim) {
                let reason = format!("is {dim}; must be 1 to {MAX_DIMENSION}");
                return Err(malformed(at, field(&format!("dims[{axis}]")), reason));
            }
            dims.push(dim);
        }
        let at = reader.position;
        let id = reader.u32()?;
        let Some(tensor_type) = TensorType::from_id(id) else {
            if id > 255 {
                return Err(malformed(
                    at,
                    field("type"),
                    format!("is {id}; no such type"),
                ));
            }
            return Err(Error::UnsupportedTensorType {
                tensor: label(&name),
                tensor_type: format!("number {id}"),
            });
        };
        let block = tensor_type.block_size();
        if dims[0] % block != 0 {
            let reason = format!("is {}; {tensor_type} needs a multiple of {block}", dims[0]);
            return Err(malformed(dims_at, field("dims[0]"), reason));
        }
        let bytes = dims
            .iter()
            .try_fold(1u64, |product, dim| product.checked_mul(*dim))
            .and_then(|elements| (elements / block).checked_mul(tensor_type.block_bytes()))
            .filter(|bytes| *bytes <= MAX_FILE_BYTES)
            .ok_or_else(|| malformed(dims_at, field("dims"), "the tensor is impossibly large"))?;
        let at = reader.position;
        let offset = reader.u64()?;
        if offset % alignment != 0 {
            let reason = format!("is {offset}; must be a multiple of {alignment}");
            return Err(malformed(at, field("offset"), reason));
        }
        if offset > MAX_FILE_BYTES {
            let reason = format!("is {offset}; no file is that long");
            return Err(malformed(at, field("offset"), reason));
        }
        tensors.push(TensorInfo {
            dims: dims.iter().map(|dim| *dim as usize).collect(),
            name,
            tensor_type,
            part: 0,
            offset,
            bytes,
            described_at,
        });
    }
    Ok(tensors)
}

/// No two tensors share a byte, and all lie in the file.
pub(super) fn check_ranges(tensors: &[TensorInfo], data_offset: u64, length: u64) -> Result<()> {
    let mut sorted: Vec<&TensorInfo> = tensors.iter().collect();
    sorted.sort_by_key(|tensor| tensor.offset);
    for pair in sorted.windows(2) {
        if let [before, after] = pair
            && after.offset < before.offset + before.bytes
        {
            let field = format!("offset of tensor {}", label(&after.name));
            let reason = format!(
                "is {}; tensor {} ends at {}",
                after.offset,
                label(&before.name),
                before.offset + before.bytes
            );
            return Err(malformed(after.described_at, field, reason));
        }
    }
    if let Some(last) = sorted.last() {
        let needed = data_offset + last.offset + last.bytes;
        if needed > length {
            return Err(Error::Truncated {
                needed,
                actual: length,
            });
        }
    }
    Ok(())
}
