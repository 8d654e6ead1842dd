//! Bytes of weights: parts of files mapped into memory, read only, and what had to be made anew. The one place in the
//! engine that needs `unsafe`.

use std::{fs::File, ops::Range, path::Path, sync::Arc};

use memmap2::Mmap;

use crate::{Error, Result};

/// The system maps so much at a time around a byte that is read: of a tensor's neighbours too.
const READ_AROUND: usize = 64 << 10;

/// The bytes of a tensor.
#[derive(Debug, Clone)]
pub struct TensorBytes {
    whole: Arc<Whole>,
    range: Range<usize>,
}

#[derive(Debug)]
enum Whole {
    File(Mmap),
    Made(Vec<u8>),
}

impl TensorBytes {
    /// Maps a whole file, which must have as many bytes as when it was checked.
    pub fn open(path: &Path, expected_bytes: u64) -> Result<Self> {
        let read_error = |error| Error::read(path, &error);
        let file = File::open(path).map_err(read_error)?;
        // SAFETY: the map is read only and only ever seen as bytes, for which every bit pattern is valid. If
        // another program cuts the file short meanwhile, reading ends this process, which is the engine's own.
        #[allow(unsafe_code, reason = "the one mapping of model files")]
        let map = unsafe { Mmap::map(&file) }.map_err(read_error)?;
        if map.len() as u64 != expected_bytes {
            return Err(Error::Truncated {
                needed: expected_bytes,
                actual: map.len() as u64,
            });
        }
        let range = 0..map.len();
        Ok(Self {
            whole: Arc::new(Whole::File(map)),
            range,
        })
    }

    /// Bytes that are in no file as they are.
    pub fn made(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self {
            whole: Arc::new(Whole::Made(bytes)),
            range,
        }
    }

    /// A part of this one.
    pub fn slice(&self, part: Range<u64>) -> Result<Self> {
        let length = self.range.len() as u64;
        if part.start > part.end || part.end > length {
            return Err(Error::Truncated {
                needed: part.end,
                actual: length,
            });
        }
        let start = self.range.start;
        Ok(Self {
            whole: self.whole.clone(),
            range: start + part.start as usize..start + part.end as usize,
        })
    }
}

impl AsRef<[u8]> for TensorBytes {
    fn as_ref(&self) -> &[u8] {
        match &*self.whole {
            Whole::File(map) => &map[self.range.clone()],
            Whole::Made(bytes) => &bytes[self.range.clone()],
        }
    }
}

impl wick_kernels::WeightBytes for TensorBytes {
    fn bytes(&self) -> &[u8] {
        self.as_ref()
    }

    fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Whole::File(map) = &*self.whole {
            let pages = memmap2::UncheckedAdvice::DontNeed;
            let from = (self.range.start + range.start).saturating_sub(READ_AROUND);
            let to = map.len().min(self.range.start + range.end + READ_AROUND);
            // SAFETY: the map is shared and never written, so dropping its pages loses nothing: they are read from
            // the file again if anyone looks after all.
            #[allow(unsafe_code, reason = "a hint about the mapping above")]
            let dropped = unsafe { map.unchecked_advise_range(pages, from, to - from) };
            dropped.ok();
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}
