//! Pages of the KV cache. Within a page each key head has a part of its own: its keys in strips of 16 tokens with the
//! dimensions one after the other, so that a vector holds one dimension of 16 keys; then its values, token by token;
//! in Q8_0 then the scales of both, in the same order.

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::activations::{BLOCK, quantize_block};
use crate::error::{check_length, product, whole_rows};
use crate::shared::Shared;
use crate::simd::LANES;
use crate::{Error, Result, Threads};

/// Tokens of a page.
pub const PAGE_TOKENS: usize = 64;

/// How keys and values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheFormat {
    /// As they are computed.
    F32,
    /// Half precision.
    F16,
    /// Eight bits and a half-precision scale for each 32.
    Q8_0,
}

/// Keys and values of [`PAGE_TOKENS`] tokens of one layer. The bytes of a page depend on this layout alone, so pages
/// may be stored and read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageLayout {
    /// How numbers are kept.
    pub format: CacheFormat,
    /// Key (and value) heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
}

impl PageLayout {
    /// Bytes of a page.
    pub fn bytes(&self) -> usize {
        self.kv_heads.saturating_mul(self.head_bytes())
    }

    /// Stores rows of keys and values, one a token. The first goes to `slot` of the first page, and the others follow.
    pub fn write_rows(
        &self,
        threads: &Threads,
        slot: usize,
        pages: &mut [&mut [u8]],
        keys: &[f32],
        values: &[f32],
    ) -> Result<()> {
        let width = product("key", &[self.kv_heads, self.head_dim])?;
        let rows = whole_rows("keys", width, keys.len())?;
        check_length("values", keys.len(), values.len())?;
        let end = slot.saturating_add(rows);
        if end > pages.len().saturating_mul(PAGE_TOKENS) {
            return Err(Error::OutOfRange {
                what: "slot",
                index: end,
                limit: pages.len() * PAGE_TOKENS + 1,
            });
        }
        for page in &*pages {
            check_length("page", self.bytes(), page.len())?;
        }
        if rows == 0 || self.bytes() == 0 {
            return Ok(());
        }
        if let ([page], 1) = (&mut *pages, rows) {
            for (head, bytes) in page.chunks_exact_mut(self.head_bytes()).enumerate() {
                let from = head * self.head_dim;
                self.write_token(bytes, slot, &keys[from..], &values[from..]);
            }
            return Ok(());
        }
        let pages: Vec<_> = pages.iter_mut().map(|page| Shared::new(page)).collect();
        threads.share(pages.len() * self.kv_heads, &|i| {
            let (page, head) = (i / self.kv_heads, i % self.kv_heads);
            let (first, last) = (page * PAGE_TOKENS, (page + 1) * PAGE_TOKENS);
            // SAFETY: each head of a page is written by one thread.
            let bytes = unsafe { pages[page].part(head * self.head_bytes(), self.head_bytes()) };
            for at in first.max(slot)..last.min(end) {
                let from = (at - slot) * width + head * self.head_dim;
                self.write_token(bytes, at - first, &keys[from..], &values[from..]);
            }
        });
        Ok(())
    }

    /// Stores one head of one token.
    fn write_token(&self, head: &mut [u8], slot: usize, key: &[f32], value: &[f32]) {
        let (key, value) = (&key[..self.head_dim], &value[..self.head_dim]);
        self.write_head(
            head,
            key,
            |i| self.key_at(slot, i),
            |b| self.key_scale_at(slot, b),
        );
        self.write_head(
            head,
            value,
            |i| self.value_at(slot, i),
            |b| self.value_scale_at(slot, b),
        );
    }

    /// Reads one token back.
    pub fn read(&self, page: &[u8], slot: usize, key: &mut [f32], value: &mut [f32]) -> Result<()> {
        self.check(page.len(), slot, key.len(), value.len())?;
        if self.bytes() == 0 {
            return Ok(());
        }
        let heads = page.chunks_exact(self.head_bytes());
        let keys = key.chunks_exact_mut(self.head_dim);
        let values = value.chunks_exact_mut(self.head_dim);
        for ((head, key), value) in heads.zip(keys).zip(values) {
            self.read_head(
                head,
                key,
                |i| self.key_at(slot, i),
                |b| self.key_scale_at(slot, b),
            );
            self.read_head(
                head,
                value,
                |i| self.value_at(slot, i),
                |b| self.value_scale_at(slot, b),
            );
        }
        Ok(())
    }

