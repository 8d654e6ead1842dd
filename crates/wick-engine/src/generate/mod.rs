//! A loaded model in conversation: template, tokens, caches kept from turn to turn, sampling, stopping. Replies that
//! run at the same time are written in the same passes.

mod disk;
mod draft;
mod kept;
mod measure;
mod prompt;
mod reply;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use crate::{
    Error, Result,
    chat_template::ChatTemplate,
    constraint::{ConstraintFactory, ConstraintState},
    decoder::{self, Decoder, LoadedModel},
    device,
    kv_cache::PAGE_TOKENS,
    process::protocol::{
        GenerateRequest, LoadOptions, ModelInfo, ReplyStats, RequestId, StopReason, TokenLogprob,
    },
    reasoning::{ReasoningSplitter, ReasoningStyle},
    sampling::Sampler,
    source::Checkpoint,
    token_stream::TextStream,
    tokenizer::Tokenizer,
};
use disk::Disk;
pub use disk::forget_on_disk;
use draft::Drafts;
use kept::Kept;
use reply::{Reply, Writer};

/// Most tokens of prompts read in one pass.
pub(crate) const LONGEST_PASS: usize = 512;
/// Fewest.
const SHORTEST_PASS: usize = 32;
/// A pass takes about so long: between two passes a reply can be stopped, and another can begin.
const PASS_SECONDS: f32 = 0.4;

/// Sequences, those that are kept among them, take as much memory as one that fills the context, which is what was
/// predicted; but no less may be kept than this, which no prediction feels.
const LEAST_KEPT_BYTES: usize = 4 << 20;

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
    /// More of what the model thinks before it answers.
    Reasoning(String),
    /// A token, where log-probabilities were asked for.
    Token(TokenLogprob),
}

/// What comes of a running reply.
#[derive(Debug)]
pub enum ReplyEvent {
    /// It goes on.
    Progress(Progress),
    /// It has ended, well or not.
    Ended(Result<ReplyStats>),
}

/// What a file is, and the context it would be loaded with.
pub(crate) fn info_of(checkpoint: &Checkpoint, options: &LoadOptions) -> Result<ModelInfo> {
    let mut info = checkpoint.model_info()?;
    let wanted = options
        .context_length
        .unwrap_or(LoadOptions::DEFAULT_CONTEXT_LENGTH);
    info.context_length = wanted.min(info.trained_context_length);
    Ok(info)
}

/// A loaded model with the replies it is writing and the sequences it keeps.
pub struct Session {
    info: ModelInfo,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    model: Arc<LoadedModel>,
    draft_model: Option<Arc<LoadedModel>>,
    reasoning: Option<ReasoningStyle>,
    /// Made when the first constraint is asked for: it looks at every token.
    constraints: Option<ConstraintFactory>,
    kept: Kept,
    running: Vec<(RequestId, Reply)>,
    /// Tokens of prompts read in one pass.
    pass: usize,
    threads: u32,
}

