//! Qwen 2 and 2.5.

use candle_core::{Device, Tensor, quantized::gguf_file::Content};
use candle_transformers::models::quantized_qwen2::ModelWeights;

use super::{
    Architecture,
    dequantized::Dequantized,
    transformers::{self, Transformer},
};

pub(super) const QWEN2: Architecture = Architecture {
    name: "qwen2",
    max_context_length: u32::MAX,
    check: |_| Ok(()),
    load: transformers::load::<ModelWeights>,
};

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
