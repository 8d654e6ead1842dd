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
        // The smallest that is large enough, else the largest.
        let fitting = free.iter().enumerate().min_by_key(|(_, numbers)| {
            let is_short = numbers.len() < length;
            let size = numbers.len();
            (is_short, if is_short { usize::MAX - size } else { size })
        });
        let mut numbers = match fitting.map(|(at, _)| at) {
            Some(at) => free.swap_remove(at),
            None => Vec::new(),
        };
        drop(free);
        if numbers.len() < length {
            // What is in it need not be copied, nor is more room wanted than is asked for.
            drop(numbers);
            numbers = vec![0.0; length];
        }
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
