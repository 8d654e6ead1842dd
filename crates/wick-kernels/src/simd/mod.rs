//! Vectors of 16 lanes. Kernels are written once over [`Simd`] and compiled for each path; an implementation may hold
//! a vector in several registers.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::Avx2, avx512::Avx512};

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// The instructions of a path.
///
/// # Safety
/// Every function needs a processor that has the path; pointers must be good for 16 elements.
#[allow(clippy::missing_safety_doc)] // said above, once for all
pub(crate) trait Simd: Copy + 'static {
    /// 16 f32.
    type F: Copy;

    /// Columns of f32 results held in registers at once, two vectors each.
    const TILE: usize;

    /// Columns of a product with floats held in registers at once, times four rows.
    const FLOATS: usize;

    /// Asks for a line of memory that may be read soon; any address will do.
    fn prefetch(at: *const u8);
    /// The same for what is read so much later that the nearest cache should not keep it.
    #[inline(always)]
    fn prefetch_far(at: *const u8) {
        Self::prefetch(at);
    }
    unsafe fn splat(value: f32) -> Self::F;
    unsafe fn load(from: *const f32) -> Self::F;
    unsafe fn store(to: *mut f32, v: Self::F);
    /// Half-precision numbers, at any address.
    unsafe fn load_f16(from: *const u8) -> Self::F;
    /// The upper halves of f32, at any address.
    unsafe fn load_bf16(from: *const u8) -> Self::F;
    /// Signed bytes.
    unsafe fn load_i8(from: *const u8) -> Self::F;
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    /// The larger ones; `b` where one is NaN.
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    /// The smaller ones; `b` where one is NaN.
    unsafe fn min(a: Self::F, b: Self::F) -> Self::F;
    /// a · b + c.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// To the nearest whole number.
    unsafe fn round(v: Self::F) -> Self::F;
    /// Two to the power of a whole number between −126 and 127.
    unsafe fn power_of_two(n: Self::F) -> Self::F;
    /// `v` where `x` is at least `limit`, else zero.
    unsafe fn keep_from(x: Self::F, limit: f32, v: Self::F) -> Self::F;
    unsafe fn sum(v: Self::F) -> f32;
    unsafe fn largest(v: Self::F) -> f32;
}

/// The instructions of a path for products of integers: a vector is 16 i32 or 64 bytes, four for each i32.
///
/// # Safety
/// As for [`Simd`]; pointers to bytes must be good for 64, or 16 where a function widens them.
#[allow(clippy::missing_safety_doc)] // said above, once for all
pub(crate) trait Integers: Simd {
    type I: Copy;

    /// Columns of a product held in registers at once.
    const COLUMNS: usize;

    /// Whether the loop over a block's vectors is written out. Compilers unroll it themselves where a vector is one or
    /// two registers, with better results; where it is four they leave it rolled and keep the sums in memory.
    const WRITTEN_OUT: bool = false;

