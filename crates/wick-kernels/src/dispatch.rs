//! Which instructions the kernels use: chosen once, when the program runs, by what the processor has. The variable
//! `WICK_SIMD` forces a path by its name.

use std::sync::OnceLock;

use crate::activations::{self, Columns, quantize_group, split_row};
use crate::attention::{Block, Context, Partial, attend_chunk};
use crate::elementwise::{Activation, RopeStyle, gated_row, rms_norm_row, rope_head};
use crate::floats::{self, Pairs, Rows, X, multiply_rows};
use crate::panels::{self, PanelAt, PanelsAt, UnpackedAt, unpack_panel};
use crate::shared::Place;
use crate::simd::Scalar;

/// A set of instructions the kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Portable code; always works, and is what the others are held to.
    Scalar,
    /// AVX2 with FMA and F16C, on x86-64.
    Avx2,
    /// The same with 256-bit VNNI.
    Avx2Vnni,
    /// AVX-512 with VNNI, on x86-64.
    Avx512,
    /// The same with BF16, in pairs of which weights of sixteen bits are multiplied.
    Avx512Bf16,
    /// AVX-512 with VNNI, and AMX, which multiplies tiles of bytes; on Linux.
    Avx512Amx,
    /// NEON, on 64-bit ARM.
    Neon,
    /// The same with dotprod, which multiplies and sums bytes.
    NeonDotprod,
    /// The same with i8mm, whose bytes may be unsigned on one side.
    NeonI8mm,
}

impl Path {
    /// Every path, of each processor the slowest first.
    pub const ALL: &[Path] = &[
        Path::Scalar,
        Path::Avx2,
        Path::Avx2Vnni,
        Path::Avx512,
        Path::Avx512Bf16,
        Path::Avx512Amx,
        Path::Neon,
        Path::NeonDotprod,
        Path::NeonI8mm,
    ];

