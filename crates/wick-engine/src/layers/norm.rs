//! Root mean square norm.

use candle_core::{D, DType, Tensor};
use wick_kernels::rms_norm;

use super::{Compute, Rows};
use crate::Result;

/// Scales each row to a root mean square of 1, then by the weights.
pub struct RmsNorm {
    weight: Vec<f32>,
    on_device: Tensor,
    epsilon: f32,
}

impl RmsNorm {
    pub(super) fn new(weight: Vec<f32>, epsilon: f32, compute: &Compute) -> Result<Self> {
        let on_device = Tensor::from_slice(&weight, weight.len(), compute.device())?;
        Ok(Self {
            weight,
            on_device,
            epsilon,
        })
    }

    /// Normalizes each row, or each head of each row where the norm is as wide as a head.
    pub fn forward(&self, x: &Rows) -> Result<Rows> {
        Ok(match x {
            Rows::Host(x) => {
                let mut out = x.like(x.width());
                let threads = x.host().threads();
                let (from, to) = (x.numbers(), out.numbers_mut());
                rms_norm(threads, from, &self.weight, self.epsilon, to)?;
                Rows::Host(out)
            }
            Rows::Candle(x) => {
                let shape = x.shape().clone();
                let x = x.reshape(((), self.weight.len()))?.to_dtype(DType::F32)?;
                let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
                let scale = (mean + f64::from(self.epsilon))?.sqrt()?;
                let x = x.broadcast_div(&scale)?.broadcast_mul(&self.on_device)?;
                Rows::Candle(x.reshape(shape)?)
            }
        })
    }
}
