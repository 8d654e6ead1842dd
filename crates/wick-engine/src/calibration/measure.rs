//! All of it, within ten seconds.

use std::{collections::BTreeSet, sync::atomic::AtomicBool, thread::available_parallelism};

use wick_kernels::Threads;

use super::{
    Calibration, CalibrationRequest, attention, bandwidth, buffer::Buffer, course::Course, disk,
    layer, products::Products,
};
use crate::Result;

/// Beside the buffer there are its weights repacked, and results.
const TIMES_THE_BUFFER: u64 = 3;

/// Measures this machine in at most ten seconds. `progress` hears fractions from 0 to 1; between two steps, each a
/// fraction of a second, it can be cancelled.
pub fn measure(
    request: &CalibrationRequest,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(f32),
) -> Result<Calibration> {
    let usable = available_parallelism().map_or(1, usize::from);
    let counts = worth_a_try(usable, &request.thread_counts);
    let mut course = Course::new(cancel, progress);
    course.expect(
        bandwidth::counts(usable).len()
            + counts.len()
            + Products::STEPS
            + attention::WIDTHS.len()
            + layer::WIDTHS.len()
            + 2,
    );

    let buffer = Buffer::new(request.memory_bytes / TIMES_THE_BUFFER, usable)?;
    let memory_bytes_per_second = bandwidth::measure(&mut course, &buffer, usable)?;
    let disk_bytes_per_second = match &request.models_folder {
        Some(folder) => disk::measure(&course, folder)?,
        None => None,
    };
    course.step()?;
    let mut products = Products::new(&buffer);
    let threads = Threads::new(products.best_threads(&mut course, &counts)?);
    let attention = attention::rates(&mut course, &threads)?;
    let limit = buffer.bytes().len();
    let cache_bytes_per_second = attention::cache_bytes_per_second(&course, &threads, limit)?;
    course.step()?;
    let layers = layer::costs(&mut course, &threads, &buffer)?;
    let products = products.all(&mut course, threads.count())?;
    course.finish();
    Ok(Calibration {
        simd: threads.path().name().to_owned(),
        threads: threads.count() as u32,
        memory_bytes_per_second,
        disk_bytes_per_second,
        products,
        attention,
        cache_bytes_per_second,
        layers,
    })
}

/// Counts of threads to choose from, the fewest first.
fn worth_a_try(usable: usize, wanted: &[u32]) -> Vec<usize> {
    let mut counts: BTreeSet<usize> = match usable {
        0..=6 => (1..=usable).collect(),
        _ => [usable / 4, usable / 2, usable * 3 / 4, usable].into(),
    };
    counts.extend(wanted.iter().map(|count| *count as usize).take(4));
    counts.retain(|count| (1..=usable).contains(count));
    counts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::Error;

    fn small() -> CalibrationRequest {
        CalibrationRequest {
            memory_bytes: 24 << 20,
            ..CalibrationRequest::default()
        }
    }

    #[test]
    fn every_figure_is_a_number_one_can_reckon_with() -> Result<()> {
        let mut seen = Vec::new();
        let cancel = AtomicBool::new(false);
        let measured = measure(&small(), &cancel, &mut |fraction| seen.push(fraction))?;
        let usable = available_parallelism().map_or(1, usize::from);
        assert_eq!(measured.memory_bytes_per_second.len(), usable);
        assert!((1..=usable).contains(&(measured.threads as usize)));
        assert_eq!(measured.disk_bytes_per_second, None);
        assert!(measured.products.iter().any(|p| p.tensor_type == "Q4_K"));
        let mut figures = measured.memory_bytes_per_second.clone();
        figures.push(measured.cache_bytes_per_second);
        assert_eq!(measured.layers.len(), layer::WIDTHS.len());
        figures.extend(measured.layers.iter().map(|cost| cost.seconds));
        assert_eq!(measured.attention.len(), attention::WIDTHS.len());
        for rate in &measured.attention {
            figures.push(rate.prefill_macs_per_second);
            figures.push(rate.decode_macs_per_second);
        }
        for product in &measured.products {
            figures.push(product.decode_bytes_per_second);
            figures.push(product.prefill_macs_per_second);
        }
        for figure in figures {
            assert!(figure.is_finite() && figure > 0.0, "{measured:?}");
        }
        assert!(seen.is_sorted() && seen.first() == Some(&0.0), "{seen:?}");
        assert_eq!(seen.last(), Some(&1.0));
        Ok(())
    }

    #[test]
    fn it_ends_soon_after_it_is_cancelled() {
        let cancel = AtomicBool::new(false);
        let mut steps = 0;
        let result = measure(&small(), &cancel, &mut |_| {
            steps += 1;
            cancel.store(steps == 2, Ordering::Relaxed);
        });
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
        assert_eq!(steps, 2);
    }

    #[test]
    fn counts_of_threads_are_few_and_within_what_may_be_used() {
        assert_eq!(worth_a_try(1, &[4, 0]), [1]);
        assert_eq!(worth_a_try(4, &[]), [1, 2, 3, 4]);
        assert_eq!(worth_a_try(16, &[6, 8, 99]), [4, 6, 8, 12, 16]);
        assert!(worth_a_try(500, &[1, 2, 3, 5, 7, 9]).len() <= 8);
    }
}
