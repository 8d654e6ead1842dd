//! Products over panels: how rows and columns are cut so that what is used again is still in a near cache.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use super::codes::{self, VECTOR};
use super::scales;
use super::tile::{Packed, Unpacked, scale_vectors, tile, unpack};
use super::{Panels, ROWS, with_kinds};
use crate::activations::{Activations, Columns, GROUP};
use crate::dispatch::Products;
use crate::shared::{Place, Results};
use crate::simd::Integers;
use crate::{Format, Threads};

/// Columns up to which a panel is read as it is kept, not unpacked first.
const FEW: usize = 8;

/// Bytes of unpacked panels that stay in the second-level cache while columns go by.
const UNPACKED: usize = 256 << 10;

/// Bytes of panels that are one thread's errand when there are few columns.
const ERRAND: usize = 32 << 10;

/// Multiplies matrices that read the same columns.
pub(crate) fn multiply(
    threads: &Threads,
    kernels: &Products,
    matrices: &[Panels],
    activations: &Activations,
    results: &Results<'_>,
) {
    let product = |panels| Product {
        kernels,
        panels,
        activations,
        results,
    };
    if activations.tokens() > FEW {
        return matrices
            .iter()
            .for_each(|panels| product(panels).many(threads));
    }
    // All panels of all matrices in one go.
    let count = matrices.iter().map(Panels::count).sum::<usize>();
    let bytes = matrices.iter().map(Panels::bytes).sum::<usize>();
    let errand = (ERRAND * count).checked_div(bytes).unwrap_or(1).max(1);
    threads.sweep(count, errand, &|range| {
        let mut first = 0;
        for panels in matrices {
            let end = first + panels.count();
            let (from, to) = (range.start.max(first), range.end.min(end));
            if from < to {
                product(panels).few(from - first..to - first);
            }
            first = end;
        }
    });
}

struct Product<'a> {
    kernels: &'a Products,
    panels: &'a Panels,
    activations: &'a Activations,
    results: &'a Results<'a>,
}

/// Panels that lie one after another.
#[derive(Clone, Copy)]
pub(crate) struct PanelsAt {
    first: PanelAt,
    /// Bytes from one to the next.
    stride: usize,
    /// Rows of all.
    rows: usize,
}

/// Where a panel lies.
#[derive(Clone, Copy)]
pub(crate) struct PanelAt {
    pub(super) format: Format,
    pub(super) blocks: usize,
    codes: *const u8,
    scales: *const u8,
}

thread_local! {
    /// Memory for unpacked panels.
    static LINES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; VECTOR]);

impl Product<'_> {
    /// Some panels times up to [`FEW`] columns.
    fn few(&self, range: Range<usize>) {
        let panels = PanelsAt {
            first: self.panel(range.start),
            stride: self.panels.kind.panel_bytes(self.panels.blocks),
            rows: self.panels.rows.min(range.end * ROWS) - range.start * ROWS,
        };
        let columns = self.activations.columns(0, self.panels.aux());
        let tokens = self.activations.tokens();
        // SAFETY: the path is available; the panels and the columns have the same blocks.
        unsafe {
            let place = self.place(range.start, 0);
            (self.kernels.few_columns)(&panels, columns, tokens, place)
        }
    }

    /// All panels times many columns. Some panels are unpacked at a time, each once for all columns of an errand, and
    /// stay in the second-level cache while the columns go by.
    fn many(&self, threads: &Threads) {
        let (panels, tokens) = (self.panels, self.activations.tokens());
        let at_once = (UNPACKED / (self.unpacked_lines() * VECTOR).max(1)).clamp(1, 8);
        let pieces = panels.count().div_ceil(at_once);
        // Where there are few panels for many threads, the columns are shared as well.
        let groups = tokens.div_ceil(GROUP);
        let shares = (4 * threads.count()).div_ceil(pieces).clamp(1, groups);
        let width = groups.div_ceil(shares) * GROUP;
        threads.share(tokens.div_ceil(width) * pieces, &|i| {
            let (first_panel, first) = (i % pieces * at_once, i / pieces * width);
            let range = first_panel..panels.count().min(first_panel + at_once);
            self.many_columns(range, first..tokens.min(first + width));
        });
    }

    /// Cache lines of an unpacked panel: codes, then scales.
    fn unpacked_lines(&self) -> usize {
        let (kind, blocks) = (&self.panels.kind, self.panels.blocks);
        blocks * (8 + scale_vectors(kind.split, kind.min))
    }

    fn many_columns(&self, range: Range<usize>, columns: Range<usize>) {
        let (kind, blocks) = (&self.panels.kind, self.panels.blocks);
        let each = self.unpacked_lines();
        let mut lines = LINES.take();
        if lines.len() < range.len() * each {
            lines.resize(range.len() * each, Line([0; VECTOR]));
        }
        let start = lines.as_mut_ptr().cast::<u8>();
        let unpacked = |i: usize| {
            let codes = start.wrapping_add(i * each * VECTOR);
            (codes, codes.wrapping_add(blocks * 8 * VECTOR).cast::<f32>())
        };
        // SAFETY: the path is available; codes and scales lie within the lines; the panels and the columns have the
        // same blocks.
        unsafe {
            (self.kernels.begin)();
            for (i, panel) in range.clone().enumerate() {
                let (codes, scales) = unpacked(i);
                (self.kernels.unpack)(&self.panel(panel), codes, scales);
            }
            for first in columns.clone().step_by(GROUP) {
                let count = GROUP.min(columns.end - first);
                let group = self.activations.columns(first, self.panels.aux());
                for (i, panel) in range.clone().enumerate() {
                    let (codes, scales) = unpacked(i);
                    let panel_at = UnpackedAt {
                        flags: (kind.split, kind.min, kind.wide),
                        blocks,
                        codes,
                        scales,
                    };
                    (self.kernels.many_columns)(&panel_at, group, count, self.place(panel, first));
                }
            }
            (self.kernels.end)();
        }
        LINES.set(lines);
    }

    fn panel(&self, panel: usize) -> PanelAt {
        let panels = self.panels;
        assert!(panel < panels.count());
        // SAFETY: the panel lies within the memory, its codes first.
        unsafe {
            let skipped = panel * panels.kind.panel_bytes(panels.blocks);
            let codes = panels.memory.start().add(skipped).cast_const();
            PanelAt {
                format: panels.format,
                blocks: panels.blocks,
                codes,
                scales: codes.add(panels.kind.code_bytes(panels.blocks)),
            }
        }
    }

    /// Where the results of a panel and the columns from `first` on go.
    fn place(&self, panel: usize, first: usize) -> Place {
        let rows = ROWS.min(self.panels.rows - panel * ROWS);
        self.results
            .place(self.panels.part, first, panel * ROWS, rows)
    }
}

