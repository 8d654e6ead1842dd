//! One reply on its way: what it reads next, and what becomes of the logits that come back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{Progress, draft::Drafts, prompt::Prompt};
use crate::{
    Result,
    constraint::ConstraintState,
    decoder::{Decoder, Reading},
    process::protocol::{GenerateRequest, ReplyStats, StopReason, TokenLogprob},
    reasoning::{Piece, ReasoningSplitter},
    sampling::Sampler,
    token_stream::TextStream,
    tokenizer::Tokenizer,
};

/// From logits to a token, and from tokens to text.
pub(super) struct Writer {
    pub sampler: Sampler,
    pub constraint: Option<ConstraintState>,
    pub splitter: ReasoningSplitter,
    pub text: TextStream,
}

/// One reply.
pub(super) struct Reply {
    pub request: GenerateRequest,
    pub decoder: Decoder,
    pub stats: ReplyStats,
    cancel: Arc<AtomicBool>,
    prompt: Vec<u32>,
    writer: Writer,
    drafts: Drafts,
    /// What the next pass reads: a piece of the prompt, or the last token written with a draft of what may follow.
    next: Vec<u32>,
    /// How many of `next` are a draft.
    drafted: usize,
    began: Instant,
    prefill_began: Option<Instant>,
    first_token_at: Option<Instant>,
}

impl Reply {
    pub(super) fn new(
        request: GenerateRequest,
        Prompt {
            tokens: prompt,
            dropped_messages,
            ..
        }: Prompt,
        decoder: Decoder,
        drafts: Drafts,
        mut writer: Writer,
        cancel: Arc<AtomicBool>,
        began: Instant,
    ) -> Self {
        for &token in &prompt {
            writer.sampler.accept(token);
        }
        let stats = ReplyStats {
            stop_reason: StopReason::Cancelled,
            prompt_tokens: prompt.len() as u32,
            reused_tokens: decoder.position() as u32,
            reply_tokens: 0,
            time_to_first_token_ms: 0,
            prefill_tokens_per_second: 0.0,
            decode_tokens_per_second: 0.0,
            context_length: decoder.context_length() as u32,
            dropped_messages,
            drafted_tokens: 0,
            accepted_tokens: 0,
        };
        Self {
            request,
            decoder,
            stats,
            cancel,
            prompt,
            writer,
            drafts,
            next: Vec::new(),
            drafted: 0,
            began,
            prefill_began: None,
            first_token_at: None,
        }
    }

    /// Whether somebody asked to stop.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// How far the prompt is read.
    fn how_far(&self) -> Progress {
        Progress::Reading {
            processed: self.decoder.position() as u32,
            total: self.stats.prompt_tokens,
            reused: self.stats.reused_tokens,
            dropped_messages: self.stats.dropped_messages,
        }
    }

    /// Chooses what the next pass reads, if it is of the prompt: at most `limit` tokens. Returns how many.
    pub(super) fn prepare(&mut self, limit: usize, progress: &mut dyn FnMut(Progress)) -> usize {
        let from = self.decoder.position();
        if from >= self.prompt.len() {
            return 0;
        }
        if self.prefill_began.is_none() {
            self.prefill_began = Some(Instant::now());
            progress(self.how_far());
        }
        let to = self.prompt.len().min(from + limit);
        self.next = self.prompt[from..to].to_vec();
        to - from
    }

    /// Whether there is something to read in this pass.
    pub(super) fn is_ready(&self) -> bool {
        !self.next.is_empty()
    }

    /// How many tokens the next pass reads.
    pub(super) fn next_tokens(&self) -> usize {
        self.next.len()
    }

    /// Whether the last pass has read the end of the prompt.
    pub(super) fn is_at_first_token(&self) -> bool {
        self.decoder.position() == self.prompt.len()
    }

