//! How a panel keeps the scales of its 16 rows. Their numbers stay as the file has them, a vector's worth of rows side
//! by side, and become f32 when they are read.

use crate::Format;
use crate::blocks::scales::{iq4_scale, q3_scale};
use crate::simd::{Integers, LANES, Simd};

/// Scale and minimum of 16 rows.
pub(crate) type Pair<S> = (<S as Simd>::F, <S as Simd>::F);

/// A way to keep scales.
pub(crate) trait Scales: Copy + 'static {
    /// Blocks of 32 columns that are kept together.
    const BLOCKS: usize;

    /// Bytes they take.
    const BYTES: usize;

    /// Whether each 16 columns have a scale of their own, not each 32.
    const SPLIT: bool = false;

    /// Whether there are minimums.
    const MIN: bool = false;

    /// Reads the scales of a block; the second pair is used where they are split.
    ///
    /// # Safety
    /// The processor has S, and `at` points at the scales of a panel that has the block.
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2];

    /// Writes row `row`'s scales out of a block of the file.
    fn write(format: Format, block: &[u8], row: usize, out: &mut [u8]);
}

/// A half for each 32.
#[derive(Clone, Copy)]
pub(crate) struct Halves;

/// Two halves for each 32, scale and minimum.
#[derive(Clone, Copy)]
pub(crate) struct HalvesMin;

/// An exponent for each 32.
#[derive(Clone, Copy)]
pub(crate) struct Exponents;

/// A half for each 256.
#[derive(Clone, Copy)]
pub(crate) struct Supers;

/// Two halves for each 256, and six bits of each for each 32, packed as the file has them.
#[derive(Clone, Copy)]
pub(crate) struct SixBits;

/// A half for each 256 and a signed byte for each 32.
#[derive(Clone, Copy)]
pub(crate) struct Signed32;

/// A half for each 256 and a signed byte for each 16.
#[derive(Clone, Copy)]
pub(crate) struct Signed16;

/// Two halves for each 256 and four bits of each for each 16.
#[derive(Clone, Copy)]
pub(crate) struct FourBits;

/// Bytes of a half of each row.
const HALF: usize = 2 * LANES;

fn copy(from: &[u8], row: usize, out: &mut [u8]) {
    let width = from.len();
    out[row * width..][..width].copy_from_slice(from);
}

#[inline(always)]
unsafe fn one<S: Integers>(scale: S::F) -> [Pair<S>; 2] {
    // SAFETY: as promised by the caller.
    unsafe { [(scale, S::splat(0.0)); 2] }
}

impl Scales for Halves {
    const BLOCKS: usize = 1;
    const BYTES: usize = HALF;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe { one::<S>(S::load_f16(at.add(block * Self::BYTES))) }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[..2], row, out);
    }
}

impl Scales for HalvesMin {
    const BLOCKS: usize = 1;
    const BYTES: usize = 2 * HALF;
    const MIN: bool = true;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe {
            let at = at.add(block * Self::BYTES);
            [(S::load_f16(at), S::load_f16(at.add(HALF))); 2]
        }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[..2], row, out);
        copy(&block[2..4], row, &mut out[HALF..]);
    }
}

impl Scales for Exponents {
    const BLOCKS: usize = 1;
    const BYTES: usize = LANES;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe {
            // The exponent of an f32, halved since the values are doubled.
            let exponents = S::widen_u8(at.add(block * Self::BYTES));
            let powers = S::from_bits(S::shift_left_32(exponents, 23));
            one::<S>(S::mul(powers, S::splat(0.5)))
        }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        out[row] = block[0];
    }
}

impl Scales for Supers {
    const BLOCKS: usize = 8;
    const BYTES: usize = HALF;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe { one::<S>(S::load_f16(at.add(block / 8 * Self::BYTES))) }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[block.len() - 2..], row, out);
    }
}

