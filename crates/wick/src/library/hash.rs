//! The sha256 of files, while they are copied or only read, with progress and a way to stop.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Bytes between two looks at the cancel flag.
const CHUNK_BYTES: usize = 1 << 20;
const BETWEEN_TELLINGS: Duration = Duration::from_millis(33);

/// Reading under way, of one file after another.
pub(crate) struct Reading<'a, F> {
    cancel: &'a AtomicBool,
    done_bytes: u64,
    total_bytes: u64,
    /// Hears the bytes of all files together: the first time, the last, and no more often than anybody looks.
    progress: F,
    told: Option<Instant>,
}

impl<'a, F: FnMut(u64)> Reading<'a, F> {
    pub fn new(cancel: &'a AtomicBool, total_bytes: u64, progress: F) -> Self {
        Self {
            cancel,
            done_bytes: 0,
            total_bytes,
            progress,
            told: None,
        }
    }

    /// The file's sha256, in hex.
    pub fn hash(&mut self, source: &Path) -> Result<String> {
        self.read(source, |_| Ok(()))
    }

    /// Copies the file to where none is, makes the copy durable, and gives its sha256.
    pub fn copy(&mut self, source: &Path, target: &Path) -> Result<String> {
        let failed = |error| Error::file(target, &error);
        let mut output = File::create_new(target).map_err(failed)?;
        let hash = self.read(source, |bytes| output.write_all(bytes).map_err(failed))?;
        output.sync_all().map_err(failed)?;
        Ok(hash)
    }

    fn read(&mut self, source: &Path, mut also: impl FnMut(&[u8]) -> Result<()>) -> Result<String> {
        let failed = |error| Error::file(source, &error);
        let mut input = File::open(source).map_err(failed)?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            let read = input.read(&mut chunk).map_err(failed)?;
            if read == 0 {
                return Ok(hex(hash));
            }
            hash.update(&chunk[..read]);
            also(&chunk[..read])?;
            self.done_bytes += read as u64;
            let is_due = self
                .told
                .is_none_or(|told| told.elapsed() >= BETWEEN_TELLINGS);
            if is_due || self.done_bytes == self.total_bytes {
                self.told = Some(Instant::now());
                (self.progress)(self.done_bytes);
            }
        }
    }
}

/// The id of a model: the sha256 of its file, or of the names and sha256s of its several.
pub(crate) fn id_of<'a>(files: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> String {
    let (count, mut hash) = (files.len(), Sha256::new());
    for (name, sha256) in files {
        if count == 1 {
            return sha256.to_owned();
        }
        hash.update(format!("{name} {sha256}\n"));
    }
    hex(hash)
}

/// The sha256 of a text, in hex.
pub(super) fn hash_of_text(text: &str) -> String {
    hex(Sha256::new_with_prefix(text))
}

fn hex(hash: Sha256) -> String {
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
