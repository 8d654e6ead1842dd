//! Numbers for tests.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part"
)]

use wick_kernels::{Format, quantize};

/// A xorshift generator: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Between −1 and 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn units(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.unit()).collect()
    }

    /// Quantized random weights.
    pub fn blocks(&mut self, format: Format, count: usize) -> Vec<u8> {
        let weights = self.units(count);
        let mut blocks = vec![0; format.row_bytes(count).unwrap()];
        quantize(format, &weights, &mut blocks).unwrap();
        blocks
    }
}

/// The largest difference.
pub fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}
