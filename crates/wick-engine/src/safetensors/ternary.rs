//! BitNet's packed matrices: four weights of -1, 0 or 1 in a byte, a quarter of the rows apart. Repacked as TQ2_0, which
//! has the four of a byte in one row.

use crate::gguf::TensorType;

/// Weights in a block of TQ2_0.
const BLOCK: usize = 256;
/// 1.0 as F16: the scale of the whole matrix is a tensor of its own.
const ONE: [u8; 2] = 0x3C00u16.to_le_bytes();

/// The matrix of `rows` × `columns` as TQ2_0. `packed` has a byte for four weights; a byte pair of bits that says 3 is
/// taken as 1. `columns` is a multiple of 256 and `rows` one of 4.
pub(super) fn to_tq2_0(packed: &[u8], rows: usize, columns: usize) -> Vec<u8> {
    let block_bytes = TensorType::Tq2_0.block_bytes() as usize;
    let mut repacked = Vec::with_capacity(rows * columns / BLOCK * block_bytes);
    let stored_rows = rows / 4;
    for row in 0..rows {
        let shift = 2 * (row / stored_rows);
        let start = row % stored_rows * columns;
        for block in packed[start..start + columns].chunks_exact(BLOCK) {
            // Byte 32 h + m of a block has the weights m, m + 32, m + 64 and m + 96 of its half h.
            for half in block.chunks_exact(BLOCK / 2) {
                repacked.extend((0..32).map(|byte| {
                    let weight = |part: usize| (half[byte + 32 * part] >> shift & 3).min(2);
                    (0..4).fold(0, |bits, part| bits | weight(part) << (2 * part))
                }));
            }
            repacked.extend(ONE);
        }
    }
    repacked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TQ2_0 is, told anew.
    fn weights_of(blocks: &[u8]) -> Vec<i8> {
        let mut weights = Vec::new();
        for block in blocks.chunks_exact(66) {
            assert_eq!(block[64..], [0x00, 0x3C]);
            for half in 0..2 {
                for part in 0..4 {
                    for byte in 0..32 {
                        weights.push((block[32 * half + byte] >> (2 * part) & 3) as i8 - 1);
                    }
                }
            }
        }
        weights
    }

    #[test]
    fn repacked_weights_are_those_that_were_packed() {
        let (rows, columns) = (8, 512);
        let weights: Vec<i8> = (0..rows * columns)
            .map(|n| (n * n % 7 % 3) as i8 - 1)
            .collect();
        let mut packed = vec![0u8; rows / 4 * columns];
        for (index, weight) in weights.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            packed[row % 2 * columns + column] |= ((weight + 1) as u8) << (2 * (row / 2));
        }
        assert_eq!(weights_of(&to_tq2_0(&packed, rows, columns)), weights);
    }
}
