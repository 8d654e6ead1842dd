//! `wick list` and `wick import`.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use serde_json::json;
use wick::{
    Result,
    library::{Availability, ImportEvent},
};

/// Shows the library.
pub fn list(as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let models = wick.models()?;
    if as_json {
        println!("{}", json!({ "models": models }));
        return Ok(());
    }
    if models.is_empty() {
        eprintln!("The library is empty. Import a model with: wick import PATH");
    }
    let chosen = wick.settings().model_id;
    for model in models {
        println!(
            "{} {:<40} {:<8} {:>9}  {}{}",
            if Some(&model.id) == chosen.as_ref() {
                "*"
            } else {
                " "
            },
            model.info.name,
            model.info.quantization,
            megabytes(model.size_bytes),
            &model.id[..12],
            match model.availability {
                Availability::Available => "",
                Availability::Missing => "  (files are missing)",
                Availability::Changed => "  (files have changed)",
                Availability::FolderMissing => "  (the folder of models is not there)",
            }
        );
    }
    Ok(())
}

/// Copies a model into the library; Ctrl-C stops and leaves nothing behind.
pub fn import(path: &Path, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let stopper = wick.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel_import();
        }
    });
    let show = !as_json && std::io::stderr().is_terminal();
    let model = tokio::task::block_in_place(|| {
        wick.import_model(path, |event| {
            if let ImportEvent::Copying {
                done_bytes,
                total_bytes,
            } = event
                && show
            {
                let (done, total) = (megabytes(done_bytes), megabytes(total_bytes));
                eprint!("\rCopying {done} of {total}   ");
                std::io::stderr().flush().ok();
            }
        })
    });
    if show {
        eprintln!();
    }
    let model = model?;
    match as_json {
        true => println!("{}", json!({ "model": model })),
        false => println!(
            "{} {} is in the library.",
            model.info.name, model.info.quantization
        ),
    }
    Ok(())
}

pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
