//! Portable products: what every other path is held to. Weights are read into f32, a few rows at a time, and
//! multiplied with all tokens.

use std::borrow::Cow;

use crate::activations::{BLOCK, quantize_block};
use crate::matrix::MatrixPart;
use crate::shared::{PartOf, Results};
use crate::{Threads, dequantize};

/// Weight rows that are multiplied together, so that a token's activations are read once for all of them.
const ROWS: usize = 4;
const LANES: usize = 8;

/// Multiplies all tokens with the parts of a matrix.
pub(crate) fn multiply(
    threads: &Threads,
    parts: &[(PartOf, MatrixPart)],
    x: &[f32],
    results: &Results<'_>,
) {
    for (of, part) in parts {
        multiply_part(threads, *of, part, x, results);
    }
}

fn multiply_part(
    threads: &Threads,
    of: PartOf,
    part: &MatrixPart,
    x: &[f32],
    results: &Results<'_>,
) {
    let columns = part.columns;
    let tokens = x.len() / columns.max(1);
    let x = if part.format.is_float() {
        Cow::Borrowed(x)
    } else {
        Cow::Owned(rounded(x))
    };
    threads.share(part.rows.div_ceil(ROWS), &|item| {
        let row = item * ROWS;
        let rows = ROWS.min(part.rows - row);
        let mut weights = vec![0.0; ROWS * columns];
        for (r, weights) in weights
            .chunks_exact_mut(columns.max(1))
            .take(rows)
            .enumerate()
        {
            // The sizes were checked when the matrix was made.
            let _ = dequantize(part.format, part.row(row + r), weights);
        }
        for token in 0..tokens {
            let sums = dots(&weights, &x[token * columns..][..columns]);
            // SAFETY: each item writes rows of its own.
            let out = unsafe { results.part(of, token, row, rows) };
            out.copy_from_slice(&sums[..rows]);
        }
    });
}

/// Activations as quantized weights see them: whole multiples of a scale for each block.
fn rounded(x: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(x.len());
    let mut codes = [0i8; BLOCK];
    for block in x.chunks_exact(BLOCK) {
        let scale = quantize_block(block, &mut codes);
        out.extend(codes.iter().map(|&code| code as f32 * scale));
    }
    out
}

fn dots(weights: &[f32], x: &[f32]) -> [f32; ROWS] {
    let mut lanes = [[0f32; LANES]; ROWS];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for (i, x) in chunks.iter().enumerate() {
        for (r, lanes) in lanes.iter_mut().enumerate() {
            let weights = &weights[r * (chunks.len() * LANES + rest.len()) + i * LANES..][..LANES];
            for lane in 0..LANES {
                lanes[lane] += weights[lane] * x[lane];
            }
        }
    }
    let mut sums = [0f32; ROWS];
    for (r, (sum, lanes)) in sums.iter_mut().zip(&lanes).enumerate() {
        *sum = lanes.iter().sum();
        let weights = &weights[r * x.len() + chunks.len() * LANES..];
        for (weight, x) in weights.iter().zip(rest) {
            *sum += weight * x;
        }
    }
    sums
}
