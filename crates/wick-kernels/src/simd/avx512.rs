//! AVX-512 with VNNI: a vector is a register.

use std::arch::x86_64::*;

use super::{Integers, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Avx512;

impl Simd for Avx512 {
    type F = __m512;

    const TILE: usize = 8;
    const FLOATS: usize = 4;

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
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: the caller has the processor, here and in all functions below.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: see `splat`; the pointer is the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: __m512) {
        // SAFETY: see `load`.
        unsafe { _mm512_storeu_ps(to, v) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u8) -> __m512 {
        // SAFETY: see `load`.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u8) -> __m512 {
        // SAFETY: see `load`.
        unsafe {
            let v = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(v))
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> __m512 {
        // SAFETY: see `load`.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn round(v: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v) }
    }

    #[inline(always)]
    unsafe fn power_of_two(n: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_scalef_ps(_mm512_set1_ps(1.0), n) }
    }

    #[inline(always)]
    unsafe fn keep_from(x: __m512, limit: f32, v: __m512) -> __m512 {
        // SAFETY: see `splat`.
        unsafe {
            let keep = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(x, _mm512_set1_ps(limit));
            _mm512_maskz_mov_ps(keep, v)
        }
    }

    #[inline(always)]
    unsafe fn sum(v: __m512) -> f32 {
        // SAFETY: see `splat`.
        unsafe { _mm512_reduce_add_ps(v) }
    }

    #[inline(always)]
    unsafe fn largest(v: __m512) -> f32 {
        // SAFETY: see `splat`.
        unsafe { _mm512_reduce_max_ps(v) }
    }
}

impl Integers for Avx512 {
    type I = __m512i;

    const COLUMNS: usize = 8;

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> __m512i {
        // SAFETY: see `load`.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, v: __m512i) {
        // SAFETY: see `load`.
        unsafe { _mm512_storeu_si512(to.cast(), v) }
    }

    #[inline(always)]
    unsafe fn splat_u8(value: u8) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_set1_epi8(value as i8) }
    }

    #[inline(always)]
    unsafe fn splat_i32(value: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    unsafe fn widen_u8(from: *const u8) -> __m512i {
        // SAFETY: see `load`.
        unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn and(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn or(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn shift_left(v: __m512i, bits: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_sll_epi16(v, _mm_cvtsi32_si128(bits)) }
    }

    #[inline(always)]
    unsafe fn shift_right(v: __m512i, bits: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_srl_epi16(v, _mm_cvtsi32_si128(bits)) }
    }

    #[inline(always)]
    unsafe fn shift_left_32(v: __m512i, bits: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_sll_epi32(v, _mm_cvtsi32_si128(bits)) }
    }

    #[inline(always)]
    unsafe fn shift_right_32(v: __m512i, bits: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_srl_epi32(v, _mm_cvtsi32_si128(bits)) }
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; 16], indices: __m512i) -> __m512i {
        // SAFETY: see `splat`.
        unsafe {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            _mm512_shuffle_epi8(table, indices)
        }
    }

    #[inline(always)]
    unsafe fn to_f32(v: __m512i) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_cvtepi32_ps(v) }
    }

    #[inline(always)]
    unsafe fn from_bits(v: __m512i) -> __m512 {
        // SAFETY: see `splat`.
        unsafe { _mm512_castsi512_ps(v) }
    }

    #[inline(always)]
    unsafe fn to_bits(v: __m512) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_castps_si512(v) }
    }

    #[inline(always)]
    unsafe fn to_i32(v: __m512) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_cvtps_epi32(v) }
    }

    #[inline(always)]
    unsafe fn store_i8(to: *mut i8, v: __m512i) {
        // SAFETY: see `load`.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(v)) }
    }

    #[inline(always)]
    unsafe fn max_i32(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_max_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn largest_i32(v: __m512i) -> i32 {
        // SAFETY: see `splat`.
        unsafe { _mm512_reduce_max_epi32(v) }
    }

    #[inline(always)]
    unsafe fn sum_i32(v: __m512i) -> i32 {
        // SAFETY: see `splat`.
        unsafe { _mm512_reduce_add_epi32(v) }
    }

    #[inline(always)]
    unsafe fn dot(sum: __m512i, codes: __m512i, x: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_dpbusd_epi32(sum, codes, _mm512_set1_epi32(x)) }
    }

    #[inline(always)]
    unsafe fn wide(codes: __m512i) -> __m512i {
        codes
    }

    #[inline(always)]
    unsafe fn start_wide(correction: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_set1_epi32(correction) }
    }

    #[inline(always)]
    unsafe fn dot_wide(sum: __m512i, codes: __m512i, x: i32) -> __m512i {
        // SAFETY: see `splat`.
        unsafe { _mm512_dpbusd_epi32(sum, codes, _mm512_set1_epi32(x)) }
    }
}