/// Columns from `c` on.
#[inline(always)]
unsafe fn skip(columns: Columns, c: usize) -> Columns {
    // SAFETY: the group has the column.
    unsafe {
        Columns {
            codes: columns.codes.add(c * super::BLOCK),
            scales: columns.scales.add(c),
            aux: columns.aux.add(c),
            width: columns.width,
        }
    }
}

/// Runs `$tile::<$s, _, N>` over `$count` columns, as many at once as the registers hold.
macro_rules! by_columns {
    ($s:ident, $limit:expr, $count:ident, |$first:ident, $n:ident| $call:expr) => {
        let mut $first = 0;
        while $first < $count {
            macro_rules! go {
                ($size:literal) => {{
                    const $n: usize = $size;
                    $call;
                    $first += $size;
                }};
            }
            let left = ($count - $first).min($limit);
            if $limit >= 16 && left >= 16 {
                go!(16)
            } else if $limit >= 8 && left >= 8 {
                go!(8)
            } else if left >= 4 {
                go!(4)
            } else if left >= 2 {
                go!(2)
            } else {
                go!(1)
            }
        }
    };
}

/// Panels as they are kept times up to [`FEW`] columns.
///
/// # Safety
/// The processor has S; the columns have the panels' blocks; nothing else writes the place.
#[inline(always)]
pub(crate) unsafe fn few_columns<S: Integers>(
    panels: &PanelsAt,
    columns: Columns,
    count: usize,
    place: Place,
) {
    macro_rules! run {
        ($codes:ident, $scales:ident) => {{
            for row in (0..panels.rows).step_by(ROWS) {
                let skipped = row / ROWS * panels.stride;
                let kept = Packed::<codes::$codes, scales::$scales> {
                    codes: panels.first.codes.wrapping_add(skipped),
                    scales: panels.first.scales.wrapping_add(skipped),
                    kind: PhantomData,
                };
                let place = Place {
                    start: place.start.wrapping_add(row),
                    rows: ROWS.min(panels.rows - row),
                    ..place
                };
                by_columns!(S, 4, count, |first, N| {
                    // SAFETY: as promised by the caller.
                    unsafe {
                        tile::<S, _, N>(
                            kept,
                            panels.first.blocks,
                            skip(columns, first),
                            place.column(first),
                        )
                    }
                });
            }
        }};
    }
    with_kinds!(panels.first.format, run);
}

/// Unpacks a panel.
///
/// # Safety
/// The processor has S; the buffers have room for the panel's blocks.
#[inline(always)]
pub(crate) unsafe fn unpack_panel<S: Integers>(panel: &PanelAt, codes: *mut u8, scales: *mut f32) {
    macro_rules! run {
        ($codes:ident, $scales:ident) => {{
            let kept = Packed::<codes::$codes, scales::$scales> {
                codes: panel.codes,
                scales: panel.scales,
                kind: PhantomData,
            };
            // SAFETY: as promised by the caller.
            unsafe {
                unpack::<S, codes::$codes, scales::$scales>(kept, panel.blocks, codes, scales)
            }
        }};
    }
    with_kinds!(panel.format, run);
}

/// Where an unpacked panel lies.
#[derive(Clone, Copy)]
pub(crate) struct UnpackedAt {
    /// Whether scales are split, there are minimums, codes are wide.
    pub(super) flags: (bool, bool, bool),
    pub(super) blocks: usize,
    pub(super) codes: *const u8,
    pub(super) scales: *const f32,
}

/// An unpacked panel times the columns of a group.
///
/// # Safety
/// As for [`few_columns`].
#[inline(always)]
pub(crate) unsafe fn many_columns<S: Integers>(
    panel: &UnpackedAt,
    columns: Columns,
    count: usize,
    place: Place,
) {
    macro_rules! run {
        ($split:literal, $min:literal, $wide:literal) => {{
            let unpacked = Unpacked::<$split, $min, $wide> {
                codes: panel.codes,
                scales: panel.scales,
            };
            by_columns!(S, S::COLUMNS, count, |first, N| {
                // SAFETY: as promised by the caller.
                unsafe {
                    tile::<S, _, N>(
                        unpacked,
                        panel.blocks,
                        skip(columns, first),
                        place.column(first),
                    )
                }
            });
        }};
    }
    match panel.flags {
        (false, false, false) => run!(false, false, false),
        (false, false, true) => run!(false, false, true),
        (false, true, _) => run!(false, true, false),
        (true, false, _) => run!(true, false, false),
        (true, true, _) => run!(true, true, false),
    }
}
