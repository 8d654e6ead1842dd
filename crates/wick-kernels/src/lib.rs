//! The arithmetic below the decoder: GGUF's tensor formats, matrix products, attention and what stands between them.
//!
//! [`Matrix`] multiplies activations with weights as they are stored, [`attention`] reads a paged cache of keys and
//! values, [`Threads`] is the pool they share. Which instructions they use is chosen when the program runs
//! ([`simd_path`]).
//!
//! ```
//! use std::sync::Arc;
//! use wick_kernels::{Format, Matrix, MatrixPart, Threads, quantize};
//!
//! // Two rows of 32 weights, one and two.
//! let weights: Vec<f32> = (0..64).map(|i| if i < 32 { 1.0 } else { 2.0 }).collect();
//! let mut blocks = vec![0; 2 * 34];
//! quantize(Format::Q8_0, &weights, &mut blocks)?;
//!
//! let threads = Threads::new(2);
//! let part = MatrixPart { format: Format::Q8_0, rows: 2, columns: 32, data: Arc::new(blocks) };
//! let matrix = Matrix::new(vec![part], &threads)?;
//! let mut out = [0.0; 2];
//! matrix.multiply(&threads, &[0.5; 32], &mut out)?;
//! assert!((out[0] - 16.0).abs() < 0.1 && (out[1] - 32.0).abs() < 0.1);
//! # Ok::<(), wick_kernels::Error>(())
//! ```

#![allow(unsafe_code)] // the one crate for it; each block says why it is sound

mod activations;
mod attention;
mod blocks;
mod cache;
mod dispatch;
mod elementwise;
mod error;
mod floats;
mod format;
mod matrix;
mod memory;
mod page;
mod panels;
mod scalar;
mod shared;
mod simd;
mod threads;

pub use attention::{AttentionShape, PageTable, Span, attention};
pub use blocks::{dequantize, quantize};
pub use cache::{CacheFormat, PAGE_TOKENS, PageLayout};
pub use dispatch::{Path, simd_path};
pub use elementwise::{Activation, RopeStyle, add, gated, rms_norm, rope, split};
pub use error::{Error, Result};
pub use format::Format;
pub use matrix::{Matrix, MatrixPart, WeightBytes};
pub use page::Page;
pub use threads::Threads;
