//! The cache of one layer as candle's tensors, for devices other than the host. It grows by steps, and a token is
//! written in place.

use candle_core::{DType, Device, Tensor};

use super::{CacheFormat, LayerShape};
use crate::Result;

/// Tokens by which it grows.
const STEP: usize = 256;

#[derive(Clone)]
pub(crate) struct Tensors {
    shape: LayerShape,
    dtype: DType,
    device: Device,
    /// Keys and values, each `(n_kv_heads, capacity, head_dim)`.
    held: Option<(Tensor, Tensor)>,
}

impl Tensors {
    /// Quantized formats are held in F16: candle has no attention over anything else.
    pub(super) fn new(shape: LayerShape, format: CacheFormat, device: &Device) -> Self {
        let dtype = match format {
            CacheFormat::F32 => DType::F32,
            CacheFormat::F16 | CacheFormat::Q8_0 => DType::F16,
        };
        Self {
            shape,
            dtype,
            device: device.clone(),
            held: None,
        }
    }

    /// Writes keys and values `(n_kv_heads, n_tokens, head_dim)` from `position` on, and returns all there are then.
    pub(crate) fn write(
        &mut self,
        position: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let end = position + keys.dim(1)?;
        let (all_keys, all_values) = self.with_room_for(end)?;
        for (all, new) in [(&all_keys, keys), (&all_values, values)] {
            all.slice_set(&new.to_dtype(self.dtype)?.contiguous()?, 1, position)?;
        }
        Ok((all_keys.narrow(1, 0, end)?, all_values.narrow(1, 0, end)?))
    }

    /// Holds room for `end` positions.
    pub(super) fn fill(&mut self, end: usize) -> Result<()> {
        self.with_room_for(end).map(drop)
    }

    fn with_room_for(&mut self, tokens: usize) -> Result<(Tensor, Tensor)> {
        if let Some((keys, values)) = &self.held
            && keys.dim(1)? >= tokens
        {
            return Ok((keys.clone(), values.clone()));
        }
        let shape = (
            self.shape.kv_heads,
            tokens.next_multiple_of(STEP),
            self.shape.head_dim,
        );
        let grown = |old: Option<&Tensor>| -> Result<Tensor> {
            let new = Tensor::zeros(shape, self.dtype, &self.device)?;
            if let Some(old) = old {
                new.slice_set(old, 1, 0)?;
            }
            Ok(new)
        };
        let keys = grown(self.held.as_ref().map(|(keys, _)| keys))?;
        let values = grown(self.held.as_ref().map(|(_, values)| values))?;
        self.held = Some((keys.clone(), values.clone()));
        Ok((keys, values))
    }

    /// Writing in place would reach a clone too.
    pub(super) fn fork(&self) -> Result<Self> {
        let held = match &self.held {
            Some((keys, values)) => Some((keys.copy()?, values.copy()?)),
            None => None,
        };
        Ok(Self {
            held,
            ..self.clone()
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let bytes = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        self.held
            .as_ref()
            .map_or(0, |(keys, values)| bytes(keys) + bytes(values))
    }
}
