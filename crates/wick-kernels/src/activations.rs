//! Activations as quantized weights are multiplied with: eight-bit integers with a scale for each block of 32.

/// Activations that share a scale.
pub(crate) const BLOCK: usize = 32;

/// Below this a block counts as zero; its inverse scale would not be finite.
const LEAST: f32 = 1e-35;

/// Quantizes one block and returns its scale. A block that holds an infinity or NaN has the scale NaN, so that it
/// shows in every result.
pub(crate) fn quantize_block(block: &[f32], codes: &mut [i8; BLOCK]) -> f32 {
    // Without the sign, floats order as their bits do, NaN above all.
    let bits = block
        .iter()
        .fold(0, |most, x| most.max(x.to_bits() & 0x7fff_ffff));
    let largest = f32::from_bits(bits);
    let (scale, inverse) = if !largest.is_finite() {
        (f32::NAN, 0.0)
    } else if largest < LEAST {
        (0.0, 0.0)
    } else {
        (largest / 127.0, 127.0 / largest)
    };
    for (code, x) in codes.iter_mut().zip(block) {
        *code = (x * inverse).round_ties_even() as i8;
    }
    scale
}
