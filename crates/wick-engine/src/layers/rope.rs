//! Rotary position embeddings: each pair of a head's numbers turns by an angle that grows with the position.

use candle_core::Tensor;
use wick_kernels::{RopeStyle, rope};

use super::{Compute, rows::HostRows};
use crate::Result;

/// How the angles of a model differ from the plain ones.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeScaling {
    /// Divides each frequency: Llama 3's and LongRoPE's factors, one a pair; empty is 1 for all.
    pub factors: Vec<f32>,
    /// Divides all frequencies: linear scaling.
    pub linear: f32,
    /// Multiplies what is turned: LongRoPE's attention factor.
    pub magnitude: f32,
}

impl Default for RopeScaling {
    fn default() -> Self {
        Self {
            factors: Vec::new(),
            linear: 1.0,
            magnitude: 1.0,
        }
    }
}

/// Tables of angles for every position of the context.
pub struct Rope {
    style: RopeStyle,
    head_dim: usize,
    rotary_dim: usize,
    /// `(n_positions, rotary_dim / 2)`
    cos: Vec<f32>,
    /// As `cos`.
    sin: Vec<f32>,
    /// The same on the device, where that is not the host.
    on_device: Option<(Tensor, Tensor)>,
}

impl Rope {
    /// Tables for `positions` positions; the first `rotary_dim` numbers of a head turn.
    pub fn new(
        style: RopeStyle,
        (head_dim, rotary_dim): (usize, usize),
        base: f32,
        scaling: &RopeScaling,
        positions: usize,
        compute: &Compute,
    ) -> Result<Self> {
        let pairs = rotary_dim / 2;
        // As the reference implementations: frequencies rounded to F32 before they meet the position.
        let frequencies: Vec<f32> = (0..pairs)
            .map(|pair| {
                let exponent = 2.0 * pair as f64 / rotary_dim as f64;
                let factor = scaling.factors.get(pair).copied().unwrap_or(1.0);
                let frequency = (1.0 / f64::from(base).powf(exponent)) as f32;
                frequency / factor / scaling.linear
            })
            .collect();
        let angles = || {
            (0..positions).flat_map(|position| {
                let angle = move |frequency: &f32| f64::from(position as f32 * frequency);
                frequencies.iter().map(angle)
            })
        };
        let magnitude = f64::from(scaling.magnitude);
        let cos: Vec<f32> = angles().map(|a| (a.cos() * magnitude) as f32).collect();
        let sin: Vec<f32> = angles().map(|a| (a.sin() * magnitude) as f32).collect();
        let on_device = match compute {
            Compute::Host(_) => None,
            Compute::Candle(device) => Some((
                Tensor::from_slice(&cos, (positions, pairs), device)?,
                Tensor::from_slice(&sin, (positions, pairs), device)?,
            )),
        };
        Ok(Self {
            style,
            head_dim,
            rotary_dim,
            cos,
            sin,
            on_device,
        })
    }

    /// Turns rows on the host in place. `x: (n_tokens, n_heads · head_dim)`
    pub(super) fn turn(&self, positions: &[u32], x: &mut HostRows) -> Result<()> {
        let host = x.host().clone();
        Ok(rope(
            host.threads(),
            self.style,
            self.head_dim,
            self.rotary_dim,
            &self.cos,
            &self.sin,
            positions,
            x.numbers_mut(),
        )?)
    }

    /// Turns with candle. `x: (n_tokens, n_heads, head_dim)`
    pub(super) fn turn_tensor(&self, positions: &Tensor, x: &Tensor) -> Result<Tensor> {
        let Some((cos, sin)) = &self.on_device else {
            return Ok(x.clone());
        };
        let (tokens, heads, _) = x.dims3()?;
        let pairs = self.rotary_dim / 2;
        let cos = cos.index_select(positions, 0)?.unsqueeze(1)?; // (n_tokens, 1, pairs)
        let sin = sin.index_select(positions, 0)?.unsqueeze(1)?;
        let turning = x.narrow(2, 0, self.rotary_dim)?;
        let (a, b) = match self.style {
            RopeStyle::Halves => (
                turning.narrow(2, 0, pairs)?,
                turning.narrow(2, pairs, pairs)?,
            ),
            RopeStyle::Interleaved => {
                let split = turning.reshape((tokens, heads, pairs, 2))?;
                (
                    split.narrow(3, 0, 1)?.squeeze(3)?,
                    split.narrow(3, 1, 1)?.squeeze(3)?,
                )
            }
        };
        let new_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let new_b = (a.broadcast_mul(&sin)? + b.broadcast_mul(&cos)?)?;
        let turned = match self.style {
            RopeStyle::Halves => Tensor::cat(&[new_a, new_b], 2)?,
            RopeStyle::Interleaved => {
                let both = Tensor::stack(&[new_a, new_b], 3)?;
                both.reshape((tokens, heads, self.rotary_dim))?
            }
        };
        let rest = self.head_dim - self.rotary_dim;
        match rest {
            0 => Ok(turned),
            _ => Ok(Tensor::cat(
                &[turned, x.narrow(2, self.rotary_dim, rest)?],
                2,
            )?),
        }
    }
}
