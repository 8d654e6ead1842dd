//! A mixture of experts: a router picks a few feed-forward parts for each token and weighs what they answer.

use candle_core::Tensor;
use wick_kernels::Activation;

use super::{Linear, Rows, Weights, mlp::activate, rows::apart};
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
        })
    }

    /// `(n_tokens, n_embd)` → `(n_tokens, n_embd)`
    pub fn forward(&self, x: &Rows) -> Result<Rows> {
        let asked = self.route(x)?;
        let mut out = match x {
            Rows::Host(x) => {
                let mut out = x.like(x.width());
                out.numbers_mut().fill(0.0);
                Rows::Host(out)
            }
            Rows::Candle(x) => Rows::Candle(x.zeros_like()?),
        };
        for (expert, asked) in self.experts.iter().zip(asked) {
            if asked.is_empty() {
                continue;
            }
            let (rows, shares): (Vec<u32>, Vec<f32>) = asked.into_iter().unzip();
            let gate_up = expert.gate_up.forward(&x.select(&rows)?)?;
            let h = activate(&gate_up, Activation::Silu)?;
            out = add_shares(out, &expert.down.forward(&h)?, &rows, &shares)?;
        }
        Ok(out)
    }

    /// For each expert the rows that ask it, and the share its answer has in each.
    fn route(&self, x: &Rows) -> Result<Vec<Vec<(u32, f32)>>> {
        let scores = self.router.forward(x)?.into_numbers()?; // (n_tokens, n_experts)
        let mut asked = vec![Vec::new(); self.shape.experts];
        for (row, scores) in scores.chunks_exact(self.shape.experts).enumerate() {
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            order.truncate(self.shape.used);
            // Softmax over all, up to a factor that the shares divide out.
            let most = order.first().map_or(0.0, |expert| scores[*expert]);
            let weight = |expert: &usize| (scores[*expert] - most).exp();
            let total: f32 = order.iter().map(weight).sum();
            for expert in &order {
                asked[*expert].push((row as u32, weight(expert) / total));
            }
        }
        Ok(asked)
    }
}

/// Adds an expert's answers to the rows that asked it.
fn add_shares(out: Rows, answer: &Rows, rows: &[u32], shares: &[f32]) -> Result<Rows> {
    Ok(match (out, answer) {
        (Rows::Host(mut out), Rows::Host(answer)) => {
            let width = out.width();
            let answers = answer.numbers().chunks_exact(width);
            for ((row, share), answer) in rows.iter().zip(shares).zip(answers) {
                let out = &mut out.numbers_mut()[*row as usize * width..][..width];
                out.iter_mut()
                    .zip(answer)
                    .for_each(|(out, answer)| *out += answer * share);
            }
            Rows::Host(out)
        }
        (Rows::Candle(out), Rows::Candle(answer)) => {
            let count = rows.len();
            let rows = Tensor::from_slice(rows, count, out.device())?;
            let shares = Tensor::from_slice(shares, (count, 1), out.device())?;
            Rows::Candle(out.index_add(&rows, &answer.broadcast_mul(&shares)?, 0)?)
        }
        _ => return Err(apart()),
    })
}
