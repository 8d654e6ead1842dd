//! A header of which only the first bytes are there: of a file that is still to be downloaded.

use std::{cell::Cell, io::Read, path::Path};

use super::{Reader, ValidatedGguf, read_header, split::with_other_parts};
use crate::Result;

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

impl ValidatedGguf {
    /// Reads the header of a file of `file_bytes`, of which `first` is the beginning. With an empty `first` it says what
    /// to begin with. Damage is an error as soon as it is seen. A part of a split model cannot be read so.
    pub fn from_start(first: &[u8], file_bytes: u64) -> Result<Start> {
        let ran_out = Cell::new(false);
        let reader = Reader {
            inner: First {
                rest: first,
                ran_out: &ran_out,
            },
            path: Path::new(""),
            position: 0,
            length: file_bytes,
        };
        match read_header(reader) {
            Err(_) if ran_out.get() && (first.len() as u64) < file_bytes => {
                // Twice as much each time: a few requests reach any header.
                let bytes = FIRST_BYTES.max(2 * first.len() as u64).min(file_bytes);
                Ok(Start::Wants { bytes })
            }
            part => {
                let (gguf, problems) = Self::join(with_other_parts(part?)?)?;
                Ok(Start::Header(Box::new(gguf.refuse(problems)?)))
            }
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
