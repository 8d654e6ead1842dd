//! Which instructions the kernels use: chosen once, when the program runs, by what the processor has. The variable
//! `WICK_SIMD` forces a path by its name.

use std::sync::OnceLock;

use crate::attention::{Block, Context, Partial, attend_chunk};
use crate::elementwise::{Activation, RopeStyle, gated_row, rms_norm_row, rope_head};
use crate::simd::Scalar;

/// A set of instructions the kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Portable code; always works, and is what the others are held to.
    Scalar,
}

impl Path {
    /// Every path, the slowest first.
    pub const ALL: &[Path] = &[Path::Scalar];

    /// The name, as `WICK_SIMD` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Path::Scalar => "scalar",
        }
    }

    /// Whether this processor can take it.
    pub fn available(self) -> bool {
        match self {
            Path::Scalar => true,
        }
    }

    /// The path taken by default: what `WICK_SIMD` names if this processor has it, else the fastest.
    pub fn best() -> Path {
        static BEST: OnceLock<Path> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = || Path::ALL.iter().rev().copied().filter(|p| p.available());
            let wanted = std::env::var("WICK_SIMD").unwrap_or_default();
            available()
                .find(|path| path.name() == wanted)
                .or_else(|| available().next())
                .unwrap_or(Path::Scalar)
        })
    }
}

/// The name of the path taken by default.
pub fn simd_path() -> &'static str {
    Path::best().name()
}

/// The kernels of a path. All of them need a processor that has it.
pub(crate) struct Kernels {
    pub rms_norm: unsafe fn(&[f32], &[f32], f32, &mut [f32]),
    pub gated: unsafe fn(Activation, &[f32], &[f32], &mut [f32]),
    pub rope: unsafe fn(RopeStyle, &[f32], &[f32], &mut [f32]),
    pub attend: unsafe fn(&Context<'_>, &Block, usize, &mut Partial),
}

/// The kernels of a path, compiled for its instructions.
macro_rules! kernels {
    ($name:ident, $simd:ty $(, $features:literal)?) => {
        static $name: Kernels = {
            $(#[target_feature(enable = $features)])?
            unsafe fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
                // SAFETY: the caller has a processor with these instructions.
                unsafe { rms_norm_row::<$simd>(x, weight, eps, out) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn gated(activation: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) {
                // SAFETY: as above.
                unsafe { gated_row::<$simd>(activation, gate, up, out) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn rope(style: RopeStyle, cos: &[f32], sin: &[f32], head: &mut [f32]) {
                rope_head(style, cos, sin, head);
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn attend(context: &Context<'_>, block: &Block, chunk: usize, part: &mut Partial) {
                // SAFETY: as above, and the pages were checked.
                unsafe { attend_chunk::<$simd>(context, block, chunk, part) }
            }
            Kernels { rms_norm, gated, rope, attend }
        };
    };
}

kernels!(SCALAR, Scalar);

pub(crate) fn kernels(path: Path) -> &'static Kernels {
    match path {
        Path::Scalar => &SCALAR,
    }
}
