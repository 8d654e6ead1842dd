//! A block of queries over one chunk of pages.

use super::{CHUNK, Context};
use crate::activations::BLOCK;
use crate::cache::{CacheFormat, PAGE_TOKENS};
use crate::elementwise::exponentials;
use crate::shared::Shared;
use crate::simd::{LANES, Simd, sigmoid};

/// Some rows of a span with the query heads of one key head: `rows` · group queries, the heads of a row together.
pub(crate) struct Block {
    pub span: usize,
    pub kv_head: usize,
    /// First row within the span.
    pub first: usize,
    pub rows: usize,
}

impl Block {
    /// The chunks its rows see any position of.
    pub(crate) fn chunks(&self, context: &Context<'_>) -> std::ops::Range<usize> {
        let (first, last) = self.positions(context);
        let tokens = CHUNK * PAGE_TOKENS;
        context.shape.first_seen(first) / tokens..last / tokens + 1
    }

    /// Positions of its first and last row.
    fn positions(&self, context: &Context<'_>) -> (usize, usize) {
        let first = context.spans[self.span].first_position + self.first;
        (first, first + self.rows - 1)
    }

    /// Where query `q` starts in the queries and in the output.
    fn query_at(&self, context: &Context<'_>, q: usize) -> usize {
        let shape = &context.shape;
        let row = context.spans[self.span].first_row + self.first + q / shape.group();
        let head = self.kv_head * shape.group() + q % shape.group();
        (row * shape.heads + head) * shape.head_dim
    }
}

/// Attention over a part of the positions: for each query the largest score, the sum of weights relative to it and the
/// values weighted alike.
pub(crate) struct Partial {
    width: usize,
    largest: Vec<f32>,
    sums: Vec<f32>,
    values: Vec<f32>, // (queries, width)
}

impl Partial {
    pub(crate) fn new(context: &Context<'_>, block: &Block) -> Self {
        let queries = block.rows * context.shape.group();
        let width = context.layout.value_width();
        Partial {
            width,
            largest: vec![f32::NEG_INFINITY; queries],
            sums: vec![0.0; queries],
            values: vec![0.0; queries * width],
        }
    }

    fn clear(&mut self) {
        self.largest.fill(f32::NEG_INFINITY);
        self.sums.fill(0.0);
        self.values.fill(0.0);
    }

    /// Takes in another part. A part without visible positions changes nothing.
    pub(crate) fn merge(&mut self, other: &Partial) {
        let rows = self
            .values
            .chunks_exact_mut(self.width)
            .zip(other.values.chunks_exact(self.width));
        for (q, (own, theirs)) in rows.enumerate() {
            if other.largest[q] == f32::NEG_INFINITY {
                continue;
            }
            let largest = self.largest[q].max(other.largest[q]);
            let (a, b) = (
                (self.largest[q] - largest).exp(),
                (other.largest[q] - largest).exp(),
            );
            self.largest[q] = largest;
            self.sums[q] = self.sums[q] * a + other.sums[q] * b;
            for (own, theirs) in own.iter_mut().zip(theirs) {
                *own = *own * a + *theirs * b;
            }
        }
    }

    /// Writes the weighted means.
    pub(crate) fn finish(&self, context: &Context<'_>, block: &Block, out: &Shared<'_, f32>) {
        for (q, values) in self.values.chunks_exact(self.width).enumerate() {
            let dim = context.shape.head_dim;
            // SAFETY: a query belongs to one block alone, and a block is finished by one thread.
            let out = unsafe { out.part(block.query_at(context, q), dim) };
            for (out, v) in out.iter_mut().zip(values) {
                *out = v / self.sums[q];
            }
        }
    }
}

