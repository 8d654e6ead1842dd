//! The tiles of AMX: registers of 16 rows of 64 bytes, and one instruction that multiplies two of them. Rust has no
//! stable names for its instructions yet, so they are written in assembly.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use std::sync::OnceLock;

/// Whether the processor multiplies bytes in tiles and the system lets this program.
pub(crate) fn present() -> bool {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    *PRESENT.get_or_init(|| has_tiles() && is_granted())
}

/// Bits of the processor's features: AMX-TILE and AMX-INT8.
const FEATURES: u32 = 1 << 24 | 1 << 25;

/// Bit of the features that says the system saves extended registers.
const OSXSAVE: u32 = 1 << 27;

/// Registers the system must save: the tiles' configuration and the tiles.
const SAVED: u64 = 1 << 17 | 1 << 18;

fn has_tiles() -> bool {
    #[target_feature(enable = "xsave")]
    fn saved() -> u64 {
        // SAFETY: the caller saw that the system has set the register up.
        unsafe { _xgetbv(0) }
    }
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
        return false;
    }
    // SAFETY: OSXSAVE implies xsave.
    __cpuid_count(7, 0).edx & FEATURES == FEATURES && unsafe { saved() } & SAVED == SAVED
}

/// Linux lets a program use the tiles when it has asked.
#[cfg(target_os = "linux")]
fn is_granted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: a system call that touches no memory of this program.
    unsafe {
        libc::syscall(
            libc::SYS_arch_prctl,
            ARCH_REQ_XCOMP_PERM,
            XFEATURE_XTILEDATA,
        ) == 0
    }
}

/// Elsewhere it was not tried.
#[cfg(not(target_os = "linux"))]
fn is_granted() -> bool {
    false
}

/// Rows and bytes of a row of each tile, as `ldtilecfg` wants them.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Tiles 0 and 1 are sums, 16 × 16; 2 and 3 activations, 16 columns of 32 codes; 4 and 5 weights, 8 vectors; 6 and 7
/// are activations and weights of half a block.
static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 32, 32, 64, 64, 16, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 8, 8, 16, 4, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Gives this thread its tiles.
///
/// # Safety
/// The processor has them, here and below.
pub(crate) unsafe fn begin() {
    // SAFETY: the configuration is 64 bytes, and of the first palette.
    unsafe {
        asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION, options(nostack, readonly, preserves_flags))
    }
}

/// Takes them away, so that the system need not save them.
///
/// # Safety
/// See [`begin`].
pub(crate) unsafe fn end() {
    // SAFETY: as promised by the caller.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) }
}

/// A product of a block of activations and a block of weights, written to `$out`: 16 columns of 16 sums. Tiles by
/// their numbers; the bytes from one column to the next.
macro_rules! product {
    ($sums:literal, $x:literal, $weights:literal, $from:expr, $codes:expr, $out:expr) => {
        std::arch::asm!(
            concat!("tilezero tmm", $sums),
            concat!("tileloadd tmm", $x, ", [{x} + {column}]"),
            concat!("tileloadd tmm", $weights, ", [{codes} + {vector}]"),
            concat!("tdpbssd tmm", $sums, ", tmm", $x, ", tmm", $weights),
            concat!("tilestored [{out} + {vector}], tmm", $sums),
            x = in(reg) $from,
            codes = in(reg) $codes,
            out = in(reg) $out,
            column = in(reg) 32usize,
            vector = in(reg) 64usize,
            options(nostack, preserves_flags),
        )
    };
}
pub(crate) use product;
