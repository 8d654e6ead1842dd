//! AVX2, with 256-bit VNNI where it is present: a vector is two registers.

use std::arch::x86_64::*;

use super::{Integers, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Avx2<const VNNI: bool>;

type F = [__m256; 2];
type I = [__m256i; 2];

/// An operation on both registers.
macro_rules! both {
    ($f:ident, $($v:expr),+) => {
        // SAFETY: the caller has the processor.
        unsafe { [$f($($v[0]),+), $f($($v[1]),+)] }
    };
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type F = F;

    const TILE: usize = 2;
    const FLOATS: usize = 1;

    #[inline(always)]
    fn prefetch(at: *const u8) {
        // SAFETY: a hint that cannot fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }

    #[inline(always)]
    fn prefetch_far(at: *const u8) {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> F {
        // SAFETY: the caller has the processor, here and in all functions below.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> F {
        // SAFETY: see `splat`; the pointer is the caller's promise.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: F) {
        // SAFETY: see `load`.
        unsafe {
            _mm256_storeu_ps(to, v[0]);
            _mm256_storeu_ps(to.add(8), v[1]);
        }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u8) -> F {
        // SAFETY: see `load`.
        unsafe {
            let half = |i: usize| _mm_loadu_si128(from.add(16 * i).cast());
            [_mm256_cvtph_ps(half(0)), _mm256_cvtph_ps(half(1))]
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u8) -> F {
        // SAFETY: see `load`.
        unsafe {
            let half = |i: usize| {
                let v = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(16 * i).cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(v))
            };
            [half(0), half(1)]
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> F {
        // SAFETY: see `load`.
        unsafe {
            let v = _mm_loadu_si128(from.cast());
            let high = _mm_srli_si128::<8>(v);
            [
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v)),
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        both!(_mm256_add_ps, a, b)
    }

    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        both!(_mm256_sub_ps, a, b)
    }

    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        both!(_mm256_mul_ps, a, b)
    }

    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        both!(_mm256_div_ps, a, b)
    }

    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        both!(_mm256_max_ps, a, b)
    }

    #[inline(always)]
    unsafe fn min(a: F, b: F) -> F {
        both!(_mm256_min_ps, a, b)
    }

    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        both!(_mm256_fmadd_ps, a, b, c)
    }

    #[inline(always)]
    unsafe fn round(v: F) -> F {
        // SAFETY: see `splat`.
        unsafe {
            const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
            [
                _mm256_round_ps::<NEAREST>(v[0]),
                _mm256_round_ps::<NEAREST>(v[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn power_of_two(n: F) -> F {
        // SAFETY: see `splat`.
        unsafe {
            let bias = _mm256_set1_epi32(127);
            let power = |n| _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), bias));
            [
                _mm256_castsi256_ps(power(n[0])),
                _mm256_castsi256_ps(power(n[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn keep_from(x: F, limit: f32, v: F) -> F {
        // SAFETY: see `splat`.
        unsafe {
            let limit = _mm256_set1_ps(limit);
            [
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(x[0], limit), v[0]),
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(x[1], limit), v[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn sum(v: F) -> f32 {
        // SAFETY: see `splat`.
        unsafe {
            let v = _mm256_add_ps(v[0], v[1]);
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)))
        }
    }

    #[inline(always)]
    unsafe fn largest(v: F) -> f32 {
        // SAFETY: see `splat`.
        unsafe {
            let v = _mm256_max_ps(v[0], v[1]);
            let v = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_max_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_max_ss(v, _mm_movehdup_ps(v)))
        }
    }
}

impl<const VNNI: bool> Integers for Avx2<VNNI> {
    type I = I;

    const COLUMNS: usize = 4;

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> I {
        // SAFETY: see `load`.
        unsafe {
            [
                _mm256_loadu_si256(from.cast()),
                _mm256_loadu_si256(from.add(32).cast()),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, v: I) {
        // SAFETY: see `load`.
        unsafe {
            _mm256_storeu_si256(to.cast(), v[0]);
            _mm256_storeu_si256(to.add(32).cast(), v[1]);
        }
    }

    #[inline(always)]
    unsafe fn splat_u8(value: u8) -> I {
        // SAFETY: see `splat`.
        unsafe { [_mm256_set1_epi8(value as i8); 2] }
    }

    #[inline(always)]
    unsafe fn splat_i32(value: i32) -> I {
        // SAFETY: see `splat`.
        unsafe { [_mm256_set1_epi32(value); 2] }
    }

    #[inline(always)]
    unsafe fn widen_u8(from: *const u8) -> I {
        // SAFETY: see `load`.
        unsafe {
            let v = _mm_loadu_si128(from.cast());
            [
                _mm256_cvtepu8_epi32(v),
                _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(v)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn and(a: I, b: I) -> I {
        both!(_mm256_and_si256, a, b)
    }

    #[inline(always)]
    unsafe fn or(a: I, b: I) -> I {
        both!(_mm256_or_si256, a, b)
    }

    #[inline(always)]
    unsafe fn shift_left(v: I, bits: i32) -> I {
        // SAFETY: see `splat`.
        let bits = unsafe { [_mm_cvtsi32_si128(bits); 2] };
        both!(_mm256_sll_epi16, v, bits)
    }

    #[inline(always)]
    unsafe fn shift_right(v: I, bits: i32) -> I {
        // SAFETY: see `splat`.
        let bits = unsafe { [_mm_cvtsi32_si128(bits); 2] };
        both!(_mm256_srl_epi16, v, bits)
    }

    #[inline(always)]
    unsafe fn shift_left_32(v: I, bits: i32) -> I {
        // SAFETY: see `splat`.
        let bits = unsafe { [_mm_cvtsi32_si128(bits); 2] };
        both!(_mm256_sll_epi32, v, bits)
    }

    #[inline(always)]
    unsafe fn shift_right_32(v: I, bits: i32) -> I {
        // SAFETY: see `splat`.
        let bits = unsafe { [_mm_cvtsi32_si128(bits); 2] };
        both!(_mm256_srl_epi32, v, bits)
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; 16], indices: I) -> I {
        // SAFETY: see `splat`.
        let table =
            unsafe { [_mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())); 2] };
        both!(_mm256_shuffle_epi8, table, indices)
    }

    #[inline(always)]
    unsafe fn to_f32(v: I) -> F {
        both!(_mm256_cvtepi32_ps, v)
    }

    #[inline(always)]
    unsafe fn from_bits(v: I) -> F {
        both!(_mm256_castsi256_ps, v)
    }

    #[inline(always)]
    unsafe fn to_bits(v: F) -> I {
        both!(_mm256_castps_si256, v)
    }

    #[inline(always)]
    unsafe fn to_i32(v: F) -> I {
        both!(_mm256_cvtps_epi32, v)
    }

    #[inline(always)]
    unsafe fn store_i8(to: *mut i8, v: I) {
        // SAFETY: see `load`.
        unsafe {
            // Packing works within halves of registers, which leaves the quarters in the order 0 2 1 3.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(v[0], v[1]));
            let bytes = _mm_packs_epi16(
                _mm256_castsi256_si128(words),
                _mm256_extracti128_si256::<1>(words),
            );
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    #[inline(always)]
    unsafe fn max_i32(a: I, b: I) -> I {
        both!(_mm256_max_epi32, a, b)
    }

    #[inline(always)]
    unsafe fn largest_i32(v: I) -> i32 {
        // SAFETY: see `splat`.
        unsafe {
            let v = _mm256_max_epi32(v[0], v[1]);
            let v = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            let v = _mm_max_epi32(v, _mm_shuffle_epi32::<0b01_00_11_10>(v));
            _mm_cvtsi128_si32(_mm_max_epi32(v, _mm_shuffle_epi32::<0b10_11_00_01>(v)))
        }
    }

    #[inline(always)]
    unsafe fn sum_i32(v: I) -> i32 {
        // SAFETY: see `splat`.
        unsafe {
            let v = _mm256_add_epi32(v[0], v[1]);
            let v = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            let v = _mm_add_epi32(v, _mm_shuffle_epi32::<0b01_00_11_10>(v));
            _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32::<0b10_11_00_01>(v)))
        }
    }

    #[inline(always)]
    unsafe fn dot(sum: I, codes: I, x: i32) -> I {
        // SAFETY: see `splat`; VNNI says whether the processor has it.
        unsafe {
            let x = _mm256_set1_epi32(x);
            if VNNI {
                return [
                    _mm256_dpbusd_avx_epi32(sum[0], codes[0], x),
                    _mm256_dpbusd_avx_epi32(sum[1], codes[1], x),
                ];
            }
            // Two products of a code below 128 and a signed byte fit into 16 bits.
            let ones = _mm256_set1_epi16(1);
            let four = |codes| _mm256_madd_epi16(_mm256_maddubs_epi16(codes, x), ones);
            [
                _mm256_add_epi32(sum[0], four(codes[0])),
                _mm256_add_epi32(sum[1], four(codes[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn wide(codes: I) -> I {
        if VNNI {
            return codes;
        }
        // Without VNNI they become what they mean, signed.
        // SAFETY: see `splat`.
        let flip = unsafe { [_mm256_set1_epi8(-128); 2] };
        both!(_mm256_xor_si256, codes, flip)
    }

    #[inline(always)]
    unsafe fn start_wide(correction: i32) -> I {
        // SAFETY: see `splat`.
        unsafe { [_mm256_set1_epi32(if VNNI { correction } else { 0 }); 2] }
    }

    #[inline(always)]
    unsafe fn dot_wide(sum: I, codes: I, x: i32) -> I {
        // SAFETY: see `splat`.
        unsafe {
            if VNNI {
                return Self::dot(sum, codes, x);
            }
            // The sign of a code goes to the activation, so that the code is unsigned: at most 128, times 127, twice.
            let (x, ones) = (_mm256_set1_epi32(x), _mm256_set1_epi16(1));
            let four = |codes| {
                let pairs =
                    _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
                _mm256_madd_epi16(pairs, ones)
            };
            [
                _mm256_add_epi32(sum[0], four(codes[0])),
                _mm256_add_epi32(sum[1], four(codes[1])),
            ]
        }
    }
}
