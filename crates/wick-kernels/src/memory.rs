//! Memory for repacked weights, in large pages where the system has them: reading weights is bound by memory, and half
//! as fast with small pages.

mod system;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use system::Chunk;

/// The size of a large page.
const PAGE: usize = 2 << 20;

/// Most matrices of a small model are smaller than a large page; they share chunks of this size.
const CHUNK: usize = 32 << 20;

/// Of a chunk, what is in memory and not used, on average.
const EMPTY: usize = PAGE / 8 * 5;

/// What an allocation of so many bytes takes: whole large pages where it has a chunk of its own, else its share of a
/// chunk, at whose end a page is in part empty.
pub(crate) fn taken(length: usize) -> usize {
    let lines = length.div_ceil(64).saturating_mul(64);
    match lines > CHUNK / 2 {
        true => lines.div_ceil(PAGE).saturating_mul(PAGE),
        false => lines + lines / (CHUNK / EMPTY),
    }
}

/// Hands out parts of chunks.
#[derive(Default)]
pub(crate) struct Arena {
    current: Mutex<Option<(Arc<Chunk>, usize)>>,
}

/// A part of a chunk, aligned to cache lines.
pub(crate) struct Memory {
    chunk: Arc<Chunk>,
    start: usize,
    length: usize,
}

impl Arena {
    /// Memory of undefined contents. `None` where the size is not one that can be had.
    pub(crate) fn allocate(&self, length: usize) -> Option<Memory> {
        let taken = length.checked_next_multiple_of(64)?;
        if taken > CHUNK / 2 {
            let chunk = Arc::new(Chunk::new(taken)?);
            return Some(Memory {
                chunk,
                start: 0,
                length,
            });
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (chunk, used) = match current.take() {
            Some((chunk, used)) if CHUNK - used >= taken => (chunk, used),
            _ => (Arc::new(Chunk::new(CHUNK)?), 0),
        };
        *current = Some((chunk.clone(), used + taken));
        Some(Memory {
            chunk,
            start: used,
            length,
        })
    }
}

impl Memory {
    pub(crate) fn start(&self) -> *mut u8 {
        // SAFETY: within the chunk.
        unsafe { self.chunk.start().add(self.start) }
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }
}