impl Session {
    /// Checks and loads a model. `progress` hears fractions from 0 to 1.
    pub fn load(path: &Path, options: &LoadOptions, progress: &mut dyn FnMut(f32)) -> Result<Self> {
        let checkpoint = Checkpoint::open(path)?;
        let tokenizer = checkpoint.tokenizer()?;
        let template = match checkpoint.chat_template(&tokenizer) {
            Err(Error::NoChatTemplate) => None,
            template => Some(template?),
        };
        let info = info_of(&checkpoint, options)?;
        let compute = device::choose(options.device, options.threads)?;
        let cache = options.cache_type.into();
        let context_length = info.context_length as usize;
        let load = |checkpoint: &Checkpoint, progress: &mut dyn FnMut(f32)| {
            let source = checkpoint.weights()?;
            LoadedModel::load(&source, context_length, cache, compute.clone(), progress)
        };
        let model = load(&checkpoint, progress)?;
        let draft_model = match &options.draft_model {
            None => None,
            Some(path) => {
                let draft = Checkpoint::open(path)?;
                if !draft.tokenizer()?.has_the_tokens_of(&tokenizer) {
                    return Err(Error::OtherVocabulary);
                }
                Some(load(&draft, &mut |_| {})?)
            }
        };
        // A folder that cannot be used is no reason not to answer.
        let disk = options.keep_on_disk.clone();
        let disk = disk.and_then(|options| Disk::open(options, &model).ok());
        let limit_bytes = model
            .cache_layout()
            .bytes(context_length)
            .max(LEAST_KEPT_BYTES);
        let style = |template: &ChatTemplate| ReasoningStyle::of(template, &tokenizer);
        Ok(Self {
            info,
            reasoning: template.as_ref().and_then(style),
            constraints: None,
            tokenizer,
            template,
            model,
            draft_model,
            kept: Kept::new(limit_bytes, disk),
            running: Vec::new(),
            pass: SHORTEST_PASS,
            threads: compute.threads(),
        })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Threads it computes with.
    pub fn threads(&self) -> u32 {
        self.threads
    }

    /// Begins to answer a conversation; [`Session::step`] writes it.
    pub fn begin(
        &mut self,
        id: RequestId,
        request: GenerateRequest,
        cancel: Arc<AtomicBool>,
    ) -> Result<()> {
        let began = Instant::now();
        let sampler = Sampler::with_tokenizer(request.sampling.clone(), &self.tokenizer)?;
        let constraint = self.constraint(&request)?;
        let prompt = self.fit_prompt(&request)?;
        let conversation = request.conversation.as_deref();
        let empty = || Decoder::new(&self.model);
        let decoder = self.kept.begin(&prompt.tokens, conversation, empty)?;
        let drafts = match &self.draft_model {
            _ if request.no_drafts => Drafts::none(),
            Some(model) => Drafts::from_model(model),
            None => Drafts::from_text(),
        };
        let writer = Writer {
            sampler: match request.logprobs {
                Some(top) => sampler.with_logprobs(top as usize),
                None => sampler,
            },
            constraint,
            splitter: ReasoningSplitter::new(self.reasoning, &prompt.parts),
            text: TextStream::new(&request.stop),
        };
        let reply = Reply::new(request, prompt, decoder, drafts, writer, cancel, began);
        self.running.push((id, reply));
        Ok(())
    }

    /// The constraint of a request, at its beginning.
    fn constraint(&mut self, request: &GenerateRequest) -> Result<Option<ConstraintState>> {
        let Some(constraint) = &request.constraint else {
            return Ok(None);
        };
        let factory = match &mut self.constraints {
            Some(factory) => factory,
            none => none.insert(ConstraintFactory::new(&self.tokenizer)?),
        };
        Ok(Some(factory.start(constraint)?))
    }

    /// Whether no reply is being written.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Brings every running reply on by one pass through the model. Whatever happens, the next can be begun.
    pub fn step(&mut self, tell: &mut dyn FnMut(RequestId, ReplyEvent)) {
        self.end_where(tell, |reply| match reply.is_cancelled() {
            true => Some(StopReason::Cancelled),
            false => None,
        });
        if self.running.is_empty() {
            return;
        }
        let began = Instant::now();
        let mut left = self.pass;
        for (id, reply) in &mut self.running {
            let mut progress = |progress| tell(*id, ReplyEvent::Progress(progress));
            left -= reply.prepare(left, &mut progress);
        }
        self.make_room();
        let mut passing: Vec<_> = self
            .running
            .iter_mut()
            .filter(|(_, reply)| reply.is_ready())
            .collect();
        let alone = passing.len() == 1;
        let readings = passing.iter_mut().map(|(_, reply)| reply.reading());
        let logits = match decoder::read(readings.collect()) {
            Ok(logits) => logits,
            Err(error) => {
                for (id, _) in self.running.drain(..) {
                    tell(id, ReplyEvent::Ended(Err(error.clone())));
                }
                return;
            }
        };
        let read = self.pass - left;
        if read > 0 {
            let rate = read as f32 / began.elapsed().as_secs_f32().max(1e-6);
            let fitting = (rate * PASS_SECONDS) as usize;
            self.pass = fitting.clamp(SHORTEST_PASS, LONGEST_PASS);
        }
        let mut ended = Vec::new();
        for ((id, reply), logits) in passing.into_iter().zip(logits) {
            let mut progress = |progress| tell(*id, ReplyEvent::Progress(progress));
            match reply.take(&logits, &self.tokenizer, alone, &mut progress) {
                Ok(None) => {}
                Ok(Some(reason)) => ended.push((*id, Ok(reason))),
                Err(error) => ended.push((*id, Err(error))),
            }
        }
        // Where windows move on, another try at the reply goes on from the end of its prompt.
        let windowed = self
            .model
            .cache_layout()
            .layers
            .iter()
            .any(|layer| layer.window.is_some());
        for (_, reply) in &self.running {
            if windowed
                && reply.is_at_first_token()
                && let Ok(copy) = reply.decoder.fork()
            {
                self.kept.put(copy, reply.request.conversation.clone());
            }
        }
        for (id, outcome) in ended {
            self.end(id, outcome, tell);
        }
    }

    /// Has kept sequences make room where the next pass takes new pages.
    fn make_room(&mut self) {
        let pages = |tokens: usize| tokens.div_ceil(PAGE_TOKENS);
        let coming = self.running.iter().map(|(_, reply)| {
            let position = reply.decoder.position();
            (position, position + reply.next_tokens())
        });
        let coming: Vec<_> = coming
            .filter(|(from, to)| pages(*from) < pages(*to))
            .collect();
        if coming.is_empty() {
            return;
        }
        let layout = self.model.cache_layout();
        let grown = coming
            .iter()
            .map(|(from, to)| layout.bytes(*to).saturating_sub(layout.bytes(*from)));
        let running = self.running.iter().map(|(_, reply)| reply.decoder.cache());
        self.kept
            .make_room(&running.collect::<Vec<_>>(), grown.sum());
    }

    /// Ends the replies for which there is a reason.
    fn end_where(
        &mut self,
        tell: &mut dyn FnMut(RequestId, ReplyEvent),
        reason: impl Fn(&Reply) -> Option<StopReason>,
    ) {
        let ended = self.running.iter();
        let ended = ended.filter_map(|(id, reply)| Some((*id, reason(reply)?)));
        for (id, reason) in ended.collect::<Vec<_>>() {
            self.end(id, Ok(reason), tell);
        }
    }

    fn end(
        &mut self,
        id: RequestId,
        outcome: Result<StopReason>,
        tell: &mut dyn FnMut(RequestId, ReplyEvent),
    ) {
        let Some(at) = self.running.iter().position(|(running, _)| *running == id) else {
            return;
        };
        let (id, mut reply) = self.running.remove(at);
        let outcome = outcome.map(|reason| {
            reply.finish(&mut |progress| tell(id, ReplyEvent::Progress(progress)));
            reply.stats.stop_reason = reason;
            reply.stats.clone()
        });
        if outcome.is_ok() {
            self.kept.put(reply.decoder, reply.request.conversation);
        }
        tell(id, ReplyEvent::Ended(outcome));
    }

    /// Answers one conversation from beginning to end.
    pub fn generate(
        &mut self,
        request: &GenerateRequest,
        cancel: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ReplyStats> {
        let id = RequestId::MAX;
        self.begin(id, request.clone(), cancel.clone())?;
        let mut result = None;
        while result.is_none() {
            self.step(&mut |of, event| match event {
                ReplyEvent::Progress(more) if of == id => progress(more),
                ReplyEvent::Ended(ended) if of == id => result = Some(ended),
                _ => {}
            });
        }
        result.unwrap_or(Err(Error::Cancelled))
    }

    /// Puts what was read on disk, where that is wanted, and forgets it in memory.
    pub fn save(&mut self) {
        self.kept.save_all();
    }

    /// Forgets what was read in a conversation.
    pub fn forget(&mut self, conversation: &str) {
        self.kept.forget(conversation);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.save();
    }
}

fn rate(count: f32, since: Instant) -> f32 {
    let seconds = since.elapsed().as_secs_f32();
    match count > 0.0 && seconds > 0.0 {
        true => count / seconds,
        false => 0.0,
    }
}
