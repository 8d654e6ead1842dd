//! A backend without a model, for tests of what stands above the engine. What it says depends on the last
//! message: `/crash` aborts the process in mid-reply, `/panic` panics, `/fail` fails, `/slow` writes until it is
//! cancelled, `/long 20` writes twenty words, `/think` thinks before it answers, `/turns` tells how many messages it was given; anything else is echoed.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    protocol::{
        BenchRequest, BenchRun, GenerateRequest, LoadOptions, ModelInfo, PerplexityRequest,
        PerplexityRun, ReplyStats, RequestId, StopReason,
    },
    serve::{Backend, serve},
};
use crate::{
    Error, Result,
    calibration::{AttentionRate, Calibration, CalibrationRequest, LayerCost, ProductRate},
    generate::{Progress, ReplyEvent},
};

/// Answers over standard input and output by the script.
pub fn run_scripted_engine() -> io::Result<()> {
    serve(Scripted::default(), io::stdin(), io::stdout())
}

/// The scripted backend. Files whose content begins with `refuse` do not load.
#[derive(Debug, Default)]
pub struct Scripted {
    begun: Vec<(RequestId, GenerateRequest, Arc<AtomicBool>)>,
}

impl Backend for Scripted {
    fn load(
        &mut self,
        path: &Path,
        options: &LoadOptions,
        progress: &mut dyn FnMut(f32),
    ) -> Result<ModelInfo> {
        let content = std::fs::read(path).map_err(|error| Error::read(path, &error))?;
        if content.starts_with(b"refuse") {
            return Err(Error::UnsupportedArchitecture {
                architecture: "scripted".into(),
                supported: "none".into(),
            });
        }
        progress(0.5);
        progress(1.0);
        Ok(ModelInfo {
            name: "Scripted".into(),
            architecture: "scripted".into(),
            quantization: "F32".into(),
            parameters: 1,
            trained_context_length: 4096,
            context_length: options.context_length.unwrap_or(4096),
            has_chat_template: true,
        })
    }

    fn begin(
        &mut self,
        id: RequestId,
        request: GenerateRequest,
        cancel: Arc<AtomicBool>,
    ) -> Result<()> {
        self.begun.push((id, request, cancel));
        Ok(())
    }

    fn step(&mut self, tell: &mut dyn FnMut(RequestId, ReplyEvent)) {
        for (id, request, cancel) in std::mem::take(&mut self.begun) {
            let ended = answer(&request, &cancel, &mut |progress| {
                tell(id, ReplyEvent::Progress(progress));
            });
            tell(id, ReplyEvent::Ended(ended));
        }
    }

    fn measure(&mut self, _request: &BenchRequest, cancel: &AtomicBool) -> Result<BenchRun> {
        match cancel.load(Ordering::Relaxed) {
            true => Err(Error::Cancelled),
            false => Ok(BenchRun {
                prefill_tokens_per_second: 2.0,
                decode_tokens_per_second: 1.0,
            }),
        }
    }

    fn perplexity(
        &mut self,
        request: &PerplexityRequest,
        _cancel: &AtomicBool,
        progress: &mut dyn FnMut(&PerplexityRun),
    ) -> Result<PerplexityRun> {
        let run = PerplexityRun {
            chunks: 1,
            chunks_total: 1,
            tokens: request.text.len() as u32,
            perplexity: 2.0,
            standard_error: 0.0,
        };
        progress(&run);
        Ok(run)
    }

    /// Runs until it is cancelled where a file named `slow` lies among the models.
    fn calibrate(
        &mut self,
        request: &CalibrationRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Calibration> {
        progress(0.5);
        let folder = request.models_folder.as_deref();
        if folder.is_some_and(|folder| folder.join("slow").exists()) {
            while !cancel.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            return Err(Error::Cancelled);
        }
        progress(1.0);
        Ok(Calibration {
            simd: "scripted".into(),
            threads: 1,
            memory_bytes_per_second: vec![1e9],
            disk_bytes_per_second: None,
            products: vec![ProductRate {
                tensor_type: "F32".into(),
                decode_bytes_per_second: 1e9,
                prefill_macs_per_second: 1e9,
            }],
            attention: vec![AttentionRate {
                head_dim: 128,
                prefill_macs_per_second: 1e9,
                decode_macs_per_second: 1e9,
            }],
            cache_bytes_per_second: 1e9,
            layers: vec![LayerCost {
                embedding: 512,
                seconds: 1e-6,
            }],
        })
    }

    fn save(&mut self) {}

    fn forget(&mut self, _conversation: &str) {}

    fn threads(&self) -> u32 {
        1
    }
}

/// Says what the script has for the last message.
fn answer(
    request: &GenerateRequest,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<ReplyStats> {
    let last = request
        .messages
        .last()
        .ok_or(Error::EmptyPrompt)?
        .content
        .as_str();
    progress(Progress::Reading {
        processed: 1,
        total: 1,
        reused: 0,
        dropped_messages: 0,
    });
    let mut words = 0;
    let mut say = |text: &str| {
        words += 1;
        progress(Progress::Text(text.into()));
    };
    let mut stop_reason = StopReason::EndOfTurn;
    match last.split_whitespace().next() {
        Some("/crash") => {
            say("half a reply");
            std::process::abort();
        }
        Some("/panic") => {
            say("half a reply");
            panic!("as the script wants");
        }
        Some("/fail") => {
            say("half a reply");
            return Err(Error::NotANumber);
        }
        Some("/slow") => {
            while !cancel.load(Ordering::Relaxed) {
                say("word ");
                std::thread::yield_now();
            }
            stop_reason = StopReason::Cancelled;
        }
        Some("/long") => {
            let count = last
                .split_whitespace()
                .nth(1)
                .and_then(|count| count.parse().ok());
            (0..count.unwrap_or(10)).for_each(|_| say("word "));
        }
        Some("/think") => {
            progress(Progress::Reasoning("First this, ".into()));
            progress(Progress::Reasoning("then that.".into()));
            progress(Progress::Text("So it is.".into()));
        }
        Some("/turns") => say(&request.messages.len().to_string()),
        _ => {
            say("You said: ");
            say(last);
        }
    }
    Ok(ReplyStats {
        stop_reason,
        prompt_tokens: 1,
        reused_tokens: 0,
        reply_tokens: words,
        time_to_first_token_ms: 1,
        prefill_tokens_per_second: 1.0,
        decode_tokens_per_second: 1.0,
        context_length: 4096,
        dropped_messages: 0,
        drafted_tokens: 0,
        accepted_tokens: 0,
    })
}
