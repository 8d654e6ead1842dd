//! A block of queries over one chunk of pages.

use std::cell::Cell;

use super::tiles::{self, Head, Numbers};
use super::{CHUNK, Context};
use crate::cache::{CacheFormat, PAGE_TOKENS, PageLayout};
use crate::elementwise::exponentials;
use crate::shared::Shared;
use crate::simd::{LANES, Simd, sigmoid};

/// Queries up to which a page is read as it is kept, not unpacked first.
const FEW: usize = 8;

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
#[derive(Default)]
pub(crate) struct Partial {
    width: usize,
    largest: Vec<f32>,
    sums: Vec<f32>,
    values: Vec<f32>, // (queries, width)
}

impl Partial {
    /// For the queries of a block, without any position yet.
    pub(crate) fn begin(&mut self, context: &Context<'_>, block: &Block) {
        let queries = block.rows * context.shape.group();
        self.width = context.layout.value_width();
        let begin = |values: &mut Vec<f32>, length, value| {
            values.clear();
            values.resize(length, value);
        };
        begin(&mut self.largest, queries, f32::NEG_INFINITY);
        begin(&mut self.sums, queries, 0.0);
        begin(&mut self.values, queries * self.width, 0.0);
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

thread_local! {
    /// Memory for queries, scores and an unpacked page.
    static BUFFER: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
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
    // SAFETY: as promised by the caller.
    unsafe {
        match context.layout.format {
            CacheFormat::F32 => attend::<S, tiles::F32>(context, block, chunk, part),
            CacheFormat::F16 => attend::<S, tiles::F16>(context, block, chunk, part),
            CacheFormat::Q8_0 => attend::<S, tiles::Q8>(context, block, chunk, part),
        }
    }
}

#[inline(always)]
unsafe fn attend<S: Simd, C: Numbers>(
    context: &Context<'_>,
    block: &Block,
    chunk: usize,
    part: &mut Partial,
) {
    let (shape, layout) = (&context.shape, context.layout);
    let (dim, group) = (shape.head_dim, shape.group());
    let count = block.rows * group;
    let (first_position, last_position) = block.positions(context);
    let as_f32 = PageLayout {
        format: CacheFormat::F32,
        ..layout
    };
    let unpacks = count > FEW && C::FORMAT != CacheFormat::F32;
    part.begin(context, block);

    let page = if unpacks { as_f32.head_bytes() / 4 } else { 0 };
    let mut buffer = BUFFER.take();
    let scales = if C::SCALED {
        Head::scale_count(layout)
    } else {
        0
    };
    let needed = count * (dim + PAGE_TOKENS) + scales + page;
    if buffer.len() < needed {
        // What is read before it is written shows.
        buffer.resize(needed, f32::NAN);
    }
    let (queries, rest) = buffer[..needed].split_at_mut(count * dim);
    let (scores, rest) = rest.split_at_mut(count * PAGE_TOKENS);
    let (scales, unpacked) = rest.split_at_mut(scales);
    for (q, query) in queries.chunks_exact_mut(dim).enumerate() {
        let from = &context.queries[block.query_at(context, q)..][..dim];
        for (query, from) in query.iter_mut().zip(from) {
            *query = from * shape.scale;
        }
    }
    let first_page = (chunk * CHUNK).max(shape.first_seen(first_position) / PAGE_TOKENS);
    let last_page = (chunk * CHUNK + CHUNK - 1).min(last_position / PAGE_TOKENS);
    let head_of = |page: usize| {
        let bytes = context.spans[block.span].pages.page(page)?;
        Some(&bytes[block.kv_head * layout.head_bytes()..][..layout.head_bytes()])
    };
    for page in first_page..=last_page {
        let Some(head) = head_of(page) else {
            continue; // refused by `check_span`
        };
        let next = head_of(page + 1).filter(|_| page < last_page);
        let mut head = Head::new(head, next, layout);
        let start = page * PAGE_TOKENS;
        // Slots after the last position may hold anything, and zero times anything must be zero.
        let visible = PAGE_TOKENS.min(last_position + 1 - start);
        // SAFETY: the processor has S; the page was checked, and the buffers have the sizes asked for.
        unsafe {
            if C::SCALED {
                head.convert_scales::<S>(scales);
            }
            if unpacks {
                tiles::unpack::<S, C>(&head, visible, unpacked);
            }
            let head_of_f32 = Head::new_f32(unpacked, as_f32);
            match &head_of_f32 {
                Some(head) => tiles::score::<S, tiles::F32>(queries, head, visible, scores),
                None => tiles::score::<S, C>(queries, &head, visible, scores),
            }
            for (q, scores) in scores.chunks_exact_mut(PAGE_TOKENS).enumerate() {
                let position = first_position + q / group;
                let from = shape.first_seen(position).saturating_sub(start);
                let to = (position + 1).saturating_sub(start).min(PAGE_TOKENS);
                weigh::<S>(shape.softcap, scores, from, to, q, part);
            }
            match &head_of_f32 {
                Some(head) => {
                    tiles::accumulate::<S, tiles::F32>(scores, head, visible, &mut part.values)
                }
                None => tiles::accumulate::<S, C>(scores, &head, visible, &mut part.values),
            }
        }
    }
    BUFFER.set(buffer);
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
