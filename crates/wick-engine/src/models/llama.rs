//! Llama and what is built like it: Llama 2, Mistral, TinyLlama, SmolLM2.

use candle_core::{Device, Tensor, quantized::gguf_file::Content};
use candle_transformers::models::quantized_llama::ModelWeights;

use super::{
    Architecture,
    dequantized::Dequantized,
    transformers::{self, Transformer},
    unsupported,
};
use crate::{Result, gguf::ValidatedGguf};

/// candle-transformers' tables of rotary angles end at 4,096 positions.
pub(super) const LLAMA: Architecture = Architecture {
    name: "llama",
    max_context_length: 4096,
    check,
    load: transformers::load::<ModelWeights>,
};

/// Scaled rotary angles would be computed as plain ones, and heads as an even share of the embedding.
fn check(gguf: &ValidatedGguf) -> Result<()> {
    let metadata = gguf.metadata();
    if gguf
        .tensors()
        .iter()
        .any(|tensor| tensor.name == "rope_freqs.weight")
        || metadata
            .str("llama.rope.scaling.type")?
            .is_some_and(|kind| kind != "none")
    {
        return Err(unsupported(
            "llama with scaled rotary embeddings (Llama 3.1 and later)",
        ));
    }
    let embedding = metadata.u32("llama.embedding_length")?;
    let heads = metadata.u32("llama.attention.head_count")?;
    let head_length = metadata.u32("llama.attention.key_length")?;
    match (embedding, heads, head_length) {
        (Some(embedding), Some(heads), Some(length))
            if heads.checked_mul(length) != Some(embedding) =>
        {
            Err(unsupported(
                "llama with heads of another width (Mistral NeMo)",
            ))
        }
        _ => Ok(()),
    }
}

impl Transformer for ModelWeights {
    fn read(
        content: Content,
        file: &mut Dequantized,
        device: &Device,
    ) -> candle_core::Result<Self> {
        Self::from_gguf(content, file, device)
    }

    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor> {
        self.forward(tokens, position)
    }
}
