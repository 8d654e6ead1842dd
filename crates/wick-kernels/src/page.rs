//! Memory for pages of the KV cache. Pages of a size lie side by side in large pages of the system's: attention to a long
//! context is bound by memory, and slower where every few tokens need another translation of addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::slice;
use std::sync::Mutex;

use crate::memory::Chunk;
use crate::threads::unpoisoned;
use crate::{Error, Result};

/// At least so many share a slab, lest much of it be empty at the end.
const FEWEST: usize = 8;

/// All slabs, by the size of their pages.
static SLABS: Mutex<BTreeMap<usize, Slabs>> = Mutex::new(BTreeMap::new());

/// Memory of one page, aligned to cache lines. What is given up is used again by pages of the same size; a slab of which
/// nothing is used goes back to the system.
pub struct Page {
    start: *mut u8,
    bytes: usize,
}

// SAFETY: a page is plain memory that nobody else has.
unsafe impl Send for Page {}
// SAFETY: it is written through `&mut` alone.
unsafe impl Sync for Page {}

/// The slabs of one size of pages, by where they start.
#[derive(Default)]
struct Slabs {
    all: BTreeMap<usize, Slab>,
    /// Those with room.
    open: BTreeSet<usize>,
}

struct Slab {
    chunk: Chunk,
    /// Numbers of the places that are not in use.
    free: Vec<usize>,
    places: usize,
}

impl Page {
    /// So many bytes, all zero.
    pub fn zeroed(bytes: usize) -> Result<Self> {
        // SAFETY: a place of so many bytes that is nobody else's.
        Self::new(bytes, |start| unsafe { start.write_bytes(0, bytes) })
    }

    /// A page of its own with the same bytes.
    pub fn copied(&self) -> Result<Self> {
        // SAFETY: as above, with the bytes of another place.
        Self::new(self.bytes, |start| unsafe {
            start.copy_from_nonoverlapping(self.start, self.bytes);
        })
    }

    /// Whose place `write` writes first.
    fn new(bytes: usize, write: impl FnOnce(*mut u8)) -> Result<Self> {
        let place = unpoisoned(&SLABS).entry(bytes).or_default().take(bytes);
        let start = place.ok_or(Error::TooLarge { what: "page" })?;
        write(start);
        Ok(Self { start, bytes })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let mut slabs = unpoisoned(&SLABS);
        if let Some(slabs) = slabs.get_mut(&self.bytes) {
            slabs.give_back(self.start as usize, self.bytes);
        }
    }
}

impl Deref for Page {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the place is this page's alone, and all of it was written.
        unsafe { slice::from_raw_parts(self.start, self.bytes) }
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl DerefMut for Page {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.start, self.bytes) }
    }
}

/// From one page of a slab to the next.
fn stride(bytes: usize) -> Option<usize> {
    bytes.max(1).checked_next_multiple_of(64)
}

impl Slabs {
    /// A place for a page; `None` where there is no memory of that size.
    fn take(&mut self, bytes: usize) -> Option<*mut u8> {
        let stride = stride(bytes)?;
        if self.open.is_empty() {
            let slab = Slab::new(stride)?;
            let at = slab.chunk.start() as usize;
            self.all.insert(at, slab);
            self.open.insert(at);
        }
        // The first one, so that the last ones become empty.
        let slab = self.all.get_mut(self.open.first()?)?;
        let place = slab.free.pop()?;
        if slab.free.is_empty() {
            self.open.pop_first();
        }
        // SAFETY: within the slab.
        Some(unsafe { slab.chunk.start().add(place * stride) })
    }

    fn give_back(&mut self, start: usize, bytes: usize) {
        let (Some((&at, slab)), Some(stride)) =
            (self.all.range_mut(..=start).next_back(), stride(bytes))
        else {
            return; // never: it was taken
        };
        slab.free.push((start - at) / stride);
        self.open.insert(at);
        if slab.free.len() == slab.places {
            self.open.remove(&at);
            self.all.remove(&at);
        }
    }
}

impl Slab {
    fn new(stride: usize) -> Option<Self> {
        let chunk = Chunk::new(stride.checked_mul(FEWEST)?)?;
        let places = chunk.length() / stride;
        Some(Self {
            chunk,
            free: (0..places).rev().collect(),
            places,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of their own: tests share the slabs.
    fn slabs(bytes: usize) -> usize {
        unpoisoned(&SLABS)
            .get(&bytes)
            .map_or(0, |slabs| slabs.all.len())
    }

    #[test]
    fn pages_are_zero_and_apart() -> Result<()> {
        let bytes = 300_001;
        let mut pages = (0..50)
            .map(|_| Page::zeroed(bytes))
            .collect::<Result<Vec<_>>>()?;
        for (n, page) in pages.iter_mut().enumerate() {
            assert!(page.len() == bytes && page.iter().all(|byte| *byte == 0));
            page.fill(n as u8);
        }
        for (n, page) in pages.iter().enumerate() {
            assert!(page.iter().all(|byte| *byte == n as u8), "{n}");
            assert!(page.as_ptr().addr().is_multiple_of(64));
        }
        Ok(())
    }

    #[test]
    fn what_is_given_up_is_used_again_and_goes_back() -> Result<()> {
        let bytes = 200_003;
        let mut pages = (0..40)
            .map(|_| Page::zeroed(bytes))
            .collect::<Result<Vec<_>>>()?;
        let most = slabs(bytes);
        assert!(most > 1);
        for n in (0..40).step_by(3) {
            pages[n].fill(7);
            pages[n] = Page::zeroed(bytes)?;
            assert!(pages[n].iter().all(|byte| *byte == 0));
        }
        assert!(slabs(bytes) <= most + 1);
        pages.truncate(1);
        assert_eq!(slabs(bytes), 1);
        pages.clear();
        assert_eq!(slabs(bytes), 0);
        Ok(())
    }

    #[test]
    fn a_copy_has_the_same_bytes_elsewhere() -> Result<()> {
        let mut page = Page::zeroed(100_003)?;
        page[100_002] = 9;
        let mut copy = page.copied()?;
        assert_eq!(*copy, *page);
        copy[0] = 1;
        assert_eq!((page[0], page[100_002]), (0, 9));
        Ok(())
    }

    #[test]
    fn sizes_that_cannot_be_had_are_refused() -> Result<()> {
        assert!(Page::zeroed(0)?.is_empty());
        for bytes in [usize::MAX, usize::MAX / 4, usize::MAX - 64] {
            assert!(Page::zeroed(bytes).is_err(), "{bytes}");
        }
        Ok(())
    }
}
