//! How fast memory is read, by the number of threads that read it.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{buffer::Buffer, course::Course};
use crate::Result;

/// Threads read for so long, so often: of those rates the second best is taken.
const WINDOW: Duration = Duration::from_millis(12);
const WINDOWS: usize = 4;

/// Bytes between two looks at the clock.
const PIECE: usize = 256 << 10;

/// Counts of threads that are measured; what lies between is drawn as a line. A few threads fill the bus, and beyond
/// them little happens.
pub(super) fn counts(threads: usize) -> Vec<usize> {
    let mut counts: Vec<usize> = (1..=threads.min(8)).collect();
    let mut next = 12;
    while next < threads {
        counts.push(next);
        next = next * 3 / 2;
    }
    if threads > 8 {
        counts.push(threads);
    }
    counts
}

/// Bytes a second with one thread, two, and so on up to `threads`.
pub(super) fn measure(
    course: &mut Course<'_>,
    buffer: &Buffer,
    threads: usize,
) -> Result<Vec<f64>> {
    let mut measured = Vec::new();
    for count in counts(threads) {
        let mut rates: Vec<f64> = (0..WINDOWS).map(|_| rate(buffer.bytes(), count)).collect();
        rates.sort_by(f64::total_cmp);
        measured.push((count, rates[WINDOWS - 2].max(1.0)));
        course.step()?;
    }
    Ok(spread(&measured))
}

/// Rate at which so many threads read at the same time, each its part, again and again.
fn rate(bytes: &[u8], count: usize) -> f64 {
    let begin = AtomicBool::new(false);
    let part = bytes.len().div_ceil(count).max(1);
    thread::scope(|scope| {
        // Where the system refuses a thread, there is one less.
        let readers = bytes.chunks(part).map_while(|part| {
            let read = || read(part, &begin);
            thread::Builder::new().spawn_scoped(scope, read).ok()
        });
        let readers: Vec<_> = readers.collect();
        begin.store(true, Ordering::Release);
        let rates = readers
            .into_iter()
            .map(|reader| reader.join().unwrap_or(0.0));
        rates.sum()
    })
}

fn read(part: &[u8], begin: &AtomicBool) -> f64 {
    while !begin.load(Ordering::Acquire) {
        thread::yield_now();
    }
    let began = Instant::now();
    let mut total = 0;
    for piece in part.chunks(PIECE).cycle() {
        black_box(sum(piece));
        total += piece.len();
        if began.elapsed() >= WINDOW {
            break;
        }
    }
    total as f64 / began.elapsed().as_secs_f64().max(1e-9)
}

/// A rate for every count, where some were measured.
fn spread(measured: &[(usize, f64)]) -> Vec<f64> {
    let mut rates = Vec::new();
    for pair in measured.windows(2) {
        let [(from, low), (to, high)] = *pair else {
            continue;
        };
        let step = (high - low) / (to - from) as f64;
        rates.extend((0..to - from).map(|n| low + step * n as f64));
    }
    rates.extend(measured.last().map(|(_, rate)| rate));
    rates
}

/// Reads every byte. Sums that do not wait for each other keep loads in flight.
fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let (lines, _) = words.as_chunks::<32>();
    let mut sums = [0u64; 32];
    for line in lines {
        for (sum, word) in sums.iter_mut().zip(line) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
    sums.iter().fold(0, |total, sum| total.wrapping_add(*sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read() {
        let mut bytes = vec![0u8; 4096];
        for at in [0, 255, 2047, 4095] {
            bytes[at] = 1;
        }
        let expected = 1 + 3 * (1u64 << 56);
        assert_eq!(sum(&bytes), expected);
    }

    #[test]
    fn more_threads_than_bytes_still_read() {
        assert!(rate(&[1; 4096], 3) > 0.0);
        assert!(rate(&[1; 2], 8) > 0.0);
    }

    #[test]
    fn one_and_all_threads_are_among_the_counts() {
        assert_eq!(counts(1), [1]);
        assert_eq!(counts(3), [1, 2, 3]);
        assert_eq!(counts(20), [1, 2, 3, 4, 5, 6, 7, 8, 12, 18, 20]);
        assert!(counts(256).len() < 20);
    }

    #[test]
    fn between_two_counts_there_is_a_line() {
        assert_eq!(spread(&[(1, 10.0)]), [10.0]);
        assert_eq!(
            spread(&[(1, 10.0), (2, 20.0), (4, 26.0)]),
            [10.0, 20.0, 23.0, 26.0]
        );
    }
}
