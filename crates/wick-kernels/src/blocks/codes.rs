//! The codes of a block, out of and into the bits each format spreads them over.

use super::ternary;
use crate::Format;

/// Reads a block's codes in the order of its weights.
pub(crate) fn read(format: Format, block: &[u8], out: &mut [u8]) {
    match format {
        Format::Q4_0 | Format::Iq4Nl => read_4(&block[2..], 16, out),
        Format::Q4_1 => read_4(&block[4..], 16, out),
        Format::Mxfp4 => read_4(&block[1..], 16, out),
        Format::Iq4Xs => read_4(&block[8..], 16, out),
        Format::Q4K => read_4(&block[16..], 32, out),
        Format::Q5_0 => read_5(&block[2..6], &block[6..], out),
        Format::Q5_1 => read_5(&block[4..8], &block[8..], out),
        Format::Q8_0 => {
            for (out, &byte) in out.iter_mut().zip(&block[2..]) {
                *out = byte ^ 0x80;
            }
        }
        Format::Q2K => read_2(&block[16..80], out),
        Format::Tq2_0 => read_2(&block[..64], out),
        Format::Q3K => {
            read_2(&block[32..96], out);
            add_planes(&block[..32], 1, 2, out);
        }
        Format::Q5K => {
            read_4(&block[48..], 32, out);
            add_planes(&block[16..48], 1, 4, out);
        }
        Format::Q6K => {
            // Each 128 weights: nibbles of 64 bytes, low halves first, and two bits from 32 bytes.
            for (half, out) in out.chunks_mut(128).enumerate() {
                let low = &block[half * 64..][..64];
                for (i, &byte) in low.iter().enumerate() {
                    out[i] = byte & 15;
                    out[64 + i] = byte >> 4;
                }
                add_planes(&block[128 + half * 32..][..32], 2, 4, out);
            }
        }
        Format::Tq1_0 => ternary::read(block, out),
        Format::F32 | Format::F16 | Format::BF16 => {}
    }
}

/// Writes codes into a block; the inverse of [`read`]. The bytes it fills must be zero before.
pub(crate) fn write(format: Format, codes: &[u8], block: &mut [u8]) {
    match format {
        Format::Q4_0 | Format::Iq4Nl => write_4(codes, 16, &mut block[2..]),
        Format::Q4_1 => write_4(codes, 16, &mut block[4..]),
        Format::Mxfp4 => write_4(codes, 16, &mut block[1..]),
        Format::Iq4Xs => write_4(codes, 16, &mut block[8..]),
        Format::Q4K => write_4(codes, 32, &mut block[16..]),
        Format::Q5_0 => write_5(codes, &mut block[2..]),
        Format::Q5_1 => write_5(codes, &mut block[4..]),
        Format::Q8_0 => {
            for (&code, byte) in codes.iter().zip(&mut block[2..]) {
                *byte = code ^ 0x80;
            }
        }
        Format::Q2K => write_2(codes, &mut block[16..80]),
        Format::Tq2_0 => write_2(codes, &mut block[..64]),
        Format::Q3K => {
            write_2(codes, &mut block[32..96]);
            set_planes(codes, 1, 2, &mut block[..32]);
        }
        Format::Q5K => {
            write_4(codes, 32, &mut block[48..]);
            set_planes(codes, 1, 4, &mut block[16..48]);
        }
        Format::Q6K => {
            for (half, codes) in codes.chunks(128).enumerate() {
                for (i, byte) in block[half * 64..][..64].iter_mut().enumerate() {
                    *byte = (codes[i] & 15) | (codes[64 + i] & 15) << 4;
                }
                set_planes(codes, 2, 4, &mut block[128 + half * 32..][..32]);
            }
        }
        Format::Tq1_0 => ternary::write(codes, block),
        Format::F32 | Format::F16 | Format::BF16 => {}
    }
}

/// Nibbles: of `half` bytes first the low ones, then the high ones.
fn read_4(bytes: &[u8], half: usize, out: &mut [u8]) {
    for (bytes, out) in bytes.chunks_exact(half).zip(out.chunks_exact_mut(2 * half)) {
        let (low, high) = out.split_at_mut(half);
        for (i, &byte) in bytes.iter().enumerate() {
            low[i] = byte & 15;
            high[i] = byte >> 4;
        }
    }
}

fn write_4(codes: &[u8], half: usize, bytes: &mut [u8]) {
    for (bytes, codes) in bytes
        .chunks_exact_mut(half)
        .zip(codes.chunks_exact(2 * half))
    {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = (codes[i] & 15) | (codes[half + i] & 15) << 4;
        }
    }
}

/// Nibbles and a word of fifth bits, a bit for each weight.
fn read_5(high: &[u8], low: &[u8], out: &mut [u8]) {
    read_4(low, 16, out);
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    for (i, out) in out.iter_mut().enumerate() {
        *out |= ((high >> i & 1) as u8) << 4;
    }
}

fn write_5(codes: &[u8], block: &mut [u8]) {
    let high = (0..32).fold(0u32, |high, i| high | ((codes[i] >> 4 & 1) as u32) << i);
    block[..4].copy_from_slice(&high.to_le_bytes());
    write_4(codes, 16, &mut block[4..]);
}

/// Two bits: each 32 bytes hold four runs of 32 weights.
fn read_2(bytes: &[u8], out: &mut [u8]) {
    for (bytes, out) in bytes.chunks_exact(32).zip(out.chunks_exact_mut(128)) {
        for (run, out) in out.chunks_exact_mut(32).enumerate() {
            for (out, &byte) in out.iter_mut().zip(bytes) {
                *out = byte >> (2 * run) & 3;
            }
        }
    }
}

fn write_2(codes: &[u8], bytes: &mut [u8]) {
    for (bytes, codes) in bytes.chunks_exact_mut(32).zip(codes.chunks_exact(128)) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = (0..4).fold(0, |byte, run| byte | (codes[32 * run + i] & 3) << (2 * run));
        }
    }
}

/// High bits: 32 bytes hold `bits` bits of each run of 32 weights, to be added above the `low` low bits.
fn add_planes(bytes: &[u8], bits: usize, low: usize, out: &mut [u8]) {
    let mask = (1u8 << bits) - 1;
    for (run, out) in out.chunks_exact_mut(32).enumerate() {
        for (out, &byte) in out.iter_mut().zip(bytes) {
            *out |= (byte >> (bits * run) & mask) << low;
        }
    }
}

fn set_planes(codes: &[u8], bits: usize, low: usize, bytes: &mut [u8]) {
    let mask = (1u8 << bits) - 1;
    for (run, codes) in codes.chunks_exact(32).enumerate() {
        for (byte, &code) in bytes.iter_mut().zip(codes) {
            *byte |= (code >> low & mask) << (bits * run);
        }
    }
}
