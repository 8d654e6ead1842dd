//! The scales and minimums of a block's sub-blocks.

use half::f16;

use crate::Format;

/// Scale and minimum of each sub-block, as f32.
pub(crate) struct Scales {
    /// Weights in a sub-block.
    pub sub_block: usize,
    /// (scale, minimum) of each.
    pub pairs: [(f32, f32); 16],
}

/// Reads the scales of a quantized block.
pub(crate) fn read(format: Format, block: &[u8]) -> Scales {
    match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 | Format::Iq4Nl => one(32, half(block, 0), 0.0),
        Format::Q4_1 | Format::Q5_1 => one(32, half(block, 0), half(block, 2)),
        Format::Mxfp4 => one(32, half_power(block[0]), 0.0),
        Format::Tq1_0 => one(256, half(block, 52), 0.0),
        Format::Tq2_0 => one(256, half(block, 64), 0.0),
        Format::Q2K => {
            let (scale, min) = (half(block, 80), half(block, 82));
            each(16, |i| {
                let byte = block[i];
                (scale * (byte & 15) as f32, -(min * (byte >> 4) as f32))
            })
        }
        Format::Q3K => {
            let scale = half(block, 108);
            each(16, |i| (scale * q3_scale(&block[96..108], i) as f32, 0.0))
        }
        Format::Q4K | Format::Q5K => {
            let (scale, min) = (half(block, 0), half(block, 2));
            each(32, |i| {
                let (s, m) = six_bits(&block[4..16], i);
                (scale * s as f32, -(min * m as f32))
            })
        }
        Format::Q6K => {
            let scale = half(block, 208);
            each(16, |i| (scale * block[192 + i] as i8 as f32, 0.0))
        }
        Format::Iq4Xs => {
            let scale = half(block, 0);
            each(32, |i| (scale * iq4_scale(block, i) as f32, 0.0))
        }
        Format::F32 | Format::F16 | Format::BF16 => one(1, 1.0, 0.0),
    }
}

fn one(sub_block: usize, scale: f32, min: f32) -> Scales {
    Scales {
        sub_block,
        pairs: [(scale, min); 16],
    }
}

fn each(sub_block: usize, pair: impl Fn(usize) -> (f32, f32)) -> Scales {
    let mut pairs = [(0.0, 0.0); 16];
    for (i, out) in pairs[..256 / sub_block].iter_mut().enumerate() {
        *out = pair(i);
    }
    Scales { sub_block, pairs }
}

/// A half-precision number at an offset.
pub(crate) fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// 2^(e − 128): half of the power of two that MXFP4's scale byte stands for, since its values are doubled.
pub(crate) fn half_power(e: u8) -> f32 {
    f32::from_bits(match e {
        0 | 1 => 0x0020_0000 << e,
        _ => (e as u32 - 1) << 23,
    })
}

/// Scale and minimum of a sub-block of Q4_K and Q5_K: six bits each, the upper ones of the last four apart.
pub(crate) fn six_bits(packed: &[u8], i: usize) -> (u8, u8) {
    if i < 4 {
        (packed[i] & 63, packed[i + 4] & 63)
    } else {
        (
            (packed[i + 4] & 15) | (packed[i - 4] >> 6) << 4,
            (packed[i + 4] >> 4) | (packed[i] >> 6) << 4,
        )
    }
}

/// Writes what [`six_bits`] reads.
pub(super) fn put_six_bits(packed: &mut [u8], i: usize, scale: u8, min: u8) {
    if i < 4 {
        packed[i] |= scale & 63;
        packed[i + 4] |= min & 63;
    } else {
        packed[i + 4] |= (scale & 15) | (min & 15) << 4;
        packed[i - 4] |= (scale >> 4) << 6;
        packed[i] |= (min >> 4) << 6;
    }
}

/// Scale of a sub-block of Q3_K, −32 to 31.
pub(crate) fn q3_scale(packed: &[u8], i: usize) -> i8 {
    let low = packed[i % 8] >> (4 * (i / 8)) & 15;
    let high = packed[8 + i % 4] >> (2 * (i / 4)) & 3;
    (low | high << 4) as i8 - 32
}

/// Writes what [`q3_scale`] reads.
pub(super) fn put_q3_scale(packed: &mut [u8], i: usize, scale: i8) {
    let code = (scale + 32) as u8;
    packed[i % 8] |= (code & 15) << (4 * (i / 8));
    packed[8 + i % 4] |= (code >> 4) << (2 * (i / 4));
}

/// Scale of a sub-block of IQ4_XS, −32 to 31.
pub(crate) fn iq4_scale(block: &[u8], i: usize) -> i8 {
    let low = block[4 + i / 2] >> (4 * (i % 2)) & 15;
    let high = block[2 + i / 4] >> (2 * (i % 4)) & 3;
    (low | high << 4) as i8 - 32
}

/// Writes what [`iq4_scale`] reads.
pub(super) fn put_iq4_scale(block: &mut [u8], i: usize, scale: i8) {
    let code = (scale + 32) as u8;
    block[4 + i / 2] |= (code & 15) << (4 * (i % 2));
    block[2 + i / 4] |= (code >> 4) << (2 * (i % 4));
}
