//! The processor as layers use it: its threads, and memory for what passes between layers. The memory is used again and
//! again: fresh memory costs a page fault for every 4 KiB, which a pass over a prompt would feel.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use wick_kernels::Threads;

/// The processor.
pub struct Host {
    threads: Threads,
    free: Mutex<Vec<Vec<f32>>>,
}

impl Host {
    /// The processor with these threads.
    pub fn new(threads: Threads) -> Arc<Self> {
        Arc::new(Self {
            threads,
            free: Mutex::default(),
        })
    }

    /// Its threads.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Memory for numbers. What it holds is what was last in it.
    pub(super) fn buffer(self: &Arc<Self>, length: usize) -> Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is large enough and not much larger: what is small must not take the place of what is large.
        let fits = |numbers: &&Vec<f32>| (length..=2 * length).contains(&numbers.len());
        let fitting = free.iter().filter(fits).map(Vec::len).min();
        let too_small = free.iter().map(Vec::len).filter(|has| *has < length).max();
        let taken = fitting.or(too_small);
        let at = taken.and_then(|taken| free.iter().position(|numbers| numbers.len() == taken));
        let taken = at.map(|at| free.swap_remove(at));
        drop(free);
        // One that is too small makes room for another.
        let numbers = taken.filter(|numbers| numbers.len() >= length);
        let numbers = numbers.unwrap_or_else(|| vec![0.0; length]);
        Buffer {
            numbers,
            length,
            host: self.clone(),
        }
    }
}

/// Numbers, in memory that goes back to its [`Host`].
pub(super) struct Buffer {
    numbers: Vec<f32>,
    length: usize,
    host: Arc<Host>,
}

impl Buffer {
    /// The processor whose memory it is.
    pub(super) fn host(&self) -> &Arc<Host> {
        &self.host
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let numbers = std::mem::take(&mut self.numbers);
        let mut free = self
            .host
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.push(numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_by_what_it_fits() {
        let host = Host::new(Threads::new(1));
        let (large, small) = (host.buffer(1000), host.buffer(10));
        let (at_large, at_small) = (large.as_ptr(), small.as_ptr());
        drop((large, small));
        let (small, large) = (host.buffer(9), host.buffer(900));
        assert_eq!((small.as_ptr(), large.as_ptr()), (at_small, at_large));
        assert_eq!((small.len(), large.len()), (9, 900));
    }
}
