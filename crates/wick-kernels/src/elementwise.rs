//! What stands between products: normalization, gates, rotary positions. Each works row by row.

use crate::error::{check_length, product, whole_rows};
use crate::shared::Shared;
use crate::simd::{LANES, Simd, exp, load_some, sigmoid, store_some};
use crate::{Error, Result, Threads, dispatch};

/// Values a thread should have to itself before a second one is worth waking.
const SHARE: usize = 16 * 1024;

/// The nonlinearity of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x · sigmoid(x)
    Silu,
    /// The Gaussian error linear unit, approximated with tanh.
    GeluTanh,
    /// max(x, 0)²
    ReluSquared,
}

/// Which dimensions of a head turn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeStyle {
    /// Pairs (2i, 2i + 1).
    Interleaved,
    /// Pairs (i, i + rotary_dim / 2).
    Halves,
}

/// Calls `work(first_row, rows)` over all rows, in pieces that are worth sharing.
fn by_rows(threads: &Threads, rows: usize, width: usize, work: &(dyn Fn(usize, usize) + Sync)) {
    let least = SHARE.div_ceil(width.max(1));
    let piece = rows.div_ceil(4 * threads.count()).max(least).max(1);
    threads.share(rows.div_ceil(piece), &|i| {
        work(i * piece, piece.min(rows - i * piece));
    });
}

/// out = x / √(mean(x²) + eps) · weight, for each row of `weight.len()` values.
pub fn rms_norm(
    threads: &Threads,
    x: &[f32],
    weight: &[f32],
    eps: f32,
    out: &mut [f32],
) -> Result<()> {
    let width = weight.len();
    let rows = whole_rows("x", width, x.len())?;
    check_length("normalized rows", x.len(), out.len())?;
    let kernels = dispatch::kernels(threads.path());
    let out = Shared::new(out);
    by_rows(threads, rows, width, &|first, count| {
        for row in first..first + count {
            // SAFETY: each row is written by one thread; the path is available.
            unsafe {
                let out = out.part(row * width, width);
                (kernels.rms_norm)(&x[row * width..][..width], weight, eps, out);
            }
        }
    });
    Ok(())
}

/// x = x + y.
pub fn add(threads: &Threads, x: &mut [f32], y: &[f32]) -> Result<()> {
    check_length("what is added", x.len(), y.len())?;
    let length = x.len();
    let x = Shared::new(x);
    by_rows(threads, length, 1, &|first, count| {
        // SAFETY: each piece is written by one thread.
        let x = unsafe { x.part(first, count) };
        for (x, y) in x.iter_mut().zip(&y[first..]) {
            *x += y;
        }
    });
    Ok(())
}

/// out = act(gate) · up, where a row of `gate_up` is `n` gates followed by `n` ups.
pub fn gated(
    threads: &Threads,
    activation: Activation,
    n: usize,
    gate_up: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let width = product("gates", &[n, 2])?;
    let rows = whole_rows("gates and ups", width, gate_up.len())?;
    check_length("gated rows", rows * n, out.len())?;
    let kernels = dispatch::kernels(threads.path());
    let out = Shared::new(out);
    by_rows(threads, rows, width, &|first, count| {
        for row in first..first + count {
            let (gate, up) = gate_up[row * width..][..width].split_at(n);
            // SAFETY: each row is written by one thread; the path is available.
            unsafe { (kernels.gated)(activation, gate, up, out.part(row * n, n)) };
        }
    });
    Ok(())
}

