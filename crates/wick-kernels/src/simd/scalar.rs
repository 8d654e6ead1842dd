//! The portable vector: an array, which compilers turn into whatever vectors they know.

use half::{bf16, f16};

use super::{LANES, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Scalar;

type Lanes = [f32; LANES];

#[inline(always)]
fn map(a: Lanes, f: impl Fn(f32) -> f32) -> Lanes {
    std::array::from_fn(|i| f(a[i]))
}

#[inline(always)]
fn zip(a: Lanes, b: Lanes, f: impl Fn(f32, f32) -> f32) -> Lanes {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Scalar {
    type F = Lanes;

    const TILE: usize = 2;
    const FLOATS: usize = 1;

    #[inline(always)]
    fn prefetch(_: *const u8) {}

    #[inline(always)]
    unsafe fn splat(value: f32) -> Lanes {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Lanes {
        // SAFETY: the caller's pointer is good for 16 elements.
        unsafe { from.cast::<Lanes>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Lanes) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<Lanes>().write_unaligned(v) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u8) -> Lanes {
        // SAFETY: as in `load`.
        let halves = unsafe { from.cast::<[[u8; 2]; LANES]>().read_unaligned() };
        halves.map(|bytes| f16::from_le_bytes(bytes).to_f32())
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u8) -> Lanes {
        // SAFETY: as in `load`.
        let halves = unsafe { from.cast::<[[u8; 2]; LANES]>().read_unaligned() };
        halves.map(|bytes| bf16::from_le_bytes(bytes).to_f32())
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const u8) -> Lanes {
        // SAFETY: as in `load`.
        let bytes = unsafe { from.cast::<[i8; LANES]>().read_unaligned() };
        bytes.map(f32::from)
    }

    #[inline(always)]
    unsafe fn add(a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn max(a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn min(a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    unsafe fn fma(a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        // A fused operation would be a slow call where the processor lacks it.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    unsafe fn round(v: Lanes) -> Lanes {
        // Adding and taking away 1.5 · 2^23 leaves no room for a fraction.
        const SHIFT: f32 = 12_582_912.0;
        map(v, |v| (v + SHIFT) - SHIFT)
    }

    #[inline(always)]
    unsafe fn power_of_two(n: Lanes) -> Lanes {
        map(n, |n| f32::from_bits(((n as i32 + 127) << 23) as u32))
    }

    #[inline(always)]
    unsafe fn keep_from(x: Lanes, limit: f32, v: Lanes) -> Lanes {
        zip(x, v, |x, v| if x < limit { 0.0 } else { v })
    }

    #[inline(always)]
    unsafe fn sum(v: Lanes) -> f32 {
        v.iter().sum()
    }

    #[inline(always)]
    unsafe fn largest(v: Lanes) -> f32 {
        v.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}
