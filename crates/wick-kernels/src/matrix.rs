//! Weight matrices prepared for products.

use std::ops::Range;
use std::sync::Arc;

use crate::activations::Aux;
use crate::error::{check_length, product, whole_rows};
use crate::panels::{self, Panels};
use crate::shared::{PartOf, Results, Shared};
use crate::{Error, Format, Result, Threads, dequantize, dispatch, floats, scalar};

/// Bytes of weights, usually a part of a mapped file.
pub trait WeightBytes: Send + Sync {
    /// The bytes, the same ones at every call.
    fn bytes(&self) -> &[u8];

    /// Hint: these of the bytes were repacked and will not be read again soon.
    fn release(&self, range: Range<usize>) {
        let _ = range;
    }
}

impl WeightBytes for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// One tensor of a [`Matrix`]: `rows` rows of `columns` weights, row after row.
#[derive(Clone)]
pub struct MatrixPart {
    /// How the weights are stored.
    pub format: Format,
    /// Rows, which are outputs of the product.
    pub rows: usize,
    /// Columns, which are its inputs.
    pub columns: usize,
    /// The stored weights.
    pub data: Arc<dyn WeightBytes>,
}

impl MatrixPart {
    fn row_bytes(&self) -> Result<usize> {
        self.format
            .row_bytes(self.columns)
            .ok_or(Error::PartialBlock {
                format: self.format.name(),
                columns: self.columns,
            })
    }

    /// The stored bytes of one row.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let bytes = self.columns / self.format.block_size() * self.format.block_bytes();
        &self.data.bytes()[row * bytes..][..bytes]
    }
}

/// One weight matrix, or several with the same columns stacked along rows (queries, keys and values; gate and up),
/// prepared for products.
pub struct Matrix {
    parts: Vec<MatrixPart>,
    /// Parts repacked, where the path has products over panels of their formats.
    panels: Vec<Panels>,
    /// The others.
    plain: Vec<(PartOf, MatrixPart)>,
    rows: usize,
    columns: usize,
    /// What panels need of activations.
    aux: Vec<Aux>,
    /// Whether weights of sixteen bits may be multiplied in pairs of BF16.
    in_pairs: bool,
    /// Its place in the order in which matrices are used.
    turn: usize,
}

impl Matrix {
    /// Checks the parts and prepares them for the path of `threads`, which should be that of later products. Matrices
    /// are best made in the order in which they will be used.
    pub fn new(parts: Vec<MatrixPart>, threads: &Threads) -> Result<Self> {
        let columns = parts.first().ok_or(Error::NoParts)?.columns;
        let mut rows = 0usize;
        let mut places = Vec::new();
        for part in &parts {
            if part.columns != columns {
                return Err(Error::PartColumns {
                    expected: columns,
                    found: part.columns,
                });
            }
            let bytes = product("weights", &[part.rows, part.row_bytes()?])?;
            check_length("weights", bytes, part.data.bytes().len())?;
            places.push(PartOf {
                index: places.len(),
                first_row: rows,
                rows: part.rows,
            });
            rows = rows
                .checked_add(part.rows)
                .ok_or(Error::TooLarge { what: "rows" })?;
        }
        let has_panels = dispatch::kernels(threads.path()).products.is_some();
        let (mut panels, mut plain, mut aux) = (Vec::new(), Vec::new(), Vec::new());
        for (part, place) in parts.iter().zip(places) {
            let packed = match has_panels {
                true => Panels::new(threads, part, place)?,
                false => None,
            };
            match packed {
                Some(packed) => {
                    if !aux.contains(&packed.aux()) {
                        aux.push(packed.aux());
                    }
                    panels.push(packed);
                }
                None => plain.push((place, part.clone())),
            }
        }
        Ok(Matrix {
            turn: threads.enlist(panels::beginnings(threads, &panels)),
            parts,
            panels,
            plain,
            rows,
            columns,
            aux,
            in_pairs: true,
        })
    }

    /// Multiplies weights that are floats in f32, where the path would [round](crate::Path::rounds_to_bf16) them.
    pub fn in_f32(mut self) -> Self {
        self.in_pairs = false;
        self
    }

    /// Rows of all parts: the outputs of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the inputs of a product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// out\[t · rows + r\] = Σ x\[t · columns + k\] · w\[r\]\[k\], for x of any number of rows. A row of x gives the
    /// same result whatever other rows stand beside it.
    pub fn multiply(&self, threads: &Threads, x: &[f32], out: &mut [f32]) -> Result<()> {
        let tokens = whole_rows("x", self.columns, x.len())?;
        check_length(
            "product",
            product("product", &[tokens, self.rows])?,
            out.len(),
        )?;
        let results = Results::Together {
            out: Shared::new(out),
            stride: self.rows,
        };
        self.multiply_into(threads, x, &results)
    }

    /// As [`multiply`](Self::multiply), with a slice for the results of each part.
    pub fn multiply_apart(
        &self,
        threads: &Threads,
        x: &[f32],
        outs: &mut [&mut [f32]],
    ) -> Result<()> {
        let tokens = whole_rows("x", self.columns, x.len())?;
        check_length("parts of the product", self.parts.len(), outs.len())?;
        for (part, out) in self.parts.iter().zip(&*outs) {
            check_length(
                "product",
                product("product", &[tokens, part.rows])?,
                out.len(),
            )?;
        }
        let outs = outs.iter_mut().map(|out| Shared::new(out)).collect();
        self.multiply_into(threads, x, &Results::Apart(outs))
    }

    fn multiply_into(&self, threads: &Threads, x: &[f32], results: &Results<'_>) -> Result<()> {
        let kernels = dispatch::kernels(threads.path()).products.as_ref();
        if let Some(kernels) = kernels.filter(|_| !self.panels.is_empty()) {
            threads.with_activations(|activations| {
                activations.quantize(threads, kernels.quantize, x, self.columns, &self.aux)?;
                panels::multiply(threads, kernels, &self.panels, activations, results);
                Ok(())
            })?;
        }
        match kernels {
            Some(kernels) => {
                let pairs = kernels.pairs.as_ref().filter(|_| self.in_pairs);
                floats::multiply(threads, kernels.floats, pairs, &self.plain, x, results);
            }
            None => scalar::multiply(threads, &self.plain, x, results),
        }
        threads.expect_after(self.turn);
        Ok(())
    }

    /// One row of weights as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) -> Result<()> {
        check_length("row", self.columns, out.len())?;
        let mut index = row;
        for part in &self.parts {
            if index < part.rows {
                return dequantize(part.format, part.row(index), out);
            }
            index -= part.rows;
        }
        Err(Error::OutOfRange {
            what: "row",
            index: row,
            limit: self.rows,
        })
    }

    /// Memory it holds beyond the bytes of its parts.
    pub fn resident_bytes(&self) -> usize {
        self.panels.iter().map(Panels::bytes).sum()
    }

    /// Memory that a part takes once it is repacked; its stored bytes are then no longer read. `None` for formats that
    /// are multiplied as they are stored.
    pub fn repacked_bytes(format: Format, rows: usize, columns: usize) -> Option<usize> {
        panels::repacked_bytes(format, rows, columns)
    }
}
