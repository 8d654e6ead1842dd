//! Reads the header of a GGUF file by strict rules. What comes out is a [`ValidatedGguf`]: every count,
//! length, offset and shape in it has been checked against the format, the file and each other, so the
//! parts that compute may rely on them. Model files come from strangers; nothing in one is believed.

pub mod cross_check;
mod info;
mod layout;
mod metadata;
mod reader;
mod split;
mod start;
mod supported;
mod tensor_type;

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

pub(crate) use info::clean_name;
pub use layout::TensorInfo;
pub use metadata::{Metadata, MetadataValue};
pub use split::GgufPart;
pub(crate) use start::Starts;
pub use start::{FirstBytes, Start};
pub use tensor_type::TensorType;

use crate::{Error, Result};
use cross_check::{TensorProblem, check_hyper_parameters, check_tensors};
use layout::{check_ranges, read_tensors};
use reader::{Reader, describe_start};
use split::with_other_parts;

/// A GGUF model whose header has passed every rule: one file, or the parts of a split one.
/// Only [`ValidatedGguf::open`] and [`ValidatedGguf::from_bytes`] make one.
#[derive(Debug, Clone)]
pub struct ValidatedGguf {
    architecture: String,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    parts: Vec<GgufPart>,
}

/// A file by itself, read and checked as far as that goes.
struct Part {
    file: GgufPart,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
}

impl ValidatedGguf {
    /// Reads and checks the header of the file, and where it is a part of a split model those of the other parts, which
    /// lie beside it. Weights are not read.
    pub fn open(path: &Path) -> Result<Self> {
        let (gguf, problems) = Self::open_with_problems(path)?;
        gguf.refuse(problems)
    }

    /// The same from a file held in memory, which cannot be part of a split model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let reader = Reader {
            inner: bytes,
            path: Path::new(""),
            position: 0,
            length: bytes.len() as u64,
        };
        let none = |_: &Path| Ok(None);
        let (gguf, problems) = Self::join(with_other_parts(read_header(reader)?, none)?)?;
        gguf.refuse(problems)
    }

    /// As [`ValidatedGguf::open`], with all that is wrong with the tensors of a known architecture.
    pub(crate) fn open_with_problems(path: &Path) -> Result<(Self, Vec<TensorProblem>)> {
        let other = |path: &Path| path.exists().then(|| read_part(path)).transpose();
        Self::join(with_other_parts(read_part(path)?, other)?)
    }

    /// The parts as one model, cross-checked.
    fn join(mut parts: Vec<Part>) -> Result<(Self, Vec<TensorProblem>)> {
        let mut tensors = Vec::new();
        for (part, read) in parts.iter_mut().enumerate() {
            let of_part = read.tensors.drain(..);
            tensors.extend(of_part.map(|tensor| TensorInfo { part, ..tensor }));
        }
        let metadata = std::mem::take(&mut parts[0].metadata);
        let architecture = architecture_of(&metadata, parts[0].file.data_offset)?.to_owned();
        check_hyper_parameters(&architecture, &metadata)?;
        let shapes = tensors.iter().map(|t| (t.name.as_str(), &t.dims[..]));
        let problems = check_tensors(&architecture, &metadata, shapes)?;
        let gguf = Self {
            architecture,
            metadata,
            tensors,
            parts: parts.into_iter().map(|part| part.file).collect(),
        };
        Ok((gguf, problems))
    }

    fn refuse(self, problems: Vec<TensorProblem>) -> Result<Self> {
        match problems.first() {
            None => Ok(self),
            Some(first) => Err(self.error_of(first)),
        }
    }

    /// The problem as an error that says where in the header it is.
    pub(crate) fn error_of(&self, problem: &TensorProblem) -> Error {
        let tensor = self.tensors.iter().find(|t| t.name == problem.tensor);
        let offset = tensor.map_or(self.data_offset(), |tensor| tensor.described_at);
        malformed(offset, problem.field(), &problem.reason)
    }

    /// The file; of a split model, the first.
    pub fn path(&self) -> &Path {
        &self.parts[0].path
    }

    /// The files, in order: one, or the parts of a split model.
    pub fn parts(&self) -> &[GgufPart] {
        &self.parts
    }

    /// The keys and values of the header; of a split model, of the first part's.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tensors, as the headers list them.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Where the tensor data starts in the first file.
    pub fn data_offset(&self) -> u64 {
        self.parts[0].data_offset
    }

    /// Length of all files when they were checked.
    pub fn file_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.file_bytes).sum()
    }
}

/// Reads and checks the header of one file.
fn read_part(path: &Path) -> Result<Part> {
    let file = open_file(path)?;
    let length = file
        .metadata()
        .map_err(|error| Error::read(path, &error))?
        .len();
    read_header(Reader {
        inner: BufReader::with_capacity(256 << 10, file),
        path,
        position: 0,
        length,
    })
}

/// Opens what must be a file: asked before opening, since opening a pipe would wait for its other end.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let read_error = |error| Error::read(path, &error);
    let is_file = std::fs::metadata(path).map_err(read_error)?.is_file();
    let not_a_file = || Error::Read {
        path: path.display().to_string(),
        reason: "it is not a file".to_owned(),
    };
    if !is_file {
        return Err(not_a_file());
    }
    let file = File::open(path).map_err(read_error)?;
    match file.metadata().map_err(read_error)?.is_file() {
        true => Ok(file),
        false => Err(not_a_file()),
    }
}

fn read_header(mut reader: Reader<'_, impl Read>) -> Result<Part> {
    let magic = reader.start()?;
    if !magic.starts_with(b"GGUF") {
        return Err(Error::NotGguf {
            path: reader.path.display().to_string(),
            found: describe_start(&magic),
        });
    }
    let version = reader.u32()?;
    if !matches!(version, 2 | 3) {
        return Err(Error::UnsupportedVersion { version });
    }
    let tensor_count = reader.count("tensor_count")?;
    let metadata_count = reader.count("metadata_kv_count")?;
    let metadata = Metadata::read(&mut reader, metadata_count)?;
    let alignment = metadata.alignment()?;
    let tensors = read_tensors(&mut reader, tensor_count, alignment)?;
    let data_offset = reader.position.next_multiple_of(alignment);
    check_ranges(&tensors, data_offset, reader.length)?;
    Ok(Part {
        file: GgufPart {
            path: reader.path.to_owned(),
            file_bytes: reader.length,
            data_offset,
        },
        metadata,
        tensors,
    })
}

/// `general.architecture`, fit to be a part of keys.
fn architecture_of(metadata: &Metadata, header_end: u64) -> Result<&str> {
    const KEY: &str = "general.architecture";
    let architecture = metadata
        .str(KEY)?
        .ok_or_else(|| malformed(header_end, KEY, "is missing"))?;
    let named_well = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !(1..=64).contains(&architecture.len()) || !architecture.bytes().all(named_well) {
        let reason = "must be 1 to 64 letters, digits, dots, dashes or underscores";
        return Err(metadata.malformed(KEY, reason));
    }
    Ok(architecture)
}

/// A key or name from the file, fit for an error message.
pub(crate) fn label(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut label: String = name
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if name.chars().nth(LONGEST).is_some() {
        label.push('…');
    }
    label
}

fn malformed(offset: u64, field: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::Malformed {
        offset,
        field: field.into(),
        reason: reason.into(),
    }
}
