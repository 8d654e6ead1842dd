//! TQ1_0: five ternary codes in a byte. A byte holds a fraction of 256 whose digits in base three are the codes:
//! multiplying by three brings the next one up.

const POWERS: [u8; 5] = [1, 3, 9, 27, 81];

/// Runs of bytes and the codes each byte holds: 32 × 5, 16 × 5, 4 × 4 = 256.
const RUNS: [(usize, usize); 3] = [(32, 5), (16, 5), (4, 4)];

/// Reads the 256 codes of a block.
pub(super) fn read(block: &[u8], out: &mut [u8]) {
    let (mut from, mut to) = (0, 0);
    for (length, digits) in RUNS {
        for power in &POWERS[..digits] {
            for (out, byte) in out[to..][..length].iter_mut().zip(&block[from..][..length]) {
                *out = ((byte.wrapping_mul(*power) as u16 * 3) >> 8) as u8;
            }
            to += length;
        }
        from += length;
    }
}

/// Writes the 256 codes of a block.
pub(super) fn write(codes: &[u8], block: &mut [u8]) {
    let (mut from, mut to) = (0, 0);
    for (length, digits) in RUNS {
        for i in 0..length {
            let number = (0..5).fold(0u16, |number, digit| {
                let code = if digit < digits {
                    codes[from + digit * length + i]
                } else {
                    0
                };
                number * 3 + code.min(2) as u16
            });
            // The smallest fraction of 256 whose first five digits these are.
            block[to + i] = (number * 256).div_ceil(243) as u8;
        }
        from += length * digits;
        to += length;
    }
}
