//! What a rendering may use: steps, memory, output, depth and time. Every operation pays before it acts, so a
//! hostile template ends with an error.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use super::failure::Failure;

/// Nodes of the template visited, values compared, entries looked at. A turn of a conversation takes some hundred.
const STEPS: u64 = 2_000_000;
/// Memory that may be asked for in all, whether it is given back or not.
const BYTES: u64 = 64 << 20;
/// How deep expressions, blocks and macros may be nested while they run.
const DEPTH: u32 = 400;
/// Far more than the steps take; it holds where a step is slow because the machine is.
const TIME: Duration = Duration::from_secs(10);

pub(super) struct Budget {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    depth: Cell<u32>,
    /// Bytes that the prompt may have.
    pub output: usize,
    deadline: Instant,
}

impl Budget {
    /// For a conversation of so many bytes.
    pub fn new(input: usize) -> Self {
        Self {
            steps: Cell::new(STEPS + input as u64 / 4),
            bytes: Cell::new(BYTES + 32 * input as u64),
            depth: Cell::new(0),
            output: 4 * input + (1 << 20),
            deadline: Instant::now() + TIME,
        }
    }

    /// Pays for looking at `count` things.
    pub fn step(&self, count: u64) -> Result<(), Failure> {
        let before = self.steps.get();
        let left = before.checked_sub(count);
        let left = left.ok_or(Failure::Budget("it takes too many steps"))?;
        self.steps.set(left);
        if before >> 10 != left >> 10 && Instant::now() > self.deadline {
            return Err(Failure::Budget("it takes too long"));
        }
        Ok(())
    }

    /// Pays for reading `bytes` of text.
    pub fn scan(&self, bytes: usize) -> Result<(), Failure> {
        self.step(1 + bytes as u64 / 64)
    }

    /// Pays for memory, and for the time it takes to fill it.
    pub fn allocate(&self, bytes: usize) -> Result<(), Failure> {
        let left = self.bytes.get().checked_sub(bytes as u64);
        let left = left.ok_or(Failure::Budget("it takes too much memory"))?;
        self.bytes.set(left);
        self.scan(bytes)
    }

    /// Does `work` a level deeper.
    pub fn deeper<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        if self.depth.get() >= DEPTH {
            return Err(Failure::Budget("it is nested too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = work();
        self.depth.set(self.depth.get() - 1);
        result
    }
}
