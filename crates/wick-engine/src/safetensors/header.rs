//! The header of one safetensors file: eight bytes that give its length, then JSON that says of each tensor its name,
//! type, shape and place. Every tensor lies in the file, none on another, and nothing lies between them.

use std::{fs::File, io::Read, ops::Range, path::Path};

use serde_json::{Map, Value};

use super::json::{self, file_name, kind_of, malformed};
use crate::{
    Error, Result,
    gguf::{label, open_file},
};

/// Longest header, as the Hub's own tools have it.
const MAX_HEADER_BYTES: u64 = 25_000_000;
/// Most tensors of a file, and of a model.
pub(super) const MAX_TENSORS: usize = 65_536;
/// Most values in the JSON: a tensor has at most 13.
const MAX_VALUES: usize = 1 << 20;
/// Longest name of a tensor.
const MAX_NAME_BYTES: usize = 512;
const MAX_RANK: usize = 8;
/// Bytes that say how long the header is.
const LENGTH_BYTES: u64 = 8;

/// A tensor as the header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTensor {
    /// Its name.
    pub name: String,
    /// How its elements are stored.
    pub dtype: Dtype,
    /// Its dimensions, the slowest varying first.
    pub shape: Vec<u64>,
    /// Where it lies, from the start of the file.
    pub range: Range<u64>,
}

/// Types of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the format's own names")]
pub enum Dtype {
    Bool,
    U8,
    I8,
    F8E5m2,
    F8E4m3,
    I16,
    U16,
    F16,
    Bf16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Dtype {
    const ALL: [(Self, &str, u64); 15] = [
        (Self::Bool, "BOOL", 1),
        (Self::U8, "U8", 1),
        (Self::I8, "I8", 1),
        (Self::F8E5m2, "F8_E5M2", 1),
        (Self::F8E4m3, "F8_E4M3", 1),
        (Self::I16, "I16", 2),
        (Self::U16, "U16", 2),
        (Self::F16, "F16", 2),
        (Self::Bf16, "BF16", 2),
        (Self::I32, "I32", 4),
        (Self::U32, "U32", 4),
        (Self::F32, "F32", 4),
        (Self::F64, "F64", 8),
        (Self::I64, "I64", 8),
        (Self::U64, "U64", 8),
    ];

    fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == name);
        found.map(|(dtype, ..)| *dtype)
    }

    /// Its name in a header.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Bytes of an element.
    pub fn bytes(self) -> u64 {
        Self::ALL[self as usize].2
    }
}

/// Reads and checks the header of a file, and tells how long the file is.
pub(super) fn read_header(path: &Path) -> Result<(Vec<HeaderTensor>, u64)> {
    let mut file = open_file(path)?;
    let read_error = |error| Error::read(path, &error);
    let length = file.metadata().map_err(read_error)?.len();
    let name = file_name(path);
    let header = header_bytes(&mut file, &name, length).map_err(|error| match error {
        HeaderError::Io(error) => read_error(error),
        HeaderError::Wrong(error) => error,
    })?;
    Ok((parse_header(&name, &header, length)?, length))
}

enum HeaderError {
    Io(std::io::Error),
    Wrong(Error),
}

fn header_bytes(file: &mut File, name: &str, length: u64) -> Result<Vec<u8>, HeaderError> {
    let truncated = |needed| HeaderError::Wrong(cut_short(name, needed, length));
    if length < LENGTH_BYTES {
        return Err(truncated(LENGTH_BYTES));
    }
    let mut start = [0; LENGTH_BYTES as usize];
    file.read_exact(&mut start).map_err(HeaderError::Io)?;
    if start.starts_with(b"version ") {
        let reason = "is a Git LFS pointer: the model itself was not downloaded";
        return Err(HeaderError::Wrong(malformed(name, "header length", reason)));
    }
    let bytes = u64::from_le_bytes(start);
    if bytes > MAX_HEADER_BYTES {
        let reason = format!("is {bytes}; at most {MAX_HEADER_BYTES} are allowed");
        return Err(HeaderError::Wrong(malformed(name, "header length", reason)));
    }
    if LENGTH_BYTES + bytes > length {
        return Err(truncated(LENGTH_BYTES + bytes));
    }
    let mut header = vec![0; bytes as usize];
    file.read_exact(&mut header).map_err(HeaderError::Io)?;
    Ok(header)
}

fn cut_short(file: &str, needed: u64, actual: u64) -> Error {
    let reason = format!("it is cut short: it has {actual} bytes and needs {needed}");
    malformed(file, "length", reason)
}

