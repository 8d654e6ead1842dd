//! Which connection fetches which blocks.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use super::blocks;

/// Connections ask for no less at a time: each question costs two requests.
const FEWEST_BLOCKS: usize = 8;
/// And for no more, so that a lost one is soon made up for.
const MOST_BLOCKS: usize = 512;

/// The blocks that nobody has taken yet, of each file, in order.
#[derive(Debug)]
pub(super) struct Plan {
    untaken: Mutex<Vec<VecDeque<u32>>>,
    connections: usize,
}

/// Blocks that one connection fetches.
#[derive(Debug)]
pub(super) struct Segment {
    pub file: usize,
    /// The size of the file.
    pub size: u64,
    /// What is still to come, in order.
    pub wanted: VecDeque<u32>,
    /// The first of it, as far as it has come. A connection that breaks off loses nothing.
    pub begun: Vec<u8>,
}

impl Plan {
    pub fn new(missing: Vec<Vec<u32>>, connections: usize) -> Self {
        Self {
            untaken: Mutex::new(missing.into_iter().map(VecDeque::from).collect()),
            connections,
        }
    }

    /// The next blocks that belong together, none when all are taken.
    pub fn take(&self, sizes: &[u64]) -> Option<Segment> {
        let mut untaken = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        let left: usize = untaken.iter().map(VecDeque::len).sum();
        let fair = (left / (2 * self.connections)).clamp(FEWEST_BLOCKS, MOST_BLOCKS);
        let file = untaken.iter().position(|blocks| !blocks.is_empty())?;
        let blocks = &mut untaken[file];
        let first = *blocks.front()?;
        let together = blocks.iter().zip(first..).take(fair);
        let together = together.take_while(|&(&block, next)| block == next).count();
        Some(Segment {
            file,
            size: sizes[file],
            wanted: blocks.drain(..together).collect(),
            begun: Vec::new(),
        })
    }

    /// Adds to a segment what nobody has taken of its file: the server sends all of it anyway.
    pub fn take_rest(&self, segment: &mut Segment) {
        let mut untaken = self.untaken.lock().unwrap_or_else(PoisonError::into_inner);
        // Blocks are taken in order, so that these come behind those of the segment.
        segment.wanted.append(&mut untaken[segment.file]);
    }
}

impl Segment {
    /// What to ask for: up to the first block that is here already.
    pub fn range(&self) -> Range<u64> {
        let Some(&first) = self.wanted.front() else {
            return 0..0;
        };
        let numbered = self.wanted.iter().zip(first..);
        let last = numbered.take_while(|&(&block, next)| block == next).last();
        let last = last.map_or(first, |(&block, _)| block);
        self.next_byte()..blocks::span(self.size, last).end
    }

    /// Where the first byte that is wanted stands in the file.
    pub fn next_byte(&self) -> u64 {
        let first = self.wanted.front().copied().unwrap_or_default();
        blocks::span(self.size, first).start + self.begun.len() as u64
    }

    /// How many bytes the first block lacks.
    pub fn lacks(&self) -> u64 {
        let first = self.wanted.front().copied().unwrap_or_default();
        blocks::length(self.size, first) - self.begun.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{super::blocks::BLOCK_BYTES, *};

    #[test]
    fn every_block_is_taken_once_and_in_stretches_without_gaps() {
        let missing: Vec<u32> = (0..1000).filter(|block| block % 97 != 5).collect();
        let plan = Plan::new(vec![Vec::new(), missing.clone()], 4);
        let sizes = [0, 1000 * BLOCK_BYTES - 3];
        let mut taken = Vec::new();
        while let Some(segment) = plan.take(&sizes) {
            let range = segment.range();
            assert_eq!(segment.file, 1);
            assert_eq!(
                (range.end - range.start).div_ceil(BLOCK_BYTES),
                segment.wanted.len() as u64
            );
            taken.extend(segment.wanted);
        }
        assert_eq!(taken, missing);
    }

    #[test]
    fn a_segment_goes_on_where_its_first_block_broke_off() {
        let mut segment = Segment {
            file: 0,
            size: 3 * BLOCK_BYTES - 10,
            wanted: [1, 2].into(),
            begun: vec![0; 7],
        };
        assert_eq!(segment.range(), BLOCK_BYTES + 7..3 * BLOCK_BYTES - 10);
        assert_eq!(segment.lacks(), BLOCK_BYTES - 7);
        segment.wanted.pop_front();
        segment.begun.clear();
        assert_eq!(segment.lacks(), BLOCK_BYTES - 10);
    }
}
