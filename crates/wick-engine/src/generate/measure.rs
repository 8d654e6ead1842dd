//! Measurements of a loaded model: how fast it reads and writes, and how well it predicts a text.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use super::{LONGEST_PASS, Session, rate};
use crate::{
    Error, Result,
    decoder::{Decoder, Reading, read},
    process::protocol::{BenchRequest, BenchRun, PerplexityRequest, PerplexityRun},
};

/// Tokens whose logits are taken in one pass: a row of them takes a megabyte where vocabularies are large.
const SCORED_AT_ONCE: usize = 32;

fn check(cancel: &AtomicBool) -> Result<()> {
    match cancel.load(Ordering::Relaxed) {
        true => Err(Error::Cancelled),
        false => Ok(()),
    }
}

impl Session {
    /// Measures reading and writing once, on tokens of no meaning, each after `depth` tokens.
    pub fn measure(&mut self, request: &BenchRequest, cancel: &AtomicBool) -> Result<BenchRun> {
        let (prompt, written) = (request.prompt_tokens, request.generated_tokens);
        let needed = request.depth.saturating_add(prompt.max(written));
        let available = self.info.context_length;
        if needed > available {
            return Err(Error::PromptTooLong { needed, available });
        }
        let vocabulary = self.model.vocabulary_size().max(2);
        let token = |n: u32| (n as usize * 7919 % vocabulary) as u32;
        let tokens: Vec<u32> = (0..prompt.max(request.depth)).map(token).collect();
        let mut before = Decoder::new(&self.model);
        for chunk in tokens[..request.depth as usize].chunks(LONGEST_PASS) {
            check(cancel)?;
            match request.fill {
                true => before.fill(chunk)?,
                false => drop(before.prefill(chunk)?),
            }
        }

        let mut decoder = before.fork()?;
        let began = Instant::now();
        for chunk in tokens[..prompt as usize].chunks(LONGEST_PASS) {
            check(cancel)?;
            decoder.prefill(chunk)?;
        }
        let prefill_tokens_per_second = match prompt {
            0 => 0.0,
            _ => rate(prompt as f32, began).into(),
        };

        let sequences = request.sequences.max(1);
        let forks = (0..sequences).map(|_| before.fork());
        let mut decoders: Vec<Decoder> = forks.collect::<Result<_>>()?;
        let began = Instant::now();
        for n in 0..written {
            check(cancel)?;
            let token = [token(n)];
            let readings = decoders.iter_mut().map(|decoder| Reading {
                decoder,
                tokens: &token,
                outputs: 1,
            });
            read(readings.collect())?;
        }
        let decode_tokens_per_second = match written {
            0 => 0.0,
            _ => rate((written * sequences) as f32, began).into(),
        };
        Ok(BenchRun {
            prefill_tokens_per_second,
            decode_tokens_per_second,
        })
    }

    /// How well the model predicts a text, counted as llama.cpp does: the text is cut into chunks, the first token of
    /// each gives way to the one that begins a sequence, and what follows the middle of a chunk is scored.
    pub fn perplexity(
        &mut self,
        request: &PerplexityRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(&PerplexityRun),
    ) -> Result<PerplexityRun> {
        let (context, available) = (request.context_length as usize, self.info.context_length);
        if context < 4 || context > available as usize {
            return Err(Error::PromptTooLong {
                needed: request.context_length,
                available,
            });
        }
        let tokens = self.tokenizer.encode_document(&request.text)?;
        let chunks = tokens.chunks_exact(context);
        let chunks = chunks.take(request.chunks.map_or(usize::MAX, |chunks| chunks as usize));
        let mut run = PerplexityRun {
            chunks: 0,
            chunks_total: chunks.len() as u32,
            tokens: 0,
            perplexity: f64::NAN,
            standard_error: f64::NAN,
        };
        if chunks.len() == 0 {
            return Err(Error::TextTooShort {
                needed: request.context_length,
                found: tokens.len() as u32,
            });
        }
        let (mut sum, mut squares) = (0.0, 0.0);
        for chunk in chunks {
            let mut chunk = chunk.to_vec();
            if let Some(bos) = self.tokenizer.bos_of_document() {
                chunk[0] = bos;
            }
            let first = context / 2;
            let mut decoder = Decoder::new(&self.model);
            for piece in chunk[..first].chunks(LONGEST_PASS) {
                check(cancel)?;
                decoder.prefill(piece)?;
            }
            for at in (first..context - 1).step_by(SCORED_AT_ONCE) {
                check(cancel)?;
                let end = (at + SCORED_AT_ONCE).min(context - 1);
                let reading = Reading {
                    decoder: &mut decoder,
                    tokens: &chunk[at..end],
                    outputs: end - at,
                };
                let logits = read(vec![reading])?.remove(0);
                let rows = logits.chunks_exact(logits.len() / (end - at));
                for (logits, token) in rows.zip(&chunk[at + 1..]) {
                    let surprise = surprise(logits, *token)?;
                    sum += surprise;
                    squares += surprise * surprise;
                    run.tokens += 1;
                }
            }
            run.chunks += 1;
            let count = f64::from(run.tokens);
            let mean = sum / count;
            let variance = (squares / count - mean * mean).max(0.0);
            run.perplexity = mean.exp();
            run.standard_error = (variance / (count - 1.0).max(1.0)).sqrt() * run.perplexity;
            progress(&run);
        }
        Ok(run)
    }
}

/// The negative logarithm of a token's probability.
fn surprise(logits: &[f32], token: u32) -> Result<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits
        .iter()
        .map(|logit| f64::from(logit - max).exp())
        .sum();
    let own = logits.get(token as usize).copied().unwrap_or(f32::NAN);
    let surprise = total.ln() - f64::from(own - max);
    match surprise.is_finite() {
        true => Ok(surprise),
        false => Err(Error::NotANumber),
    }
}
