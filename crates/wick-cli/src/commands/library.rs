//! What is on disk: `wick list`, `wick import`, `wick rm` and `wick verify`.

use std::{path::Path, process::ExitCode};

use serde_json::json;
use wick::{
    Result,
    library::{
        Availability, ImportEvent, ImportMode, LibraryModel, Storage, VerifyEvent, VerifyOutcome,
    },
};

use super::progress;
use crate::output::CANNOT_RUN;

/// Shows the library.
pub fn list(as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let models = wick.models()?;
    if as_json {
        outln!("{}", json!({ "models": models }));
        return Ok(());
    }
    if models.is_empty() {
        errln!(
            "The library is empty. Import a model with: wick import PATH, or download one: wick pull REPOSITORY"
        );
    }
    let chosen = wick.settings().model_id;
    for model in &models {
        print(model, chosen.as_ref() == Some(&model.id));
    }
    Ok(())
}

fn print(model: &LibraryModel, is_chosen: bool) {
    let star = if is_chosen { "*" } else { " " };
    let (name, level) = (&model.info.name, &model.info.quantization);
    let size = megabytes(model.size_bytes);
    let speed = model.decode_tokens_per_second;
    let speed = speed.map_or("-".into(), |speed| format!("{speed:.1} tokens/s"));
    let used = used(model.last_used_at_ms);
    let id = &model.id[..12];
    let place = match &model.storage {
        Storage::Kept => "",
        Storage::InPlace { .. } => "  in place",
        Storage::Adopted { from, .. } => &format!("  of {}", from.name()),
    };
    let newer = match model.newer_commit {
        Some(_) => "  (a newer file exists)",
        None => "",
    };
    let state = match model.availability {
        Availability::Available => "",
        Availability::Missing => "  (files are missing)",
        Availability::Changed => "  (files have changed: wick verify)",
        Availability::FolderMissing => "  (the folder of models is not there)",
    };
    outln!(
        "{star} {name:<36} {level:<8} {size:>9} {speed:>14}  {used:<12} {id}{place}{newer}{state}"
    );
}

/// How long ago it answered.
fn used(last_used_at_ms: Option<i64>) -> String {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = now.map_or(0, |now| now.as_millis() as i64);
    match last_used_at_ms.map(|used| (now_ms - used) / DAY_MS) {
        None => "never used".into(),
        Some(..=0) => "used today".into(),
        Some(1) => "1 day ago".into(),
        Some(days) => format!("{days} days ago"),
    }
}

/// Brings a model into the library; Ctrl-C stops and leaves nothing behind.
pub fn import(path: &Path, in_place: bool, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let mode = match in_place {
        true => ImportMode::InPlace,
        false => ImportMode::Copy,
    };
    let stopper = wick.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel_import();
        }
    });
    let bar = progress::bar("", as_json);
    let model = tokio::task::block_in_place(|| {
        wick.import_model(path, mode, |event| {
            let (what, done_bytes, total_bytes) = match event {
                ImportEvent::Copying {
                    done_bytes,
                    total_bytes,
                } => ("Copying", done_bytes, total_bytes),
                ImportEvent::Reading {
                    done_bytes,
                    total_bytes,
                } => ("Reading", done_bytes, total_bytes),
                ImportEvent::Finished { .. } => return,
            };
            bar.set_prefix(what);
            progress::show(&bar, done_bytes, total_bytes);
        })
    });
    bar.finish_and_clear();
    let model = model?;
    match as_json {
        true => outln!("{}", json!({ "model": model })),
        false => outln!(
            "{} {} is in the library.",
            model.info.name,
            model.info.quantization
        ),
    }
    Ok(())
}

/// Deletes a model for good.
pub async fn remove(model: &str, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let model = wick.find_model(model)?;
    let deleted = wick.delete_model_for_good(&model.id).await?;
    let name = &model.info.name;
    match (as_json, &model.storage) {
        (true, _) => outln!("{}", json!({ "deleted": deleted })),
        (false, Storage::Kept) => {
            outln!(
                "{name} is deleted: {} are free.",
                megabytes(deleted.freed_bytes)
            );
        }
        (false, Storage::InPlace { path } | Storage::Adopted { path, .. }) => {
            outln!("{name} is out of the library; its file stays: {path}");
        }
    }
    Ok(())
}

/// Reads one model or all, and says which are whole. That one is not has the exit code of one that cannot be run.
pub fn verify(model: Option<&str>, as_json: bool) -> Result<ExitCode> {
    let wick = super::open()?;
    let models = match model {
        Some(model) => vec![wick.find_model(model)?],
        None => wick.models()?,
    };
    let stopper = wick.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel_verify();
        }
    });
    let mut code = ExitCode::SUCCESS;
    for model in models {
        let name = &model.info.name;
        let bar = progress::bar(name, as_json);
        let outcome = tokio::task::block_in_place(|| {
            wick.verify_model(&model.id, |event| {
                if let VerifyEvent::Reading {
                    done_bytes,
                    total_bytes,
                } = event
                {
                    progress::show(&bar, done_bytes, total_bytes);
                }
            })
        });
        bar.finish_and_clear();
        let outcome = outcome?;
        if outcome != VerifyOutcome::Whole {
            code = ExitCode::from(CANNOT_RUN);
        }
        match (as_json, &outcome) {
            (true, _) => outln!("{}", json!({ "id": model.id, "verified": outcome })),
            (false, VerifyOutcome::Whole) => outln!("{name} is whole."),
            (
                false,
                VerifyOutcome::Damaged {
                    file,
                    expected,
                    found,
                },
            ) => outln!("{name} is damaged: the sha256 of {file} is {found}, not {expected}."),
        }
    }
    Ok(code)
}

pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
