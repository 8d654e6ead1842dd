//! Activations as weights are multiplied with: as eight-bit integers with a scale for each block of 32 where weights are
//! quantized, as BF16 where the processor multiplies those.

use crate::Threads;
use crate::error::{Result, product};
use crate::shared::Shared;
use crate::simd::{Integers, LANES, Simd};

/// Activations that share a scale.
pub(crate) const BLOCK: usize = 32;

/// Columns that stand together: block after block, a block's columns side by side.
pub(crate) const GROUP: usize = 16;

/// Activations that are one thread's errand when they are rounded to BF16.
const ERRAND: usize = 16 << 10;

/// Below this a block counts as zero; its inverse scale would not be finite.
const LEAST: f32 = 1e-35;

/// The scale of a block whose largest value without its sign has these bits, and what brings values to codes. A block
/// that holds an infinity or NaN has the scale NaN, so that it shows in every result, and codes of zero.
#[inline(always)]
fn scale(bits: u32) -> (f32, Option<f32>) {
    let largest = f32::from_bits(bits);
    if !largest.is_finite() {
        (f32::NAN, None)
    } else if largest < LEAST {
        (0.0, None)
    } else {
        (largest / 127.0, Some(127.0 / largest))
    }
}

/// Quantizes one block, or less at the end of a row, and returns its scale.
pub(crate) fn quantize_block(block: &[f32], codes: &mut [i8; BLOCK]) -> f32 {
    // Without the sign, floats order as their bits do, NaN above all.
    let bits = block
        .iter()
        .fold(0, |most, x| most.max(x.to_bits() & 0x7fff_ffff));
    let (scale, inverse) = scale(bits);
    codes.fill(0);
    if let Some(inverse) = inverse {
        for (code, x) in codes.iter_mut().zip(block) {
            *code = (x * inverse).round_ties_even() as i8;
        }
    }
    scale
}

/// `x = rounded + error`, where `rounded` is what [`quantize_block`] makes of each block. Multiplied with both, weights
/// see activations of sixteen bits.
///
/// # Safety
/// The processor has S.
#[inline(always)]
pub(crate) unsafe fn split_row<S: Simd>(x: &[f32], rounded: &mut [f32], error: &mut [f32]) {
    let (blocks, _) = x.as_chunks::<BLOCK>();
    let (rounded, _) = rounded.as_chunks_mut::<BLOCK>();
    let (error, _) = error.as_chunks_mut::<BLOCK>();
    for ((x, rounded), error) in blocks.iter().zip(rounded).zip(error) {
        // Without the sign, floats order as their bits do, NaN above all.
        let bits = x
            .iter()
            .fold(0, |most, x| most.max(x.to_bits() & 0x7fff_ffff));
        let (scale, Some(inverse)) = scale(bits) else {
            rounded.copy_from_slice(x);
            error.fill(0.0);
            continue;
        };
        for at in (0..BLOCK).step_by(LANES) {
            // SAFETY: the caller has a processor with S; a block is two vectors.
            unsafe {
                let x = S::load(x.as_ptr().add(at));
                let whole = S::round(S::mul(x, S::splat(inverse)));
                let kept = S::mul(whole, S::splat(scale));
                S::store(rounded.as_mut_ptr().add(at), kept);
                S::store(error.as_mut_ptr().add(at), S::sub(x, kept));
            }
        }
    }
}

/// See [`quantize_group`].
pub(crate) type Kernel = unsafe fn(usize, &[f32], &mut [i8], &mut [f32], &mut [i32]);

/// Quantizes a group of `width` columns, the rows of x: codes, scales, and the sums of the codes of each half block.
/// The same numbers as [`quantize_block`] gives.
///
/// # Safety
/// The processor has S.
#[inline(always)]
pub(crate) unsafe fn quantize_group<S: Integers>(
    width: usize,
    x: &[f32],
    codes: &mut [i8],
    scales: &mut [f32],
    sums: &mut [i32],
) {
    let columns = x.len() / width;
    let (codes, _) = codes.as_chunks_mut::<BLOCK>();
    for (c, x) in x.chunks_exact(columns).enumerate() {
        for (block, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
            let codes = codes[block * width + c].as_mut_ptr();
            // SAFETY: the caller has a processor with S; a block is two vectors.
            unsafe {
                let x = [S::load(x.as_ptr()), S::load(x.as_ptr().add(LANES))];
                let sign = S::splat_i32(0x7fff_ffff);
                let most = S::max_i32(
                    S::and(S::to_bits(x[0]), sign),
                    S::and(S::to_bits(x[1]), sign),
                );
                let (scale, inverse) = scale(S::largest_i32(most) as u32);
                scales[block * width + c] = scale;
                for half in 0..2 {
                    let whole = match inverse {
                        Some(inverse) => S::to_i32(S::mul(x[half], S::splat(inverse))),
                        None => S::splat_i32(0),
                    };
                    S::store_i8(codes.add(half * LANES), whole);
                    sums[(2 * block + half) * width + c] = S::sum_i32(whole);
                }
            }
        }
    }
}

/// What a product needs of activations beside codes and scales, for each block or each half of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aux {
    pub kind: AuxKind,
    /// Whether halves of blocks are apart.
    pub split: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AuxKind {
    /// The sum of the codes times minus what the codes of weights are raised by, an i32.
    Correction(u8),
    /// The sum of the activations, as quantized: the bits of an f32.
    Sum,
}

