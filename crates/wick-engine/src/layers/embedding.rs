//! From token numbers to the rows of the embedding matrix, read straight from the mapped file.

use candle_core::Tensor;
use wick_kernels::{Format, dequantize};

use super::{Compute, Rows, rows::HostRows};
use crate::{Error, Result, source::SourceTensor};

/// The token embeddings.
pub struct Embedding {
    table: SourceTensor,
    format: Format,
    /// Width of a row.
    width: usize,
    /// Number of rows.
    rows: usize,
    scale: f32,
    compute: Compute,
}

impl Embedding {
    pub(super) fn new(table: SourceTensor, format: Format, compute: Compute) -> Result<Self> {
        let (width, rows) = match table.dims[..] {
            [width, rows] => (width, rows),
            _ => {
                return Err(super::weights::wrong_shape(
                    "token_embd.weight",
                    &table.dims,
                ));
            }
        };
        Ok(Self {
            table,
            format,
            width,
            rows,
            scale: 1.0,
            compute,
        })
    }

    /// Multiplies every row, as Gemma does.
    pub fn scaled(mut self, scale: f32) -> Self {
        self.scale = scale;
        self
    }

    /// Number of tokens.
    pub fn vocabulary_size(&self) -> usize {
        self.rows
    }

    /// `tokens: (n_tokens)` → `(n_tokens, n_embd)`
    pub fn forward(&self, tokens: &[u32]) -> Result<Rows> {
        let (count, width) = (tokens.len(), self.width);
        Ok(match &self.compute {
            Compute::Host(host) => {
                let mut rows = HostRows::new(host, count, width);
                self.read(tokens, rows.numbers_mut())?;
                Rows::Host(rows)
            }
            Compute::Candle(device) => {
                let mut rows = vec![0.0; count * width];
                self.read(tokens, &mut rows)?;
                Rows::Candle(Tensor::from_vec(rows, (count, width), device)?)
            }
        })
    }

    fn read(&self, tokens: &[u32], out: &mut [f32]) -> Result<()> {
        let bytes = self.table.data.as_ref();
        let row_bytes = bytes.len() / self.rows;
        for (&token, out) in tokens.iter().zip(out.chunks_exact_mut(self.width)) {
            let token = token as usize;
            if token >= self.rows {
                return Err(Error::NoSuchToken {
                    token: token as u64,
                    vocabulary: self.rows as u64,
                });
            }
            dequantize(self.format, &bytes[token * row_bytes..][..row_bytes], out)?;
            if self.scale != 1.0 {
                out.iter_mut().for_each(|value| *value *= self.scale);
            }
        }
        Ok(())
    }
}