impl Scales for SixBits {
    const BLOCKS: usize = 8;
    const BYTES: usize = 2 * HALF + 12 * LANES;
    const MIN: bool = true;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe {
            let at = at.add(block / 8 * Self::BYTES);
            let packed = at.add(2 * HALF);
            let word = |i: usize| S::load_bytes(packed.add(i * 4 * LANES));
            let shift = 8 * (block % 4) as i32;
            let (first, second) = (word(0), word(1));
            let mask = |v, bits| S::and(v, S::splat_i32(bits));
            let (scale, min) = if block % 8 < 4 {
                let six = |v| mask(S::shift_right_32(v, shift), 63);
                (six(first), six(second))
            } else {
                let low = S::shift_right_32(word(2), shift);
                // The upper two bits of a byte, moved to bits 4 and 5.
                let high = |v| mask(S::shift_right_32(S::shift_right_32(v, shift), 2), 0x30);
                (
                    S::or(mask(low, 15), high(first)),
                    S::or(mask(S::shift_right_32(low, 4), 15), high(second)),
                )
            };
            let scale = S::mul(S::load_f16(at), S::to_f32(scale));
            let min = S::mul(S::load_f16(at.add(HALF)), S::to_f32(min));
            [(scale, S::sub(S::splat(0.0), min)); 2]
        }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[..2], row, out);
        copy(&block[2..4], row, &mut out[HALF..]);
        for (i, word) in block[4..16].chunks_exact(4).enumerate() {
            copy(word, row, &mut out[2 * HALF + i * 4 * LANES..]);
        }
    }
}

impl Scales for Signed32 {
    const BLOCKS: usize = 8;
    const BYTES: usize = HALF + 8 * LANES;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe {
            let at = at.add(block / 8 * Self::BYTES);
            let scale = S::load_i8(at.add(HALF + block % 8 * LANES));
            one::<S>(S::mul(S::load_f16(at), scale))
        }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[..2], row, out);
        for i in 0..8 {
            out[HALF + i * LANES + row] = iq4_scale(block, i) as u8;
        }
    }
}

impl Scales for Signed16 {
    const BLOCKS: usize = 8;
    const BYTES: usize = HALF + 16 * LANES;
    const SPLIT: bool = true;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe {
            let at = at.add(block / 8 * Self::BYTES);
            let scale = S::load_f16(at);
            let bytes = at.add(HALF + block % 8 * 2 * LANES);
            let zero = S::splat(0.0);
            [
                (S::mul(scale, S::load_i8(bytes)), zero),
                (S::mul(scale, S::load_i8(bytes.add(LANES))), zero),
            ]
        }
    }

    fn write(format: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[block.len() - 2..], row, out);
        for i in 0..16 {
            out[HALF + i * LANES + row] = match format {
                Format::Q3K => q3_scale(&block[96..108], i) as u8,
                _ => block[192 + i],
            };
        }
    }
}

impl Scales for FourBits {
    const BLOCKS: usize = 8;
    const BYTES: usize = 2 * HALF + 16 * LANES;
    const SPLIT: bool = true;
    const MIN: bool = true;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8, block: usize) -> [Pair<S>; 2] {
        // SAFETY: as promised by the caller.
        unsafe {
            let at = at.add(block / 8 * Self::BYTES);
            let (scale, min) = (S::load_f16(at), S::load_f16(at.add(HALF)));
            let min = S::sub(S::splat(0.0), min);
            let bytes = at.add(2 * HALF + block % 8 * 2 * LANES);
            let mut out = [(scale, min); 2];
            for (i, (scale, min)) in out.iter_mut().enumerate() {
                let both = S::widen_u8(bytes.add(i * LANES));
                *scale = S::mul(*scale, S::to_f32(S::and(both, S::splat_i32(15))));
                *min = S::mul(*min, S::to_f32(S::shift_right_32(both, 4)));
            }
            out
        }
    }

    fn write(_: Format, block: &[u8], row: usize, out: &mut [u8]) {
        copy(&block[80..82], row, out);
        copy(&block[82..84], row, &mut out[HALF..]);
        for i in 0..16 {
            out[2 * HALF + i * LANES + row] = block[i];
        }
    }
}
