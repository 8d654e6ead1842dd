//! The microkernel: 16 rows of a panel times some columns of activations, all of a row's blocks. It is compiled for
//! each way to keep codes and scales.

use std::marker::PhantomData;

use super::codes::{Codes, VECTOR};
use super::scales::{Pair, Scales};
use crate::activations::Columns;
use crate::shared::Place;
use crate::simd::{Integers, LANES};

/// Bytes of weights to fetch ahead where every block is read once.
const AHEAD: usize = 4096;

/// What a tile reads of a panel.
pub(super) trait Panel<S: Integers>: Copy {
    const SPLIT: bool;
    const MIN: bool;
    const WIDE: bool;

    unsafe fn codes(self, block: usize) -> [S::I; 8];
    unsafe fn scales(self, block: usize) -> [Pair<S>; 2];
}

/// A panel as it is kept.
#[derive(Clone, Copy)]
pub(super) struct Packed<C, K> {
    pub codes: *const u8,
    pub scales: *const u8,
    pub kind: PhantomData<(C, K)>,
}

impl<S: Integers, C: Codes, K: Scales> Panel<S> for Packed<C, K> {
    const SPLIT: bool = K::SPLIT;
    const MIN: bool = K::MIN;
    const WIDE: bool = C::WIDE;

    #[inline(always)]
    unsafe fn codes(self, block: usize) -> [S::I; 8] {
        // SAFETY: the panel has the block; fetching ahead of its end is harmless.
        unsafe {
            let at = self.codes.add(block * C::BYTES);
            for line in 0..C::BYTES / VECTOR {
                S::prefetch(at.wrapping_add(AHEAD + line * VECTOR));
            }
            let mut codes = C::read::<S>(at);
            if C::WIDE {
                for codes in &mut codes {
                    *codes = S::wide(*codes);
                }
            }
            codes
        }
    }

    #[inline(always)]
    unsafe fn scales(self, block: usize) -> [Pair<S>; 2] {
        // SAFETY: the panel has the block.
        unsafe { K::read::<S>(self.scales, block) }
    }
}

/// A panel unpacked once for many columns: codes in bytes, scales in f32.
#[derive(Clone, Copy)]
pub(super) struct Unpacked<const SPLIT: bool, const MIN: bool, const WIDE: bool> {
    pub codes: *const u8,
    pub scales: *const f32,
}

/// Vectors of scales and minimums of an unpacked block.
pub(super) const fn scale_vectors(split: bool, min: bool) -> usize {
    (1 + split as usize) * (1 + min as usize)
}

impl<S: Integers, const SPLIT: bool, const MIN: bool, const WIDE: bool> Panel<S>
    for Unpacked<SPLIT, MIN, WIDE>
{
    const SPLIT: bool = SPLIT;
    const MIN: bool = MIN;
    const WIDE: bool = WIDE;

    #[inline(always)]
    unsafe fn codes(self, block: usize) -> [S::I; 8] {
        // SAFETY: the panel has the block.
        unsafe {
            let at = self.codes.add(block * 8 * VECTOR);
            let mut codes = [S::load_bytes(at); 8];
            for (j, codes) in codes.iter_mut().enumerate().skip(1) {
                *codes = S::load_bytes(at.add(j * VECTOR));
            }
            codes
        }
    }

    #[inline(always)]
    unsafe fn scales(self, block: usize) -> [Pair<S>; 2] {
        // SAFETY: the panel has the block.
        unsafe {
            let at = self.scales.add(block * scale_vectors(SPLIT, MIN) * LANES);
            let v = |i: usize| S::load(at.add(i * LANES));
            let zero = S::splat(0.0);
            match (SPLIT, MIN) {
                (false, false) => [(v(0), zero); 2],
                (false, true) => [(v(0), v(1)); 2],
                (true, false) => [(v(0), zero), (v(1), zero)],
                (true, true) => [(v(0), v(1)), (v(2), v(3))],
            }
        }
    }
}

/// Unpacks a panel of `blocks` blocks.
///
/// # Safety
/// The processor has S; the panel has the blocks, and so have the buffers.
#[inline(always)]
pub(super) unsafe fn unpack<S: Integers, C: Codes, K: Scales>(
    panel: Packed<C, K>,
    blocks: usize,
    codes: *mut u8,
    scales: *mut f32,
) {
    for block in 0..blocks {
        // SAFETY: as promised by the caller.
        unsafe {
            let vectors = Panel::<S>::codes(panel, block);
            for (j, v) in vectors.into_iter().enumerate() {
                S::store_bytes(codes.add((block * 8 + j) * VECTOR), v);
            }
            let mut to = scales.add(block * scale_vectors(K::SPLIT, K::MIN) * LANES);
            for (scale, min) in Panel::<S>::scales(panel, block)
                .into_iter()
                .take(1 + K::SPLIT as usize)
            {
                S::store(to, scale);
                to = to.add(LANES);
                if K::MIN {
                    S::store(to, min);
                    to = to.add(LANES);
                }
            }
        }
    }
}

