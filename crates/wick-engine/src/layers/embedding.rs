//! From token numbers to the rows of the embedding matrix, read straight from the mapped file.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Tensor;
use wick_kernels::{Format, WeightBytes, dequantize};

use super::{Compute, Rows, rows::HostRows};
use crate::{Error, Result, source::SourceTensor};

/// Systems map much of a file around each row that is read: after so many rows it is all given back, or the whole table
/// would end up in this program's memory.
pub(crate) const HELD_ROWS: usize = 8;

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
    /// Rows read since the table was given back; not counted where the output reads all of it for every token anyway.
    held: Option<AtomicUsize>,
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
            held: (!format.is_float()).then(AtomicUsize::default),
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
        let rows = out.chunks_mut((HELD_ROWS * self.width).max(1));
        tokens
            .chunks(HELD_ROWS)
            .zip(rows)
            .try_for_each(|(tokens, rows)| self.read_some(tokens, rows))
    }

    /// Reads at most [`HELD_ROWS`].
    fn read_some(&self, tokens: &[u32], out: &mut [f32]) -> Result<()> {
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
        if let Some(held) = &self.held
            && held.fetch_add(tokens.len(), Ordering::Relaxed) + tokens.len() >= HELD_ROWS
        {
            held.store(0, Ordering::Relaxed);
            self.table.data.release(0..bytes.len());
        }
        Ok(())
    }
}
