//! The feed-forward part of a layer: gate, up, activation, down.

use wick_kernels::{Activation, gated};

use super::{Linear, RmsNorm, Rows};
use crate::Result;

/// `down(activation(gate(x)) · up(x))`
pub struct GatedMlp {
    gate_up: Linear,
    down: Linear,
    activation: Activation,
    /// Norm before the last product (BitNet).
    sub_norm: Option<RmsNorm>,
}

impl GatedMlp {
    /// `gate_up` gives the gate's rows, then the up's.
    pub fn new(gate_up: Linear, down: Linear, activation: Activation) -> Self {
        Self {
            gate_up,
            down,
            activation,
            sub_norm: None,
        }
    }

    /// With a norm before the last product.
    pub fn with_sub_norm(mut self, norm: RmsNorm) -> Self {
        self.sub_norm = Some(norm);
        self
    }

    /// `(n_tokens, n_embd)` → `(n_tokens, n_embd)`
    pub fn forward(&self, x: &Rows) -> Result<Rows> {
        let gate_up = self.gate_up.forward(x)?;
        let mut h = activate(&gate_up, self.activation)?;
        if let Some(norm) = &self.sub_norm {
            h = norm.forward(&h)?;
        }
        self.down.forward(&h)
    }
}

/// `(n_tokens, 2 · n_ff)`, gate before up → `(n_tokens, n_ff)`
pub(super) fn activate(gate_up: &Rows, activation: Activation) -> Result<Rows> {
    Ok(match gate_up {
        Rows::Host(gate_up) => {
            let half = gate_up.width() / 2;
            let mut out = gate_up.like(half);
            let (threads, to) = (gate_up.host().threads(), out.numbers_mut());
            gated(threads, activation, half, gate_up.numbers(), to)?;
            Rows::Host(out)
        }
        Rows::Candle(gate_up) => {
            let half = gate_up.dim(1)? / 2;
            let gate = gate_up.narrow(1, 0, half)?.contiguous()?;
            let up = gate_up.narrow(1, half, half)?.contiguous()?;
            let gate = match activation {
                Activation::Silu => gate.silu()?,
                Activation::GeluTanh => gate.gelu()?,
                Activation::ReluSquared => gate.relu()?.sqr()?,
            };
            Rows::Candle((gate * up)?)
        }
    })
}
