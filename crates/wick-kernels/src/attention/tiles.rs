//! The products of attention: queries with keys, weights with values, over one key head of a page. Few queries read
//! the page as it is kept; many read it as f32, unpacked once.

use crate::activations::BLOCK;
use crate::cache::{CacheFormat, PAGE_TOKENS, PageLayout};
use crate::simd::{LANES, Simd};

/// How numbers of the cache are kept.
pub(super) trait Numbers {
    const FORMAT: CacheFormat;
    const BYTES: usize;

    /// Whether they are multiples of scales.
    const SCALED: bool = false;

    /// Reads 16 numbers, without their scale.
    unsafe fn load<S: Simd>(at: *const u8) -> S::F;
}

pub(super) struct F32;
pub(super) struct F16;
pub(super) struct Q8;

impl Numbers for F32 {
    const FORMAT: CacheFormat = CacheFormat::F32;
    const BYTES: usize = 4;

    #[inline(always)]
    unsafe fn load<S: Simd>(at: *const u8) -> S::F {
        // SAFETY: as promised by the caller.
        unsafe { S::load(at.cast()) }
    }
}

impl Numbers for F16 {
    const FORMAT: CacheFormat = CacheFormat::F16;
    const BYTES: usize = 2;

    #[inline(always)]
    unsafe fn load<S: Simd>(at: *const u8) -> S::F {
        // SAFETY: as promised by the caller.
        unsafe { S::load_f16(at) }
    }
}

impl Numbers for Q8 {
    const FORMAT: CacheFormat = CacheFormat::Q8_0;
    const BYTES: usize = 1;
    const SCALED: bool = true;

    #[inline(always)]
    unsafe fn load<S: Simd>(at: *const u8) -> S::F {
        // SAFETY: as promised by the caller.
        unsafe { S::load_i8(at) }
    }
}

/// One key head of a page.
#[derive(Clone, Copy)]
pub(super) struct Head {
    start: *const u8,
    layout: PageLayout,
    /// How far from here the same head of the page lies that is read next, to be fetched meanwhile.
    ahead: isize,
    /// The scales of its values in f32, where they have any.
    value_scales: *const f32,
}

impl Head {
    pub(super) fn new(bytes: &[u8], next: Option<&[u8]>, layout: PageLayout) -> Self {
        assert_eq!(bytes.len(), layout.head_bytes());
        let next = next.unwrap_or(bytes);
        Head {
            start: bytes.as_ptr(),
            layout,
            ahead: next.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr()) as isize,
            value_scales: std::ptr::null(),
        }
    }

    /// A head as [`unpack`] left it; none where nothing is unpacked.
    pub(super) fn new_f32(numbers: &[f32], layout: PageLayout) -> Option<Self> {
        (numbers.len() * 4 == layout.head_bytes()).then_some(Head {
            start: numbers.as_ptr().cast(),
            layout,
            ahead: 0,
            value_scales: std::ptr::null(),
        })
    }

    /// Scales of 16 keys.
    #[inline(always)]
    unsafe fn key_scales<S: Simd>(&self, strip: usize, block: usize) -> S::F {
        // SAFETY: within the head.
        unsafe {
            S::load_f16(
                self.start
                    .add(self.layout.key_scale_at(strip * LANES, block)),
            )
        }
    }

    /// Converts the scales of all values, which are asked for one at a time.
    ///
    /// # Safety
    /// The processor has S; the head is of numbers with scales; `scales` has [`scale_count`](Self::scale_count) of them
    /// and is left alone while the head is used.
    #[inline(always)]
    pub(super) unsafe fn convert_scales<S: Simd>(&mut self, scales: &mut [f32]) {
        let halves = self.start.wrapping_add(self.layout.value_scale_at(0, 0));
        for (n, scales) in scales.chunks_exact_mut(LANES).enumerate() {
            // SAFETY: within the head.
            unsafe { S::store(scales.as_mut_ptr(), S::load_f16(halves.add(2 * n * LANES))) };
        }
        self.value_scales = scales.as_ptr();
    }

    /// Scales of all values.
    pub(super) fn scale_count(layout: PageLayout) -> usize {
        PAGE_TOKENS * layout.scale_blocks()
    }

    /// The scale of a block of a value.
    #[inline(always)]
    unsafe fn value_scale<S: Simd>(&self, slot: usize, block: usize) -> S::F {
        let at = slot * self.layout.scale_blocks() + block;
        // SAFETY: within the converted scales.
        unsafe { S::splat(*self.value_scales.add(at)) }
    }
}

