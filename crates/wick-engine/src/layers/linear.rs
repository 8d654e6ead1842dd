//! A product with a weight matrix, or with several that read the same input.

use candle_core::{DType, Module, Tensor, quantized::QMatMul};
use wick_kernels::Matrix;

use super::{
    precise,
    rows::{HostRows, Rows, apart},
};
use crate::Result;

/// `y = x · Wᵀ`, scaled and with a bias where the model has them.
pub struct Linear {
    weight: Weight,
    /// Rows of each matrix.
    rows: Vec<usize>,
    /// One a row of all matrices.
    scale: Option<Beside>,
    bias: Option<Beside>,
}

pub(super) enum Weight {
    Host {
        matrix: Matrix,
        /// Whether activations are not rounded to eight bits.
        precise: bool,
    },
    /// One after another along the rows.
    Candle(Vec<QMatMul>),
}

/// One number a row.
pub(super) enum Beside {
    Host(Vec<f32>),
    Candle(Tensor),
}

impl Linear {
    pub(super) fn new(
        weight: Weight,
        rows: Vec<usize>,
        scale: Option<Beside>,
        bias: Option<Beside>,
    ) -> Self {
        Self {
            weight,
            rows,
            scale,
            bias,
        }
    }

    /// `(n_tokens, n_columns)` → `(n_tokens, n_rows)`, the matrices' results side by side.
    pub fn forward(&self, x: &Rows) -> Result<Rows> {
        match (&self.weight, x) {
            (Weight::Host { matrix, precise }, Rows::Host(x)) => {
                let mut y = x.like(matrix.rows());
                let host = x.host().clone();
                match precise {
                    true => precise::multiply(matrix, x, y.numbers_mut())?,
                    false => matrix.multiply(host.threads(), x.numbers(), y.numbers_mut())?,
                }
                self.finish(&mut y, 0);
                Ok(Rows::Host(y))
            }
            (Weight::Candle(parts), Rows::Candle(x)) => {
                Ok(Rows::Candle(self.with_candle(parts, x)?))
            }
            _ => Err(apart()),
        }
    }

    /// As [`forward`](Self::forward), for `N` matrices, with rows for the results of each.
    pub fn forward_apart<const N: usize>(&self, x: &Rows) -> Result<[Rows; N]> {
        match (&self.weight, x) {
            (Weight::Host { matrix, precise }, Rows::Host(x)) if self.rows.len() == N => {
                let mut parts: [HostRows; N] = std::array::from_fn(|part| x.like(self.rows[part]));
                match precise {
                    true => {
                        let mut y = x.like(matrix.rows());
                        precise::multiply(matrix, x, y.numbers_mut())?;
                        for (row, y) in y.numbers().chunks_exact(matrix.rows()).enumerate() {
                            let mut first = 0;
                            for part in &mut parts {
                                let width = part.width();
                                part.numbers_mut()[row * width..][..width]
                                    .copy_from_slice(&y[first..first + width]);
                                first += width;
                            }
                        }
                    }
                    false => {
                        let mut outs = parts.each_mut().map(HostRows::numbers_mut);
                        matrix.multiply_apart(x.host().threads(), x.numbers(), &mut outs)?;
                    }
                }
                let mut first = 0;
                for part in &mut parts {
                    self.finish(part, first);
                    first += part.width();
                }
                Ok(parts.map(Rows::Host))
            }
            (Weight::Candle(parts), Rows::Candle(x)) if self.rows.len() == N => {
                let y = self.with_candle(parts, x)?;
                let mut first = 0;
                let mut parts = Vec::with_capacity(N);
                for rows in &self.rows {
                    parts.push(Rows::Candle(y.narrow(1, first, *rows)?.contiguous()?));
                    first += rows;
                }
                parts.try_into().map_err(|_| apart())
            }
            _ => Err(apart()),
        }
    }

    /// Scales what the rows from `first` on gave, and adds the bias.
    fn finish(&self, y: &mut HostRows, first: usize) {
        let width = y.width();
        if let Some(Beside::Host(scale)) = &self.scale {
            for y in y.numbers_mut().chunks_exact_mut(width) {
                y.iter_mut().zip(&scale[first..]).for_each(|(y, s)| *y *= s);
            }
        }
        if let Some(Beside::Host(bias)) = &self.bias {
            for y in y.numbers_mut().chunks_exact_mut(width) {
                y.iter_mut().zip(&bias[first..]).for_each(|(y, b)| *y += b);
            }
        }
    }

    fn with_candle(&self, parts: &[QMatMul], x: &Tensor) -> Result<Tensor> {
        let parts = parts.iter().map(|part| {
            let y = match part {
                QMatMul::TensorF16(_) => part.forward(&x.to_dtype(DType::F16)?),
                _ => part.forward(x),
            };
            y?.to_dtype(DType::F32)
        });
        let parts = parts.collect::<candle_core::Result<Vec<_>>>()?;
        let mut y = match parts.as_slice() {
            [only] => only.clone(),
            parts => Tensor::cat(parts, 1)?,
        };
        if let Some(Beside::Candle(scale)) = &self.scale {
            y = y.broadcast_mul(scale)?;
        }
        if let Some(Beside::Candle(bias)) = &self.bias {
            y = y.broadcast_add(bias)?;
        }
        Ok(y)
    }
}