    unsafe fn load_bytes(from: *const u8) -> Self::I;
    unsafe fn store_bytes(to: *mut u8, v: Self::I);
    unsafe fn splat_u8(value: u8) -> Self::I;
    unsafe fn splat_i32(value: i32) -> Self::I;
    /// 16 bytes, each to an i32.
    unsafe fn widen_u8(from: *const u8) -> Self::I;
    unsafe fn and(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn or(a: Self::I, b: Self::I) -> Self::I;
    /// Moves bits within pairs of bytes.
    unsafe fn shift_left(v: Self::I, bits: i32) -> Self::I;
    unsafe fn shift_right(v: Self::I, bits: i32) -> Self::I;
    /// Moves bits within i32.
    unsafe fn shift_left_32(v: Self::I, bits: i32) -> Self::I;
    unsafe fn shift_right_32(v: Self::I, bits: i32) -> Self::I;
    /// Entries of a table at indices below 16.
    unsafe fn look_up(table: &[u8; 16], indices: Self::I) -> Self::I;
    unsafe fn to_f32(v: Self::I) -> Self::F;
    unsafe fn from_bits(v: Self::I) -> Self::F;
    unsafe fn to_bits(v: Self::F) -> Self::I;
    /// To the nearest whole number, the even one of two.
    unsafe fn to_i32(v: Self::F) -> Self::I;
    /// The low byte of each i32.
    unsafe fn store_i8(to: *mut i8, v: Self::I);
    unsafe fn max_i32(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn largest_i32(v: Self::I) -> i32;
    unsafe fn sum_i32(v: Self::I) -> i32;
    /// Adds to each i32 the four products of its codes, below 128, with the four signed bytes in `x`.
    unsafe fn dot(sum: Self::I, codes: Self::I, x: i32) -> Self::I;
    /// Makes any codes fit for [`dot_wide`](Self::dot_wide).
    unsafe fn wide(codes: Self::I) -> Self::I;
    /// What sums of wide products start from, where the codes are 128 above what they mean and `correction` is −128
    /// times the sum of the activations.
    unsafe fn start_wide(correction: i32) -> Self::I;
    unsafe fn dot_wide(sum: Self::I, codes: Self::I, x: i32) -> Self::I;
}

/// Asks for a line of memory that may be read soon; any address will do.
#[inline(always)]
pub(crate) fn prefetch(at: *const u8) {
    // SAFETY: a hint that cannot fault.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{at}]", at = in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}

/// e to the power of x, within two units in the last place; exactly 1 at 0, and 0 below −87.
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::F) -> S::F {
    // SAFETY: the caller has a processor with S.
    unsafe {
        let x = S::min(S::splat(88.0), x);
        let n = S::round(S::mul(
            S::max(S::splat(-87.0), x),
            S::splat(std::f32::consts::LOG2_E),
        ));
        // ln 2 in two parts, the first with few digits, so that n times it is exact.
        let r = S::fma(n, S::splat(-0.693_359_4), S::max(S::splat(-87.0), x));
        let r = S::fma(n, S::splat(2.121_944_4e-4), r);
        let mut p = S::splat(1.987_569_1e-4);
        for c in [
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ] {
            p = S::fma(p, r, S::splat(c));
        }
        let p = S::fma(S::mul(p, r), r, S::add(r, S::splat(1.0)));
        S::keep_from(x, -87.0, S::mul(p, S::power_of_two(n)))
    }
}

/// 1 / (1 + e^−x).
#[inline(always)]
pub(crate) unsafe fn sigmoid<S: Simd>(x: S::F) -> S::F {
    // SAFETY: the caller has a processor with S.
    unsafe {
        let one = S::splat(1.0);
        S::div(one, S::add(one, exp::<S>(S::sub(S::splat(0.0), x))))
    }
}

/// Up to 16 values of a slice, zeros after its end.
#[inline(always)]
pub(crate) unsafe fn load_some<S: Simd>(from: &[f32]) -> S::F {
    // SAFETY: the caller has a processor with S; what is loaded lies within the slice or the buffer.
    unsafe {
        if from.len() >= LANES {
            return S::load(from.as_ptr());
        }
        let mut buffer = [0f32; LANES];
        buffer[..from.len()].copy_from_slice(from);
        S::load(buffer.as_ptr())
    }
}

/// Stores as many of 16 values as the slice has room for.
#[inline(always)]
pub(crate) unsafe fn store_some<S: Simd>(to: &mut [f32], v: S::F) {
    // SAFETY: the caller has a processor with S; what is stored lies within the slice or the buffer.
    unsafe {
        if to.len() >= LANES {
            return S::store(to.as_mut_ptr(), v);
        }
        let mut buffer = [0f32; LANES];
        S::store(buffer.as_mut_ptr(), v);
        let length = to.len();
        to.copy_from_slice(&buffer[..length]);
    }
}
