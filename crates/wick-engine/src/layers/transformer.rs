//! The decoder that every family is a variant of: blocks of attention and feed-forward, each after a norm and added
//! to what came in.

use super::{Attention, Embedding, Experts, GatedMlp, Linear, RmsNorm, Rows};
use crate::{
    Result,
    kv_cache::LayerShape,
    models::{Model, Step},
};

/// A whole decoder.
pub struct Transformer {
    /// From tokens to rows.
    pub embedding: Embedding,
    /// The layers, in order.
    pub blocks: Vec<Block>,
    /// Norm before the output.
    pub norm: RmsNorm,
    /// From rows to logits.
    pub output: Linear,
}

/// One layer.
pub struct Block {
    /// Norm before attention.
    pub attention_norm: RmsNorm,
    /// Looks at the tokens before.
    pub attention: Attention,
    /// Norm after attention (Gemma).
    pub post_attention_norm: Option<RmsNorm>,
    /// Norm before the feed-forward part.
    pub feed_forward_norm: RmsNorm,
    /// Works on each token by itself.
    pub feed_forward: FeedForward,
    /// Norm after the feed-forward part (Gemma).
    pub post_feed_forward_norm: Option<RmsNorm>,
}

/// What works on each token by itself.
pub enum FeedForward {
    /// One for all tokens.
    Mlp(GatedMlp),
    /// A few of many.
    Experts(Experts),
}

impl Model for Transformer {
    fn cache_layers(&self) -> Vec<LayerShape> {
        let shapes = self
            .blocks
            .iter()
            .map(|block| block.attention.cache_shape());
        shapes.collect()
    }

    fn vocabulary_size(&self) -> usize {
        self.embedding.vocabulary_size()
    }

    fn embed(&self, tokens: &[u32]) -> Result<Rows> {
        self.embedding.forward(tokens)
    }

    fn forward(&self, step: &mut Step<'_>) -> Result<Rows> {
        let mut x = self.embed(step.tokens())?; // (n_tokens, n_embd)
        for block in &self.blocks {
            x = block.forward(x, step)?;
        }
        let x = step.outputs_of(x)?; // (n_outputs, n_embd)
        self.output.forward(&self.norm.forward(&x)?) // (n_outputs, n_vocabulary)
    }
}

impl Block {
    fn forward(&self, x: Rows, step: &mut Step<'_>) -> Result<Rows> {
        let mut h = self
            .attention
            .forward(&self.attention_norm.forward(&x)?, step)?;
        if let Some(norm) = &self.post_attention_norm {
            h = norm.forward(&h)?;
        }
        let x = x.plus(&h)?;
        let h = self.feed_forward_norm.forward(&x)?;
        let mut h = match &self.feed_forward {
            FeedForward::Mlp(mlp) => mlp.forward(&h)?,
            FeedForward::Experts(experts) => experts.forward(&h)?,
        };
        if let Some(norm) = &self.post_feed_forward_norm {
            h = norm.forward(&h)?;
        }
        x.plus(&h)
    }
}