/// Turns the first `rotary_dim` dimensions of each head of x, which is (rows, heads · head_dim), in place. `cos` and
/// `sin` are tables of (positions, rotary_dim / 2); `positions` has an entry for each row.
#[allow(clippy::too_many_arguments)] // each is a different thing, and a struct of them would live for one call
pub fn rope(
    threads: &Threads,
    style: RopeStyle,
    head_dim: usize,
    rotary_dim: usize,
    cos: &[f32],
    sin: &[f32],
    positions: &[u32],
    x: &mut [f32],
) -> Result<()> {
    if rotary_dim > head_dim || !rotary_dim.is_multiple_of(2) {
        return Err(Error::RotaryDim {
            rotary_dim,
            head_dim,
        });
    }
    let rows = positions.len();
    if rows == 0 {
        return check_length("x", 0, x.len());
    }
    let width = whole_rows("x", rows, x.len())?;
    whole_rows("a row of x", head_dim, width)?;
    if rotary_dim == 0 || width == 0 {
        return Ok(());
    }
    let half = rotary_dim / 2;
    let table = whole_rows("cosines", half, cos.len())?;
    check_length("sines", cos.len(), sin.len())?;
    if let Some(&position) = positions.iter().find(|&&p| p as usize >= table) {
        return Err(Error::OutOfRange {
            what: "position",
            index: position as usize,
            limit: table,
        });
    }
    let kernels = dispatch::kernels(threads.path());
    let x = Shared::new(x);
    by_rows(threads, rows, width, &|first, count| {
        for (row, &position) in positions.iter().enumerate().skip(first).take(count) {
            let at = position as usize * half;
            let (cos, sin) = (&cos[at..][..half], &sin[at..][..half]);
            // SAFETY: each row is written by one thread; the path is available.
            unsafe {
                for head in x.part(row * width, width).chunks_exact_mut(head_dim) {
                    (kernels.rope)(style, cos, sin, &mut head[..rotary_dim]);
                }
            }
        }
    });
    Ok(())
}

#[inline(always)]
pub(crate) unsafe fn rms_norm_row<S: Simd>(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    // SAFETY: the caller has a processor with S.
    unsafe {
        // Four sums, since one would wait for itself at every step.
        let mut sums = [S::splat(0.0); 4];
        for (i, x) in x.chunks(LANES).enumerate() {
            let x = load_some::<S>(x);
            sums[i % 4] = S::fma(x, x, sums[i % 4]);
        }
        let sum = S::sum(S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])));
        let factor = S::splat(1.0 / (sum / x.len() as f32 + eps).sqrt());
        for ((x, weight), out) in x
            .chunks(LANES)
            .zip(weight.chunks(LANES))
            .zip(out.chunks_mut(LANES))
        {
            let v = S::mul(load_some::<S>(x), factor);
            store_some::<S>(out, S::mul(v, load_some::<S>(weight)));
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn gated_row<S: Simd>(
    activation: Activation,
    gate: &[f32],
    up: &[f32],
    out: &mut [f32],
) {
    let rows = gate
        .chunks(LANES)
        .zip(up.chunks(LANES))
        .zip(out.chunks_mut(LANES));
    for ((gate, up), out) in rows {
        // SAFETY: the caller has a processor with S.
        unsafe {
            let x = load_some::<S>(gate);
            let y = match activation {
                Activation::Silu => S::mul(x, sigmoid::<S>(x)),
                Activation::GeluTanh => {
                    // (1 + tanh(y)) / 2 is sigmoid(2y).
                    let cubic = S::fma(S::mul(x, x), S::splat(0.044_715), S::splat(1.0));
                    let inner = S::mul(S::mul(x, cubic), S::splat(1.595_769)); // 2 · √(2 / π)
                    S::mul(x, sigmoid::<S>(inner))
                }
                Activation::ReluSquared => {
                    let x = S::max(S::splat(0.0), x);
                    S::mul(x, x)
                }
            };
            store_some::<S>(out, S::mul(y, load_some::<S>(up)));
        }
    }
}

#[inline(always)]
pub(crate) fn rope_head(style: RopeStyle, cos: &[f32], sin: &[f32], head: &mut [f32]) {
    match style {
        RopeStyle::Interleaved => {
            let (pairs, _) = head.as_chunks_mut::<2>();
            for ((pair, cos), sin) in pairs.iter_mut().zip(cos).zip(sin) {
                let [a, b] = *pair;
                *pair = [a * cos - b * sin, a * sin + b * cos];
            }
        }
        RopeStyle::Halves => {
            let (left, right) = head.split_at_mut(cos.len());
            for (((a, b), cos), sin) in left.iter_mut().zip(right).zip(cos).zip(sin) {
                (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
            }
        }
    }
}

/// Turns scores into weights: e^(score − most), and their sum.
#[inline(always)]
pub(crate) unsafe fn exponentials<S: Simd>(scores: &mut [f32], most: f32) -> f32 {
    // SAFETY: the caller has a processor with S.
    unsafe {
        let mut sum = S::splat(0.0);
        for scores in scores.chunks_exact_mut(LANES) {
            let e = exp::<S>(S::sub(S::load(scores.as_ptr()), S::splat(most)));
            sum = S::add(sum, e);
            S::store(scores.as_mut_ptr(), e);
        }
        S::sum(sum)
    }
}
