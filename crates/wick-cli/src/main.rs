//! `wick`: everything the app can do, without a window.

mod arguments;
mod commands;
mod output;
mod sampling;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    // The engine is this same program: it must not wait for anything else of it.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--engine")
    {
        return match wick_engine::process::run_engine() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("wick engine: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let arguments = Arguments::parse();
    let json = arguments.json;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wick: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Run(options) => commands::run::run(*options, json).await,
            Command::List => commands::library::list(json),
            Command::Import { path } => commands::library::import(&path, json),
            Command::Check(options) => return commands::check::check(&options, json),
            Command::Bench(options) => commands::bench::bench(options, json).await,
            Command::Perplexity(options) => commands::perplexity::perplexity(options, json).await,
        }
        .map(|()| ExitCode::SUCCESS)
    });
    // Reading standard input cannot be interrupted: do not wait for it.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => output::fail(&error, json),
    }
}
