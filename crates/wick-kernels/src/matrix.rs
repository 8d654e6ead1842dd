//! Weight matrices prepared for products.

use std::sync::Arc;

use crate::error::{check_length, product, whole_rows};
use crate::panels::{self, Panels};
use crate::shared::{Results, Shared};
use crate::{Error, Format, Result, Threads, dequantize, dispatch, floats, scalar};

/// Bytes of weights, usually a part of a mapped file.
pub trait WeightBytes: Send + Sync {
    /// The bytes, the same ones at every call.
    fn bytes(&self) -> &[u8];

    /// Hint: the bytes were repacked and will not be read again soon.
    fn release(&self) {}
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
    parts: Vec<Part>,
    rows: usize,
    columns: usize,
}

struct Part {
    stored: MatrixPart,
    /// The weights repacked, where the path has products over panels of the format.
    panels: Option<Panels>,
}

impl Matrix {
    /// Checks the parts and prepares them for the path of `threads`, which should be that of later products.
    pub fn new(parts: Vec<MatrixPart>, threads: &Threads) -> Result<Self> {
        let columns = parts.first().ok_or(Error::NoParts)?.columns;
        let mut rows = 0usize;
        for part in &parts {
            if part.columns != columns {
                return Err(Error::PartColumns {
                    expected: columns,
                    found: part.columns,
                });
            }
            let bytes = product("weights", &[part.rows, part.row_bytes()?])?;
            check_length("weights", bytes, part.data.bytes().len())?;
            rows = rows
                .checked_add(part.rows)
                .ok_or(Error::TooLarge { what: "rows" })?;
        }
        let parts = parts.into_iter().map(|part| Part::new(threads, part));
        Ok(Matrix {
            parts: parts.collect::<Result<_>>()?,
            rows,
            columns,
        })
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
        let out = Shared::new(out);
        let kernels = dispatch::kernels(threads.path()).products.as_ref();
        threads.with_activations(|activations| {
            let mut aux = Vec::new();
            for part in &self.parts {
                let needed = part.panels.as_ref().map(Panels::aux);
                aux.extend(needed.filter(|needed| !aux.contains(needed)));
            }
            if let Some(kernels) = kernels.filter(|_| !aux.is_empty()) {
                activations.quantize(threads, kernels.quantize, x, self.columns, &aux)?;
            }
            let mut first_row = 0;
            for part in &self.parts {
                let results = Results {
                    out: &out,
                    first_row,
                    stride: self.rows,
                };
                match (kernels, &part.panels) {
                    (Some(kernels), Some(panels)) => {
                        panels::multiply(threads, kernels, panels, activations, &results)
                    }
                    (Some(kernels), None) if part.stored.format.is_float() => {
                        floats::multiply(threads, kernels.floats, &part.stored, x, &results);
                    }
                    _ => scalar::multiply(threads, &part.stored, x, &results),
                }
                first_row += part.stored.rows;
            }
            Ok(())
        })
    }

    /// One row of weights as f32.
    pub fn row(&self, row: usize, out: &mut [f32]) -> Result<()> {
        check_length("row", self.columns, out.len())?;
        let mut index = row;
        for part in &self.parts {
            if index < part.stored.rows {
                return dequantize(part.stored.format, part.stored.row(index), out);
            }
            index -= part.stored.rows;
        }
        Err(Error::OutOfRange {
            what: "row",
            index: row,
            limit: self.rows,
        })
    }

    /// Memory it holds beyond the bytes of its parts.
    pub fn resident_bytes(&self) -> usize {
        self.parts
            .iter()
            .filter_map(|part| part.panels.as_ref())
            .map(Panels::bytes)
            .sum()
    }

    /// Memory that a part takes once it is repacked; its stored bytes are then no longer read. `None` for formats that
    /// are multiplied as they are stored.
    pub fn repacked_bytes(format: Format, rows: usize, columns: usize) -> Option<usize> {
        panels::repacked_bytes(format, rows, columns)
    }
}

impl Part {
    fn new(threads: &Threads, stored: MatrixPart) -> Result<Self> {
        let panels = match dispatch::kernels(threads.path()).products {
            Some(_) => Panels::new(threads, stored.format, stored.rows, stored.columns, &|r| {
                stored.row(r)
            })?,
            None => None,
        };
        if panels.is_some() {
            stored.data.release();
        }
        Ok(Part { stored, panels })
    }
}