/// Reads the first `visible` tokens of a head into one of f32.
///
/// # Safety
/// The processor has S; the head is of C; `out` has the size of a head of f32.
#[inline(always)]
pub(super) unsafe fn unpack<S: Simd, C: Numbers>(head: &Head, visible: usize, out: &mut [f32]) {
    let (dim, width) = (head.layout.head_dim, head.layout.value_width());
    // SAFETY: keys and values lie in both heads in the same order.
    unsafe {
        for strip in 0..visible.div_ceil(LANES) {
            for i in 0..dim {
                let at = (strip * dim + i) * LANES;
                let mut v = C::load::<S>(head.start.add(at * C::BYTES));
                if C::SCALED {
                    v = S::mul(v, head.key_scales::<S>(strip, i / BLOCK));
                }
                S::store(out.as_mut_ptr().add(at), v);
            }
        }
        for slot in 0..visible {
            for i in (0..width).step_by(LANES) {
                let at = PAGE_TOKENS * dim + slot * width + i;
                let mut v = C::load::<S>(head.start.add(at * C::BYTES));
                if C::SCALED {
                    v = S::mul(v, head.value_scale::<S>(slot, i / BLOCK));
                }
                S::store(out.as_mut_ptr().add(at), v);
            }
        }
    }
}

/// Runs a body for groups of N queries: as many as a tile has, then the rest. Three query heads to a key head are common,
/// and where tiles are large, five, six and seven take two.
macro_rules! by_tiles {
    ($count:expr, |$first:ident, $n:ident| $call:expr) => {
        let mut $first = 0;
        while $first < $count {
            macro_rules! go {
                ($size:literal) => {{
                    const $n: usize = $size;
                    $call;
                    $first += $size;
                }};
            }
            match $count - $first {
                8.. if S::TILE >= 8 => go!(8),
                4 | 7.. if S::TILE >= 4 => go!(4),
                5 | 6 if S::TILE >= 4 => go!(3),
                3 => go!(3),
                2.. => go!(2),
                _ => go!(1),
            }
        }
    };
}

/// Scores of all queries with the first `visible` tokens and some after.
///
/// # Safety
/// The processor has S; the head is of C; `scores` has a page for each query.
#[inline(always)]
pub(super) unsafe fn score<S: Simd, C: Numbers>(
    queries: &[f32],
    head: &Head,
    visible: usize,
    scores: &mut [f32],
) {
    let dim = head.layout.head_dim;
    let count = queries.len() / dim;
    for strip in (0..visible.div_ceil(LANES)).step_by(2) {
        by_tiles!(count, |first, N| {
            // SAFETY: as promised by the caller.
            unsafe {
                let queries = queries.as_ptr().add(first * dim);
                let scores = scores.as_mut_ptr().add(first * PAGE_TOKENS + strip * LANES);
                score_tile::<S, C, N>(queries, head, strip, scores);
            }
        });
    }
}

