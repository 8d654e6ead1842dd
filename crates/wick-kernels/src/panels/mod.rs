//! Quantized weights repacked for products: panels of 16 rows, in which a vector holds four consecutive columns of
//! each row. One instruction with four activations, the same for all rows, then advances 16 results by four columns.
//! A panel has its codes, block after block, and then its scales; both stay about as small as in the file.

#[cfg(target_arch = "x86_64")]
mod amx;
mod codes;
mod multiply;
mod scales;
mod tile;

use crate::activations::{Aux, AuxKind};
use crate::blocks::{self, Values};
use crate::matrix::MatrixPart;
use crate::memory::{Memory, taken};
use crate::shared::PartOf;
use crate::simd::LANES;
use crate::{Error, Format, Result, Threads};
use codes::{Codes, VECTOR};
use scales::Scales;

#[cfg(target_arch = "x86_64")]
pub(crate) use amx::{many_columns_in_tiles, unpack_signed};
pub(crate) use multiply::{
    PanelAt, PanelsAt, UnpackedAt, few_columns, many_columns, multiply, unpack_panel,
};

/// Rows of a panel.
const ROWS: usize = LANES;

/// Columns of a block.
const BLOCK: usize = crate::activations::BLOCK;

/// Blocks that are repacked at a time: as many as the largest block of a file has.
const CHUNK: usize = 8;

/// Bytes of panels that are repacked before what they came from is given back.
const STRETCH: usize = 16 << 20;

/// Calls a macro with the ways a format's codes and scales are kept.
macro_rules! with_kinds {
    ($format:expr, $then:ident) => {
        match $format {
            Format::Q4_0 => $then!(Nibbles, Halves),
            Format::Q4_1 => $then!(Nibbles, HalvesMin),
            Format::Q5_0 => $then!(Fives, Halves),
            Format::Q5_1 => $then!(Fives, HalvesMin),
            Format::Q8_0 => $then!(Bytes, Halves),
            Format::Q2K => $then!(Twos, FourBits),
            Format::Q3K => $then!(Threes, Signed16),
            Format::Q4K => $then!(Nibbles, SixBits),
            Format::Q5K => $then!(Fives, SixBits),
            Format::Q6K => $then!(Sixes, Signed16),
            Format::Iq4Nl => $then!(Iq4, Halves),
            Format::Iq4Xs => $then!(Iq4, Signed32),
            Format::Mxfp4 => $then!(Fp4, Exponents),
            Format::Tq1_0 | Format::Tq2_0 => $then!(Twos, Supers),
            // Floats are not repacked.
            Format::F32 | Format::F16 | Format::BF16 => {}
        }
    };
}
use with_kinds;

/// Sizes and properties of a format's panels.
#[derive(Clone, Copy)]
struct Kind {
    /// Bytes of codes of a block.
    codes: usize,
    /// Blocks whose scales are kept together, and their bytes.
    scale_blocks: usize,
    scales: usize,
    split: bool,
    min: bool,
    wide: bool,
    write_codes: fn(&codes::Block, &mut [u8]),
    write_scales: fn(Format, &[u8], usize, &mut [u8]),
}

fn kind(format: Format) -> Option<Kind> {
    macro_rules! make {
        ($codes:ident, $scales:ident) => {{
            type C = codes::$codes;
            type K = scales::$scales;
            return Some(Kind {
                codes: C::BYTES,
                scale_blocks: K::BLOCKS,
                scales: K::BYTES,
                split: K::SPLIT,
                min: K::MIN,
                wide: C::WIDE,
                write_codes: C::write,
                write_scales: K::write,
            });
        }};
    }
    with_kinds!(format, make);
    None
}

/// What codes are raised by, so that none is negative.
fn offset(format: Format) -> u8 {
    match blocks::values(format) {
        Values::Offset(offset) => offset,
        Values::Table(_) if kind(format).is_some_and(|kind| kind.wide) => 128,
        Values::Table(_) => 12,
    }
}

/// Memory that a matrix takes in panels; `None` for formats that stay as they are.
pub(crate) fn repacked_bytes(format: Format, rows: usize, columns: usize) -> Option<usize> {
    let bytes = kind(format)?.panel_bytes(columns / BLOCK);
    Some(taken(bytes.saturating_mul(rows.div_ceil(ROWS))))
}

/// A quantized matrix in panels.
pub(crate) struct Panels {
    format: Format,
    kind: Kind,
    part: PartOf,
    rows: usize,
    blocks: usize,
    memory: Memory,
}

