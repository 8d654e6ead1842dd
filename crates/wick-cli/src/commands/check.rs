//! `wick check`: what would happen if a model were loaded, told from its header.

use std::process::ExitCode;

use serde_json::{Value, json};
use wick::{Result, recommend::Estimate};
use wick_engine::check::{self, CheckReport};

use super::library::megabytes;
use crate::{arguments::CheckOptions, output::CANNOT_RUN};

/// Prints the report. A model that cannot be run is no failure of this command, and has the exit code of one.
pub async fn check(options: &CheckOptions, as_json: bool) -> Result<ExitCode> {
    let how = check::CheckOptions {
        context_length: options.context,
        cache_type: options.cache_type.into(),
    };
    let report = check::check(&options.model, how)?;
    let estimate = estimate(&report).await;
    match as_json {
        true => {
            let mut whole = serde_json::json!(report);
            whole["canRun"] = report.can_run().into();
            // What the header gives for a processor gives way to what this machine would do.
            if let Some(Value::Object(estimate)) = estimate.map(|estimate| json!(estimate)) {
                estimate
                    .into_iter()
                    .for_each(|(key, value)| whole[key] = value);
            }
            outln!("{whole}");
        }
        false => print(&report, estimate.as_ref()),
    }
    Ok(match report.can_run() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(CANNOT_RUN),
    })
}

/// What the model would take on this machine. That Wick's data cannot be used is no reason not to tell of a model.
async fn estimate(report: &CheckReport) -> Option<Estimate> {
    let shape = report.shape.as_ref()?;
    let wick = super::open().ok()?;
    let estimate = wick.estimate(shape, report.context_length, report.cache_type);
    estimate.await.ok().flatten()
}

fn print(report: &CheckReport, estimate: Option<&Estimate>) {
    let say = |what: &str, value: String| outln!("{what:<14}{value}");
    let note = |is_supported: bool| if is_supported { "" } else { " (not supported)" };
    say("name", report.name.clone());
    let unknown = note(report.is_architecture_supported);
    say("architecture", format!("{}{unknown}", report.architecture));
    say("parameters", in_words(report.parameters));
    say("quantization", report.quantization.clone());
    let files = match report.files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let size = megabytes(report.file_bytes);
    say("size", format!("{size} in {files} ({})", report.container));
    for used in &report.tensor_types {
        let (count, size) = (used.tensors, megabytes(used.bytes));
        let unknown = note(used.is_supported);
        say(
            "tensors",
            format!("{count} of {}, {size}{unknown}", used.tensor_type),
        );
    }
    let tokenizer = &report.tokenizer;
    let unknown = note(tokenizer.is_supported);
    let described = format!("{} of {} tokens{unknown}", tokenizer.kind, tokenizer.tokens);
    say("tokenizer", described);
    let template = if report.has_chat_template {
        "yes"
    } else {
        "no"
    };
    say("chat template", template.to_owned());
    if let Some(context) = report.trained_context_length {
        say("context", format!("{context} tokens"));
    }
    if let Some(estimate) = estimate {
        say("memory", super::recommend::memory_of(estimate));
        say("speed", super::recommend::speed_of(estimate));
    }
    match report.problems.is_empty() {
        true => outln!("Wick can run it."),
        false => outln!("Wick cannot run it:"),
    }
    for problem in &report.problems {
        outln!("- {}", problem.message);
    }
}

fn in_words(count: u64) -> String {
    match count {
        0..1_000_000 => count.to_string(),
        1_000_000..1_000_000_000 => format!("{:.0} million", count as f64 / 1e6),
        _ => format!("{:.2} billion", count as f64 / 1e9),
    }
}
