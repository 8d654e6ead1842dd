//! The products of attention: queries with keys, weights with values, over one key head of a page. Few queries read
//! the page as it is kept; many read it as f32, unpacked once.

use half::f16;

use crate::activations::BLOCK;
use crate::cache::{CacheFormat, PAGE_TOKENS, PageLayout};
use crate::simd::{LANES, Simd};

/// Bytes of a page to fetch ahead where it is read once.
const AHEAD: usize = 2048;

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
}

impl Head {
    pub(super) fn new(bytes: &[u8], layout: PageLayout) -> Self {
        assert_eq!(bytes.len(), layout.head_bytes());
        Head {
            start: bytes.as_ptr(),
            layout,
        }
    }

    /// A head as [`unpack`] left it; none where nothing is unpacked.
    pub(super) fn new_f32(numbers: &[f32], layout: PageLayout) -> Option<Self> {
        (numbers.len() * 4 == layout.head_bytes()).then_some(Head {
            start: numbers.as_ptr().cast(),
            layout,
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

    /// The scale of a block of a value.
    #[inline(always)]
    unsafe fn value_scale(&self, slot: usize, block: usize) -> f32 {
        // SAFETY: within the head.
        let bytes = unsafe {
            let at = self.start.add(self.layout.value_scale_at(slot, block));
            at.cast::<[u8; 2]>().read_unaligned()
        };
        f16::from_le_bytes(bytes).to_f32()
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
                    v = S::mul(v, S::splat(head.value_scale(slot, i / BLOCK)));
                }
                S::store(out.as_mut_ptr().add(at), v);
            }
        }
    }
}

/// Runs a body for groups of N queries: as many as a tile has, then the rest.
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
            match S::TILE.min($count - $first) {
                8.. => go!(8),
                4..8 => go!(4),
                2..4 => go!(2),
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
                    S::prefetch(at.wrapping_add(AHEAD));
                    S::prefetch(at.wrapping_add(stride + AHEAD));
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
                    S::prefetch(at.wrapping_add(AHEAD + v * LANES * C::BYTES));
                }
                if C::SCALED {
                    *row = S::mul(
                        *row,
                        S::splat(head.value_scale(slot, (i + v * LANES) / BLOCK)),
                    );
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