    /// What the next pass reads.
    pub(super) fn reading(&mut self) -> Reading<'_> {
        Reading {
            decoder: &mut self.decoder,
            tokens: &self.next,
            outputs: 1 + self.drafted,
        }
    }

    /// Takes the logits of a pass; tells why the reply ends where it does. A guess of what follows is only made for
    /// a reply that has the passes alone: others fill them already.
    pub(super) fn take(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        alone: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<StopReason>> {
        if self.first_token_at.is_none() {
            progress(self.how_far());
            if self.decoder.position() < self.prompt.len() {
                return Ok(None);
            }
            let fresh = self.stats.prompt_tokens - self.stats.reused_tokens;
            let began = self.prefill_began.unwrap_or(self.began);
            self.stats.prefill_tokens_per_second = super::rate(fresh as f32, began);
        }
        let rows = 1 + self.drafted;
        let vocabulary = logits.len() / rows;
        let first = self.decoder.position() - self.drafted;
        let mut ended = None;
        let mut accepted = 0;
        let mut token = 0;
        for row in 0..rows {
            let logits = &logits[row * vocabulary..][..vocabulary];
            token = self.writer.choose(logits, tokenizer, progress)?;
            ended = self.write(token, first + row, tokenizer, progress);
            let expected = self.next.get(self.next.len() - self.drafted + row);
            if ended.is_some() || expected != Some(&token) {
                break;
            }
            accepted += 1;
        }
        // What was read of a draft that turned out otherwise is forgotten.
        self.decoder.truncate(first + accepted);
        self.stats.drafted_tokens += self.drafted as u32;
        self.stats.accepted_tokens += accepted as u32;
        self.drafts.learn(self.drafted, accepted);
        if ended.is_none() {
            self.next.clear();
            self.next.push(token);
            self.drafted = 0;
            let room = match alone {
                true => self.decoder.context_length() - self.decoder.position() - 1,
                false => 0,
            };
            let left = self.request.max_tokens.map_or(usize::MAX, |max| {
                max.saturating_sub(self.stats.reply_tokens + 1) as usize
            });
            let draft = self
                .drafts
                .propose(self.decoder.tokens(), token, room.min(left))?;
            self.drafted = draft.len();
            self.next.extend(draft);
        }
        Ok(ended)
    }

    /// Adds a token to the reply; `position` is where it would stand.
    fn write(
        &mut self,
        token: u32,
        position: usize,
        tokenizer: &Tokenizer,
        progress: &mut dyn FnMut(Progress),
    ) -> Option<StopReason> {
        let decode_began = *self.first_token_at.get_or_insert_with(|| {
            self.stats.time_to_first_token_ms = self.began.elapsed().as_millis() as u32;
            Instant::now()
        });
        if tokenizer.is_end_of_turn(token) {
            return Some(StopReason::EndOfTurn);
        }
        self.stats.reply_tokens += 1;
        if self.stats.reply_tokens > 1 {
            let written = (self.stats.reply_tokens - 1) as f32;
            self.stats.decode_tokens_per_second = super::rate(written, decode_began);
        }
        let stopped = self.writer.write(token, tokenizer, progress);
        let max_tokens = self.request.max_tokens.unwrap_or(u32::MAX);
        match () {
            () if stopped => Some(StopReason::StopText),
            () if self.stats.reply_tokens >= max_tokens => Some(StopReason::MaxTokens),
            () if position >= self.decoder.context_length() => Some(StopReason::ContextFull),
            () if self.is_cancelled() => Some(StopReason::Cancelled),
            () => None,
        }
    }

    /// The text that was held back.
    pub(super) fn finish(&mut self, progress: &mut dyn FnMut(Progress)) {
        self.writer.finish(progress);
    }
}

impl Writer {
    /// The next token.
    fn choose(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u32> {
        let mask = match &mut self.constraint {
            Some(constraint) => Some(constraint.mask()?),
            None => None,
        };
        let sampled = self.sampler.sample_with(logits, mask)?;
        if let Some(constraint) = &mut self.constraint {
            constraint.accept(sampled.token)?;
        }
        if let Some(logprob) = sampled.logprob {
            let bytes = |token| tokenizer.token_bytes(token);
            let top = sampled.top.into_iter();
            progress(Progress::Token(TokenLogprob {
                bytes: bytes(sampled.token),
                logprob,
                top: top
                    .map(|(token, logprob)| (bytes(token), logprob))
                    .collect(),
            }));
        }
        Ok(sampled.token)
    }

    /// Adds the token's text; says whether a stop text has appeared.
    fn write(
        &mut self,
        token: u32,
        tokenizer: &Tokenizer,
        progress: &mut dyn FnMut(Progress),
    ) -> bool {
        self.sampler.accept(token);
        let piece = self.text.push(&tokenizer.token_bytes(token));
        self.tell(&piece.text, progress);
        piece.stopped
    }

    /// Tells the text that was held back.
    fn finish(&mut self, progress: &mut dyn FnMut(Progress)) {
        let rest = self.text.finish();
        self.tell(&rest, progress);
        let pieces = self.splitter.finish().into_iter();
        pieces.for_each(|piece| progress(piece.into()));
    }

    fn tell(&mut self, text: &str, progress: &mut dyn FnMut(Progress)) {
        let pieces = self.splitter.push(text).into_iter();
        pieces.for_each(|piece| progress(piece.into()));
    }
}

impl From<Piece> for Progress {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Answer(text) => Self::Text(text),
            Piece::Reasoning(text) => Self::Reasoning(text),
        }
    }
}
