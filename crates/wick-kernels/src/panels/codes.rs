//! How a panel keeps the codes of 16 rows and 32 columns. Read, they are eight vectors of 64 bytes; vector j holds
//! columns 4j to 4j + 3 of each of the 16 rows, four bytes a row, as instructions that sum four products want them.

use crate::blocks::{FP4_VALUES, IQ4_VALUES};
use crate::simd::Integers;

/// Bytes of a vector.
pub(crate) const VECTOR: usize = 64;

/// The codes of a block of 16 × 32, a byte each.
pub(crate) type Block = [[u8; VECTOR]; 8];

/// A way to keep codes.
pub(crate) trait Codes: Copy + 'static {
    /// Bytes of a block.
    const BYTES: usize;

    /// Whether codes, as they are read, may be above 127.
    const WIDE: bool = false;

    /// Reads a block, unsigned.
    ///
    /// # Safety
    /// The processor has S, and BYTES bytes can be read.
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8];

    /// Writes a block into BYTES bytes.
    fn write(codes: &Block, out: &mut [u8]);
}

/// Four bits: byte i of vector j beside that of vector j + 4.
#[derive(Clone, Copy)]
pub(crate) struct Nibbles;

/// Five bits: nibbles, then a vector of fifth bits, bit j of a byte for vector j.
#[derive(Clone, Copy)]
pub(crate) struct Fives;

/// Six bits: nibbles, then two vectors with the two upper bits of four vectors each.
#[derive(Clone, Copy)]
pub(crate) struct Sixes;

/// Bytes.
#[derive(Clone, Copy)]
pub(crate) struct Bytes;

/// Two bits, those of four vectors in a byte.
#[derive(Clone, Copy)]
pub(crate) struct Twos;

/// Three bits: two, then a vector of third bits.
#[derive(Clone, Copy)]
pub(crate) struct Threes;

/// Nibbles that are looked up in the table of IQ4_NL, raised by 128.
#[derive(Clone, Copy)]
pub(crate) struct Iq4;

/// Nibbles that are looked up in the table of MXFP4, raised by 12.
#[derive(Clone, Copy)]
pub(crate) struct Fp4;

const fn raised(table: &[i8; 16], by: i16) -> [u8; 16] {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        out[i] = (table[i] as i16 + by) as u8;
        i += 1;
    }
    out
}

static IQ4: [u8; 16] = raised(&IQ4_VALUES, 128);
static FP4: [u8; 16] = raised(&FP4_VALUES, 12);

impl Codes for Nibbles {
    const BYTES: usize = 4 * VECTOR;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe {
            let mask = S::splat_u8(15);
            let mut out = [mask; 8];
            for j in 0..4 {
                let v = S::load_bytes(at.add(j * VECTOR));
                out[j] = S::and(v, mask);
                out[j + 4] = S::and(S::shift_right(v, 4), mask);
            }
            out
        }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        for (j, out) in out.chunks_exact_mut(VECTOR).take(4).enumerate() {
            for (i, out) in out.iter_mut().enumerate() {
                *out = (codes[j][i] & 15) | codes[j + 4][i] << 4;
            }
        }
    }
}

/// Puts bit `low` of each code into a vector, bit j for vector j.
fn write_plane(codes: &Block, low: u32, out: &mut [u8]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = 0;
        for (j, codes) in codes.iter().enumerate() {
            *out |= (codes[i] >> low & 1) << j;
        }
    }
}

/// Adds a vector of bits, as [`write_plane`] wrote it, at bit `low` of the codes.
#[inline(always)]
unsafe fn add_plane<S: Integers>(at: *const u8, low: i32, codes: &mut [S::I; 8]) {
    // SAFETY: as promised by the caller.
    unsafe {
        let v = S::load_bytes(at);
        let bit = S::splat_u8(1 << low);
        for (j, codes) in codes.iter_mut().enumerate() {
            let up = low - j as i32;
            let moved = if up >= 0 {
                S::shift_left(v, up)
            } else {
                S::shift_right(v, -up)
            };
            *codes = S::or(*codes, S::and(moved, bit));
        }
    }
}

