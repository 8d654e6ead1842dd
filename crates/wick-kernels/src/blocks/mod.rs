//! Blocks of quantized weights. A block is a list of small unsigned *codes* and, for each sub-block of 16 or 32, a
//! scale and a minimum: weight = scale · value(code) + minimum. Everything that reads blocks goes through these
//! two halves, `codes` and `scales`.

pub(crate) mod codes;
mod quantize;
pub(crate) mod scales;
mod ternary;

use half::{bf16, f16};

use crate::error::check_length;
use crate::{Error, Format, Result};

pub(crate) use quantize::quantize_block;

/// Values of the four-bit codes of IQ4_NL and IQ4_XS.
pub(crate) const IQ4_VALUES: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// Twice the values of the four-bit floats of MXFP4.
pub(crate) const FP4_VALUES: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// What a code stands for before it is scaled.
pub(crate) enum Values {
    /// The code less this.
    Offset(u8),
    /// An entry of a table.
    Table(&'static [i8; 16]),
}

/// How the codes of a quantized format are read.
pub(crate) const fn values(format: Format) -> Values {
    match format {
        Format::Q4_0 => Values::Offset(8),
        Format::Q5_0 => Values::Offset(16),
        Format::Q8_0 => Values::Offset(128),
        Format::Q3K => Values::Offset(4),
        Format::Q6K => Values::Offset(32),
        Format::Tq1_0 | Format::Tq2_0 => Values::Offset(1),
        Format::Iq4Nl | Format::Iq4Xs => Values::Table(&IQ4_VALUES),
        Format::Mxfp4 => Values::Table(&FP4_VALUES),
        _ => Values::Offset(0),
    }
}

/// Reads blocks into f32, one value for each weight.
pub fn dequantize(format: Format, blocks: &[u8], out: &mut [f32]) -> Result<()> {
    let bytes = format.row_bytes(out.len()).ok_or(Error::PartialBlock {
        format: format.name(),
        columns: out.len(),
    })?;
    check_length("blocks", bytes, blocks.len())?;
    match format {
        Format::F32 => {
            for (out, b) in out.iter_mut().zip(blocks.as_chunks::<4>().0) {
                *out = f32::from_le_bytes(*b);
            }
        }
        Format::F16 => {
            for (out, b) in out.iter_mut().zip(blocks.as_chunks::<2>().0) {
                *out = f16::from_le_bytes(*b).to_f32();
            }
        }
        Format::BF16 => {
            for (out, b) in out.iter_mut().zip(blocks.as_chunks::<2>().0) {
                *out = bf16::from_le_bytes(*b).to_f32();
            }
        }
        _ => {
            let blocks = blocks.chunks_exact(format.block_bytes());
            for (block, out) in blocks.zip(out.chunks_exact_mut(format.block_size())) {
                dequantize_block(format, block, out);
            }
        }
    }
    Ok(())
}

fn dequantize_block(format: Format, block: &[u8], out: &mut [f32]) {
    let mut buffer = [0u8; 256];
    let codes = &mut buffer[..out.len()];
    codes::read(format, block, codes);
    let scales = scales::read(format, block);
    let sub_blocks = out
        .chunks_mut(scales.sub_block)
        .zip(codes.chunks(scales.sub_block));
    for ((out, codes), &(scale, min)) in sub_blocks.zip(&scales.pairs) {
        match values(format) {
            Values::Offset(offset) => {
                for (out, &code) in out.iter_mut().zip(codes) {
                    *out = scale * (code as i32 - offset as i32) as f32 + min;
                }
            }
            Values::Table(table) => {
                for (out, &code) in out.iter_mut().zip(codes) {
                    *out = scale * table[(code & 15) as usize] as f32 + min;
                }
            }
        }
    }
}

/// Writes values as blocks, each block for itself and every weight to the nearest code.
pub fn quantize(format: Format, values: &[f32], out: &mut [u8]) -> Result<()> {
    let bytes = format.row_bytes(values.len()).ok_or(Error::PartialBlock {
        format: format.name(),
        columns: values.len(),
    })?;
    check_length("blocks", bytes, out.len())?;
    match format {
        Format::F32 => {
            for (out, v) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                *out = v.to_le_bytes();
            }
        }
        Format::F16 => {
            for (out, v) in out.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                *out = f16::from_f32(*v).to_le_bytes();
            }
        }
        Format::BF16 => {
            for (out, v) in out.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                *out = bf16::from_f32(*v).to_le_bytes();
            }
        }
        _ => {
            let blocks = out.chunks_exact_mut(format.block_bytes());
            for (block, values) in blocks.zip(values.chunks_exact(format.block_size())) {
                quantize_block(format, values, block);
            }
        }
    }
    Ok(())
}
