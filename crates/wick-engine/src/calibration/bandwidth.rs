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

/// Bytes of a stream between two looks at the clock.
const PIECE: usize = 64 << 10;

/// Places at which a thread reads at a time.
const STREAMS: usize = 4;

/// A cache line: all of it comes when a number of it is asked for.
const LINE: usize = 64;

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
    // A thread that reads at one place alone does not keep memory busy.
    let stream = part.len().div_ceil(STREAMS).max(1);
    let streams: Vec<&[u8]> = part.chunks(stream).collect();
    for first in (0..stream).step_by(PIECE).cycle() {
        for stream in &streams {
            total += stream.len().saturating_sub(first).min(PIECE);
        }
        black_box(sum(&streams, first));
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

/// Has every line of a piece of each stream read.
fn sum(streams: &[&[u8]], first: usize) -> u64 {
    let mut total = 0u64;
    for at in (first..first + PIECE).step_by(LINE) {
        for stream in streams {
            total += u64::from(stream.get(at).copied().unwrap_or(0));
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let mut bytes = vec![0u8; 3 * PIECE];
        bytes.iter_mut().step_by(LINE).for_each(|byte| *byte = 1);
        let streams = [&bytes[..], &bytes[..LINE + 1], &bytes[..0]];
        assert_eq!(sum(&streams, 0), (PIECE / LINE) as u64 + 2);
        assert_eq!(sum(&streams, PIECE), (PIECE / LINE) as u64);
        assert_eq!(sum(&streams, 3 * PIECE), 0);
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
