//! Bytes of no meaning, more than the caches hold: what memory is read of, and weights of any tensor type.

use std::{ops::Range, sync::Arc};

use memmap2::MmapMut;
use wick_kernels::WeightBytes;

use crate::{Error, Result};

/// Where the system does not tell.
const USUAL_CACHE: u64 = 32 << 20;

/// A large page; the buffer is made of whole ones.
const PAGE: u64 = 2 << 20;

const SMALLEST: u64 = 4 * PAGE;
const LARGEST: u64 = 1 << 30;

/// How often the last caches fit into it: those that keep some of what is read in turn must not matter.
const CACHES: u64 = 8;

#[derive(Clone)]
pub(super) struct Buffer(Arc<MmapMut>);

impl Buffer {
    /// As large as it takes to pass the caches by, and at most `limit`.
    pub fn new(limit: u64, threads: usize) -> Result<Self> {
        let caches = last_level_caches().unwrap_or(USUAL_CACHE);
        let wanted = caches.saturating_mul(CACHES).clamp(32 * PAGE, LARGEST);
        let length = (wanted.min(limit) / PAGE * PAGE).max(SMALLEST);
        let out_of_memory = |error: std::io::Error| Error::Compute {
            reason: format!("no memory to measure with: {error}"),
        };
        let mut memory = MmapMut::map_anon(length as usize).map_err(out_of_memory)?;
        // A wish: where it is refused, pages are small.
        #[cfg(target_os = "linux")]
        memory.advise(memmap2::Advice::HugePage).ok();
        // Each thread writes a part first, which puts it near that thread where memory has several places.
        let part = memory.len().div_ceil(threads.max(1)).next_multiple_of(8);
        std::thread::scope(|scope| {
            for (seed, part) in memory.chunks_mut(part).enumerate() {
                scope.spawn(move || fill(part, seed as u64 + 1));
            }
        });
        Ok(Self(Arc::new(memory)))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A part of it, as the weights of a matrix.
    pub fn weights(&self, range: Range<usize>) -> Arc<dyn WeightBytes> {
        Arc::new(Part {
            buffer: self.clone(),
            range,
        })
    }
}

struct Part {
    buffer: Buffer,
    range: Range<usize>,
}

impl WeightBytes for Part {
    fn bytes(&self) -> &[u8] {
        &self.buffer.bytes()[self.range.clone()]
    }
}

/// Whatever tensor type reads it, these bytes make scales and numbers that are small, finite and no subnormals.
fn fill(bytes: &mut [u8], seed: u64) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed);
    for word in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let random = (state & 0x1f1f_1f1f_1f1f_1f1f) | 0x2020_2020_2020_2020;
        word.copy_from_slice(&random.to_le_bytes()[..word.len()]);
    }
}

/// Bytes of all last-level caches together.
fn last_level_caches() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return caches_below(std::path::Path::new("/sys/devices/system/cpu"));
    #[cfg(not(target_os = "linux"))]
    None
}

/// As the system's folder of processors tells: each has its caches, with the processors that share one.
#[cfg(target_os = "linux")]
fn caches_below(folder: &std::path::Path) -> Option<u64> {
    let mut found = std::collections::BTreeMap::new();
    for processor in std::fs::read_dir(folder).ok()?.flatten() {
        let Ok(caches) = std::fs::read_dir(processor.path().join("cache")) else {
            continue;
        };
        for cache in caches.flatten() {
            let read = |name| std::fs::read_to_string(cache.path().join(name)).ok();
            let of = |name| Some(read(name)?.trim().to_owned());
            let level = of("level").and_then(|level| level.parse::<u32>().ok());
            if let (Some(level), Some(shared)) = (level, of("shared_cpu_list")) {
                found.insert((level, shared), of("size").and_then(|size| bytes(&size)));
            }
        }
    }
    let last = found.keys().map(|(level, _)| *level).max()?;
    let last = found.range((last, String::new())..);
    let total = last.fold(0u64, |sum, (_, size)| sum.saturating_add(size.unwrap_or(0)));
    Some(total).filter(|total| *total > 0)
}

/// `32768K`, `16M`
#[cfg(target_os = "linux")]
fn bytes(size: &str) -> Option<u64> {
    let (number, unit) = match size.strip_suffix('K') {
        Some(number) => (number, 1 << 10),
        None => (size.strip_suffix('M')?, 1 << 20),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wick_kernels::{Format, dequantize};

    #[test]
    fn every_format_reads_finite_numbers_of_ordinary_size() -> Result<()> {
        let buffer = Buffer::new(0, 2)?;
        for format in Format::ALL {
            let mut numbers = vec![0.0; 256];
            let bytes = format.row_bytes(256).unwrap_or(0);
            dequantize(*format, &buffer.bytes()[..bytes], &mut numbers)?;
            for number in numbers {
                assert!(number == 0.0 || number.is_normal(), "{format:?}: {number}");
                assert!(number.abs() < 1e6, "{format:?}: {number}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_machine_with_little_memory_gets_a_small_buffer() -> Result<()> {
        assert_eq!(Buffer::new(0, 1)?.bytes().len() as u64, SMALLEST);
        assert_eq!(Buffer::new(15 << 20, 3)?.bytes().len(), 14 << 20);
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_cache_that_several_share_counts_once() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let cache = |cpu: u32, index: u32, level: &str, shared: &str, size: &str| {
            let cache = folder.path().join(format!("cpu{cpu}/cache/index{index}"));
            std::fs::create_dir_all(&cache)?;
            std::fs::write(cache.join("level"), level)?;
            std::fs::write(cache.join("shared_cpu_list"), format!("{shared}\n"))?;
            std::fs::write(cache.join("size"), format!("{size}\n"))
        };
        assert_eq!(caches_below(folder.path()), None);
        for cpu in 0..4 {
            cache(cpu, 0, "1", &cpu.to_string(), "48K")?;
            let shared = if cpu < 2 { "0-1" } else { "2-3" };
            cache(cpu, 1, "3", shared, "16M")?;
        }
        assert_eq!(caches_below(folder.path()), Some(32 << 20));
        cache(3, 1, "3", "2-3", "nonsense")?;
        assert_eq!(caches_below(folder.path()), Some(16 << 20));
        cache(0, 2, "4", "0-3", "-5K")?;
        assert_eq!(caches_below(folder.path()), None);
        Ok(())
    }
}
