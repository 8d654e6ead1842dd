//! What passes between layers: rows of numbers, one a token.

use std::{ops::Deref, sync::Arc};

use candle_core::{DType, Device, Tensor};
use wick_kernels::add;

use super::host::{Buffer, Host};
use crate::{Error, Result};

/// Rows of numbers, on the host or as a tensor of candle's.
pub enum Rows {
    /// In memory of the host's.
    Host(HostRows),
    /// `(n_rows, width)`
    Candle(Tensor),
}

/// Rows of `width` numbers each, one after another.
pub struct HostRows {
    numbers: Buffer,
    width: usize,
}

impl HostRows {
    /// Rows that hold anything.
    pub(super) fn new(host: &Arc<Host>, rows: usize, width: usize) -> Self {
        Self {
            numbers: host.buffer(rows * width),
            width,
        }
    }

    /// As many rows, of another width, that hold anything.
    pub(super) fn like(&self, width: usize) -> Self {
        Self::new(self.host(), self.rows(), width)
    }

    pub(super) fn host(&self) -> &Arc<Host> {
        self.numbers.host()
    }

    pub(super) fn rows(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    pub(super) fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// The rows of these numbers, in their order.
    pub(super) fn select(&self, rows: &[u32]) -> Self {
        let mut selected = Self::new(self.host(), rows.len(), self.width);
        let all = self.numbers();
        for (to, row) in selected
            .numbers
            .chunks_exact_mut(self.width.max(1))
            .zip(rows)
        {
            to.copy_from_slice(&all[*row as usize * self.width..][..self.width]);
        }
        selected
    }
}

impl Rows {
    /// The sum of both.
    pub fn plus(self, other: &Rows) -> Result<Rows> {
        Ok(match (self, other) {
            (Rows::Host(mut x), Rows::Host(other)) => {
                let host = x.host().clone();
                add(host.threads(), x.numbers_mut(), other.numbers())?;
                Rows::Host(x)
            }
            (Rows::Candle(x), Rows::Candle(other)) => Rows::Candle((x + other)?),
            _ => return Err(apart()),
        })
    }

    /// The rows of these numbers, in their order.
    pub fn select(&self, rows: &[u32]) -> Result<Rows> {
        Ok(match self {
            Rows::Host(x) => Rows::Host(x.select(rows)),
            Rows::Candle(x) => {
                let rows = Tensor::new(rows, x.device())?;
                Rows::Candle(x.index_select(&rows, 0)?)
            }
        })
    }

    /// All numbers, on the host.
    pub fn into_numbers(self) -> Result<Numbers> {
        Ok(match self {
            Rows::Host(x) => Numbers::Host(x),
            Rows::Candle(x) => {
                let x = x.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
                Numbers::Own(x.flatten_all()?.to_vec1()?)
            }
        })
    }
}

/// The numbers of some rows, one row after another.
pub enum Numbers {
    /// In memory that is used again.
    Host(HostRows),
    /// In memory of their own.
    Own(Vec<f32>),
}

impl Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Host(x) => x.numbers(),
            Self::Own(x) => x,
        }
    }
}

/// Two things that should be in one place.
pub(super) fn apart() -> Error {
    Error::Compute {
        reason: "parts of the model, or its cache, are on different devices".into(),
    }
}
