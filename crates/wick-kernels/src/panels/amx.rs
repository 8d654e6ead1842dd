//! Products in the tiles of AMX: a block of 16 rows times a block of 16 columns in one instruction. An unpacked panel
//! lies as a tile of weights wants it, and a group of columns as one of activations. The sums are scaled as elsewhere,
//! in the same order, so that results are the same bit for bit.

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::codes::VECTOR;
use super::multiply::{PanelAt, UnpackedAt, unpack_panel};
use super::tile::scale_vectors;
use super::{BLOCK, ROWS, offset};
use crate::activations::{Columns, GROUP};
use crate::shared::Place;
use crate::simd::{Avx512, LANES, Simd, amx};

/// Unpacks a panel into signed codes: no correction is needed then.
///
/// # Safety
/// As for [`unpack_panel`].
#[inline(always)]
pub(crate) unsafe fn unpack_signed(panel: &PanelAt, codes: *mut u8, scales: *mut f32) {
    // SAFETY: as promised by the caller; a block is eight vectors.
    unsafe {
        unpack_panel::<Avx512>(panel, codes, scales);
        let offset = offset(panel.format);
        if offset != 0 {
            let offset = _mm512_set1_epi8(offset as i8);
            for vector in 0..panel.blocks * 8 {
                let at = codes.add(vector * VECTOR).cast();
                _mm512_storeu_si512(at, _mm512_sub_epi8(_mm512_loadu_si512(at), offset));
            }
        }
    }
}

/// Sums of a block, or half of one, and 16 columns.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Sums([[i32; LANES]; GROUP]);

/// Blocks between the product of one and the scaling of its sums. What a tile has stored can only be loaded when the
/// store is done, and the processor looks that far ahead.
const AHEAD: usize = 2;

/// An unpacked panel of signed codes times the columns of a group. Columns beyond `count` are computed and not
/// written; what is read for them lies behind the others.
///
/// # Safety
/// This thread has begun to use tiles; the columns have the panel's blocks; nothing else writes the place.
#[inline(always)]
pub(crate) unsafe fn many_columns_in_tiles(
    panel: &UnpackedAt,
    columns: Columns,
    count: usize,
    place: Place,
) {
    // SAFETY: as promised by the caller.
    unsafe {
        match panel.flags {
            (false, false, _) => tiles::<false, false>(panel, columns, count, place),
            (false, true, _) => tiles::<false, true>(panel, columns, count, place),
            (true, false, _) => tiles::<true, false>(panel, columns, count, place),
            (true, true, _) => tiles::<true, true>(panel, columns, count, place),
        }
    }
}

/// Runs a body for each column of a group; written out, so that totals stay in registers.
macro_rules! each {
    (|$c:ident| $body:expr) => { each!(@ $c $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    (@ $c:ident $body:expr, $($i:literal)*) => { $({ const $c: usize = $i; $body })* };
}

/// Bytes of codes to fetch ahead from the second-level cache.
const FETCH: usize = 4096;

#[inline(always)]
unsafe fn tiles<const SPLIT: bool, const MIN: bool>(
    panel: &UnpackedAt,
    columns: Columns,
    count: usize,
    place: Place,
) {
    const { assert!(GROUP == 16 && ROWS == 16 && BLOCK == 32) };
    let width = columns.width;
    let vectors = scale_vectors(SPLIT, MIN);
    let halves = 1 + SPLIT as usize;
    // Tiles write all of it before it is read; to clear it first would cost a tenth of a short row's time.
    let mut sums = [const { MaybeUninit::<Sums>::uninit() }; 4 * AHEAD];
    // SAFETY: as promised by the caller.
    unsafe {
        let sums = sums.as_mut_ptr().cast::<Sums>();
        let multiply = |block: usize| {
            let codes = panel.codes.add(block * 8 * VECTOR);
            let x = columns.codes.add(block * BLOCK * width);
            for vector in 0..8 {
                Avx512::prefetch(codes.wrapping_add(FETCH + vector * VECTOR));
            }
            let place = sums.add(block % (2 * AHEAD) * halves);
            if SPLIT {
                amx::product!(0, 6, 7, x, codes, place);
                amx::product!(1, 6, 7, x.add(16), codes.add(4 * VECTOR), place.add(1));
            } else {
                amx::product!(0, 2, 4, x, codes, place);
            }
        };
        let mut totals = [_mm512_setzero_ps(); GROUP];
        for block in 0..AHEAD.min(panel.blocks) {
            multiply(block);
        }
        for block in 0..panel.blocks {
            if block + AHEAD < panel.blocks {
                multiply(block + AHEAD);
            }
            let x_scales = columns.scales.add(block * width);
            let aux = columns.aux.add(block * width * halves).cast::<f32>();
            let scales = panel.scales.add(block * vectors * LANES);
            let scale = |i: usize| _mm512_loadu_ps(scales.add(i * LANES));
            let place = sums.add(block % (2 * AHEAD) * halves);
            let a = &(*place).0;
            if SPLIT {
                let b = &(*place.add(1)).0;
                let (low, high) = (scale(0), scale(1 + MIN as usize));
                each!(|C| {
                    let a = _mm512_cvtepi32_ps(_mm512_load_si512(a[C].as_ptr().cast()));
                    let b = _mm512_cvtepi32_ps(_mm512_load_si512(b[C].as_ptr().cast()));
                    let sum = _mm512_fmadd_ps(b, high, _mm512_mul_ps(a, low));
                    totals[C] = _mm512_fmadd_ps(sum, _mm512_set1_ps(*x_scales.add(C)), totals[C]);
                });
            } else {
                let scale = scale(0);
                each!(|C| {
                    let sum = _mm512_cvtepi32_ps(_mm512_load_si512(a[C].as_ptr().cast()));
                    let sum = _mm512_mul_ps(sum, _mm512_set1_ps(*x_scales.add(C)));
                    totals[C] = _mm512_fmadd_ps(sum, scale, totals[C]);
                });
            }
            if MIN {
                let low = scale(1);
                each!(|C| totals[C] = _mm512_fmadd_ps(_mm512_set1_ps(*aux.add(C)), low, totals[C]));
                if SPLIT {
                    let high = scale(3);
                    let aux = aux.add(width);
                    each!(|C| totals[C] =
                        _mm512_fmadd_ps(_mm512_set1_ps(*aux.add(C)), high, totals[C]));
                }
            }
        }
        let rows = ((1u32 << place.rows) - 1) as __mmask16;
        each!(|C| if C < count {
            _mm512_mask_storeu_ps(place.column(C).start, rows, totals[C]);
        });
    }
}
