//! `wick perplexity`: how well a model predicts a text, counted as llama.cpp counts.

use serde_json::json;
use wick::{Error, Result};
use wick_engine::process::protocol::{Event, PerplexityRequest};

use crate::arguments::{ModelOptions, PerplexityOptions};

/// Scores the text, with the figures so far on standard error.
pub async fn perplexity(options: PerplexityOptions, as_json: bool) -> Result<()> {
    let text = std::fs::read(&options.file).map_err(|error| Error::file(&options.file, &error))?;
    let (runtime, report) = super::loaded(&ModelOptions {
        model: options.model,
        threads: options.threads,
        context: Some(options.context.max(256)),
        cache_type: options.cache_type,
        draft_model: None,
    })
    .await?;
    let mut work = runtime
        .perplexity(PerplexityRequest {
            text: String::from_utf8_lossy(&text).into_owned(),
            context_length: options.context,
            chunks: options.chunks,
        })
        .await?;
    let run = loop {
        tokio::select! {
            event = work.next() => match event? {
                Event::PerplexityRun { run, .. } => err!(
                    "\r{} of {} chunks: {:.4} ",
                    run.chunks, run.chunks_total, run.perplexity
                ),
                Event::PerplexityFinished { run, .. } => break run,
                _ => return Err(Error::Internal("the engine answered a measurement with something else")),
            },
            _ = tokio::signal::ctrl_c() => work.cancel(),
        }
    };
    errln!();
    match as_json {
        true => {
            let mut figures = json!(run);
            figures["model"] = json!(report.model);
            figures["context_length"] = json!(options.context);
            outln!("{figures}");
        }
        false => outln!(
            "perplexity {:.4} ± {:.4} over {} tokens",
            run.perplexity,
            run.standard_error,
            run.tokens
        ),
    }
    Ok(())
}
