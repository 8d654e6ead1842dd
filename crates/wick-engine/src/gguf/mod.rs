//! Reads the header of a GGUF file by strict rules. What comes out is a [`ValidatedGguf`]: every count,
//! length, offset and shape in it has been checked against the format, the file and each other, so the
//! parts that compute may rely on them. Model files come from strangers; nothing in one is believed.

mod cross_check;
mod info;
mod layout;
mod metadata;
mod reader;
mod supported;
mod tensor_type;

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

pub use layout::TensorInfo;
pub use metadata::Metadata;
pub use tensor_type::TensorType;

use crate::{Error, Result};
use cross_check::check_model;
use layout::{check_ranges, read_tensors};
use reader::{Reader, describe_start};

/// A GGUF file whose header has passed every rule. Only [`ValidatedGguf::open`] makes one.
#[derive(Debug, Clone)]
pub struct ValidatedGguf {
    path: PathBuf,
    version: u32,
    file_bytes: u64,
    data_offset: u64,
    architecture: String,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
}

impl ValidatedGguf {
    /// Reads and checks the header of the file; its weights are not read.
    pub fn open(path: &Path) -> Result<Self> {
        let read_error = |error| Error::read(path, &error);
        // Asked before opening: opening a pipe would wait for its other end.
        let is_file = std::fs::metadata(path).map_err(read_error)?.is_file();
        let file = File::open(path).map_err(read_error)?;
        let found = file.metadata().map_err(read_error)?;
        if !is_file || !found.is_file() {
            return Err(Error::Read {
                path: path.display().to_string(),
                reason: "it is not a file".to_owned(),
            });
        }
        let length = found.len();
        let reader = Reader {
            inner: BufReader::with_capacity(256 << 10, file),
            path,
            position: 0,
            length,
        };
        Self::read(reader)
    }

    fn read(mut reader: Reader<'_, impl Read>) -> Result<Self> {
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
        let header_end = reader.position;
        let data_offset = header_end.next_multiple_of(alignment);
        check_ranges(&tensors, data_offset, reader.length)?;

        let architecture = metadata
            .str("general.architecture")?
            .ok_or_else(|| malformed(header_end, "general.architecture", "is missing"))?
            .to_owned();
        let named_well = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !(1..=64).contains(&architecture.len()) || !architecture.bytes().all(named_well) {
            return Err(metadata.malformed(
                "general.architecture",
                "must be 1 to 64 letters, digits, dots, dashes or underscores",
            ));
        }
        check_model(&architecture, &metadata, &tensors)?;
        Ok(Self {
            path: reader.path.to_owned(),
            version,
            file_bytes: reader.length,
            data_offset,
            architecture,
            metadata,
            tensors,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys and values of the header.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tensors, as the header lists them.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Where the tensor data starts in the file.
    pub fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// Length of the file when it was checked.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }
}

/// A key or name from the file, fit for an error message.
fn label(name: &str) -> String {
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
