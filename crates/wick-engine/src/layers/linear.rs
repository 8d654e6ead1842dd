//! A product with a weight matrix, or with several that read the same input.

use std::sync::Arc;

use candle_core::{DType, Module, Tensor, quantized::QMatMul};
use wick_kernels::{Matrix, Threads};

use super::{precise, with_numbers};
use crate::Result;

/// `y = x · Wᵀ`, scaled and with a bias where the model has them.
pub struct Linear {
    weight: Weight,
    /// One a row.
    scale: Option<Tensor>,
    bias: Option<Tensor>,
}

pub(super) enum Weight {
    Host {
        matrix: Matrix,
        threads: Arc<Threads>,
        /// Whether activations are not rounded to eight bits.
        precise: bool,
    },
    /// One after another along the rows.
    Candle(Vec<QMatMul>),
}

impl Linear {
    pub(super) fn new(weight: Weight, scale: Option<Tensor>, bias: Option<Tensor>) -> Self {
        Self {
            weight,
            scale,
            bias,
        }
    }

    /// `(n_tokens, n_columns)` → `(n_tokens, n_rows)`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match &self.weight {
            Weight::Host {
                matrix,
                threads,
                precise,
            } => {
                let tokens = x.dim(0)?;
                let mut y = vec![0.0; tokens * matrix.rows()];
                with_numbers(x, |x| match precise {
                    true => precise::multiply(matrix, threads, x, &mut y),
                    false => Ok(matrix.multiply(threads, x, &mut y)?),
                })?;
                Tensor::from_vec(y, (tokens, matrix.rows()), x.device())?
            }
            Weight::Candle(parts) => {
                let parts = parts.iter().map(|part| {
                    let y = match part {
                        QMatMul::TensorF16(_) => part.forward(&x.to_dtype(DType::F16)?),
                        _ => part.forward(x),
                    };
                    y?.to_dtype(DType::F32)
                });
                let parts = parts.collect::<candle_core::Result<Vec<_>>>()?;
                match parts.as_slice() {
                    [only] => only.clone(),
                    parts => Tensor::cat(parts, 1)?,
                }
            }
        };
        let y = match &self.scale {
            Some(scale) => y.broadcast_mul(scale)?,
            None => y,
        };
        match &self.bias {
            Some(bias) => Ok(y.broadcast_add(bias)?),
            None => Ok(y),
        }
    }
}
