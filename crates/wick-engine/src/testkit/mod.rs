//! Tools for tests: small model files made by hand.

mod tiny_model;
mod writer;

pub use tiny_model::{TinyModel, tiny_model};
pub use writer::GgufWriter;
