//! NEON: a vector is four registers. Processors differ in how they multiply bytes: by widening products, by `sdot`
//! (the feature dotprod) or, where one side is unsigned, by `usdot` (i8mm). Rust's names for those two instructions are
//! not stable yet, so they are written as assembly.
//!
//! The feature i8mm also brings `smmla`, which multiplies eight columns of two rows with those of two tokens. It has no
//! use here: panels have four columns of a row together, and a vector of sums belongs to one token.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{Integers, Simd};

/// NEON on a processor with these instructions.
#[derive(Clone, Copy)]
pub(crate) struct Neon<const SDOT: bool, const USDOT: bool>;

type F = [float32x4_t; 4];
type I = [int32x4_t; 4];

/// An operation on all registers.
macro_rules! each {
    ($f:expr, $($v:expr),+) => {
        // SAFETY: the caller has the processor.
        unsafe { [$f($($v[0]),+), $f($($v[1]),+), $f($($v[2]),+), $f($($v[3]),+)] }
    };
}

/// An instruction that adds four products of bytes to each i32 of `$sum`: those of `$codes` with the four of `$x`.
macro_rules! dot_instruction {
    ($instruction:literal, $sum:expr, $codes:expr, $x:expr) => {{
        let (sum, codes) = ($sum, $codes);
        // The instruction reads four bytes of a register, the same for all its sums; as a float they are loaded there.
        let x = f32::from_bits($x as u32);
        let one = |mut sum: int32x4_t, codes: int32x4_t| {
            // SAFETY: the caller has a processor with the instruction, which only touches these registers.
            unsafe {
                asm!(
                    concat!($instruction, " {sum:v}.4s, {codes:v}.16b, {x:v}.4b[0]"),
                    sum = inout(vreg) sum,
                    codes = in(vreg) codes,
                    x = in(vreg) x,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            sum
        };
        [
            one(sum[0], codes[0]),
            one(sum[1], codes[1]),
            one(sum[2], codes[2]),
            one(sum[3], codes[3]),
        ]
    }};
}

impl<const SDOT: bool, const USDOT: bool> Simd for Neon<SDOT, USDOT> {
    type F = F;

    const TILE: usize = 2;
    const FLOATS: usize = 1;

    #[inline(always)]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "a hint reads nothing")]
    fn prefetch(at: *const u8) {
        // SAFETY: a hint that cannot fault.
        unsafe {
            asm!("prfm pldl1keep, [{}]", in(reg) at, options(nomem, nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> F {
        // SAFETY: the caller has the processor, here and in all functions below.
        unsafe { [vdupq_n_f32(value); 4] }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> F {
        // SAFETY: see `splat`; the pointer is the caller's promise.
        unsafe {
            [
                vld1q_f32(from),
                vld1q_f32(from.add(4)),
                vld1q_f32(from.add(8)),
                vld1q_f32(from.add(12)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: F) {
        // SAFETY: see `load`.
        unsafe {
            vst1q_f32(to, v[0]);
            vst1q_f32(to.add(4), v[1]);
            vst1q_f32(to.add(8), v[2]);
            vst1q_f32(to.add(12), v[3]);
        }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u8) -> F {
        // SAFETY: see `load`.
        unsafe {
            let (a, b) = (vld1q_u8(from), vld1q_u8(from.add(16)));
            let (a, b) = (vreinterpretq_f16_u8(a), vreinterpretq_f16_u8(b));
            [
                vcvt_f32_f16(vget_low_f16(a)),
                vcvt_high_f32_f16(a),
                vcvt_f32_f16(vget_low_f16(b)),
                vcvt_high_f32_f16(b),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u8) -> F {
        // SAFETY: see `load`.
        unsafe {
            let (a, b) = (vld1q_u8(from), vld1q_u8(from.add(16)));
            let (a, b) = (vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b));
            let upper = |v| vreinterpretq_f32_u32(vshlq_n_u32::<16>(v));
            [
                upper(vmovl_u16(vget_low_u16(a))),
                upper(vmovl_high_u16(a)),
                upper(vmovl_u16(vget_low_u16(b))),
                upper(vmovl_high_u16(b)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> F {
        // SAFETY: see `load`.
        let v = unsafe {
            let v = vld1q_s8(from.cast());
            let (a, b) = (vmovl_s8(vget_low_s8(v)), vmovl_high_s8(v));
            [
                vmovl_s16(vget_low_s16(a)),
                vmovl_high_s16(a),
                vmovl_s16(vget_low_s16(b)),
                vmovl_high_s16(b),
            ]
        };
        each!(vcvtq_f32_s32, v)
    }

    #[inline(always)]
    unsafe fn add(a: F, b: F) -> F {
        each!(vaddq_f32, a, b)
    }

    #[inline(always)]
    unsafe fn sub(a: F, b: F) -> F {
        each!(vsubq_f32, a, b)
    }

    #[inline(always)]
    unsafe fn mul(a: F, b: F) -> F {
        each!(vmulq_f32, a, b)
    }

    #[inline(always)]
    unsafe fn div(a: F, b: F) -> F {
        each!(vdivq_f32, a, b)
    }

    #[inline(always)]
    unsafe fn max(a: F, b: F) -> F {
        // NEON's own maximum of a number and NaN is NaN.
        each!(|a, b| vbslq_f32(vcgtq_f32(a, b), a, b), a, b)
    }

    #[inline(always)]
    unsafe fn min(a: F, b: F) -> F {
        each!(|a, b| vbslq_f32(vcltq_f32(a, b), a, b), a, b)
    }

    #[inline(always)]
    unsafe fn fma(a: F, b: F, c: F) -> F {
        each!(vfmaq_f32, c, a, b)
    }

    #[inline(always)]
    unsafe fn round(v: F) -> F {
        each!(vrndnq_f32, v)
    }

    #[inline(always)]
    unsafe fn power_of_two(n: F) -> F {
        let power = |n| {
            // SAFETY: see `splat`.
            unsafe {
                let exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
                vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))
            }
        };
        n.map(power)
    }

    #[inline(always)]
    unsafe fn keep_from(x: F, limit: f32, v: F) -> F {
        let keep = |x, v| {
            // SAFETY: see `splat`.
            unsafe {
                let below = vcltq_f32(x, vdupq_n_f32(limit));
                vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), below))
            }
        };
        std::array::from_fn(|i| keep(x[i], v[i]))
    }

    #[inline(always)]
    unsafe fn sum(v: F) -> f32 {
        // SAFETY: see `splat`.
        unsafe { vaddvq_f32(vaddq_f32(vaddq_f32(v[0], v[1]), vaddq_f32(v[2], v[3]))) }
    }

    #[inline(always)]
    unsafe fn largest(v: F) -> f32 {
        // SAFETY: see `splat`.
        unsafe {
            vmaxnmvq_f32(vmaxnmq_f32(
                vmaxnmq_f32(v[0], v[1]),
                vmaxnmq_f32(v[2], v[3]),
            ))
        }
    }
}

impl<const SDOT: bool, const USDOT: bool> Integers for Neon<SDOT, USDOT> {
    type I = I;

    const COLUMNS: usize = 4;
    const WRITTEN_OUT: bool = true;

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> I {
        // SAFETY: see `load`.
        unsafe {
            [
                vreinterpretq_s32_u8(vld1q_u8(from)),
                vreinterpretq_s32_u8(vld1q_u8(from.add(16))),
                vreinterpretq_s32_u8(vld1q_u8(from.add(32))),
                vreinterpretq_s32_u8(vld1q_u8(from.add(48))),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, v: I) {
        // SAFETY: see `load`.
        unsafe {
            vst1q_u8(to, vreinterpretq_u8_s32(v[0]));
            vst1q_u8(to.add(16), vreinterpretq_u8_s32(v[1]));
            vst1q_u8(to.add(32), vreinterpretq_u8_s32(v[2]));
            vst1q_u8(to.add(48), vreinterpretq_u8_s32(v[3]));
        }
    }

    #[inline(always)]
    unsafe fn splat_u8(value: u8) -> I {
        // SAFETY: see `splat`.
        unsafe { [vreinterpretq_s32_u8(vdupq_n_u8(value)); 4] }
    }

    #[inline(always)]
    unsafe fn splat_i32(value: i32) -> I {
        // SAFETY: see `splat`.
        unsafe { [vdupq_n_s32(value); 4] }
    }

    #[inline(always)]
    unsafe fn widen_u8(from: *const u8) -> I {
        // SAFETY: see `load`.
        let v = unsafe {
            let v = vld1q_u8(from);
            let (a, b) = (vmovl_u8(vget_low_u8(v)), vmovl_high_u8(v));
            [
                vmovl_u16(vget_low_u16(a)),
                vmovl_high_u16(a),
                vmovl_u16(vget_low_u16(b)),
                vmovl_high_u16(b),
            ]
        };
        each!(vreinterpretq_s32_u32, v)
    }

    #[inline(always)]
    unsafe fn and(a: I, b: I) -> I {
        each!(vandq_s32, a, b)
    }

    #[inline(always)]
    unsafe fn or(a: I, b: I) -> I {
        each!(vorrq_s32, a, b)
    }

    #[inline(always)]
    unsafe fn shift_left(v: I, bits: i32) -> I {
        let shift = |v| {
            // SAFETY: see `splat`.
            unsafe {
                let v = vshlq_u16(vreinterpretq_u16_s32(v), vdupq_n_s16(bits as i16));
                vreinterpretq_s32_u16(v)
            }
        };
        v.map(shift)
    }

    #[inline(always)]
    unsafe fn shift_right(v: I, bits: i32) -> I {
        // SAFETY: see `splat`; bits move to the right where the number is negative.
        unsafe { Self::shift_left(v, -bits) }
    }

    #[inline(always)]
    unsafe fn shift_left_32(v: I, bits: i32) -> I {
        let shift = |v| {
            // SAFETY: see `splat`.
            unsafe {
                let v = vshlq_u32(vreinterpretq_u32_s32(v), vdupq_n_s32(bits));
                vreinterpretq_s32_u32(v)
            }
        };
        v.map(shift)
    }

    #[inline(always)]
    unsafe fn shift_right_32(v: I, bits: i32) -> I {
        // SAFETY: see `shift_right`.
        unsafe { Self::shift_left_32(v, -bits) }
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; 16], indices: I) -> I {
        // SAFETY: see `splat`.
        unsafe {
            let table = vld1q_u8(table.as_ptr());
            indices.map(|i| vreinterpretq_s32_u8(vqtbl1q_u8(table, vreinterpretq_u8_s32(i))))
        }
    }

    #[inline(always)]
    unsafe fn to_f32(v: I) -> F {
        each!(vcvtq_f32_s32, v)
    }

    #[inline(always)]
    unsafe fn from_bits(v: I) -> F {
        each!(vreinterpretq_f32_s32, v)
    }

    #[inline(always)]
    unsafe fn to_bits(v: F) -> I {
        each!(vreinterpretq_s32_f32, v)
    }

    #[inline(always)]
    unsafe fn to_i32(v: F) -> I {
        each!(vcvtnq_s32_f32, v)
    }

    #[inline(always)]
    unsafe fn store_i8(to: *mut i8, v: I) {
        // SAFETY: see `load`.
        unsafe {
            // The lower halves of two registers at a time.
            let words = |a, b| vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
            let (a, b) = (words(v[0], v[1]), words(v[2], v[3]));
            let bytes = vuzp1q_s8(vreinterpretq_s8_s16(a), vreinterpretq_s8_s16(b));
            vst1q_s8(to, bytes);
        }
    }

    #[inline(always)]
    unsafe fn max_i32(a: I, b: I) -> I {
        each!(vmaxq_s32, a, b)
    }

    #[inline(always)]
    unsafe fn largest_i32(v: I) -> i32 {
        // SAFETY: see `splat`.
        unsafe { vmaxvq_s32(vmaxq_s32(vmaxq_s32(v[0], v[1]), vmaxq_s32(v[2], v[3]))) }
    }

    #[inline(always)]
    unsafe fn sum_i32(v: I) -> i32 {
        // SAFETY: see `splat`.
        unsafe { vaddvq_s32(vaddq_s32(vaddq_s32(v[0], v[1]), vaddq_s32(v[2], v[3]))) }
    }

    #[inline(always)]
    unsafe fn dot(sum: I, codes: I, x: i32) -> I {
        // Codes below 128 are the same signed and unsigned.
        if SDOT {
            return dot_instruction!("sdot", sum, codes, x);
        }
        let four = |sum, codes| {
            // SAFETY: see `splat`.
            unsafe {
                // Two products fit into 16 bits: activations are at most 127, codes at most 128, without their signs.
                let (codes, x) = (
                    vreinterpretq_s8_s32(codes),
                    vreinterpretq_s8_s32(vdupq_n_s32(x)),
                );
                let low = vmull_s8(vget_low_s8(codes), vget_low_s8(x));
                vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(codes, x)))
            }
        };
        std::array::from_fn(|i| four(sum[i], codes[i]))
    }

    #[inline(always)]
    unsafe fn wide(codes: I) -> I {
        if USDOT {
            return codes;
        }
        // Without `usdot` they become what they mean, signed.
        // SAFETY: see `splat`.
        let flip = unsafe { Self::splat_u8(128) };
        each!(veorq_s32, codes, flip)
    }

    #[inline(always)]
    unsafe fn start_wide(correction: i32) -> I {
        // SAFETY: see `splat`.
        unsafe { Self::splat_i32(if USDOT { correction } else { 0 }) }
    }

    #[inline(always)]
    unsafe fn dot_wide(sum: I, codes: I, x: i32) -> I {
        if USDOT {
            return dot_instruction!("usdot", sum, codes, x);
        }
        // SAFETY: see `splat`.
        unsafe { Self::dot(sum, codes, x) }
    }
}