impl Panels {
    /// Repacks a part of a matrix. `None` for formats that stay as they are.
    pub(crate) fn new(
        threads: &Threads,
        part: &MatrixPart,
        place: PartOf,
    ) -> Result<Option<Panels>> {
        let (format, rows, columns) = (part.format, part.rows, part.columns);
        let Some(kind) = kind(format) else {
            return Ok(None);
        };
        let blocks = columns / BLOCK;
        let too_large = Error::TooLarge { what: "panels" };
        let panel = kind.panel_bytes(blocks);
        let bytes = panel
            .checked_mul(rows.div_ceil(ROWS))
            .ok_or(too_large.clone())?;
        let memory = threads.arena().allocate(bytes).ok_or(too_large)?;
        let start = SendPointer(memory.start());
        let write = |p: usize| {
            // SAFETY: each panel is written by one thread, within the memory, and zeroed before it is a slice.
            let out = unsafe {
                let at = start.get().add(p * panel);
                std::ptr::write_bytes(at, 0, panel);
                std::slice::from_raw_parts_mut(at, panel)
            };
            pack(format, &kind, blocks, out, |r| {
                (p * ROWS + r < rows).then(|| part.row(p * ROWS + r))
            });
        };
        // What was repacked is given back by and by, so that a large matrix is never there twice.
        let count = rows.div_ceil(ROWS);
        let stretch = (STRETCH / panel.max(1)).max(1);
        let stored = part.data.bytes().len() / rows.max(1) * ROWS;
        for first in (0..count).step_by(stretch) {
            let next = count.min(first + stretch);
            threads.share(next - first, &|p| write(first + p));
            let end = part.data.bytes().len().min(next * stored);
            part.data.release(first * stored..end);
        }
        Ok(Some(Panels {
            format,
            kind,
            part: place,
            rows,
            blocks,
            memory,
        }))
    }

    /// Memory it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.memory.length()
    }

    /// How many panels.
    pub(crate) fn count(&self) -> usize {
        self.rows.div_ceil(ROWS)
    }

    /// What it needs of activations.
    pub(crate) fn aux(&self) -> Aux {
        let kind = match self.kind.min {
            true => AuxKind::Sum,
            false => AuxKind::Correction(offset(self.format)),
        };
        Aux {
            kind,
            split: self.kind.split,
        }
    }
}

/// Where each thread will begin to read matrices that are multiplied with few columns.
pub(crate) fn beginnings(threads: &Threads, matrices: &[Panels]) -> Vec<usize> {
    let count = matrices.iter().map(Panels::count).sum();
    let parts = threads.parts(count).map(|mut panel| {
        for panels in matrices {
            if panel < panels.count() {
                let skipped = panel * panels.kind.panel_bytes(panels.blocks);
                return panels.memory.start().wrapping_add(skipped) as usize;
            }
            panel -= panels.count();
        }
        0
    });
    parts.collect()
}

impl Kind {
    fn code_bytes(&self, blocks: usize) -> usize {
        self.codes.saturating_mul(blocks)
    }

    /// Bytes of a panel, of whole vectors, so that all vectors lie within cache lines.
    fn panel_bytes(&self, blocks: usize) -> usize {
        let scales = self
            .scales
            .saturating_mul(blocks.div_ceil(self.scale_blocks));
        let bytes = self.code_bytes(blocks).saturating_add(scales);
        bytes.div_ceil(VECTOR).saturating_mul(VECTOR)
    }
}

/// A pointer into memory that threads write at places of their own.
#[derive(Clone, Copy)]
struct SendPointer(*mut u8);

// SAFETY: see its uses.
unsafe impl Send for SendPointer {}
// SAFETY: see its uses.
unsafe impl Sync for SendPointer {}

impl SendPointer {
    fn get(&self) -> *mut u8 {
        self.0
    }
}

/// Writes one panel from the stored rows; rows there are none of stay zero, scales and all.
fn pack<'a>(
    format: Format,
    kind: &Kind,
    blocks: usize,
    out: &mut [u8],
    row: impl Fn(usize) -> Option<&'a [u8]>,
) {
    let (codes, scales) = out.split_at_mut(kind.code_bytes(blocks));
    let (size, bytes) = (format.block_size(), format.block_bytes());
    let rows: [Option<&[u8]>; ROWS] = std::array::from_fn(row);
    let mut unpacked = [0u8; CHUNK * BLOCK];
    let mut vectors = [[[0u8; VECTOR]; 8]; CHUNK];
    for (chunk, codes) in codes.chunks_mut(CHUNK * kind.codes).enumerate() {
        // Blocks of the file.
        let first = chunk * CHUNK * BLOCK / size;
        let count = codes.len() / kind.codes * BLOCK / size;
        for (r, row) in rows.iter().enumerate() {
            let Some(row) = row else { continue };
            let stored = row[first * bytes..][..count * bytes].chunks_exact(bytes);
            for ((i, stored), out) in stored.enumerate().zip(unpacked.chunks_exact_mut(size)) {
                blocks::codes::read(format, stored, out);
                let scales = &mut scales[(first + i) * kind.scales..][..kind.scales];
                (kind.write_scales)(format, stored, r, scales);
            }
            for (vectors, codes) in vectors.iter_mut().zip(unpacked.as_chunks::<BLOCK>().0) {
                for (vector, codes) in vectors.iter_mut().zip(codes.as_chunks::<4>().0) {
                    vector[4 * r..4 * r + 4].copy_from_slice(codes);
                }
            }
        }
        for (vectors, codes) in vectors.iter().zip(codes.chunks_exact_mut(kind.codes)) {
            (kind.write_codes)(vectors, codes);
        }
    }
}