impl Codes for Fives {
    const BYTES: usize = 5 * VECTOR;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe {
            let mut codes = Nibbles::read::<S>(at);
            add_plane::<S>(at.add(Nibbles::BYTES), 4, &mut codes);
            codes
        }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        Nibbles::write(codes, out);
        write_plane(codes, 4, &mut out[Nibbles::BYTES..]);
    }
}

impl Codes for Sixes {
    const BYTES: usize = 6 * VECTOR;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe {
            let mut codes = Nibbles::read::<S>(at);
            let mask = S::splat_u8(0x30);
            for (j, codes) in codes.iter_mut().enumerate() {
                let v = S::load_bytes(at.add((4 + j / 4) * VECTOR));
                let up = 4 - 2 * (j as i32 % 4);
                let moved = if up >= 0 {
                    S::shift_left(v, up)
                } else {
                    S::shift_right(v, -up)
                };
                *codes = S::or(*codes, S::and(moved, mask));
            }
            codes
        }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        Nibbles::write(codes, out);
        for (half, out) in out[Nibbles::BYTES..].chunks_exact_mut(VECTOR).enumerate() {
            for (i, out) in out.iter_mut().enumerate() {
                *out = (0..4).fold(0, |byte, j| {
                    byte | (codes[half * 4 + j][i] >> 4 & 3) << (2 * j)
                });
            }
        }
    }
}

impl Codes for Bytes {
    const BYTES: usize = 8 * VECTOR;
    const WIDE: bool = true;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe {
            let mut out = [S::splat_u8(0); 8];
            for (j, out) in out.iter_mut().enumerate() {
                *out = S::load_bytes(at.add(j * VECTOR));
            }
            out
        }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        out.copy_from_slice(codes.as_flattened());
    }
}

impl Codes for Twos {
    const BYTES: usize = 2 * VECTOR;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe {
            let mask = S::splat_u8(3);
            let mut out = [mask; 8];
            for (j, out) in out.iter_mut().enumerate() {
                let v = S::load_bytes(at.add(j / 4 * VECTOR));
                *out = S::and(S::shift_right(v, 2 * (j as i32 % 4)), mask);
            }
            out
        }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        for (half, out) in out.chunks_exact_mut(VECTOR).take(2).enumerate() {
            for (i, out) in out.iter_mut().enumerate() {
                *out = (0..4).fold(0, |byte, j| byte | (codes[half * 4 + j][i] & 3) << (2 * j));
            }
        }
    }
}

impl Codes for Threes {
    const BYTES: usize = 3 * VECTOR;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe {
            let mut codes = Twos::read::<S>(at);
            add_plane::<S>(at.add(Twos::BYTES), 2, &mut codes);
            codes
        }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        Twos::write(codes, out);
        write_plane(codes, 2, &mut out[Twos::BYTES..]);
    }
}

#[inline(always)]
unsafe fn read_table<S: Integers>(at: *const u8, table: &[u8; 16]) -> [S::I; 8] {
    // SAFETY: as promised by the caller.
    unsafe {
        let mut codes = Nibbles::read::<S>(at);
        for codes in &mut codes {
            *codes = S::look_up(table, *codes);
        }
        codes
    }
}

impl Codes for Iq4 {
    const BYTES: usize = Nibbles::BYTES;
    const WIDE: bool = true;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe { read_table::<S>(at, &IQ4) }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        Nibbles::write(codes, out);
    }
}

impl Codes for Fp4 {
    const BYTES: usize = Nibbles::BYTES;

    #[inline(always)]
    unsafe fn read<S: Integers>(at: *const u8) -> [S::I; 8] {
        // SAFETY: as promised by the caller.
        unsafe { read_table::<S>(at, &FP4) }
    }

    fn write(codes: &Block, out: &mut [u8]) {
        Nibbles::write(codes, out);
    }
}
