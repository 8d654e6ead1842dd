//! Attention over the cache: a token looks at the tokens before it in its own sequence.

use std::sync::Arc;

use candle_core::{D, DType, Tensor};
use wick_kernels::{AttentionShape, Span, attention};

use super::{
    Linear, RmsNorm, Rope, Rows,
    rows::{HostRows, apart},
};
use crate::{
    Result,
    kv_cache::LayerShape,
    models::{Step, StepSequence},
};

/// What one attention layer is made of.
pub struct AttentionWeights {
    /// To the queries, the keys and the values: three matrices.
    pub qkv: Linear,
    /// From the heads back to the embedding.
    pub output: Linear,
    /// Norms of each head's query and key (Qwen 3, Gemma 3).
    pub query_key_norms: Option<(RmsNorm, RmsNorm)>,
    /// Norm before the last product (BitNet).
    pub sub_norm: Option<RmsNorm>,
    /// Angles by position.
    pub rope: Arc<Rope>,
}

/// One attention layer.
pub struct Attention {
    layer: usize,
    weights: AttentionWeights,
    shape: AttentionShape,
}

impl Attention {
    /// The attention of layer number `layer`: `heads` queries share the keys and values of `cache`.
    pub fn new(layer: usize, heads: usize, cache: LayerShape, weights: AttentionWeights) -> Self {
        Self {
            layer,
            weights,
            shape: AttentionShape {
                heads,
                kv_heads: cache.kv_heads,
                head_dim: cache.head_dim,
                scale: 1.0 / (cache.head_dim as f32).sqrt(),
                softcap: None,
                window: cache.window,
            },
        }
    }

    /// With another factor on the scores than one over the root of the head's length.
    pub fn with_scale(mut self, scale: f32) -> Self {
        self.shape.scale = scale;
        self
    }

    /// What it keeps in the cache.
    pub fn cache_shape(&self) -> LayerShape {
        LayerShape {
            kv_heads: self.shape.kv_heads,
            head_dim: self.shape.head_dim,
            window: self.shape.window,
        }
    }

    /// `(n_tokens, n_embd)` → `(n_tokens, n_embd)`; the step's caches receive the tokens' keys and values.
    pub fn forward(&self, x: &Rows, step: &mut Step<'_>) -> Result<Rows> {
        let [mut q, mut k, v] = self.weights.qkv.forward_apart(x)?;
        if let Some((query_norm, key_norm)) = &self.weights.query_key_norms {
            q = query_norm.forward(&q)?;
            k = key_norm.forward(&k)?;
        }
        let seen = match (q, k, v) {
            (Rows::Host(q), Rows::Host(k), Rows::Host(v)) => {
                Rows::Host(self.on_host(q, k, &v, step)?)
            }
            (Rows::Candle(q), Rows::Candle(k), Rows::Candle(v)) => {
                Rows::Candle(self.with_candle(&q, &k, &v, step)?)
            }
            _ => return Err(apart()),
        }; // (n_tokens, n_heads · head_dim)
        let seen = match &self.weights.sub_norm {
            Some(norm) => norm.forward(&seen)?,
            None => seen,
        };
        self.weights.output.forward(&seen)
    }

    fn on_host(
        &self,
        mut q: HostRows,
        mut k: HostRows,
        v: &HostRows,
        step: &mut Step<'_>,
    ) -> Result<HostRows> {
        for x in [&mut q, &mut k] {
            self.weights.rope.turn(step.positions(), x)?;
        }
        let threads = q.host().threads();
        let mut out = q.like(q.width());
        let sequences = step.sequences_mut();
        let mut layout = None;
        for sequence in sequences.iter_mut() {
            let rows = sequence.rows.start * k.width()..sequence.rows.end * k.width();
            let position = sequence.cache.position();
            let pages = sequence.cache.pages(self.layer).ok_or_else(apart)?;
            let (keys, values) = (&k.numbers()[rows.clone()], &v.numbers()[rows]);
            pages.write(threads, position, keys, values)?;
            layout = Some(*pages.layout());
        }
        let Some(layout) = layout else {
            return Ok(out);
        };
        let mut attend = |spans: &[Span<'_>]| {
            let (q, out) = (q.numbers(), out.numbers_mut());
            attention(threads, &layout, &self.shape, spans, q, out)
        };
        match sequences {
            // One token asks for no memory.
            [sequence] => attend(&[self.span(sequence)?])?,
            several => {
                let spans = several.iter_mut().map(|sequence| self.span(sequence));
                attend(&spans.collect::<Result<Vec<_>>>()?)?;
            }
        }
        Ok(out)
    }