/// Computes what a block sees of a chunk.
///
/// # Safety
/// The processor has S, and the pages the block sees were checked.
#[inline(always)]
pub(crate) unsafe fn attend_chunk<S: Simd>(
    context: &Context<'_>,
    block: &Block,
    chunk: usize,
    part: &mut Partial,
) {
    let (shape, layout) = (&context.shape, &context.layout);
    let (dim, width, group) = (shape.head_dim, layout.value_width(), shape.group());
    let count = block.rows * group;
    let (first_position, last_position) = block.positions(context);
    part.clear();

    let mut buffer = vec![0f32; count * (dim + PAGE_TOKENS) + PAGE_TOKENS * (dim + width)];
    let (queries, rest) = buffer.split_at_mut(count * dim);
    let (scores, rest) = rest.split_at_mut(count * PAGE_TOKENS);
    let (keys, values) = rest.split_at_mut(PAGE_TOKENS * dim);
    for (q, query) in queries.chunks_exact_mut(dim).enumerate() {
        let from = &context.queries[block.query_at(context, q)..][..dim];
        for (query, from) in query.iter_mut().zip(from) {
            *query = from * shape.scale;
        }
    }
    let first_page = (chunk * CHUNK).max(shape.first_seen(first_position) / PAGE_TOKENS);
    let last_page = (chunk * CHUNK + CHUNK - 1).min(last_position / PAGE_TOKENS);
    for page in first_page..=last_page {
        let Some(Some(bytes)) = context.spans[block.span].pages.get(page) else {
            continue; // refused by `check_span`
        };
        let head = &bytes[block.kv_head * layout.head_bytes()..][..layout.head_bytes()];
        let start = page * PAGE_TOKENS;
        // Slots after the last position may hold anything, and zero times anything must be zero.
        let visible = PAGE_TOKENS.min(last_position + 1 - start);
        // SAFETY: the processor has S; the buffers have the sizes that the functions read and write.
        unsafe {
            read_keys::<S>(context, head, visible.div_ceil(LANES), keys);
            read_values::<S>(context, head, visible, values);
            score::<S>(queries, keys, dim, visible, scores);
            for (q, scores) in scores.chunks_exact_mut(PAGE_TOKENS).enumerate() {
                let position = first_position + q / group;
                let from = shape.first_seen(position).saturating_sub(start);
                let to = (position + 1).saturating_sub(start).min(PAGE_TOKENS);
                weigh::<S>(shape.softcap, scores, from, to, q, part);
            }
            accumulate::<S>(scores, values, width, visible, &mut part.values);
        }
    }
}

/// Scores of one query to weights, with the maximum so far: older sums shrink where it grows.
#[inline(always)]
unsafe fn weigh<S: Simd>(
    softcap: Option<f32>,
    scores: &mut [f32],
    from: usize,
    to: usize,
    q: usize,
    part: &mut Partial,
) {
    if from >= to {
        return scores.fill(0.0);
    }
    // SAFETY: the caller has a processor with S; scores are whole vectors.
    unsafe {
        if let Some(cap) = softcap {
            for s in scores.chunks_exact_mut(LANES) {
                // cap · tanh(s / cap), where tanh(y) is 2 sigmoid(2y) − 1.
                let y = S::mul(S::load(s.as_ptr()), S::splat(2.0 / cap));
                let y = S::fma(sigmoid::<S>(y), S::splat(2.0 * cap), S::splat(-cap));
                S::store(s.as_mut_ptr(), y);
            }
        }
        scores[..from].fill(f32::NEG_INFINITY);
        scores[to..].fill(f32::NEG_INFINITY);
        let mut largest = S::splat(part.largest[q]);
        for s in scores.chunks_exact(LANES) {
            largest = S::max(S::load(s.as_ptr()), largest);
        }
        let largest = S::largest(largest);
        if largest == f32::NEG_INFINITY {
            return scores.fill(0.0);
        }
        let shrink = (part.largest[q] - largest).exp();
        let sum = exponentials::<S>(scores, largest);
        part.largest[q] = largest;
        part.sums[q] = part.sums[q] * shrink + sum;
        if shrink != 1.0 {
            for v in part.values[q * part.width..][..part.width].chunks_exact_mut(LANES) {
                S::store(
                    v.as_mut_ptr(),
                    S::mul(S::load(v.as_ptr()), S::splat(shrink)),
                );
            }
        }
    }
}

/// Keys of `strips` · 16 tokens as f32, in the page's order.
#[inline(always)]
unsafe fn read_keys<S: Simd>(context: &Context<'_>, head: &[u8], strips: usize, keys: &mut [f32]) {
    let layout = &context.layout;
    let dim = layout.head_dim;
    let from = head.as_ptr();
    for strip in 0..strips {
        for i in 0..dim {
            // SAFETY: within the head, whose size is that of the layout, and within the buffer of 64 · dim.
            unsafe {
                let at = from.add(layout.key_at(strip * LANES, i));
                let v = match layout.format {
                    CacheFormat::F32 => S::load(at.cast()),
                    CacheFormat::F16 => S::load_f16(at),
                    CacheFormat::Q8_0 => {
                        let scale = from.add(layout.key_scale_at(strip * LANES, i / BLOCK));
                        S::mul(S::load_i8(at), S::load_f16(scale))
                    }
                };
                S::store(keys.as_mut_ptr().add((strip * dim + i) * LANES), v);
            }
        }
    }
}

