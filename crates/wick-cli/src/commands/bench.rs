//! `wick bench`: medians of several runs, and how far they lie apart.

use serde_json::{Value, json};
use wick::{Error, Result, runtime::LoadReport};
use wick_engine::process::protocol::{BenchRequest, BenchRun, Event};

use crate::arguments::{BenchOptions, ModelOptions};

/// What came of a measurement.
pub(super) struct Measured {
    pub report: LoadReport,
    pub prefill: Spread,
    pub decode: Spread,
    pub peak_bytes: u64,
    pub threads: u32,
}

/// Loads a model into a process of its own and measures it.
pub(super) async fn measure(model: &ModelOptions, request: BenchRequest) -> Result<Measured> {
    let (runtime, report) = super::loaded(model).await?;
    let mut work = runtime.bench(request).await?;
    let mut runs: Vec<BenchRun> = Vec::new();
    let (memory, threads) = loop {
        tokio::select! {
            event = work.next() => match event? {
                Event::BenchRun { run, .. } => runs.push(run),
                Event::BenchFinished { memory, threads, .. } => break (memory, threads),
                _ => return Err(Error::Internal("the engine answered a measurement with something else")),
            },
            _ = tokio::signal::ctrl_c() => work.cancel(),
        }
    };
    // Another one may be measured next, and this one's memory is not free before its process has ended.
    drop(work);
    runtime.unload().await;
    Ok(Measured {
        report,
        prefill: spread(runs.iter().map(|run| run.prefill_tokens_per_second)),
        decode: spread(runs.iter().map(|run| run.decode_tokens_per_second)),
        peak_bytes: memory.peak_bytes,
        threads,
    })
}

/// Measures a model and prints the figures.
pub async fn bench(options: BenchOptions, as_json: bool) -> Result<()> {
    if !options.check_predictions.is_empty() {
        return super::predictions::check_predictions(&options, as_json).await;
    }
    let request = BenchRequest {
        prompt_tokens: options.prompt_tokens,
        generated_tokens: options.generated_tokens,
        depth: options.depth,
        fill: options.fill,
        sequences: options.sequences,
        repetitions: options.repetitions,
    };
    let Measured {
        report,
        prefill,
        decode,
        peak_bytes,
        threads,
    } = measure(&options.model, request).await?;
    if as_json {
        let figures = json!({
            "model": report.model,
            "prompt_tokens": options.prompt_tokens,
            "generated_tokens": options.generated_tokens,
            "depth": options.depth,
            "sequences": options.sequences,
            "prefill_tokens_per_second": prefill.median,
            "decode_tokens_per_second": decode.median,
            "spread": { "prefill": prefill.to_json(), "decode": decode.to_json() },
            "load_ms": report.load_ms,
            "peak_memory_bytes": peak_bytes,
            "threads": threads,
            "repetitions": options.repetitions,
        });
        outln!("{figures}");
    } else {
        outln!("{} {}", report.model.name, report.model.quantization);
        prefill.print(&format!("read {} tokens", options.prompt_tokens));
        decode.print(&format!("write {} tokens", options.generated_tokens));
        outln!(
            "load   {} ms, peak memory {:.0} MB",
            report.load_ms,
            peak_bytes as f64 / 1e6
        );
        outln!("with   {threads} threads, {} runs", options.repetitions);
    }
    Ok(())
}

/// How far several runs lie apart.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    let last = values.len().saturating_sub(1);
    Spread {
        min: at(0),
        median: (at(last / 2) + at(last.div_ceil(2))) / 2.0,
        max: at(last),
    }
}

impl Spread {
    fn to_json(&self) -> Value {
        json!({ "min": self.min, "median": self.median, "max": self.max })
    }

    fn print(&self, what: &str) {
        outln!(
            "{what}: {:.1} tokens/s ({:.1} to {:.1})",
            self.median,
            self.min,
            self.max
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        let of = |values: &[f64]| spread(values.iter().copied());
        assert_eq!(
            of(&[3.0, 1.0, 2.0]),
            Spread {
                min: 1.0,
                median: 2.0,
                max: 3.0
            }
        );
        assert_eq!(
            of(&[4.0, 1.0]),
            Spread {
                min: 1.0,
                median: 2.5,
                max: 4.0
            }
        );
        assert_eq!(of(&[]), Spread::default());
    }
}
