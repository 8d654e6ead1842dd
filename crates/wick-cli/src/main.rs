//! `wick`: everything the app can do, without a window.

#[macro_use]
mod output;
mod arguments;
mod commands;
mod sampling;
mod sizes;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    match wick::run_as_child() {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(error)) => {
            errln!("wick: {error}");
            return ExitCode::FAILURE;
        }
        None => {}
    }
    let arguments = Arguments::parse();
    let json = arguments.json;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            errln!("wick: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Run(options) => commands::run::run(*options, json).await,
            Command::Pull(options) => commands::pull::pull(&options, json).await,
            Command::List => commands::library::list(json),
            Command::Import { path, in_place } => commands::library::import(&path, in_place, json),
            Command::Rm { model } => commands::library::remove(&model, json).await,
            Command::Verify { model } => {
                return commands::library::verify(model.as_deref(), json);
            }
            Command::Adopt { names, all } => commands::adopt::adopt(&names, all, json),
            Command::Folder { r#move } => commands::folder::folder(r#move, json).await,
            Command::Search(options) => commands::hub::search(&options, json).await,
            Command::Show { repository } => commands::hub::show(&repository, json).await,
            Command::Login => commands::hub::login(json).await,
            Command::Logout => commands::hub::logout(json).await,
            Command::Check(options) => return commands::check::check(&options, json).await,
            Command::Hardware { measure } => commands::hardware::hardware(measure, json).await,
            Command::Recommend(options) => commands::recommend::recommend(&options, json).await,
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
