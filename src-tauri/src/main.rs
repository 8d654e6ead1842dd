//! The program: the window, or with `--engine` the process that computes for it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|arg| arg == "--engine")
    {
        return match wick_engine::process::run_engine() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
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
