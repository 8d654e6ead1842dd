//! A header of which only the first bytes are there: of a file that is still to be downloaded, or of the parts of a
//! split one.

use std::{cell::Cell, io::Read, path::Path};

use super::{
    Part, Reader, ValidatedGguf, cross_check::TensorProblem, read_header, split::with_other_parts,
};
use crate::{Error, Result};

/// Bytes to begin with: the headers of models with small vocabularies.
const FIRST_BYTES: u64 = 1 << 20;

/// What the first bytes of a file tell.
#[derive(Debug, Clone)]
pub enum Start {
    /// All of the header.
    Header(Box<ValidatedGguf>),
    /// Too little: so many of the first bytes are wanted next.
    Wants {
        /// How many, from the beginning of the file; at most all of them.
        bytes: u64,
    },
}

/// The beginning of a file.
#[derive(Debug, Clone, Copy)]
pub struct FirstBytes<'a> {
    /// Its name; of a part it says which. The parts of a model have names of one pattern.
    pub name: &'a str,
    /// What there is of it.
    pub bytes: &'a [u8],
    /// The size of all of it.
    pub file_bytes: u64,
}

/// What the first bytes of the files of a model tell.
pub(crate) enum Starts {
    /// All of the headers, and all that is wrong with the tensors.
    Headers(Box<(ValidatedGguf, Vec<TensorProblem>)>),
    /// Too little of one of them.
    Wants { file: usize, bytes: u64 },
}

impl ValidatedGguf {
    /// Reads the header of a file of `file_bytes`, of which `first` is the beginning. With an empty `first` it says what
    /// to begin with. Damage is an error as soon as it is seen. A part of a split model cannot be read so.
    pub fn from_start(first: &[u8], file_bytes: u64) -> Result<Start> {
        let first = FirstBytes {
            name: "",
            bytes: first,
            file_bytes,
        };
        match Self::from_starts(&[first])? {
            Starts::Headers(read) => {
                let (gguf, problems) = *read;
                Ok(Start::Header(Box::new(gguf.refuse(problems)?)))
            }
            Starts::Wants { bytes, .. } => Ok(Start::Wants { bytes }),
        }
    }

    /// The same of one file or all parts of a split one.
    pub(crate) fn from_starts(files: &[FirstBytes<'_>]) -> Result<Starts> {
        if files.is_empty() {
            return Err(Error::Truncated {
                needed: 4,
                actual: 0,
            });
        }
        let wanted = Cell::new(None);
        let read = |file: usize| {
            let read = files[file].read();
            if let Ok(Err(bytes)) = &read {
                wanted.set(Some((file, *bytes)));
            }
            read?.map_err(|_| Error::Truncated {
                needed: files[file].file_bytes,
                actual: files[file].bytes.len() as u64,
            })
        };
        let named = |path: &Path| files.iter().position(|file| Path::new(file.name) == path);
        let parts = read(0)
            .and_then(|first| with_other_parts(first, |path| named(path).map(&read).transpose()));
        match (parts, wanted.get()) {
            (Err(_), Some((file, bytes))) => Ok(Starts::Wants { file, bytes }),
            (parts, _) => Ok(Starts::Headers(Box::new(Self::join(parts?)?))),
        }
    }
}

impl FirstBytes<'_> {
    /// The header, or how many bytes are wanted of it.
    fn read(&self) -> Result<Result<Part, u64>> {
        let ran_out = Cell::new(false);
        let reader = Reader {
            inner: First {
                rest: self.bytes,
                ran_out: &ran_out,
            },
            path: Path::new(self.name),
            position: 0,
            length: self.file_bytes,
        };
        let there = self.bytes.len() as u64;
        match read_header(reader) {
            // Twice as much each time: a few requests reach any header.
            Err(_) if ran_out.get() && there < self.file_bytes => {
                Ok(Err(FIRST_BYTES.max(2 * there).min(self.file_bytes)))
            }
            part => part.map(Ok),
        }
    }
}

/// Bytes that tell when more than there are were wanted.
struct First<'a> {
    rest: &'a [u8],
    ran_out: &'a Cell<bool>,
}

impl Read for First<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() && !buffer.is_empty() {
            self.ran_out.set(true);
        }
        self.rest.read(buffer)
    }
}