impl Aux {
    /// Values for each block.
    fn count(self) -> usize {
        1 + self.split as usize
    }

    fn fill(self, width: usize, scales: &[f32], sums: &[i32], out: &mut [i32]) {
        let value = |sum: i32, scale: f32| match self.kind {
            AuxKind::Correction(offset) => -(offset as i32) * sum,
            AuxKind::Sum => (sum as f32 * scale).to_bits() as i32,
        };
        let blocks = out.chunks_exact_mut(self.count() * width);
        let blocks = blocks
            .zip(sums.chunks_exact(2 * width))
            .zip(scales.chunks_exact(width));
        for ((out, sums), scales) in blocks {
            for c in 0..width {
                if self.split {
                    out[c] = value(sums[c], scales[c]);
                    out[width + c] = value(sums[width + c], scales[c]);
                } else {
                    out[c] = value(sums[c] + sums[width + c], scales[c]);
                }
            }
        }
    }
}

/// Quantized activations of some columns (tokens), in groups.
#[derive(Default)]
pub(crate) struct Activations {
    tokens: usize,
    blocks: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    aux: Vec<(Aux, Vec<i32>)>,
    /// Bits of activations rounded to BF16, where those are multiplied.
    rounded: Vec<u16>,
}

/// Where a tile's columns start: some of a group of `width`.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    pub codes: *const i8,
    pub scales: *const f32,
    pub aux: *const i32,
    pub width: usize,
}

impl Activations {
    /// Quantizes rows of x, each of `columns` values (whole blocks), with the aux values that will be asked for.
    pub(crate) fn quantize(
        &mut self,
        threads: &Threads,
        kernel: Kernel,
        x: &[f32],
        columns: usize,
        aux: &[Aux],
    ) -> Result<()> {
        self.blocks = columns / BLOCK;
        self.tokens = x.len() / columns.max(1);
        let (tokens, blocks) = (self.tokens, self.blocks);
        let count = product("activations", &[tokens, blocks, 2 * BLOCK])? / (2 * BLOCK);
        // Kernels read whole groups, also where the last has fewer columns.
        self.codes.resize((count + GROUP) * BLOCK, 0);
        self.scales.resize(count + GROUP, 0.0);
        self.sums.resize(2 * count, 0);
        self.aux.resize_with(aux.len(), || (aux[0], Vec::new()));
        for ((kind, values), &aux) in self.aux.iter_mut().zip(aux) {
            *kind = aux;
            values.resize(count * aux.count() + GROUP, 0);
        }
        if tokens == 0 {
            return Ok(());
        }
        if tokens <= GROUP {
            let scales = &mut self.scales[..count];
            // SAFETY: the path is available.
            unsafe { kernel(tokens, x, &mut self.codes, scales, &mut self.sums) };
            for (aux, values) in &mut self.aux {
                let values = &mut values[..count * aux.count()];
                aux.fill(tokens, scales, &self.sums, values);
            }
            return Ok(());
        }
        let (codes, scales, sums) = (
            Shared::new(&mut self.codes),
            Shared::new(&mut self.scales),
            Shared::new(&mut self.sums),
        );
        let aux: Vec<_> = self
            .aux
            .iter_mut()
            .map(|(aux, values)| (*aux, Shared::new(values)))
            .collect();
        threads.share(tokens.div_ceil(GROUP), &|g| {
            let width = GROUP.min(tokens - g * GROUP);
            let (first, count) = (g * GROUP * blocks, width * blocks);
            // SAFETY: each group is written by one thread; the path is available.
            unsafe {
                let codes = codes.part(first * BLOCK, count * BLOCK);
                let (scales, sums) = (scales.part(first, count), sums.part(2 * first, 2 * count));
                kernel(
                    width,
                    &x[first * BLOCK..][..count * BLOCK],
                    codes,
                    scales,
                    sums,
                );
                for (aux, values) in &aux {
                    let values = values.part(first * aux.count(), count * aux.count());
                    aux.fill(width, scales, sums, values);
                }
            }
        });
        Ok(())
    }

    /// Rounds to BF16.
    pub(crate) fn round(
        &mut self,
        threads: &Threads,
        kernel: unsafe fn(&[f32], &mut [u16]),
        x: &[f32],
    ) -> &[u16] {
        self.rounded.resize(x.len(), 0);
        let rounded = Shared::new(&mut self.rounded);
        threads.share(x.len().div_ceil(ERRAND), &|i| {
            let x = &x[i * ERRAND..x.len().min((i + 1) * ERRAND)];
            // SAFETY: each errand writes its own part; the path is available.
            unsafe { kernel(x, rounded.part(i * ERRAND, x.len())) };
        });
        &self.rounded
    }

    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// The columns from `first` on to the end of their group.
    pub(crate) fn columns(&self, first: usize, aux: Aux) -> Columns {
        let (group, inside) = (first / GROUP * GROUP, first % GROUP);
        let at = group * self.blocks;
        let aux = self.aux.iter().find(|(kind, _)| *kind == aux);
        let values: &[i32] = aux.map_or(&[], |(aux, values)| &values[at * aux.count() + inside..]);
        Columns {
            codes: self.codes[(at + inside) * BLOCK..].as_ptr(),
            scales: self.scales[at + inside..].as_ptr(),
            aux: values.as_ptr(),
            width: GROUP.min(self.tokens - group),
        }
    }
}