/// Checks the JSON of a header against the length of its file. The tensors come out in the order they lie in.
pub fn parse_header(file: &str, header: &[u8], file_bytes: u64) -> Result<Vec<HeaderTensor>> {
    if header.first() != Some(&b'{') {
        return Err(malformed(file, "header", "does not begin with {"));
    }
    let object = json::parse_object(file, header, MAX_VALUES)?;
    let data_offset = LENGTH_BYTES + header.len() as u64;
    let mut tensors = Vec::new();
    for (name, value) in object {
        if name == "__metadata__" {
            check_metadata(file, &value)?;
            continue;
        }
        if tensors.len() == MAX_TENSORS {
            let reason = format!("has more than {MAX_TENSORS} tensors");
            return Err(malformed(file, "header", reason));
        }
        tensors.push(parse_tensor(file, name, &value, data_offset)?);
    }
    tensors.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
    let mut end = data_offset;
    for tensor in &tensors {
        if tensor.range.start != end {
            let field = format!("data_offsets of {}", tensor.name);
            let reason = format!(
                "begin at {}; the tensor before ends at {}",
                tensor.range.start - data_offset,
                end - data_offset
            );
            return Err(malformed(file, &field, reason));
        }
        end = tensor.range.end;
    }
    match end.cmp(&file_bytes) {
        std::cmp::Ordering::Equal => Ok(tensors),
        std::cmp::Ordering::Greater => Err(cut_short(file, end, file_bytes)),
        std::cmp::Ordering::Less => {
            let reason = format!("the tensors end at byte {end} of {file_bytes}");
            Err(malformed(file, "length", reason))
        }
    }
}

/// Notes of whoever wrote the file: text by text.
fn check_metadata(file: &str, value: &Value) -> Result<()> {
    let field = "__metadata__";
    let Value::Object(notes) = value else {
        return Err(malformed(file, field, "is no object"));
    };
    match notes.iter().find(|(_, note)| !note.is_string()) {
        Some((key, note)) => {
            let reason = format!(
                "has {} under {:?}; must be a string",
                kind_of(note),
                label(key)
            );
            Err(malformed(file, field, reason))
        }
        None => Ok(()),
    }
}

fn parse_tensor(file: &str, name: String, value: &Value, data_offset: u64) -> Result<HeaderTensor> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let reason = format!("must be 1 to {MAX_NAME_BYTES} bytes without control characters");
        return Err(malformed(file, &format!("name of tensor {name}"), reason));
    }
    let wrong = |part: &str, reason: String| malformed(file, &format!("{part} of {name}"), reason);
    let Value::Object(described) = value else {
        return Err(wrong("description", format!("is {}", kind_of(value))));
    };
    let fields = ["dtype", "shape", "data_offsets"];
    if let Some(key) = described.keys().find(|key| !fields.contains(&key.as_str())) {
        return Err(wrong(&label(key), "is not a field of tensors".to_owned()));
    }
    let dtype = match described.get("dtype") {
        Some(Value::String(dtype)) => dtype,
        Some(other) => return Err(wrong("dtype", format!("is {}", kind_of(other)))),
        None => return Err(wrong("dtype", "is missing".to_owned())),
    };
    let Some(dtype) = Dtype::named(dtype) else {
        return Err(Error::UnsupportedTensorType {
            tensor: label(&name),
            tensor_type: label(dtype),
        });
    };
    let shape = numbers(described, "shape").map_err(|reason| wrong("shape", reason))?;
    if shape.len() > MAX_RANK {
        let reason = format!(
            "has {} dimensions; at most {MAX_RANK} are allowed",
            shape.len()
        );
        return Err(wrong("shape", reason));
    }
    let bytes = shape
        .iter()
        .try_fold(dtype.bytes(), |bytes, dim| bytes.checked_mul(*dim))
        .ok_or_else(|| wrong("shape", "is impossibly large".to_owned()))?;
    let offsets =
        numbers(described, "data_offsets").map_err(|reason| wrong("data_offsets", reason))?;
    let [begin, end] = offsets[..] else {
        return Err(wrong(
            "data_offsets",
            format!("are {} numbers; must be 2", offsets.len()),
        ));
    };
    if end.checked_sub(begin) != Some(bytes) {
        let reason = format!("are {begin} to {end}; the shape takes {bytes} bytes");
        return Err(wrong("data_offsets", reason));
    }
    let range = begin
        .checked_add(data_offset)
        .zip(end.checked_add(data_offset));
    let Some((begin, end)) = range else {
        return Err(wrong(
            "data_offsets",
            "are past the end of any file".to_owned(),
        ));
    };
    Ok(HeaderTensor {
        dtype,
        shape,
        range: begin..end,
        name,
    })
}

fn numbers(described: &Map<String, Value>, field: &str) -> Result<Vec<u64>, String> {
    match described.get(field) {
        None => Err("is missing".to_owned()),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| {
                let number = value.as_u64();
                number.ok_or_else(|| format!("has {value}, which is no whole number"))
            })
            .collect(),
        Some(other) => Err(format!("is {}; must be a list", kind_of(other))),
    }
}
