//! Products of small models. Kernels round activations to eight bits a block, as llama.cpp's do; the smallest models
//! feel it: SmolLM2-135M then answers another question than the one asked. Where it matters the rounding error is
//! multiplied as well, which doubles the bits. Their weights of sixteen bits are multiplied in f32, not in BF16.

use wick_kernels::{Matrix, add, split};

use super::rows::HostRows;
use crate::Result;

/// Models of fewer weights than this are computed precisely.
const FEWEST_WEIGHTS_ROUNDED: u64 = 500_000_000;

/// Whether a model of so many weights is computed precisely where its weights are quantized.
pub(crate) fn is_computed_precisely(weights: u64) -> bool {
    weights < FEWEST_WEIGHTS_ROUNDED
}

/// As [`Matrix::multiply`], with activations of sixteen bits.
pub(super) fn multiply(matrix: &Matrix, x: &HostRows, y: &mut [f32]) -> Result<()> {
    let (host, columns) = (x.host(), matrix.columns().max(1));
    let mut both = HostRows::new(host, 2 * x.rows(), columns);
    let (rounded, error) = both.numbers_mut().split_at_mut(x.numbers().len());
    split(host.threads(), columns, x.numbers(), rounded, error)?;
    let mut products = HostRows::new(host, 2 * x.rows(), matrix.rows());
    matrix.multiply(host.threads(), both.numbers(), products.numbers_mut())?;
    let (of_rounded, of_error) = products.numbers().split_at(y.len());
    y.copy_from_slice(of_rounded);
    Ok(add(host.threads(), y, of_error)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wick_kernels::{Format, MatrixPart, Threads, dequantize, quantize};

    use super::*;
    use crate::layers::Host;

    #[test]
    fn the_product_is_as_good_as_exact() -> Result<()> {
        let (rows, columns, tokens) = (8, 64, 3);
        let number = |n: usize| ((n * 7919 % 1009) as f32 - 504.0) / 504.0;
        let weights: Vec<f32> = (0..rows * columns).map(number).collect();
        let mut blocks = vec![0; rows * 2 * 34];
        quantize(Format::Q8_0, &weights, &mut blocks)?;
        let mut exact = vec![0.0; rows * columns];
        dequantize(Format::Q8_0, &blocks, &mut exact)?;
        let host = Host::new(Threads::new(2));
        let threads = host.threads();
        let part = MatrixPart {
            format: Format::Q8_0,
            rows,
            columns,
            data: Arc::new(blocks),
        };
        let matrix = Matrix::new(vec![part], threads)?;
        // One number of each block is far larger than the others.
        let x: Vec<f32> = (0..tokens * columns)
            .map(|n| number(n * 31) * if n % 32 == 5 { 300.0 } else { 1.0 })
            .collect();
        let worst = |y: &[f32]| {
            let errors = y.iter().enumerate().map(|(at, y)| {
                let (token, row) = (at / rows, at % rows);
                let x = &x[token * columns..][..columns];
                let terms = x.iter().zip(&exact[row * columns..]);
                let sum: f64 = terms.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                (f64::from(*y) - sum).abs()
            });
            errors.fold(0.0, f64::max)
        };
        let mut rough = vec![0.0; tokens * rows];
        matrix.multiply(threads, &x, &mut rough)?;
        let mut precise = vec![0.0; tokens * rows];
        let mut rows_of_x = HostRows::new(&host, tokens, columns);
        rows_of_x.numbers_mut().copy_from_slice(&x);
        multiply(&matrix, &rows_of_x, &mut precise)?;
        let (rough, precise) = (worst(&rough), worst(&precise));
        assert!(
            precise < 0.02 && precise * 50.0 < rough,
            "{precise} {rough}"
        );
        Ok(())
    }
}
