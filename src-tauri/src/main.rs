//! The program: the window, with `--engine` the process that computes for it, with `--probe-gpus` the one that looks
//! for graphics processors.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match wick::run_as_child() {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
        None => {}
    }
    #[cfg(target_os = "linux")]
    avoid_blank_windows();
    wick_desktop::run()
}

/// WebKitGTK's DMA-BUF renderer shows an empty window on some drivers. Whoever wants it sets the variable to 0.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn avoid_blank_windows() {
    const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: this is the beginning of `main`; no other thread exists that could read the environment.
        unsafe { std::env::set_var(VARIABLE, "1") };
    }
}