    /// The name, as `WICK_SIMD` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Path::Scalar => "scalar",
            Path::Avx2 => "avx2",
            Path::Avx2Vnni => "avx2-vnni",
            Path::Avx512 => "avx512-vnni",
            Path::Avx512Bf16 => "avx512-bf16",
            Path::Avx512Amx => "avx512-amx",
            Path::Neon => "neon",
            Path::NeonDotprod => "neon-dotprod",
            Path::NeonI8mm => "neon-i8mm",
        }
    }

    /// Whether F16 and BF16 weights, and what they are multiplied with, are rounded to BF16.
    pub const fn rounds_to_bf16(self) -> bool {
        matches!(self, Path::Avx512Bf16)
    }

    /// Whether this processor can take it.
    pub fn available(self) -> bool {
        compiled(self).is_some_and(|kernels| (kernels.present)())
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

/// The kernels of a path, its own or those of a lesser path. All of them need a processor that has it.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    /// Whether this processor has it.
    present: fn() -> bool,
    pub rms_norm: unsafe fn(&[f32], &[f32], f32, &mut [f32]),
    pub gated: unsafe fn(Activation, &[f32], &[f32], &mut [f32]),
    pub rope: unsafe fn(RopeStyle, &[f32], &[f32], &mut [f32]),
    pub split: unsafe fn(&[f32], &mut [f32], &mut [f32]),
    pub attend: unsafe fn(&Context<'_>, &Block, usize, &mut Partial),
    pub products: Option<Products>,
}

/// Products; the scalar path has its own.
#[derive(Clone, Copy)]
pub(crate) struct Products {
    pub quantize: activations::Kernel,
    pub floats: floats::Kernel,
    pub pairs: Option<Pairs>,
    pub few_columns: unsafe fn(&PanelsAt, Columns, usize, Place),
    pub unpack: unsafe fn(&PanelAt, *mut u8, *mut f32),
    /// Before and after a thread multiplies many columns.
    pub begin: unsafe fn(),
    pub end: unsafe fn(),
    pub many_columns: unsafe fn(&UnpackedAt, Columns, usize, Place),
}

/// Compiles functions with an attribute, which names a path's instructions.
macro_rules! compiled {
    ($attribute:tt; $(fn $name:ident($($argument:ident: $type:ty),*) = $body:expr;)*) => {
        $(
            #$attribute
            unsafe fn $name($($argument: $type),*) {
                // SAFETY: the caller has a processor with these instructions, and keeps what the kernel asks for.
                #[allow(unused_unsafe)]
                unsafe { $body($($argument),*) }
            }
        )*
    };
}

macro_rules! kernels {
    ($name:ident, $present:expr, $attribute:tt, $simd:ty, $products:expr) => {
        pub(super) static $name: Kernels = {
            compiled! {
                $attribute;
                fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) = rms_norm_row::<$simd>;
                fn gated(activation: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) = gated_row::<$simd>;
                fn rope(style: RopeStyle, cos: &[f32], sin: &[f32], head: &mut [f32]) = rope_head;
                fn split(x: &[f32], rounded: &mut [f32], error: &mut [f32]) = split_row::<$simd>;
                fn attend(context: &Context<'_>, block: &Block, chunk: usize, part: &mut Partial) = attend_chunk::<$simd>;
            }
            Kernels { present: $present, rms_norm, gated, rope, split, attend, products: $products }
        };
    };
}

macro_rules! products {
    ($attribute:tt, $simd:ty) => {{
        compiled! {
            $attribute;
            fn quantize(width: usize, x: &[f32], codes: &mut [i8], scales: &mut [f32], sums: &mut [i32]) = quantize_group::<$simd>;
            fn floats(rows: &Rows<'_>, x: X, place: Place) = multiply_rows::<$simd>;
            fn few_columns(panels: &PanelsAt, columns: Columns, count: usize, place: Place) = panels::few_columns::<$simd>;
            fn unpack(panel: &PanelAt, codes: *mut u8, scales: *mut f32) = unpack_panel::<$simd>;
            fn many_columns(panel: &UnpackedAt, columns: Columns, count: usize, place: Place) = panels::many_columns::<$simd>;
        }
        Some(Products {
            quantize,
            floats,
            pairs: None,
            few_columns,
            unpack,
            begin: || {},
            end: || {},
            many_columns,
        })
    }};
}

/// A path's kernels, and whether the processor has all features they are compiled for.
macro_rules! path {
    ($name:ident, $detected:ident, $simd:ty, $($feature:tt)*) => {
        kernels!(
            $name,
            || $($detected!($feature))&&*,
            [target_feature($(enable = $feature),*)],
            $simd,
            products!([target_feature($(enable = $feature),*)], $simd)
        );
    };
}

kernels!(SCALAR, || true, [inline], Scalar, None);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::is_x86_feature_detected as detected;

    use super::*;
    use crate::floats::pairs::{multiply_pairs, round_row};
    use crate::panels::{many_columns_in_tiles, unpack_signed};
    use crate::simd::{Avx2, Avx512, amx};

    path!(AVX2, detected, Avx2<false>, "avx2" "fma" "f16c");
    path!(AVX2_VNNI, detected, Avx2<true>, "avx2" "fma" "f16c" "avxvnni");
    path!(AVX512, detected, Avx512, "avx512f" "avx512bw" "avx512dq" "avx512vl" "avx512vnni" "avx2" "fma" "f16c");

    /// The products of AVX-512.
    const PRODUCTS: Products = AVX512.products.unwrap();

    compiled! {
        [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,f16c")];
        fn round(x: &[f32], out: &mut [u16]) = round_row;
        fn multiply_in_pairs(rows: &Rows<'_>, x: X, place: Place) = multiply_pairs;
    }

    compiled! {
        [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")];
        fn unpack(panel: &PanelAt, codes: *mut u8, scales: *mut f32) = unpack_signed;
        fn many(panel: &UnpackedAt, columns: Columns, count: usize, place: Place) = many_columns_in_tiles;
    }

    pub(super) static AVX512_BF16: Kernels = Kernels {
        present: || (AVX512.present)() && detected!("avx512bf16"),
        products: Some(Products {
            pairs: Some(Pairs {
                round,
                multiply: multiply_in_pairs,
            }),
            ..PRODUCTS
        }),
        ..AVX512
    };

    pub(super) static AVX512_AMX: Kernels = Kernels {
        present: || (AVX512.present)() && amx::present(),
        products: Some(Products {
            unpack,
            begin: amx::begin,
            many_columns: many,
            end: amx::end,
            // Without pairs: where there is AMX, they were no faster than f32, at 190 for 218 tokens a second.
            ..PRODUCTS
        }),
        ..AVX512
    };
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::is_aarch64_feature_detected as detected;

    use super::*;
    use crate::simd::Neon;

    path!(NEON, detected, Neon<false, false>, "neon");
    path!(NEON_DOTPROD, detected, Neon<true, false>, "neon" "dotprod");
    path!(NEON_I8MM, detected, Neon<true, true>, "neon" "dotprod" "i8mm");
}

/// The kernels of a path, where this program has them.
fn compiled(path: Path) -> Option<&'static Kernels> {
    match path {
        Path::Scalar => Some(&SCALAR),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => Some(&x86::AVX2),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2Vnni => Some(&x86::AVX2_VNNI),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => Some(&x86::AVX512),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512Bf16 => Some(&x86::AVX512_BF16),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512Amx => Some(&x86::AVX512_AMX),
        #[cfg(target_arch = "aarch64")]
        Path::Neon => Some(&arm::NEON),
        #[cfg(target_arch = "aarch64")]
        Path::NeonDotprod => Some(&arm::NEON_DOTPROD),
        #[cfg(target_arch = "aarch64")]
        Path::NeonI8mm => Some(&arm::NEON_I8MM),
        _ => None,
    }
}

/// The kernels of an available path.
pub(crate) fn kernels(path: Path) -> &'static Kernels {
    compiled(path).unwrap_or(&SCALAR)
}
