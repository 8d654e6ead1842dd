//! Puts candle-transformers' quantized models behind the seam. Their KV cache is part of the model and cannot go
//! back by part: a model has one decoder at a time, and going back means to begin again.

use std::{
    fs::File,
    io::BufReader,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{
    DType, Device, Tensor,
    quantized::gguf_file::{Content, Value},
};

use super::{Decoder, Model, dequantized::Dequantized};
use crate::{Error, Result, gguf::ValidatedGguf};

/// A candle-transformers model.
pub(super) trait Transformer: Sized + Send + 'static {
    /// Whether several tokens at once may follow a single one: some keep the two kinds in caches of their own.
    const READS_AFTER_DECODE: bool = true;

    /// Its weights, read from the file.
    fn read(content: Content, file: &mut Dequantized, device: &Device)
    -> candle_core::Result<Self>;

    /// Logits for the last of `tokens`, which stand at `position`; at 0 the cache begins anew.
    /// `tokens: (1, n_tokens)` → `(1, n_vocabulary)`
    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor>;
}

/// Loads the weights of `gguf` as a `T`.
pub(super) fn load<T: Transformer>(
    gguf: &ValidatedGguf,
    context_length: u32,
    device: &Device,
) -> Result<Box<dyn Model>> {
    let file = File::open(gguf.path()).map_err(|error| Error::read(gguf.path(), &error))?;
    let mut content = gguf.to_candle()?;
    // Tables of rotary angles are made as long as this says, in the type that the other says.
    let key = format!("{}.context_length", gguf.architecture());
    content.metadata.insert(key, Value::U32(context_length));
    content
        .metadata
        .insert("general.dtype".into(), Value::U32(0));
    let file = BufReader::with_capacity(1 << 20, file);
    let (mut file, content) = Dequantized::new(file, content);
    let model = T::read(content, &mut file, device)?;
    Ok(Box::new(Weights {
        model: Arc::new(Mutex::new(model)),
        device: device.clone(),
    }))
}

struct Weights<T> {
    model: Arc<Mutex<T>>,
    device: Device,
}

impl<T: Transformer> Model for Weights<T> {
    fn decoder(&self, _context_length: usize) -> Box<dyn Decoder> {
        Box::new(Sequence {
            model: self.model.clone(),
            device: self.device.clone(),
            position: 0,
            has_decoded: false,
        })
    }
}

struct Sequence<T> {
    model: Arc<Mutex<T>>,
    device: Device,
    position: usize,
    /// Whether a single token was read since the beginning.
    has_decoded: bool,
}

impl<T: Transformer> Decoder for Sequence<T> {
    fn prefill(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let at_once = match T::READS_AFTER_DECODE || !self.has_decoded {
            true => tokens.len().max(1),
            false => 1,
        };
        let mut logits = Vec::new();
        for tokens in tokens.chunks(at_once) {
            logits = self.forward(tokens)?;
        }
        Ok(logits)
    }

    fn position(&self) -> usize {
        self.position
    }

    fn truncate(&mut self, position: usize) -> usize {
        if position < self.position {
            self.position = 0;
            self.has_decoded = false;
        }
        self.position
    }
}

impl<T: Transformer> Sequence<T> {
    fn forward(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let input = Tensor::new(tokens, &self.device)?.unsqueeze(0)?; // (1, n_tokens)
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let result = model.forward(&input, self.position).and_then(|logits| {
            logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>() // (n_vocabulary)
        });
        match result {
            Ok(logits) => {
                self.position += tokens.len();
                self.has_decoded |= tokens.len() == 1;
                Ok(logits)
            }
            Err(error) => {
                // Some layers may have read the tokens and others not.
                self.position = 0;
                self.has_decoded = false;
                Err(error.into())
            }
        }
    }
}