/// Runs a body for each constant column below N. Written out, since compilers leave longer loops over registers
/// rolled and keep the sums in memory.
macro_rules! each_column {
    ($n:ident, |$c:ident| $body:expr) => {
        each_column!(@ $n $c $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@ $n:ident $c:ident $body:expr, $($i:literal)*) => {
        $( if $i < $n { const $c: usize = $i; $body } )*
    };
}

/// Sums of products of a block with columns `first` to `first + W`, in the two halves of the block where it is split.
/// Their chains are interleaved, so that each waits less for itself.
#[inline(always)]
unsafe fn dots<S: Integers, P: Panel<S>, const W: usize>(
    codes: &[S::I; 8],
    x: *const i8,
    aux: *const i32,
    halves: usize,
) -> [[S::I; 2]; 4] {
    // SAFETY: as promised by the caller of `tile`.
    unsafe {
        let start = |c: usize| {
            if P::MIN {
                S::splat_i32(0)
            } else if P::WIDE {
                S::start_wide(*aux.add(c))
            } else {
                S::splat_i32(*aux.add(c))
            }
        };
        let mut sums = [[S::splat_i32(0); 2]; 4];
        for (c, sums) in sums.iter_mut().enumerate().take(W) {
            sums[0] = start(c);
            if P::SPLIT {
                sums[1] = start(halves + c);
            }
        }
        macro_rules! vector {
            ($j:expr, $codes:expr) => {
                for (c, sums) in sums.iter_mut().enumerate().take(W) {
                    let x = x.add(c * 32 + $j * 4).cast::<i32>().read_unaligned();
                    let sum = &mut sums[if P::SPLIT { $j / 4 } else { 0 }];
                    *sum = if P::WIDE {
                        S::dot_wide(*sum, $codes, x)
                    } else {
                        S::dot(*sum, $codes, x)
                    };
                }
            };
        }
        if S::WRITTEN_OUT {
            vector!(0, codes[0]);
            vector!(1, codes[1]);
            vector!(2, codes[2]);
            vector!(3, codes[3]);
            vector!(4, codes[4]);
            vector!(5, codes[5]);
            vector!(6, codes[6]);
            vector!(7, codes[7]);
        } else {
            for (j, codes) in codes.iter().enumerate() {
                vector!(j, *codes);
            }
        }
        sums
    }
}

/// 16 rows times N columns.
///
/// # Safety
/// The processor has S; the panel and the columns have the blocks; the place has N columns and is nobody else's.
#[inline(always)]
pub(super) unsafe fn tile<S: Integers, P: Panel<S>, const N: usize>(
    panel: P,
    blocks: usize,
    columns: Columns,
    place: Place,
) {
    // SAFETY: as promised by the caller.
    unsafe {
        let (mut x, mut x_scales, mut aux) = (columns.codes, columns.scales, columns.aux);
        let width = columns.width;
        let mut totals = [S::splat(0.0); N];
        for block in 0..blocks {
            let codes = panel.codes(block);
            let scales = panel.scales(block);
            // Columns from `first` on, W at a time or as many as are left.
            macro_rules! columns {
                ($w:literal: $($first:literal)*) => { $(
                    if $first < N {
                        const FIRST: usize = $first;
                        let (from, aux_from) = (x.add(FIRST * 32), aux.add(FIRST));
                        let sums = match N - FIRST {
                            1 => dots::<S, P, 1>(&codes, from, aux_from, width),
                            2 => dots::<S, P, 2>(&codes, from, aux_from, width),
                            3 => dots::<S, P, 3>(&codes, from, aux_from, width),
                            _ => dots::<S, P, $w>(&codes, from, aux_from, width),
                        };
                        columns!(@ FIRST, $w, sums, 0 1 2 3);
                    }
                )* };
                (@ $first:ident, $w:literal, $sums:ident, $($i:literal)*) => { $(
                    if $i < $w && $first + $i < N {
                        const C: usize = $first + $i;
                        let x_scale = S::splat(*x_scales.add(C));
                        let [a, b] = $sums[$i];
                        let total = &mut totals[C];
                        if P::SPLIT {
                            let sum = S::fma(S::to_f32(b), scales[1].0, S::mul(S::to_f32(a), scales[0].0));
                            *total = S::fma(sum, x_scale, *total);
                        } else {
                            *total = S::fma(S::mul(S::to_f32(a), x_scale), scales[0].0, *total);
                        }
                        if P::MIN {
                            let sums = aux.cast::<f32>();
                            *total = S::fma(S::splat(*sums.add(C)), scales[0].1, *total);
                            if P::SPLIT {
                                *total = S::fma(S::splat(*sums.add(width + C)), scales[1].1, *total);
                            }
                        }
                    }
                )* };
            }
            if P::SPLIT {
                columns!(2: 0 2 4 6 8 10 12 14);
            } else {
                columns!(4: 0 4 8 12);
            }
            x = x.add(32 * width);
            x_scales = x_scales.add(width);
            aux = aux.add(if P::SPLIT { 2 * width } else { width });
        }
        if place.rows == LANES {
            each_column!(N, |C| S::store(place.column(C).start, totals[C]));
        } else {
            let mut buffer = [0f32; LANES];
            each_column!(N, |C| {
                S::store(buffer.as_mut_ptr(), totals[C]);
                std::ptr::copy_nonoverlapping(buffer.as_ptr(), place.column(C).start, place.rows);
            });
        }
    }
}
