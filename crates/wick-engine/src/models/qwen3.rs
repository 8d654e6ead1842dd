//! Qwen 3, dense.

use candle_core::{Device, Tensor, quantized::gguf_file::Content};
use candle_transformers::models::quantized_qwen3::ModelWeights;

use super::{
    Architecture,
    dequantized::Dequantized,
    transformers::{self, Transformer},
};

pub(super) const QWEN3: Architecture = Architecture {
    name: "qwen3",
    max_context_length: u32::MAX,
    check: |_| Ok(()),
    load: transformers::load::<ModelWeights>,
};

impl Transformer for ModelWeights {
    /// On the CPU a single token is kept in a cache that reading several does not look at.
    const READS_AFTER_DECODE: bool = false;

    fn read(
        content: Content,
        file: &mut Dequantized,
        device: &Device,
    ) -> candle_core::Result<Self> {
        Self::from_gguf(content, file, device)
    }

    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor> {
        if position == 0 {
            // This one does not begin anew by itself.
            self.clear_kv_cache();
        }
        self.forward(tokens, position)
    }
}
