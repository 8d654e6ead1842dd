//! Products with weights stored as floats. Weights stay where they are; a tile multiplies some rows with some columns,
//! a vector along both at a time. They are multiplied in f32, or, where the processor multiplies pairs of BF16, those of
//! sixteen bits in such pairs.

use crate::matrix::MatrixPart;
use crate::shared::{PartOf, Place, Results};
use crate::simd::{LANES, Simd};
use crate::{Format, Threads};

#[cfg(target_arch = "x86_64")]
pub(crate) mod pairs;

/// Bytes of activations that stay in the second-level cache while rows of weights go by.
const CACHED: usize = 384 << 10;

/// Bytes of a tile's rows that stay in the first-level cache while the tile before them is read, and how far ahead
/// longer rows are fetched.
const NEAR: usize = 16 << 10;
const AHEAD: usize = 4 << 10;

/// Rows that are multiplied together.
const ROWS: usize = 16;

/// Columns that are few, and the bytes of weights that are one thread's errand then.
const FEW: usize = 8;
const ERRAND: usize = 256 << 10;

/// Multiplies some rows of weights with some columns of activations.
pub(crate) type Kernel = unsafe fn(&Rows<'_>, X, Place);

/// Products in pairs of BF16.
#[derive(Clone, Copy)]
pub(crate) struct Pairs {
    /// Rounds to BF16.
    pub round: unsafe fn(&[f32], &mut [u16]),
    pub multiply: Kernel,
}

/// Some rows of a matrix of floats.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    format: Format,
    columns: usize,
    count: usize,
    stored: [&'a [u8]; ROWS],
}

/// Some columns of activations, as the kernel wants them: f32 or BF16, and as many of each as the rows have columns.
#[derive(Clone, Copy)]
pub(crate) struct X {
    start: *const u8,
    /// Bytes of a column.
    stride: usize,
    count: usize,
}

// SAFETY: nobody writes activations while they are multiplied.
unsafe impl Send for X {}
// SAFETY: as above.
unsafe impl Sync for X {}

impl X {
    /// Activations of `columns` values, of so many bytes each.
    fn new<T>(values: &[T], columns: usize) -> Self {
        X {
            start: values.as_ptr().cast(),
            stride: columns * size_of::<T>(),
            count: values.len().checked_div(columns).unwrap_or(0),
        }
    }

    /// Some of the columns.
    fn some(self, first: usize, count: usize) -> Self {
        X {
            start: self.start.wrapping_add(first * self.stride),
            count: count.min(self.count - first),
            ..self
        }
    }
}

/// Multiplies all tokens with the parts of a matrix: in f32, or in pairs those that can be.
pub(crate) fn multiply(
    threads: &Threads,
    kernel: Kernel,
    pairs: Option<&Pairs>,
    parts: &[(PartOf, MatrixPart)],
    x: &[f32],
    results: &Results<'_>,
) {
    let in_pairs = |part: &MatrixPart| pairs.is_some() && part.format != Format::F32;
    for (of, part) in parts.iter().filter(|(_, part)| !in_pairs(part)) {
        let x = X::new(x, part.columns);
        share(threads, kernel, *of, part, x, results);
    }
    let Some(pairs) = pairs else { return };
    if !parts.iter().any(|(_, part)| in_pairs(part)) {
        return;
    }
    threads.with_activations(|activations| {
        let rounded = activations.round(threads, pairs.round, x);
        for (of, part) in parts.iter().filter(|(_, part)| in_pairs(part)) {
            let x = X::new(rounded, part.columns);
            share(threads, pairs.multiply, *of, part, x, results);
        }
    });
}

/// Multiplies with one part.
fn share(
    threads: &Threads,
    kernel: Kernel,
    of: PartOf,
    part: &MatrixPart,
    x: X,
    results: &Results<'_>,
) {
    if x.count == 0 || part.rows == 0 {
        return;
    }
    let width = x.count.min((CACHED / x.stride).max(8));
    let pieces = part.rows.div_ceil(ROWS);
    let multiply = |i: usize| {
        let (row, token) = (i % pieces * ROWS, i / pieces * width);
        let count = ROWS.min(part.rows - row);
        let rows = Rows {
            format: part.format,
            columns: part.columns,
            count,
            stored: std::array::from_fn(|r| if r < count { part.row(row + r) } else { &[] }),
        };
        let place = results.place(of, token, row, count);
        // SAFETY: the path is available; no two calls have the same rows and tokens.
        unsafe { kernel(&rows, x.some(token, width), place) };
    };
    // With few columns a thread reads long stretches, in which it may fetch ahead.
    let bytes = part.data.bytes().len() / pieces;
    let errand = if x.count > FEW {
        1
    } else {
        (ERRAND / bytes.max(1)).max(1)
    };
    let items = pieces * x.count.div_ceil(width);
    threads.sweep(items, errand, &|range| range.for_each(multiply));
}

/// How weights are stored, and what they are multiplied in.
trait Stored<S: Simd> {
    /// Bytes of a weight.
    const BYTES: usize;
    /// Weights of a vector.
    const STEP: usize;
    /// An activation.
    type X: Copy + Default;
    type V: Copy;

    unsafe fn weights(at: *const u8) -> Self::V;
    unsafe fn activations(at: *const Self::X) -> Self::V;
    unsafe fn fma(w: Self::V, x: Self::V, sum: S::F) -> S::F;
}

struct F32;
struct F16;
struct BF16;

macro_rules! stored {
    ($name:ident, $bytes:literal, |$at:ident| $load:expr) => {
        impl<S: Simd> Stored<S> for $name {
            const BYTES: usize = $bytes;
            const STEP: usize = LANES;
            type X = f32;
            type V = S::F;

            #[inline(always)]
            unsafe fn weights($at: *const u8) -> S::F {
                // SAFETY: as promised by the caller.
                unsafe { $load }
            }

            #[inline(always)]
            unsafe fn activations(at: *const f32) -> S::F {
                // SAFETY: as promised by the caller.
                unsafe { S::load(at) }
            }

            #[inline(always)]
            unsafe fn fma(w: S::F, x: S::F, sum: S::F) -> S::F {
                // SAFETY: as promised by the caller.
                unsafe { S::fma(w, x, sum) }
            }
        }
    };
}

stored!(F32, 4, |at| S::load(at.cast()));
stored!(F16, 2, |at| S::load_f16(at));
stored!(BF16, 2, |at| S::load_bf16(at));

/// See [`Kernel`]; activations are f32.
///
/// # Safety
/// The processor has S; nothing else writes the place.
#[inline(always)]
pub(crate) unsafe fn multiply_rows<S: Simd>(rows: &Rows<'_>, x: X, place: Place) {
    // SAFETY: as promised by the caller.
    unsafe {
        match rows.format {
            Format::F16 => all_tiles::<S, F16>(rows, x, place),
            Format::BF16 => all_tiles::<S, BF16>(rows, x, place),
            _ => all_tiles::<S, F32>(rows, x, place),
        }
    }
}

#[inline(always)]
unsafe fn all_tiles<S: Simd, W: Stored<S>>(rows: &Rows<'_>, x: X, place: Place) {
    let columns = rows.columns;
    let mut row = 0;
    while row < rows.count {
        let four = rows.count - row >= 4;
        let mut token = 0;
        while token < x.count {
            let wide = S::FLOATS == 4 && x.count - token >= 4;
            let weights = &rows.stored[row..];
            let mut to = place.column(token);
            to.start = to.start.wrapping_add(row);
            // SAFETY: as promised by the caller.
            unsafe {
                let x = x.start.cast::<W::X>().add(token * columns);
                match (four, wide) {
                    (true, true) => tile::<S, W, 4, 4>(weights, x, columns, to),
                    (true, false) => tile::<S, W, 4, 1>(weights, x, columns, to),
                    (false, true) => tile::<S, W, 1, 4>(weights, x, columns, to),
                    (false, false) => tile::<S, W, 1, 1>(weights, x, columns, to),
                }
            }
            token += if wide { 4 } else { 1 };
        }
        row += if four { 4 } else { 1 };
    }
}

/// R rows times C columns. A result is summed in the same order in tiles of all sizes.
#[inline(always)]
unsafe fn tile<S: Simd, W: Stored<S>, const R: usize, const C: usize>(
    weights: &[&[u8]],
    x: *const W::X,
    columns: usize,
    place: Place,
) {
    /// Room for the vector at the end of a row.
    const ROOM: usize = 4 * LANES;
    const { assert!(W::STEP * W::BYTES <= ROOM && W::STEP <= ROOM) };
    // SAFETY: rows and columns have `columns` values, and the place is the caller's.
    unsafe {
        let mut sums = [[S::splat(0.0); C]; R];
        let whole = columns / W::STEP * W::STEP;
        // With one column, reading weights is all the work. Short rows end before the processor fetches ahead by itself:
        // what follows them is the next tile's.
        let tile = R * columns * W::BYTES;
        let ahead = if tile <= NEAR { tile } else { AHEAD };
        let mut k = 0;
        while k < whole {
            let xs: [W::V; C] = std::array::from_fn(|c| W::activations(x.add(c * columns + k)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let at = weights[r].as_ptr().add(k * W::BYTES);
                let w = W::weights(at);
                if C == 1 {
                    S::prefetch(at.wrapping_add(ahead));
                }
                for (sum, x) in sums.iter_mut().zip(xs) {
                    *sum = W::fma(w, x, *sum);
                }
            }
            k += W::STEP;
        }
        let rest = columns - whole;
        if rest > 0 {
            for (r, sums) in sums.iter_mut().enumerate() {
                let mut buffer = [0u8; ROOM];
                buffer[..rest * W::BYTES].copy_from_slice(&weights[r][whole * W::BYTES..]);
                let w = W::weights(buffer.as_ptr());
                for (c, sum) in sums.iter_mut().enumerate() {
                    let mut buffer = [W::X::default(); ROOM];
                    x.add(c * columns + whole)
                        .copy_to_nonoverlapping(buffer.as_mut_ptr(), rest);
                    *sum = W::fma(w, W::activations(buffer.as_ptr()), *sum);
                }
            }
        }
        for c in 0..C {
            for (r, sums) in sums.iter().enumerate() {
                *place.column(c).start.add(r) = S::sum(sums[c]);
            }
        }
    }
}
