//! A loaded model in conversation: template, tokens, KV cache kept from turn to turn, sampling, stopping.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use crate::{
    Error, Result,
    chat_template::ChatTemplate,
    device,
    gguf::ValidatedGguf,
    models::{self, Architecture, Decoder, Model},
    process::protocol::{
        BenchRequest, BenchRun, ChatMessage, GenerateRequest, LoadOptions, ModelInfo, ReplyStats,
        Role, StopReason,
    },
    sampling::Sampler,
    token_stream::TextStream,
    tokenizer::Tokenizer,
};

/// Tokens read between two looks at the cancel flag.
const PREFILL_CHUNK: usize = 128;

/// Room kept for an answer whose length is not limited.
const USUAL_ANSWER_TOKENS: u32 = 512;

/// What a reply tells on its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// So much of the prompt has been read.
    Reading {
        /// Tokens read, reused ones included.
        processed: u32,
        /// Tokens in all.
        total: u32,
        /// Tokens that were in the cache.
        reused: u32,
        /// Messages left out.
        dropped_messages: u32,
    },
    /// More of the reply, in whole characters.
    Text(String),
}

/// What a file is, and the context it would be loaded with.
pub(crate) fn info_of(
    gguf: &ValidatedGguf,
    architecture: &Architecture,
    options: &LoadOptions,
) -> Result<ModelInfo> {
    let mut info = gguf.model_info()?;
    info.trained_context_length = info
        .trained_context_length
        .min(architecture.max_context_length);
    let wanted = options
        .context_length
        .unwrap_or(LoadOptions::DEFAULT_CONTEXT_LENGTH);
    info.context_length = wanted.min(info.trained_context_length);
    Ok(info)
}

/// A loaded model and the one sequence it has read.
pub struct Session {
    info: ModelInfo,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    model: Box<dyn Model>,
    decoder: Box<dyn Decoder>,
    /// What the decoder has read.
    cached: Vec<u32>,
}

