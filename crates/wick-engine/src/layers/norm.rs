//! Root mean square norm.

use candle_core::{D, DType, Tensor};
use wick_kernels::{Threads, rms_norm};

use super::{Compute, with_numbers};
use crate::Result;

/// Scales each row to a root mean square of 1, then by the weights.
pub struct RmsNorm {
    weight: Vec<f32>,
    on_device: Tensor,
    epsilon: f32,
    compute: Compute,
}

impl RmsNorm {
    pub(super) fn new(weight: Vec<f32>, epsilon: f32, compute: Compute) -> Result<Self> {
        let on_device = Tensor::from_slice(&weight, weight.len(), compute.device())?;
        Ok(Self {
            weight,
            on_device,
            epsilon,
            compute,
        })
    }

    /// Normalizes along the last axis.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.compute {
            Compute::Host(threads) => {
                let mut out = vec![0.0; x.elem_count()];
                with_numbers(x, |x| self.normalize(threads, x, &mut out))?;
                Ok(Tensor::from_vec(out, x.shape(), x.device())?)
            }
            Compute::Candle(_) => {
                let x = x.to_dtype(DType::F32)?;
                let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
                let scale = (mean + f64::from(self.epsilon))?.sqrt()?;
                Ok(x.broadcast_div(&scale)?.broadcast_mul(&self.on_device)?)
            }
        }
    }

    /// The same for rows on the host.
    pub(super) fn normalize(&self, threads: &Threads, x: &[f32], out: &mut [f32]) -> Result<()> {
        Ok(rms_norm(threads, x, &self.weight, self.epsilon, out)?)
    }
}