/// N queries times two strips of keys.
#[inline(always)]
unsafe fn score_tile<S: Simd, C: Numbers, const N: usize>(
    queries: *const f32,
    head: &Head,
    strip: usize,
    scores: *mut f32,
) {
    let dim = head.layout.head_dim;
    let stride = dim * LANES * C::BYTES;
    // SAFETY: as promised by the caller; a page has a whole number of pairs of strips.
    unsafe {
        let keys = head.start.add(strip * stride);
        let mut sums = [[S::splat(0.0); 2]; N];
        let mut from = 0;
        while from < dim {
            let to = if C::SCALED {
                dim.min(from + BLOCK)
            } else {
                dim
            };
            let scale = |strip| {
                if C::SCALED {
                    head.key_scales::<S>(strip, from / BLOCK)
                } else {
                    S::splat(1.0)
                }
            };
            let scales = [scale(strip), scale(strip + 1)];
            for i in from..to {
                let at = keys.add(i * LANES * C::BYTES);
                let mut pair = [C::load::<S>(at), C::load::<S>(at.add(stride))];
                if C::BYTES < 4 {
                    S::prefetch_far(at.wrapping_offset(head.ahead));
                    S::prefetch_far(at.wrapping_add(stride).wrapping_offset(head.ahead));
                }
                if C::SCALED {
                    pair = [S::mul(pair[0], scales[0]), S::mul(pair[1], scales[1])];
                }
                for (q, sums) in sums.iter_mut().enumerate() {
                    let query = S::splat(*queries.add(q * dim + i));
                    *sums = [
                        S::fma(query, pair[0], sums[0]),
                        S::fma(query, pair[1], sums[1]),
                    ];
                }
            }
            from = to;
        }
        for (q, sums) in sums.iter().enumerate() {
            S::store(scores.add(q * PAGE_TOKENS), sums[0]);
            S::store(scores.add(q * PAGE_TOKENS + LANES), sums[1]);
        }
    }
}

/// Adds the weighted values of the first `visible` tokens to those of all queries.
///
/// # Safety
/// The processor has S; the head is of C; `weights` has a page for each query and `out` a padded value.
#[inline(always)]
pub(super) unsafe fn accumulate<S: Simd, C: Numbers>(
    weights: &[f32],
    head: &Head,
    visible: usize,
    out: &mut [f32],
) {
    let width = head.layout.value_width();
    let count = out.len() / width;
    // The fewer queries, the more of a value at once: it is then read nearly as it lies.
    let most = (2 * S::TILE / count.max(1)).max(2);
    let mut i = 0;
    while i < width {
        let vectors = 1 << most.min((width - i) / LANES).min(8).ilog2();
        by_tiles!(count, |first, N| {
            // SAFETY: as promised by the caller.
            unsafe {
                let weights = weights.as_ptr().add(first * PAGE_TOKENS);
                let out = out.as_mut_ptr().add(first * width + i);
                match vectors {
                    8 => accumulate_tile::<S, C, N, 8>(weights, head, i, visible, out),
                    4 => accumulate_tile::<S, C, N, 4>(weights, head, i, visible, out),
                    2 => accumulate_tile::<S, C, N, 2>(weights, head, i, visible, out),
                    _ => accumulate_tile::<S, C, N, 1>(weights, head, i, visible, out),
                }
            }
        });
        i += vectors * LANES;
    }
}

/// N queries times V vectors of values from dimension `i` on.
#[inline(always)]
unsafe fn accumulate_tile<S: Simd, C: Numbers, const N: usize, const V: usize>(
    weights: *const f32,
    head: &Head,
    i: usize,
    visible: usize,
    out: *mut f32,
) {
    let (dim, width) = (head.layout.head_dim, head.layout.value_width());
    // SAFETY: as promised by the caller.
    unsafe {
        let mut sums = [[S::splat(0.0); V]; N];
        for (q, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(out.add(q * width + v * LANES));
            }
        }
        let values = head.start.add((PAGE_TOKENS * dim + i) * C::BYTES);
        for slot in 0..visible {
            let at = values.add(slot * width * C::BYTES);
            let mut row = [S::splat(0.0); V];
            for (v, row) in row.iter_mut().enumerate() {
                *row = C::load::<S>(at.add(v * LANES * C::BYTES));
                if C::BYTES < 4 {
                    S::prefetch_far(
                        at.wrapping_add(v * LANES * C::BYTES)
                            .wrapping_offset(head.ahead),
                    );
                }
                if C::SCALED {
                    let scale = head.value_scale::<S>(slot, (i + v * LANES) / BLOCK);
                    *row = S::mul(*row, scale);
                }
            }
            for (q, sums) in sums.iter_mut().enumerate() {
                let weight = S::splat(*weights.add(q * PAGE_TOKENS + slot));
                for (sum, row) in sums.iter_mut().zip(row) {
                    *sum = S::fma(weight, row, *sum);
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