    fn check(&self, page: usize, slot: usize, key: usize, value: usize) -> Result<()> {
        check_length("page", self.bytes(), page)?;
        let width = product("key", &[self.kv_heads, self.head_dim])?;
        check_length("key", width, key)?;
        check_length("value", width, value)?;
        if slot >= PAGE_TOKENS {
            return Err(Error::OutOfRange {
                what: "slot",
                index: slot,
                limit: PAGE_TOKENS,
            });
        }
        Ok(())
    }

    fn write_head(
        &self,
        head: &mut [u8],
        vector: &[f32],
        at: impl Fn(usize) -> usize,
        scale_at: impl Fn(usize) -> usize,
    ) {
        match self.format {
            CacheFormat::F32 => {
                for (i, v) in vector.iter().enumerate() {
                    head[at(i)..][..4].copy_from_slice(&v.to_le_bytes());
                }
            }
            CacheFormat::F16 => {
                let mut halves = [f16::ZERO; BLOCK];
                for (b, block) in vector.chunks(BLOCK).enumerate() {
                    let halves = &mut halves[..block.len()];
                    halves.convert_from_f32_slice(block);
                    for (i, half) in halves.iter().enumerate() {
                        head[at(b * BLOCK + i)..][..2].copy_from_slice(&half.to_le_bytes());
                    }
                }
            }
            CacheFormat::Q8_0 => {
                let mut codes = [0i8; BLOCK];
                for (b, block) in vector.chunks(BLOCK).enumerate() {
                    let scale = f16::from_f32(quantize_block(block, &mut codes));
                    head[scale_at(b)..][..2].copy_from_slice(&scale.to_le_bytes());
                    for (i, code) in codes[..block.len()].iter().enumerate() {
                        head[at(b * BLOCK + i)] = *code as u8;
                    }
                }
            }
        }
    }

    fn read_head(
        &self,
        head: &[u8],
        vector: &mut [f32],
        at: impl Fn(usize) -> usize,
        scale_at: impl Fn(usize) -> usize,
    ) {
        for (i, v) in vector.iter_mut().enumerate() {
            let from = &head[at(i)..];
            *v = match self.format {
                CacheFormat::F32 => f32::from_le_bytes([from[0], from[1], from[2], from[3]]),
                CacheFormat::F16 => f16::from_le_bytes([from[0], from[1]]).to_f32(),
                CacheFormat::Q8_0 => {
                    let scale = &head[scale_at(i / BLOCK)..];
                    from[0] as i8 as f32 * f16::from_le_bytes([scale[0], scale[1]]).to_f32()
                }
            };
        }
    }

    /// Bytes of a number.
    pub(crate) fn element(&self) -> usize {
        match self.format {
            CacheFormat::F32 => 4,
            CacheFormat::F16 => 2,
            CacheFormat::Q8_0 => 1,
        }
    }

    /// Values of a token are padded to whole vectors.
    pub(crate) fn value_width(&self) -> usize {
        self.head_dim.div_ceil(LANES).saturating_mul(LANES)
    }

    pub(crate) fn scale_blocks(&self) -> usize {
        match self.format {
            CacheFormat::Q8_0 => self.head_dim.div_ceil(BLOCK),
            _ => 0,
        }
    }

    pub(crate) fn head_bytes(&self) -> usize {
        // A size that does not fit saturates, and no page has it.
        let numbers = self.head_dim.saturating_add(self.value_width());
        let bytes = numbers.saturating_mul(self.element());
        bytes
            .saturating_add(4 * self.scale_blocks())
            .saturating_mul(PAGE_TOKENS)
    }

    /// Where dimension `i` of a token's key lies within its head.
    pub(crate) fn key_at(&self, slot: usize, i: usize) -> usize {
        ((slot / LANES * self.head_dim + i) * LANES + slot % LANES) * self.element()
    }

    pub(crate) fn value_at(&self, slot: usize, i: usize) -> usize {
        (PAGE_TOKENS * self.head_dim + slot * self.value_width() + i) * self.element()
    }

    pub(crate) fn key_scale_at(&self, slot: usize, block: usize) -> usize {
        let first = PAGE_TOKENS * (self.head_dim + self.value_width()) * self.element();
        first + ((slot / LANES * self.scale_blocks() + block) * LANES + slot % LANES) * 2
    }

    pub(crate) fn value_scale_at(&self, slot: usize, block: usize) -> usize {
        self.key_scale_at(PAGE_TOKENS, 0) + (slot * self.scale_blocks() + block) * 2
    }
}
