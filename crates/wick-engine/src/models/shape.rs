//! The numbers that shape a model, as every family's header gives them.

use std::sync::Arc;

use super::unsupported;
use crate::{
    Error, Result,
    gguf::Metadata,
    kv_cache::LayerShape,
    layers::{
        Activation, Block, GatedMlp, Linear, RmsNorm, Rope, RopeScaling, RopeStyle, Transformer,
        Weights,
    },
    source::ModelSource,
};

/// Sizes of a model.
pub(super) struct Shape {
    pub layers: usize,
    pub embedding: usize,
    pub feed_forward: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub rotary_dim: usize,
    pub epsilon: f32,
    pub rope_base: f32,
}

impl Shape {
    pub(super) fn read(source: &ModelSource) -> Result<Self> {
        let embedding = source.required("embedding_length")?;
        let heads = source.required("attention.head_count")?;
        let head_dim = match source.optional("attention.key_length")? {
            Some(length) => length,
            None => embedding / heads.max(1),
        };
        let epsilon = source.optional_f32("attention.layer_norm_rms_epsilon")?;
        Ok(Self {
            layers: source.required("block_count")?,
            embedding,
            feed_forward: source.required("feed_forward_length")?,
            heads,
            kv_heads: source.optional("attention.head_count_kv")?.unwrap_or(heads),
            head_dim,
            rotary_dim: source.optional("rope.dimension_count")?.unwrap_or(head_dim),
            epsilon: epsilon.unwrap_or(1e-5),
            rope_base: source.optional_f32("rope.freq_base")?.unwrap_or(10_000.0),
        })
    }

    /// Numbers in a token's queries.
    pub(super) fn queries(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Numbers in a token's keys, and in its values.
    pub(super) fn keys(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// What a layer keeps of a token.
    pub(super) fn cache(&self, window: Option<usize>) -> LayerShape {
        LayerShape {
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            window,
        }
    }

    /// The rotary angles for a context.
    pub(super) fn rope(
        &self,
        style: RopeStyle,
        base: f32,
        scaling: &RopeScaling,
        context_length: usize,
        weights: &Weights<'_>,
    ) -> Result<Arc<Rope>> {
        let dims = (self.head_dim, self.rotary_dim);
        let compute = weights.compute();
        Ok(Arc::new(Rope::new(
            style,
            dims,
            base,
            scaling,
            context_length,
            compute,
        )?))
    }

    /// Queries, keys and values of layer `layer` as three matrices.
    pub(super) fn qkv(&self, weights: &Weights<'_>, layer: usize) -> Result<Linear> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        weights.linear(
            self.embedding,
            &[
                (&name("attn_q.weight"), self.queries()),
                (&name("attn_k.weight"), self.keys()),
                (&name("attn_v.weight"), self.keys()),
            ],
        )
    }

    /// Norms of the heads' queries and keys of layer `layer`.
    pub(super) fn query_key_norms(
        &self,
        weights: &Weights<'_>,
        layer: usize,
    ) -> Result<(RmsNorm, RmsNorm)> {
        let norm = |part: &str| {
            let name = format!("blk.{layer}.{part}");
            weights.norm(&name, self.head_dim, self.epsilon)
        };
        Ok((norm("attn_q_norm.weight")?, norm("attn_k_norm.weight")?))
    }

    /// The product after attention of layer `layer`.
    pub(super) fn attention_output(&self, weights: &Weights<'_>, layer: usize) -> Result<Linear> {
        let name = format!("blk.{layer}.attn_output.weight");
        weights.linear(self.queries(), &[(&name, self.embedding)])
    }

    /// A norm of layer `layer` over the embedding.
    pub(super) fn norm(&self, weights: &Weights<'_>, layer: usize, part: &str) -> Result<RmsNorm> {
        weights.norm(&format!("blk.{layer}.{part}"), self.embedding, self.epsilon)
    }

    /// The feed-forward part of layer `layer`, of three matrices.
    pub(super) fn gated_mlp(
        &self,
        weights: &Weights<'_>,
        layer: usize,
        activation: Activation,
    ) -> Result<GatedMlp> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let (gate, up) = (name("ffn_gate.weight"), name("ffn_up.weight"));
        let gate_up = [(&*gate, self.feed_forward), (&*up, self.feed_forward)];
        let down = [(&*name("ffn_down.weight"), self.embedding)];
        Ok(GatedMlp::new(
            weights.linear(self.embedding, &gate_up)?,
            weights.linear(self.feed_forward, &down)?,
            activation,
        ))
    }

    /// The whole decoder: embedding, blocks, last norm, and the output, which may be the embedding's matrix again.
    pub(super) fn transformer(
        &self,
        weights: &Weights<'_>,
        blocks: Vec<Block>,
    ) -> Result<Transformer> {
        let embedding = weights.embedding("token_embd.weight")?;
        let output = match weights.source().find("output.weight") {
            Some(_) => "output.weight",
            None => "token_embd.weight",
        };
        let vocabulary = embedding.vocabulary_size();
        Ok(Transformer {
            embedding,
            blocks,
            norm: weights.norm("output_norm.weight", self.embedding, self.epsilon)?,
            output: weights.linear(self.embedding, &[(output, vocabulary)])?,
        })
    }
}

/// Linear scaling, and the factors of Llama 3 and later. Other kinds were refused from the header.
pub(super) fn rope_scaling(shape: &Shape, weights: &Weights<'_>) -> Result<RopeScaling> {
    let source = weights.source();
    let is_linear = source.optional_str("rope.scaling.type")? == Some("linear");
    let linear = match is_linear {
        true => source.optional_f32("rope.scaling.factor")?,
        // The key of older files.
        false => source.optional_f32("rope.scale_linear")?,
    };
    let factors = weights.optional_vector("rope_freqs.weight", shape.rotary_dim / 2)?;
    Ok(RopeScaling {
        factors: factors.unwrap_or_default(),
        linear: linear.filter(|factor| *factor > 0.0).unwrap_or(1.0),
        magnitude: 1.0,
    })
}

/// Refuses kinds of rotary scaling other than `known`, linear and none.
pub(super) fn check_rope_scaling(
    architecture: &str,
    metadata: &Metadata,
    known: &[&str],
) -> Result<()> {
    let kind = metadata.str(&format!("{architecture}.rope.scaling.type"))?;
    match kind {
        None | Some("none" | "linear") => Ok(()),
        Some(kind) if known.contains(&kind) => Ok(()),
        Some(kind) => Err(unsupported(&format!(
            "{architecture} with {kind} scaling of its rotary embeddings"
        ))),
    }
}

/// Refuses values as long as they are not the keys' length: the cache keeps both alike.
pub(super) fn check_head_lengths(architecture: &str, metadata: &Metadata) -> Result<()> {
    let length = |what: &str| metadata.u32(&format!("{architecture}.attention.{what}_length"));
    match (length("key")?, length("value")?) {
        (Some(key), Some(value)) if key != value => Err(Error::UnsupportedArchitecture {
            architecture: format!("{architecture} with values of another length than its keys"),
            supported: architecture.into(),
        }),
        _ => Ok(()),
    }
}
