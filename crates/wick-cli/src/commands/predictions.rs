//! `wick bench --check-predictions`: what is predicted of models beside what is measured, before and after the first
//! entry of a ledger.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wick::{
    Result,
    hardware::{Figures, HardwareReport, KeptCalibration, Measurement, corrections},
};
use wick_engine::{
    calibration::Correction,
    check::{self, CheckOptions},
    estimate::{ModelShape, Plan, Rates},
    process::protocol::BenchRequest,
};

use super::bench::{Measured, measure};
use crate::arguments::{BenchOptions, ModelOptions};

/// Tokens read at the end of each context: a longest pass, and half of it where that takes long; and tokens written there.
const READ: u32 = 512;
const READ_LATE: u32 = 256;
const LATE: u32 = 8192;
const WRITTEN: u32 = 32;

/// One model with one context.
struct Row {
    file: PathBuf,
    kind: String,
    context_length: u32,
    predicted: Figures,
    corrected: Figures,
    measured: Figures,
}

/// Prints the table. Each line after the first of a model is also predicted with what the first one taught, and the
/// first is measured a second time for that.
pub async fn check_predictions(options: &BenchOptions, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let mut report = wick.hardware().await?;
    if report.needs_calibration {
        errln!("Measuring the machine first.");
        report.calibration = Some(wick.calibrate(|_| {}).await?);
    }
    let Some(calibration) = &report.calibration else {
        return Ok(());
    };
    let mut rows = Vec::new();
    for file in &options.check_predictions {
        rows.extend(check_model(options, file, calibration).await?);
    }
    match as_json {
        true => outln!("{}", to_json(&report, options, &rows)),
        false => print(&report, calibration, options, &rows),
    }
    Ok(())
}

async fn check_model(
    options: &BenchOptions,
    file: &Path,
    calibration: &KeptCalibration,
) -> Result<Vec<Row>> {
    let header = check::check(file, CheckOptions::default())?;
    let Some(shape) = &header.shape else {
        errln!("{}: its header says too little", file.display());
        return Ok(Vec::new());
    };
    let fitting = |context: &&u32| **context <= shape.trained_context_length;
    let contexts: Vec<u32> = options.contexts.iter().filter(fitting).copied().collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut learnt: Option<Correction> = None;
    // The first context once more at the end, with what it taught.
    for (n, &context) in contexts.iter().chain(contexts.first()).enumerate() {
        let is_repeated = n == contexts.len();
        let read = if context > LATE { READ_LATE } else { READ };
        let (read, written) = (read.min(context / 4), WRITTEN.min(context / 4));
        let request = BenchRequest {
            prompt_tokens: read,
            generated_tokens: written,
            depth: context - read.max(written),
            fill: options.fill,
            sequences: 1,
            repetitions: options.repetitions,
        };
        let threads = options.model.threads.unwrap_or(calibration.figures.threads);
        let model = ModelOptions {
            model: Some(file.display().to_string()),
            context: Some(context),
            threads: Some(threads),
            ..options.model.clone()
        };
        let predict = |correction: Option<&Correction>| {
            predict(shape, &request, &model, calibration, correction)
        };
        errln!("{} with {context} tokens", file.display());
        let measured = figures(&measure(&model, request.clone()).await?);
        let row = Row {
            file: file.to_owned(),
            kind: format!("{} {}", shape.architecture, shape.quantization),
            context_length: context,
            predicted: predict(None),
            corrected: predict(learnt.as_ref()),
            measured,
        };
        if learnt.is_none() {
            learnt = correction(shape, &row, threads);
        }
        match is_repeated {
            true => {
                rows[0] = Row {
                    predicted: rows[0].predicted,
                    ..row
                }
            }
            false => rows.push(row),
        }
    }
    Ok(rows)
}

fn predict(
    shape: &ModelShape,
    request: &BenchRequest,
    model: &ModelOptions,
    calibration: &KeptCalibration,
    correction: Option<&Correction>,
) -> Figures {
    let plan = Plan {
        context_length: model.context.unwrap_or_default(),
        cache_type: model.cache_type.into(),
        gpu_layers: 0,
    };
    let rates = Rates {
        calibration: Some(&calibration.figures),
        gpu_bytes_per_second: None,
        correction,
    };
    let (depth, read, written) = (
        request.depth,
        request.prompt_tokens,
        request.generated_tokens,
    );
    let memory = shape.memory_at(&plan, depth + read.max(written)).ok();
    let memory = memory.map(|memory| match correction {
        Some(correction) => memory.corrected(correction.memory),
        None => memory,
    });
    Figures {
        peak_memory_bytes: memory.map(|memory| memory.memory_bytes.total),
        prefill_tokens_per_second: shape.prefill_tokens_per_second(&plan, &rates, depth, read),
        decode_tokens_per_second: shape.decode_tokens_per_second(
            &plan,
            &rates,
            depth + written / 2,
        ),
    }
}

