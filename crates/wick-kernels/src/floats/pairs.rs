//! Pairs of BF16, two products and their sum in one instruction of AVX-512. Its sums are f32, so a result is as exact as
//! its factors: activations are rounded to BF16, and F16 weights too.

use std::arch::x86_64::*;
use std::cell::Cell;

use super::{ROWS, Rows, Stored, X, all_tiles};
use crate::Format;
use crate::shared::Place;
use crate::simd::Avx512;

/// Numbers of a vector.
const STEP: usize = 32;

/// Columns up to which F16 weights are rounded as they are read, not once for all columns.
const FEW: usize = 4;

struct F16;
struct BF16;

/// Bits of 32 numbers as the instruction wants them.
#[inline(always)]
unsafe fn load(at: *const u8) -> __m512bh {
    // SAFETY: both are 64 bytes without any rule; the pointer is the caller's promise.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(_mm512_loadu_si512(at.cast())) }
}

/// Rounds 32 numbers; the first 16 come first.
#[inline(always)]
unsafe fn round(low: __m512, high: __m512) -> __m512bh {
    // SAFETY: the caller has the processor.
    unsafe { _mm512_cvtne2ps_pbh(high, low) }
}

#[inline(always)]
unsafe fn round_f16(at: *const u8) -> __m512bh {
    // SAFETY: the pointer is the caller's promise.
    unsafe {
        let halves = _mm512_loadu_si512(at.cast());
        let low = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
        round(low, _mm512_cvtph_ps(_mm512_extracti64x4_epi64::<1>(halves)))
    }
}

macro_rules! stored {
    ($name:ident, $load:path) => {
        impl Stored<Avx512> for $name {
            const BYTES: usize = 2;
            const STEP: usize = STEP;
            type X = u16;
            type V = __m512bh;

            #[inline(always)]
            unsafe fn weights(at: *const u8) -> __m512bh {
                // SAFETY: as promised by the caller.
                unsafe { $load(at) }
            }

            #[inline(always)]
            unsafe fn activations(at: *const u16) -> __m512bh {
                // SAFETY: as promised by the caller.
                unsafe { load(at.cast()) }
            }

            #[inline(always)]
            unsafe fn fma(w: __m512bh, x: __m512bh, sum: __m512) -> __m512 {
                // SAFETY: as promised by the caller.
                unsafe { _mm512_dpbf16_ps(sum, w, x) }
            }
        }
    };
}

stored!(F16, round_f16);
stored!(BF16, load);

/// Rounds to BF16, the nearest, the even one of two.
///
/// # Safety
/// The processor has AVX-512 with BF16.
#[inline(always)]
pub(crate) unsafe fn round_row(x: &[f32], out: &mut [u16]) {
    let (vectors, rest) = x.as_chunks::<STEP>();
    let (outs, out_rest) = out.as_chunks_mut::<STEP>();
    // SAFETY: as promised by the caller; a chunk is two vectors of f32, and one of BF16.
    unsafe {
        let rounded = |x: &[f32; STEP], out: &mut [u16; STEP]| {
            let v = round(
                _mm512_loadu_ps(x.as_ptr()),
                _mm512_loadu_ps(x.as_ptr().add(16)),
            );
            out.as_mut_ptr().cast::<__m512bh>().write_unaligned(v);
        };
        for (x, out) in vectors.iter().zip(outs) {
            rounded(x, out);
        }
        let (mut last, mut out) = ([0.0; STEP], [0; STEP]);
        last[..rest.len()].copy_from_slice(rest);
        rounded(&last, &mut out);
        out_rest.copy_from_slice(&out[..out_rest.len()]);
    }
}

thread_local! {
    /// Memory for rounded weights.
    static ROUNDED: Cell<Vec<u16>> = const { Cell::new(Vec::new()) };
}

/// See [`Kernel`](super::Kernel); activations are BF16.
///
/// # Safety
/// The processor has AVX-512 with BF16; nothing else writes the place.
#[inline(always)]
pub(crate) unsafe fn multiply_pairs(rows: &Rows<'_>, x: X, place: Place) {
    // SAFETY: as promised by the caller.
    unsafe {
        match rows.format {
            Format::F16 if x.count > FEW => {
                let mut rounded = ROUNDED.take();
                multiply_rounded(rows, x, place, &mut rounded);
                ROUNDED.set(rounded);
            }
            Format::F16 => all_tiles::<Avx512, F16>(rows, x, place),
            _ => all_tiles::<Avx512, BF16>(rows, x, place),
        }
    }
}

/// Rounds the rows once, and multiplies them with all columns.
#[inline(always)]
unsafe fn multiply_rounded(rows: &Rows<'_>, x: X, place: Place, rounded: &mut Vec<u16>) {
    let columns = rows.columns;
    rounded.resize(ROWS * columns, 0);
    // SAFETY: as promised by the caller; a row of weights and of what it becomes are as long.
    unsafe {
        for (stored, out) in rows.stored[..rows.count]
            .iter()
            .zip(rounded.chunks_exact_mut(columns))
        {
            let whole = columns / STEP * STEP;
            for k in (0..whole).step_by(STEP) {
                let v = round_f16(stored.as_ptr().add(2 * k));
                out.as_mut_ptr()
                    .add(k)
                    .cast::<__m512bh>()
                    .write_unaligned(v);
            }
            let mut last = [0u8; 2 * STEP];
            last[..2 * (columns - whole)].copy_from_slice(&stored[2 * whole..]);
            let last: [u16; STEP] = std::mem::transmute(round_f16(last.as_ptr()));
            out[whole..].copy_from_slice(&last[..columns - whole]);
        }
        // SAFETY: bytes of numbers, which live longer than the rows made of them.
        let bytes = std::slice::from_raw_parts(rounded.as_ptr().cast::<u8>(), 2 * rounded.len());
        let rows = Rows {
            format: Format::BF16,
            columns,
            count: rows.count,
            stored: std::array::from_fn(|r| &bytes[2 * r * columns..][..2 * columns]),
        };
        all_tiles::<Avx512, BF16>(&rows, x, place);
    }
}
