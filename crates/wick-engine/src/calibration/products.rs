//! How fast matrices are multiplied: with one column, whose weights come from memory, and with those of a prompt.

use std::time::{Duration, Instant};

use wick_kernels::{Format, Matrix, MatrixPart, Threads};

use super::{ProductRate, buffer::Buffer, course::Course};
use crate::{Error, Result};

/// Every format, those that people meet most first.
const BY_USE: [Format; 18] = [
    Format::Q4K,
    Format::Q6K,
    Format::Q8_0,
    Format::F16,
    Format::Q4_0,
    Format::Q5K,
    Format::Q4_1,
    Format::BF16,
    Format::F32,
    Format::Q3K,
    Format::Q2K,
    Format::Q5_0,
    Format::Q5_1,
    Format::Iq4Nl,
    Format::Iq4Xs,
    Format::Mxfp4,
    Format::Tq2_0,
    Format::Tq1_0,
];

/// Inputs of a product, as wide as a small model.
const COLUMNS: usize = 2048;

/// Tokens of a prompt that are read in one pass.
const PROMPT: usize = 512;

/// Rows of the prompt's product: the least where a processor is slow, the most where it is fast.
const ROWS: [usize; 2] = [128, 2048];

/// An exchange as people have it, by which a number of threads is judged.
const USUAL_PROMPT: f64 = 500.0;
const USUAL_REPLY: f64 = 250.0;

/// More threads must gain at least this share, since they take power and other programs' time.
const WORTH: f64 = 0.03;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_millis(120);

/// Products over one buffer.
pub(super) struct Products<'a> {
    buffer: &'a Buffer,
    x: Vec<f32>,
    out: Vec<f32>,
    prompt_rows: usize,
}

impl<'a> Products<'a> {
    pub fn new(buffer: &'a Buffer) -> Self {
        let x = (0..PROMPT * COLUMNS).map(|i| (i % 61) as f32 / 8.0 - 3.75);
        Self {
            buffer,
            x: x.collect(),
            out: Vec::new(),
            prompt_rows: ROWS[0],
        }
    }

    /// Steps that [`all`](Self::all) takes.
    pub const STEPS: usize = BY_USE.len();

    /// The count of threads with which a usual exchange takes the least time.
    pub fn best_threads(&mut self, course: &mut Course<'_>, counts: &[usize]) -> Result<usize> {
        let most = counts.iter().copied().max().unwrap_or(1);
        let pool = Threads::new(most);
        let format = BY_USE[0];
        let matrix = self.matrix(format, usize::MAX, &pool)?;
        self.prompt_rows = self.fitting_rows(course, format, &pool)?;
        let prompt = self.matrix(format, self.prompt_rows, &pool)?;
        drop(pool);
        let mut best: Option<(usize, f64)> = None;
        for &count in counts {
            let threads = Threads::new(count);
            let decode = self.seconds(course, &threads, &matrix, 1, SHORT)?;
            let prefill = self.seconds(course, &threads, &prompt, PROMPT, SHORT)?;
            // Of one weight.
            let decode = decode / (matrix.rows() * COLUMNS) as f64;
            let prefill = prefill / (prompt.rows() * COLUMNS * PROMPT) as f64;
            let cost = USUAL_REPLY * decode + USUAL_PROMPT * prefill;
            if best.is_none_or(|(_, least)| cost < least * (1.0 - WORTH)) {
                best = Some((count, cost));
            }
            course.step()?;
        }
        Ok(best.map_or(1, |(count, _)| count))
    }

    /// The rates of every format, as many as there is time for: at least the first, without which nothing can be
    /// predicted.
    pub fn all(&mut self, course: &mut Course<'_>, count: usize) -> Result<Vec<ProductRate>> {
        let mut rates = Vec::new();
        let mut rows = usize::MAX;
        for (n, format) in BY_USE.into_iter().enumerate() {
            let share = course.left() / (BY_USE.len() - n) as u32;
            if share.is_zero() && n > 0 {
                break;
            }
            let window = (share / 4).min(LONG);
            // A pool of its own: pools may keep in mind which matrices they multiply.
            let threads = &Threads::new(count);
            let began = Instant::now();
            let matrix = self.matrix(format, rows, threads)?;
            // Where making a matrix leaves too little time to measure it, the next one is smaller.
            let room = share.max(SHORT);
            let fitting = room.as_secs_f64() / 2.0 / began.elapsed().as_secs_f64().max(1e-9);
            if fitting < 1.0 {
                rows = ((matrix.rows() as f64 * fitting) as usize).max(ROWS[0]);
            }
            let decode = self.seconds(course, threads, &matrix, 1, window)?;
            let bytes = matrix.rows() * row_bytes(format)?;
            drop(matrix);
            let matrix = self.matrix(format, self.prompt_rows, threads)?;
            let prefill = self.seconds(course, threads, &matrix, PROMPT, window)?;
            let macs = matrix.rows() * COLUMNS * PROMPT;
            rates.push(ProductRate {
                tensor_type: format.name().to_owned(),
                decode_bytes_per_second: bytes as f64 / decode,
                prefill_macs_per_second: macs as f64 / prefill,
            });
            course.step()?;
        }
        Ok(rates)
    }

    /// Rows with which a prompt's product is neither too short to measure nor too long to repeat.
    fn fitting_rows(
        &mut self,
        course: &Course<'_>,
        format: Format,
        pool: &Threads,
    ) -> Result<usize> {
        let matrix = self.matrix(format, ROWS[0], pool)?;
        let seconds = self.seconds(course, pool, &matrix, PROMPT, Duration::ZERO)?;
        let fitting = (ROWS[0] as f64 * SHORT.as_secs_f64() / 4.0 / seconds) as usize;
        Ok(fitting.clamp(ROWS[0], ROWS[1]) / ROWS[0] * ROWS[0])
    }

    /// At most `rows` rows, as many as the buffer has.
    fn matrix(&self, format: Format, rows: usize, threads: &Threads) -> Result<Matrix> {
        let row = row_bytes(format)?;
        let rows = rows.min(self.buffer.bytes().len() / row);
        let part = MatrixPart {
            format,
            rows,
            columns: COLUMNS,
            data: self.buffer.weights(0..rows * row),
        };
        Ok(Matrix::new(vec![part], threads)?)
    }

    fn seconds(
        &mut self,
        course: &Course<'_>,
        threads: &Threads,
        matrix: &Matrix,
        tokens: usize,
        window: Duration,
    ) -> Result<f64> {
        self.out.resize(tokens * matrix.rows(), 0.0);
        course.time(window, || {
            let x = &self.x[..tokens * COLUMNS];
            Ok(matrix.multiply(threads, x, &mut self.out)?)
        })
    }
}

fn row_bytes(format: Format) -> Result<usize> {
    format.row_bytes(COLUMNS).ok_or(Error::Compute {
        reason: "a row is no whole number of blocks".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_of_the_kernels_is_measured() {
        for format in Format::ALL {
            assert!(BY_USE.contains(format), "{format:?}");
        }
    }
}