/// Values of the first `visible` tokens as f32.
#[inline(always)]
unsafe fn read_values<S: Simd>(
    context: &Context<'_>,
    head: &[u8],
    visible: usize,
    values: &mut [f32],
) {
    let layout = &context.layout;
    let width = layout.value_width();
    let from = head.as_ptr();
    for slot in 0..visible {
        for i in (0..width).step_by(LANES) {
            // SAFETY: within the head, whose size is that of the layout, and within the buffer of 64 · width.
            unsafe {
                let at = from.add(layout.value_at(slot, i));
                let v = match layout.format {
                    CacheFormat::F32 => S::load(at.cast()),
                    CacheFormat::F16 => S::load_f16(at),
                    CacheFormat::Q8_0 => {
                        let at_scale = layout.value_scale_at(slot, i / BLOCK);
                        let scale = half::f16::from_le_bytes([head[at_scale], head[at_scale + 1]]);
                        S::mul(S::load_i8(at), S::splat(scale.to_f32()))
                    }
                };
                S::store(values.as_mut_ptr().add(slot * width + i), v);
            }
        }
    }
}

/// Runs `$f::<S, N>` over groups of N queries: as many as a tile has, then the rest.
macro_rules! by_tiles {
    ($count:expr, |$first:ident, $n:ident| $call:expr) => {
        let mut $first = 0;
        while $first < $count {
            let left = S::TILE.min($count - $first);
            macro_rules! go {
                ($size:literal) => {{
                    const $n: usize = $size;
                    $call;
                    $first += $size;
                }};
            }
            match left {
                8.. => go!(8),
                4..8 => go!(4),
                2..4 => go!(2),
                _ => go!(1),
            }
        }
    };
}

/// Scores of all queries with the first `visible` tokens, two strips of keys at a time.
#[inline(always)]
unsafe fn score<S: Simd>(
    queries: &[f32],
    keys: &[f32],
    dim: usize,
    visible: usize,
    scores: &mut [f32],
) {
    let count = queries.len() / dim;
    for strip in (0..visible.div_ceil(LANES)).step_by(2) {
        by_tiles!(count, |first, N| {
            // SAFETY: the caller has a processor with S; `keys` has four strips, `scores` a page for each query.
            unsafe {
                let queries = queries.as_ptr().add(first * dim);
                let keys = keys.as_ptr().add(strip * dim * LANES);
                let scores = scores.as_mut_ptr().add(first * PAGE_TOKENS + strip * LANES);
                score_tile::<S, N>(queries, keys, dim, scores);
            }
        });
    }
}

#[inline(always)]
unsafe fn score_tile<S: Simd, const N: usize>(
    queries: *const f32,
    keys: *const f32,
    dim: usize,
    scores: *mut f32,
) {
    // SAFETY: see `score`.
    unsafe {
        let mut sums = [[S::splat(0.0); 2]; N];
        for i in 0..dim {
            let (a, b) = (
                S::load(keys.add(i * LANES)),
                S::load(keys.add((dim + i) * LANES)),
            );
            for (q, sums) in sums.iter_mut().enumerate() {
                let query = S::splat(*queries.add(q * dim + i));
                *sums = [S::fma(query, a, sums[0]), S::fma(query, b, sums[1])];
            }
        }
        for (q, sums) in sums.iter().enumerate() {
            S::store(scores.add(q * PAGE_TOKENS), sums[0]);
            S::store(scores.add(q * PAGE_TOKENS + LANES), sums[1]);
        }
    }
}

/// Adds weighted values to those of all queries, two vectors of dimensions at a time.
#[inline(always)]
unsafe fn accumulate<S: Simd>(
    weights: &[f32],
    values: &[f32],
    width: usize,
    visible: usize,
    out: &mut [f32],
) {
    let count = out.len() / width;
    for i in (0..width).step_by(2 * LANES) {
        let two = i + LANES < width;
        by_tiles!(count, |first, N| {
            // SAFETY: the caller has a processor with S; `values` has 64 rows of `width`, `out` one for each query.
            unsafe {
                let weights = weights.as_ptr().add(first * PAGE_TOKENS);
                let values = values.as_ptr().add(i);
                let out = out.as_mut_ptr().add(first * width + i);
                if two {
                    accumulate_tile::<S, N, 2>(weights, values, width, visible, out);
                } else {
                    accumulate_tile::<S, N, 1>(weights, values, width, visible, out);
                }
            }
        });
    }
}

#[inline(always)]
unsafe fn accumulate_tile<S: Simd, const N: usize, const V: usize>(
    weights: *const f32,
    values: *const f32,
    width: usize,
    visible: usize,
    out: *mut f32,
) {
    // SAFETY: see `accumulate`.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; N];
        for (q, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(out.add(q * width + v * LANES));
            }
        }
        for slot in 0..visible {
            let mut row = [S::splat(0.0); V];
            for (v, row) in row.iter_mut().enumerate() {
                *row = S::load(values.add(slot * width + v * LANES));
            }
            for (q, sums) in sums.iter_mut().enumerate() {
                let weight = S::splat(*weights.add(q * PAGE_TOKENS + slot));
                for v in 0..V {
                    sums[v] = S::fma(weight, row[v], sums[v]);
                }
            }
        }
        for (q, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                S::store(out.add(q * width + v * LANES), *sum);
            }
        }
    }
}
