//! The program as a child of itself: what computes, and what asks graphics drivers, may die without the window.

use std::io;

use crate::hardware::{PROBE_ARGUMENT, run_gpu_probe};

/// Makes the program the engine.
pub(crate) const ENGINE_ARGUMENT: &str = "--engine";

/// What the program was started to do where it was started by itself; `None` where a person started it. Call it before
/// anything else: a child waits for nothing else of the program.
pub fn run_as_child() -> Option<io::Result<()>> {
    let first = std::env::args_os().nth(1)?;
    if first == ENGINE_ARGUMENT {
        Some(wick_engine::process::run_engine())
    } else if first == PROBE_ARGUMENT {
        Some(run_gpu_probe())
    } else {
        None
    }
}