fn figures(measured: &Measured) -> Figures {
    Figures {
        peak_memory_bytes: Some(measured.peak_bytes),
        prefill_tokens_per_second: Some(measured.prefill.median),
        decode_tokens_per_second: Some(measured.decode.median),
    }
}

/// What a ledger with this one entry teaches.
fn correction(shape: &ModelShape, row: &Row, threads: u32) -> Option<Correction> {
    let entry = Measurement {
        measured_at_ms: 0,
        fingerprint: String::new(),
        model_id: String::new(),
        architecture: shape.architecture.clone(),
        quantization: shape.quantization.clone(),
        context_length: row.context_length,
        used_tokens: row.context_length,
        threads,
        cache_type: Default::default(),
        predicted: row.predicted,
        measured: row.measured,
    };
    corrections(&[entry]).into_iter().next()
}

/// By how much a prediction lies beside what was measured, in percent; below zero it is too low.
fn off(predicted: Option<f64>, measured: Option<f64>) -> Option<f64> {
    let off = (predicted? / measured? - 1.0) * 100.0;
    off.is_finite().then_some(off)
}

fn figures_of(figures: &Figures) -> [Option<f64>; 3] {
    [
        figures.peak_memory_bytes.map(|bytes| bytes as f64),
        figures.prefill_tokens_per_second,
        figures.decode_tokens_per_second,
    ]
}

fn to_json(report: &HardwareReport, options: &BenchOptions, rows: &[Row]) -> Value {
    let off_by = |row: &Row, predicted: &Figures| {
        let pairs = figures_of(predicted)
            .into_iter()
            .zip(figures_of(&row.measured));
        let [memory, prefill, decode] =
            <[_; 3]>::try_from(pairs.map(|(p, m)| off(p, m)).collect::<Vec<_>>())
                .unwrap_or_default();
        json!({ "memory_percent": memory, "prefill_percent": prefill, "decode_percent": decode })
    };
    let named = |figures: &Figures| {
        json!({
            "memory_bytes": figures.peak_memory_bytes,
            "prefill_tokens_per_second": figures.prefill_tokens_per_second,
            "decode_tokens_per_second": figures.decode_tokens_per_second,
        })
    };
    let rows = rows.iter().map(|row| {
        json!({
            "file": row.file,
            "kind": row.kind,
            "context_length": row.context_length,
            "predicted": named(&row.predicted),
            "corrected": named(&row.corrected),
            "measured": named(&row.measured),
            "off_before": off_by(row, &row.predicted),
            "off_after": off_by(row, &row.corrected),
        })
    });
    json!({
        "hardware": report,
        "filled": options.fill,
        "repetitions": options.repetitions,
        "rows": rows.collect::<Vec<_>>(),
    })
}

fn print(
    report: &HardwareReport,
    calibration: &KeptCalibration,
    options: &BenchOptions,
    rows: &[Row],
) {
    let processor = &report.profile.processor;
    let figures = &calibration.figures;
    outln!(
        "{}, {} threads, {}; Wick {}; {} runs; contexts {}.\n",
        processor.model,
        figures.threads,
        figures.simd,
        calibration.wick_version,
        options.repetitions,
        match options.fill {
            true => "filled without computing",
            false => "read",
        }
    );
    outln!(
        "Off by: how far the prediction lies above what was measured, before and after one entry in the ledger.\n"
    );
    outln!(
        "| model | context | memory, MB | off by | prefill, tokens/s | off by | decode, tokens/s | off by |"
    );
    outln!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in rows {
        let measured = figures_of(&row.measured);
        let (before, after) = (figures_of(&row.predicted), figures_of(&row.corrected));
        let mut line = format!("| {} | {}", row.kind, row.context_length);
        for (n, scale) in [1e6, 1.0, 1.0].into_iter().enumerate() {
            let figure =
                measured[n].map_or(String::new(), |figure| format!("{:.1}", figure / scale));
            let percent = |off: Option<f64>| off.map_or("?".into(), |off| format!("{off:+.1} %"));
            let (before, after) = (off(before[n], measured[n]), off(after[n], measured[n]));
            line += &format!(" | {figure} | {}, {}", percent(before), percent(after));
        }
        outln!("{line} |");
    }
}
