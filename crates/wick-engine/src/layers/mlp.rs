//! The feed-forward part of a layer: gate, up, activation, down.

use candle_core::Tensor;
use wick_kernels::{Activation, gated};

use super::{Compute, Linear, RmsNorm, with_numbers};
use crate::Result;

/// `down(activation(gate(x)) · up(x))`
pub struct GatedMlp {
    gate_up: Linear,
    down: Linear,
    activation: Activation,
    /// Norm before the last product (BitNet).
    sub_norm: Option<RmsNorm>,
    compute: Compute,
}

impl GatedMlp {
    /// `gate_up` gives the gate's rows, then the up's.
    pub fn new(gate_up: Linear, down: Linear, activation: Activation, compute: &Compute) -> Self {
        Self {
            gate_up,
            down,
            activation,
            sub_norm: None,
            compute: compute.clone(),
        }
    }

    /// With a norm before the last product.
    pub fn with_sub_norm(mut self, norm: RmsNorm) -> Self {
        self.sub_norm = Some(norm);
        self
    }

    /// `(n_tokens, n_embd)` → `(n_tokens, n_embd)`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let gate_up = self.gate_up.forward(x)?;
        let mut h = activate(&gate_up, self.activation, &self.compute)?;
        if let Some(norm) = &self.sub_norm {
            h = norm.forward(&h)?;
        }
        self.down.forward(&h)
    }
}

/// `(n_tokens, 2 · n_ff)`, gate before up → `(n_tokens, n_ff)`
pub(super) fn activate(
    gate_up: &Tensor,
    activation: Activation,
    compute: &Compute,
) -> Result<Tensor> {
    let (tokens, width) = gate_up.dims2()?;
    let half = width / 2;
    match compute {
        Compute::Host(threads) => {
            let mut out = vec![0.0; tokens * half];
            with_numbers(gate_up, |numbers| {
                Ok(gated(threads, activation, half, numbers, &mut out)?)
            })?;
            Ok(Tensor::from_vec(out, (tokens, half), gate_up.device())?)
        }
        Compute::Candle(_) => {
            let gate = gate_up.narrow(1, 0, half)?.contiguous()?;
            let up = gate_up.narrow(1, half, half)?.contiguous()?;
            let gate = match activation {
                Activation::Silu => gate.silu()?,
                Activation::GeluTanh => gate.gelu()?,
                Activation::ReluSquared => gate.relu()?.sqr()?,
            };
            Ok((gate * up)?)
        }
    }
}
