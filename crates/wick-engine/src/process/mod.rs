//! The engine as a child process: what is said over its pipes, and the loop that answers.

pub mod protocol;
pub mod scripted;
mod serve;

pub use serve::{Backend, run_engine, serve};