    /// What a sequence's rows see.
    fn span<'a>(&self, sequence: &'a mut StepSequence<'_>) -> Result<Span<'a>> {
        let first_position = sequence.cache.position();
        let pages = sequence.cache.pages(self.layer).ok_or_else(apart)?;
        Ok(Span {
            first_row: sequence.rows.start,
            rows: sequence.rows.len(),
            first_position,
            pages: pages.table(),
        })
    }

    fn with_candle(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        step: &mut Step<'_>,
    ) -> Result<Tensor> {
        let (heads, kv_heads, head_dim) =
            (self.shape.heads, self.shape.kv_heads, self.shape.head_dim);
        let tokens = q.dim(0)?;
        let q = q.reshape((tokens, heads, head_dim))?;
        let k = k.reshape((tokens, kv_heads, head_dim))?;
        let v = v.reshape((tokens, kv_heads, head_dim))?;
        let positions = Tensor::new(step.positions(), q.device())?;
        let q = self.weights.rope.turn_tensor(&positions, &q)?;
        let k = self.weights.rope.turn_tensor(&positions, &k)?;
        let mut seen = Vec::new();
        for sequence in step.sequences_mut() {
            let (from, rows) = (sequence.rows.start, sequence.rows.len());
            let position = sequence.cache.position();
            let heads_first = |x: &Tensor| x.narrow(0, from, rows)?.transpose(0, 1)?.contiguous();
            let cache = sequence.cache.tensors(self.layer).ok_or_else(apart)?;
            let (keys, values) = cache.write(position, &heads_first(&k)?, &heads_first(&v)?)?;
            // Heads that share keys become rows of one product: (n_kv_heads, n_group · n_rows, head_dim)
            let group = heads / kv_heads;
            let q = heads_first(&q)?.reshape((kv_heads, group * rows, head_dim))?;
            let keys = keys.to_dtype(DType::F32)?; // (n_kv_heads, n_seen, head_dim)
            let scores =
                (q.matmul(&keys.transpose(1, 2)?.contiguous()?)? * f64::from(self.shape.scale))?;
            let total = position + rows;
            let mask = self.mask(position, rows, total, &q)?; // (n_rows, n_seen)
            let scores = scores
                .reshape((kv_heads, group, rows, total))?
                .broadcast_add(&mask)?;
            let max = scores.max_keepdim(D::Minus1)?;
            let weights = scores.broadcast_sub(&max)?.exp()?;
            let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
            let weights = weights.reshape((kv_heads, group * rows, total))?;
            let out = weights.matmul(&values.to_dtype(DType::F32)?.contiguous()?)?;
            let out = out.reshape((heads, rows, head_dim))?.transpose(0, 1)?;
            seen.push(out.contiguous()?.reshape((rows, heads * head_dim))?);
        }
        Ok(Tensor::cat(&seen, 0)?)
    }

    /// 0 where a row sees a position, minus infinity where it does not.
    fn mask(&self, position: usize, rows: usize, total: usize, like: &Tensor) -> Result<Tensor> {
        let window = self.shape.window.unwrap_or(usize::MAX);
        let mask: Vec<f32> = (0..rows)
            .flat_map(|row| {
                let own = position + row;
                (0..total).map(move |seen| match seen <= own && own - seen < window {
                    true => 0.0,
                    false => f32::NEG_INFINITY,
                })
            })
            .collect();
        Ok(Tensor::from_vec(mask, (rows, total), like.device())?)
    }
}
