//! Products with weights stored as floats, in f32. Weights stay where they are; a tile multiplies some rows with some
//! columns, a vector of 16 along both at a time.

use crate::matrix::MatrixPart;
use crate::shared::{PartOf, Place, Results};
use crate::simd::{LANES, Simd};
use crate::{Format, Threads};

/// Bytes of activations that stay in the second-level cache while rows of weights go by.
const CACHED: usize = 384 << 10;

/// Rows that are one thread's errand.
const ROWS: usize = 16;

/// Multiplies some rows of weights with some columns of activations.
pub(crate) type Kernel = unsafe fn(&Rows<'_>, &[f32], Place);

/// Some rows of a matrix of floats.
pub(crate) struct Rows<'a> {
    format: Format,
    columns: usize,
    stored: Vec<&'a [u8]>,
}

/// Multiplies all tokens.
pub(crate) fn multiply(
    threads: &Threads,
    kernel: Kernel,
    part: &MatrixPart,
    x: &[f32],
    of: PartOf,
    results: &Results<'_>,
) {
    let columns = part.columns;
    if columns == 0 || x.is_empty() {
        return;
    }
    let tokens = x.len() / columns;
    let width = tokens.min((CACHED / (4 * columns)).max(8));
    let pieces = part.rows.div_ceil(ROWS);
    threads.share(pieces * tokens.div_ceil(width), &|i| {
        let (row, token) = (i % pieces * ROWS, i / pieces * width);
        let (rows, tokens) = (ROWS.min(part.rows - row), width.min(tokens - token));
        let rows = Rows {
            format: part.format,
            columns,
            stored: (row..row + rows).map(|r| part.row(r)).collect(),
        };
        let place = results.place(of, token, row, rows.stored.len());
        // SAFETY: the path is available; no two errands have the same rows and tokens.
        unsafe { kernel(&rows, &x[token * columns..][..tokens * columns], place) };
    });
}

/// How floats are stored.
trait Stored {
    const BYTES: usize;

    unsafe fn load<S: Simd>(at: *const u8) -> S::F;
}

struct F32;
struct F16;
struct BF16;

impl Stored for F32 {
    const BYTES: usize = 4;

    #[inline(always)]
    unsafe fn load<S: Simd>(at: *const u8) -> S::F {
        // SAFETY: as promised by the caller.
        unsafe { S::load(at.cast()) }
    }
}

impl Stored for F16 {
    const BYTES: usize = 2;

    #[inline(always)]
    unsafe fn load<S: Simd>(at: *const u8) -> S::F {
        // SAFETY: as promised by the caller.
        unsafe { S::load_f16(at) }
    }
}

impl Stored for BF16 {
    const BYTES: usize = 2;

    #[inline(always)]
    unsafe fn load<S: Simd>(at: *const u8) -> S::F {
        // SAFETY: as promised by the caller.
        unsafe { S::load_bf16(at) }
    }
}

/// See [`Kernel`].
///
/// # Safety
/// The processor has S; nothing else writes the place.
#[inline(always)]
pub(crate) unsafe fn multiply_rows<S: Simd>(rows: &Rows<'_>, x: &[f32], place: Place) {
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
unsafe fn all_tiles<S: Simd, W: Stored>(rows: &Rows<'_>, x: &[f32], place: Place) {
    let (columns, tokens) = (rows.columns, x.len() / rows.columns);
    let mut row = 0;
    while row < rows.stored.len() {
        let four = rows.stored.len() - row >= 4;
        let mut token = 0;
        while token < tokens {
            let wide = S::FLOATS == 4 && tokens - token >= 4;
            let (weights, x) = (&rows.stored[row..], &x[token * columns..]);
            let mut to = place.column(token);
            to.start = to.start.wrapping_add(row);
            // SAFETY: as promised by the caller.
            unsafe {
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
unsafe fn tile<S: Simd, W: Stored, const R: usize, const C: usize>(
    weights: &[&[u8]],
    x: &[f32],
    columns: usize,
    place: Place,
) {
    // SAFETY: rows and columns have `columns` values, and the place is the caller's.
    unsafe {
        let mut sums = [[S::splat(0.0); C]; R];
        let whole = columns / LANES * LANES;
        let mut k = 0;
        while k < whole {
            let mut xs = [S::splat(0.0); C];
            for (c, v) in xs.iter_mut().enumerate() {
                *v = S::load(x.as_ptr().add(c * columns + k));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let w = W::load::<S>(weights[r].as_ptr().add(k * W::BYTES));
                for (sum, x) in sums.iter_mut().zip(xs) {
                    *sum = S::fma(w, x, *sum);
                }
            }
            k += LANES;
        }
        let rest = columns - whole;
        if rest > 0 {
            for (r, sums) in sums.iter_mut().enumerate() {
                let mut buffer = [0u8; 4 * LANES];
                buffer[..rest * W::BYTES].copy_from_slice(&weights[r][whole * W::BYTES..]);
                let w = W::load::<S>(buffer.as_ptr());
                for (c, sum) in sums.iter_mut().enumerate() {
                    let mut buffer = [0f32; LANES];
                    buffer[..rest].copy_from_slice(&x[c * columns + whole..][..rest]);
                    *sum = S::fma(w, S::load(buffer.as_ptr()), *sum);
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
