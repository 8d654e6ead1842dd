//! Plain quantization: scales from a block's extremes, then every weight to the nearest code. Good enough for caches,
//! tests and test models; making good model files takes more (importance, search).

use half::f16;

use super::{Values, codes, scales, values};
use crate::Format;

/// Writes one quantized block.
pub(crate) fn quantize_block(format: Format, weights: &[f32], block: &mut [u8]) {
    block.fill(0);
    write_scales(format, weights, block);
    // Codes are chosen against the scales as they were stored, so that rounding them costs least.
    let scales = scales::read(format, block);
    let mut buffer = [0u8; 256];
    let buffer = &mut buffer[..weights.len()];
    let sub_blocks = buffer
        .chunks_mut(scales.sub_block)
        .zip(weights.chunks(scales.sub_block));
    for ((codes, weights), &(scale, min)) in sub_blocks.zip(&scales.pairs) {
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (code, &weight) in codes.iter_mut().zip(weights) {
            let scaled = (weight - min) * inverse;
            *code = match values(format) {
                // Casts clamp to 0..=255 and make NaN a zero.
                Values::Offset(offset) => {
                    ((scaled + offset as f32).round() as u8).min(largest_code(format))
                }
                Values::Table(table) => nearest(table, scaled),
            };
        }
    }
    codes::write(format, buffer, block);
}

/// The largest code of a format.
const fn largest_code(format: Format) -> u8 {
    match format {
        Format::Q8_0 => 255,
        Format::Q6K => 63,
        Format::Q5_0 | Format::Q5_1 | Format::Q5K => 31,
        Format::Q3K => 7,
        Format::Q2K => 3,
        Format::Tq1_0 | Format::Tq2_0 => 2,
        _ => 15,
    }
}

fn nearest(table: &[i8; 16], value: f32) -> u8 {
    let distance = |code: &u8| (value - table[*code as usize] as f32).abs();
    (0..16u8)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(0)
}

fn write_scales(format: Format, weights: &[f32], block: &mut [u8]) {
    match format {
        Format::Q4_0 => put(block, 0, extreme(weights) / -8.0),
        Format::Q5_0 => put(block, 0, extreme(weights) / -16.0),
        Format::Q8_0 => put(block, 0, extreme(weights).abs() / 127.0),
        Format::Iq4Nl => put(block, 0, extreme(weights) / -127.0),
        Format::Q4_1 | Format::Q5_1 => {
            let (low, high) = range(weights);
            put(block, 0, (high - low) / largest_code(format) as f32);
            put(block, 2, low);
        }
        Format::Tq1_0 => put(block, 52, extreme(weights).abs()),
        Format::Tq2_0 => put(block, 64, extreme(weights).abs()),
        Format::Mxfp4 => {
            // The largest value of the format is 6, and its power of two is 4.
            let exponent = extreme(weights).abs().log2().floor() - 2.0 + 127.0;
            block[0] = exponent as u8;
        }
        Format::Q2K => {
            let (pairs, scale, min) = ranges::<16>(format, weights, 15.0);
            put(block, 80, scale);
            put(block, 82, min);
            for (i, (s, m)) in pairs.into_iter().enumerate() {
                block[i] = s | m << 4;
            }
        }
        Format::Q4K | Format::Q5K => {
            let (pairs, scale, min) = ranges::<8>(format, weights, 63.0);
            put(block, 0, scale);
            put(block, 2, min);
            for (i, (s, m)) in pairs.into_iter().enumerate() {
                scales::put_six_bits(&mut block[4..16], i, s, m);
            }
        }
        Format::Q3K => {
            let (scales, scale) = extremes::<16>(weights, -4.0, 32.0);
            put(block, 108, scale);
            for (i, s) in scales.into_iter().enumerate() {
                scales::put_q3_scale(&mut block[96..108], i, s.clamp(-32, 31));
            }
        }
        Format::Q6K => {
            let (scales, scale) = extremes::<16>(weights, -32.0, 128.0);
            put(block, 208, scale);
            for (i, s) in scales.into_iter().enumerate() {
                block[192 + i] = s as u8;
            }
        }
        Format::Iq4Xs => {
            let (scales, scale) = extremes::<8>(weights, -127.0, 32.0);
            put(block, 0, scale);
            for (i, s) in scales.into_iter().enumerate() {
                scales::put_iq4_scale(block, i, s.clamp(-32, 31));
            }
        }
        Format::F32 | Format::F16 | Format::BF16 => {}
    }
}

fn put(block: &mut [u8], at: usize, value: f32) {
    block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
}

/// The value farthest from zero, with its sign.
fn extreme(weights: &[f32]) -> f32 {
    weights.iter().fold(
        0.0,
        |far: f32, &w| if w.abs() > far.abs() { w } else { far },
    )
}

/// Least and greatest value.
fn range(weights: &[f32]) -> (f32, f32) {
    weights
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &w| {
            (low.min(w), high.max(w))
        })
}

/// Scale and minimum of each of N sub-blocks as integers up to `steps`, with what they are multiples of.
fn ranges<const N: usize>(
    format: Format,
    weights: &[f32],
    steps: f32,
) -> ([(u8, u8); N], f32, f32) {
    let (mut scales, mut mins) = ([0f32; N], [0f32; N]);
    for (i, weights) in weights.chunks(256 / N).enumerate() {
        let (low, high) = range(weights);
        // Minimums are stored as what is taken away, which cannot be negative.
        let low = low.min(0.0);
        scales[i] = (high - low).max(0.0) / largest_code(format) as f32;
        mins[i] = -low;
    }
    let (scale, min) = (extreme(&scales) / steps, extreme(&mins) / steps);
    let step = |value: f32, unit: f32| {
        if unit == 0.0 {
            0
        } else {
            (value / unit).round().min(steps) as u8
        }
    };
    let pairs = std::array::from_fn(|i| (step(scales[i], scale), step(mins[i], min)));
    (pairs, scale, min)
}

/// The signed scale of each of N sub-blocks as an integer, the largest at `-steps`, with what they are multiples of.
fn extremes<const N: usize>(weights: &[f32], largest: f32, steps: f32) -> ([i8; N], f32) {
    let mut scales = [0f32; N];
    for (scale, weights) in scales.iter_mut().zip(weights.chunks(256 / N)) {
        *scale = extreme(weights) / largest;
    }
    let scale = extreme(&scales) / -steps;
    let step = |value: f32| {
        if scale == 0.0 {
            0
        } else {
            (value / scale).round() as i8
        }
    };
    (scales.map(step), scale)
}
