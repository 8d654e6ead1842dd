//! A mixture of experts: a router picks a few feed-forward parts for each token and weighs what they answer.

use candle_core::{D, Tensor};
use wick_kernels::Activation;

use super::{Linear, Weights, mlp::activate, with_numbers};
use crate::Result;

/// How a mixture is made.
#[derive(Debug, Clone, Copy)]
pub struct ExpertsShape {
    /// Experts there are.
    pub experts: usize,
    /// Experts asked for each token.
    pub used: usize,
    /// Length of the embedding.
    pub embedding: usize,
    /// Width of an expert.
    pub feed_forward: usize,
}

/// The feed-forward part of a layer, of several experts.
pub struct Experts {
    router: Linear,
    experts: Vec<Expert>,
    shape: ExpertsShape,
    compute: super::Compute,
}

struct Expert {
    gate_up: Linear,
    down: Linear,
}

impl Experts {
    /// From a router and the stacks of the experts' gate, up and down.
    pub fn new(
        weights: &Weights<'_>,
        shape: ExpertsShape,
        router: &str,
        [gate, up, down]: [&str; 3],
    ) -> Result<Self> {
        let ExpertsShape {
            experts,
            embedding,
            feed_forward,
            ..
        } = shape;
        let expert = |index: usize| {
            let of = (index, experts);
            Ok(Expert {
                gate_up: weights.expert(
                    of,
                    embedding,
                    &[(gate, feed_forward), (up, feed_forward)],
                )?,
                down: weights.expert(of, feed_forward, &[(down, embedding)])?,
            })
        };
        Ok(Self {
            router: weights.linear(embedding, &[(router, experts)])?,
            experts: (0..experts).map(expert).collect::<Result<_>>()?,
            shape,
            compute: weights.compute().clone(),
        })
    }

    /// `(n_tokens, n_embd)` → `(n_tokens, n_embd)`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let asked = self.route(x)?;
        let mut out = Tensor::zeros((tokens, width), x.dtype(), x.device())?;
        for (expert, asked) in self.experts.iter().zip(asked) {
            if asked.is_empty() {
                continue;
            }
            let (rows, shares): (Vec<u32>, Vec<f32>) = asked.into_iter().unzip();
            let count = rows.len();
            let rows = Tensor::from_vec(rows, count, x.device())?;
            let shares = Tensor::from_vec(shares, (count, 1), x.device())?;
            let gate_up = expert.gate_up.forward(&x.index_select(&rows, 0)?)?;
            let h = activate(&gate_up, Activation::Silu, &self.compute)?;
            let answer = expert.down.forward(&h)?.broadcast_mul(&shares)?;
            out = out.index_add(&rows, &answer, 0)?;
        }
        Ok(out)
    }

    /// For each expert the rows that ask it, and the share its answer has in each.
    fn route(&self, x: &Tensor) -> Result<Vec<Vec<(u32, f32)>>> {
        let scores = self.router.forward(x)?; // (n_tokens, n_experts)
        let max = scores.max_keepdim(D::Minus1)?;
        let scores = scores.broadcast_sub(&max)?.exp()?; // softmax, up to a factor that the shares divide out
        let scores = scores.to_device(&candle_core::Device::Cpu)?;
        let mut asked = vec![Vec::new(); self.shape.experts];
        with_numbers(&scores, |scores| {
            for (row, scores) in scores.chunks_exact(self.shape.experts).enumerate() {
                let mut order: Vec<usize> = (0..scores.len()).collect();
                order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
                order.truncate(self.shape.used);
                let total: f32 = order.iter().map(|expert| scores[*expert]).sum();
                for expert in order {
                    asked[expert].push((row as u32, scores[expert] / total));
                }
            }
            Ok(())
        })?;
        Ok(asked)
    }
}
