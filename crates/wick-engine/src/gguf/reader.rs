//! Reads the little-endian values of a header under limits, and tells what a file is that is no GGUF.

use std::{
    io::{ErrorKind, Read},
    path::Path,
};

use super::malformed;
use crate::{Error, Result};

/// Longest header: ten times the largest seen.
const MAX_HEADER_BYTES: u64 = 256 << 20;
/// Most keys, and most tensors.
const MAX_COUNT: u64 = super::layout::MAX_TENSORS;

/// Reads little-endian values and knows where it is. Before anything is allocated, its size is compared
/// with what the file still has.
pub(super) struct Reader<'a, R> {
    pub(super) inner: R,
    pub(super) path: &'a Path,
    pub(super) position: u64,
    pub(super) length: u64,
}

impl<R: Read> Reader<'_, R> {
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes a header may still take.
    pub(super) fn header_left(&self) -> u64 {
        MAX_HEADER_BYTES.saturating_sub(self.position)
    }

    /// Fails if the file or the header cannot have this many more bytes.
    pub(super) fn require(&self, bytes: u64) -> Result<()> {
        if bytes > self.header_left() {
            return Err(malformed(self.position, "header", "is longer than 256 MiB"));
        }
        let needed = self.position + bytes;
        if needed > self.length {
            return Err(Error::Truncated {
                needed,
                actual: self.length,
            });
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.require(buffer.len() as u64)?;
        self.inner.read_exact(buffer).map_err(|error| {
            if error.kind() == ErrorKind::UnexpectedEof {
                // The file became shorter while it was read.
                Error::Truncated {
                    needed: self.length,
                    actual: self.position,
                }
            } else {
                Error::read(self.path, &error)
            }
        })?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    /// The magic number; where it is not GGUF's, up to 512 bytes to tell what the file is instead.
    pub(super) fn start(&mut self) -> Result<Vec<u8>> {
        let mut start = vec![0; self.length.min(4) as usize];
        self.fill(&mut start)?;
        if start == b"GGUF" {
            return Ok(start);
        }
        if !start.is_empty() && b"GGUF".starts_with(&start) {
            return Err(Error::Truncated {
                needed: 24,
                actual: self.length,
            });
        }
        start.resize(self.length.min(512) as usize, 0);
        let read = start.len().min(4);
        self.fill(&mut start[read..])?;
        Ok(start)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        self.require(count as u64)?;
        let mut bytes = vec![0; count];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn count(&mut self, field: &str) -> Result<u64> {
        let offset = self.position;
        let count = self.u64()?;
        if count > MAX_COUNT {
            let reason = format!("is {count}; at most {MAX_COUNT} are allowed");
            return Err(malformed(offset, field, reason));
        }
        Ok(count)
    }

    pub(super) fn string(&mut self, field: &str, longest: u64) -> Result<String> {
        let offset = self.position;
        self.string_in(longest)
            .map_err(|error| error.unwrap_or_else(|reason| malformed(offset, field, reason)))
    }

    /// A string; the error is `Err(reason)` where the string itself breaks a rule, so that a caller that
    /// reads many puts names together only for the one that fails.
    pub(super) fn string_in(&mut self, longest: u64) -> Result<String, Result<Error, String>> {
        let length = self.u64().map_err(Ok)?;
        if length > longest {
            return Err(Err(format!(
                "has a length of {length} bytes; at most {longest} are allowed"
            )));
        }
        let bytes = self.bytes(length as usize).map_err(Ok)?;
        String::from_utf8(bytes).map_err(|_| Err("is not valid UTF-8".to_owned()))
    }
}

/// What a file that is not GGUF seems to be, from its first bytes.
pub(super) fn describe_start(start: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 18] = [
        (b"FUGG", "FUGG: a big-endian GGUF file"),
        (b"lmgg", "the mark of a GGML legacy file, from before GGUF"),
        (b"fmgg", "the mark of a GGML legacy file, from before GGUF"),
        (b"tjgg", "the mark of a GGML legacy file, from before GGUF"),
        (b"PK\x03\x04", "the mark of a ZIP archive"),
        (b"\x1f\x8b", "the mark of a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c", "the mark of a 7-Zip archive"),
        (b"Rar!", "the mark of a RAR archive"),
        (b"\x28\xb5\x2f\xfd", "the mark of a Zstandard archive"),
        (b"\x89HDF", "the mark of an HDF5 file"),
        (b"%PDF", "the mark of a PDF document"),
        (b"\x7fELF", "the mark of a program"),
        (b"MZ", "the mark of a Windows program"),
        (b"\x89PNG", "the mark of a picture"),
        (b"\xff\xd8\xff", "the mark of a picture"),
        (
            b"version https://git-lfs",
            "a Git LFS pointer: the model itself was not downloaded",
        ),
        (b"\x80\x02", "the mark of a PyTorch checkpoint"),
        (b"\x80\x04", "the mark of a PyTorch checkpoint"),
    ];
    if start.is_empty() {
        return "nothing: the file is empty".to_owned();
    }
    if start.starts_with(b"PK\x03\x04") && start.windows(8).any(|part| part == b"data.pkl") {
        return "the mark of a PyTorch checkpoint".to_owned();
    }
    if let Some((_, name)) = KNOWN.iter().find(|(mark, _)| start.starts_with(mark)) {
        return (*name).to_owned();
    }
    if start.get(8) == Some(&b'{') && start[4..8] == [0; 4] {
        return "the header of a safetensors file".to_owned();
    }
    if start.iter().all(|byte| *byte == 0) {
        return "zeros, as an unfinished download does".to_owned();
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return "HTML: it is a web page".to_owned();
    }
    if lower.starts_with("<?xml") {
        return "XML".to_owned();
    }
    if lower.starts_with('{') || lower.starts_with("[{") {
        return "JSON".to_owned();
    }
    let head: String = text.chars().take(24).collect();
    let printable = |c: char| !c.is_control() && c != '\u{FFFD}' || c.is_whitespace();
    if !head.is_empty() && head.chars().all(printable) {
        return format!(
            "the text \"{}\"",
            head.split_whitespace().collect::<Vec<_>>().join(" ")
        );
    }
    let bytes: Vec<String> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("the bytes {}", bytes.join(" "))
}
