//! Files are written, remembered and repaired in blocks of one size; only the last one of a file may be shorter.

use std::ops::Range;

/// A connection loses no more than two of them when the process is killed, beside what the system has in hand for it.
pub(super) const BLOCK_BYTES: u64 = 128 * 1024;

/// A block's sha256.
pub(super) type BlockHash = [u8; 32];

/// How many blocks a file has.
pub(super) fn count(size: u64) -> u32 {
    // No disk holds a file of 2^32 blocks (512 TiB), and what no disk holds was refused before.
    u32::try_from(size.div_ceil(BLOCK_BYTES)).unwrap_or(u32::MAX)
}

/// The bytes of a block.
pub(super) fn span(size: u64, block: u32) -> Range<u64> {
    let start = u64::from(block) * BLOCK_BYTES;
    start..size.min(start + BLOCK_BYTES)
}

/// How long a block is.
pub(super) fn length(size: u64, block: u32) -> u64 {
    let span = span(size, block);
    span.end - span.start
}