impl Session {
    /// Checks and loads a model file. `progress` hears fractions from 0 to 1.
    pub fn load(path: &Path, options: &LoadOptions, progress: &mut dyn FnMut(f32)) -> Result<Self> {
        let gguf = ValidatedGguf::open(path)?;
        let architecture = models::architecture_of(&gguf)?;
        let tokenizer = Tokenizer::from_gguf(&gguf)?;
        let template = match ChatTemplate::from_gguf(&gguf, &tokenizer) {
            Err(Error::NoChatTemplate) => None,
            template => Some(template?),
        };
        progress(0.2);
        let info = info_of(&gguf, architecture, options)?;
        let device = device::choose(options.device)?;
        let model = architecture.load(&gguf, info.context_length, &device)?;
        progress(1.0);
        let decoder = model.decoder(info.context_length as usize);
        Ok(Self {
            info,
            tokenizer,
            template,
            model,
            decoder,
            cached: Vec::new(),
        })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Answers a conversation. Whatever happens, the session can answer the next one.
    pub fn generate(
        &mut self,
        request: &GenerateRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ReplyStats> {
        let began = Instant::now();
        let mut sampler = Sampler::new(request.sampling.clone())?;
        let (prompt, dropped_messages) = self.fit_prompt(request)?;
        let context_length = self.info.context_length;
        let prompt_tokens = prompt.len() as u32;
        for &token in &prompt {
            sampler.accept(token);
        }

        let reused = self.keep_common_prefix(&prompt);
        let mut read = |processed: usize| {
            progress(Progress::Reading {
                processed: processed as u32,
                total: prompt_tokens,
                reused: reused as u32,
                dropped_messages,
            });
        };
        read(reused);
        let mut stats = ReplyStats {
            stop_reason: StopReason::Cancelled,
            prompt_tokens,
            reused_tokens: reused as u32,
            reply_tokens: 0,
            time_to_first_token_ms: 0,
            prefill_tokens_per_second: 0.0,
            decode_tokens_per_second: 0.0,
            context_length,
            dropped_messages,
        };
        let prefill_began = Instant::now();
        let mut logits = Vec::new();
        for chunk in prompt[reused..].chunks(PREFILL_CHUNK) {
            if cancel.load(Ordering::Relaxed) {
                return Ok(stats);
            }
            logits = self.read(chunk)?;
            read(self.cached.len());
        }
        let fresh = (prompt.len() - reused) as f32;
        stats.prefill_tokens_per_second = rate(fresh, prefill_began);

        let mut text = TextStream::new(&request.stop);
        let mut first_token_at = None;
        stats.stop_reason = loop {
            if cancel.load(Ordering::Relaxed) {
                break StopReason::Cancelled;
            }
            let token = sampler.sample(&logits)?;
            let decode_began = *first_token_at.get_or_insert_with(|| {
                stats.time_to_first_token_ms = began.elapsed().as_millis() as u32;
                Instant::now()
            });
            if self.tokenizer.is_end_of_turn(token) {
                break StopReason::EndOfTurn;
            }
            stats.reply_tokens += 1;
            if stats.reply_tokens > 1 {
                stats.decode_tokens_per_second =
                    rate((stats.reply_tokens - 1) as f32, decode_began);
            }
            sampler.accept(token);
            let piece = text.push(&self.tokenizer.token_bytes(token));
            if !piece.text.is_empty() {
                progress(Progress::Text(piece.text));
            }
            if piece.stopped {
                break StopReason::StopText;
            }
            if request
                .max_tokens
                .is_some_and(|max| stats.reply_tokens >= max)
            {
                break StopReason::MaxTokens;
            }
            if self.cached.len() >= context_length as usize {
                break StopReason::ContextFull;
            }
            logits = self.read(&[token])?;
        };
        let rest = text.finish();
        if !rest.is_empty() {
            progress(Progress::Text(rest));
        }
        Ok(stats)
    }

    /// Measures reading and writing once, on tokens of no meaning. The cache is empty afterwards.
    pub fn measure(&mut self, request: &BenchRequest, cancel: &AtomicBool) -> Result<BenchRun> {
        let (read, write) = (
            request.prompt_tokens as usize,
            request.generated_tokens as usize,
        );
        let available = self.info.context_length;
        if read + write > available as usize {
            let needed = (read + write) as u32;
            return Err(Error::PromptTooLong { needed, available });
        }
        let vocabulary = self.tokenizer.vocabulary_size().max(2);
        let token = |n: usize| (n * 7919 % vocabulary) as u32;
        let mut run = BenchRun {
            prefill_tokens_per_second: 0.0,
            decode_tokens_per_second: 0.0,
        };
        self.forget();
        let check = || match cancel.load(Ordering::Relaxed) {
            true => Err(Error::Cancelled),
            false => Ok(()),
        };
        let prompt: Vec<u32> = (0..read).map(token).collect();
        let began = Instant::now();
        for chunk in prompt.chunks(PREFILL_CHUNK) {
            check()?;
            self.read(chunk)?;
        }
        if read > 0 {
            run.prefill_tokens_per_second = rate(read as f32, began).into();
        }
        let began = Instant::now();
        for n in 0..write {
            check()?;
            self.read(&[token(n)])?;
        }
        if write > 0 {
            run.decode_tokens_per_second = rate(write as f32, began).into();
        }
        self.forget();
        Ok(run)
    }

    /// The prompt's tokens; whole turns leave from the front until it fits, the system message never.
    fn fit_prompt(&self, request: &GenerateRequest) -> Result<(Vec<u32>, u32)> {
        let template = self.template.as_ref().ok_or(Error::NoChatTemplate)?;
        let last_is_blank = |message: &ChatMessage| message.content.trim().is_empty();
        if request.messages.last().is_none_or(last_is_blank) {
            return Err(Error::EmptyPrompt);
        }
        let context = self.info.context_length;
        let wanted = request.max_tokens.unwrap_or(USUAL_ANSWER_TOKENS);
        let available = context - wanted.min(context / 4);
        let mut messages = request.messages.clone();
        let first = messages
            .iter()
            .take_while(|message| message.role == Role::System)
            .count();
        let mut dropped = 0;
        loop {
            let prompt = self
                .tokenizer
                .encode_prompt(&template.render(&messages, &Default::default())?)?;
            if prompt.len() <= available as usize && !prompt.is_empty() {
                return Ok((prompt, dropped));
            }
            let turns = &messages[first..];
            // A turn is what the user said and what was answered: up to the next user message.
            let turn = turns
                .iter()
                .skip(1)
                .position(|message| message.role == Role::User);
            match turn {
                Some(end) => {
                    messages.drain(first..first + end + 1);
                    dropped += end as u32 + 1;
                }
                None => {
                    return Err(Error::PromptTooLong {
                        needed: prompt.len() as u32,
                        available,
                    });
                }
            }
        }
    }

    /// Keeps of the cache what the prompt begins with, and returns how much; at least one token is left to read.
    fn keep_common_prefix(&mut self, prompt: &[u32]) -> usize {
        let common = self
            .cached
            .iter()
            .zip(prompt)
            .take_while(|(a, b)| a == b)
            .count();
        let kept = self.decoder.truncate(common.min(prompt.len() - 1));
        self.cached.truncate(kept);
        kept
    }

    fn read(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        match self.decoder.prefill(tokens) {
            Ok(logits) => {
                self.cached.extend_from_slice(tokens);
                Ok(logits)
            }
            Err(error) => {
                self.forget();
                Err(error)
            }
        }
    }

    fn forget(&mut self) {
        self.decoder = self.model.decoder(self.info.context_length as usize);
        self.cached.clear();
    }
}

fn rate(count: f32, since: Instant) -> f32 {
    let seconds = since.elapsed().as_secs_f32();
    match count > 0.0 && seconds > 0.0 {
        true => count / seconds,
        false => 0.0,
    }
}
