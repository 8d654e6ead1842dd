//! The chat template of a model: Jinja from the file, which is as untrusted as the file. It runs within bounds of
//! steps, memory and output, and what comes out says which text is the template's and which somebody's.

mod budget;
mod conversation;
mod date;
mod expression;
mod failure;
mod filters;
mod functions;
mod hub;
mod methods;
mod operators;
mod print;
mod run;
mod source;
#[cfg(test)]
mod tests;
mod tests_of;
mod text;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::process::protocol::{ChatMessage, RenderOptions};
use crate::{Error, Result, gguf::ValidatedGguf, tokenizer::Tokenizer};

use conversation::Conversation;
use failure::Failure;

/// Deepest stack the parser and the tree of the longest template need, with room to spare. Only what is used of it
/// takes memory.
const STACK_BYTES: usize = 256 << 20;

/// Characters of a reason that are passed on: a template may raise any text.
const MAX_REASON: usize = 500;

/// A stretch of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptPart {
    /// Written by the template: control tokens in it count.
    Template(String),
    /// Written by somebody: just text.
    Content(String),
}

/// The chat template of a model.
#[derive(Debug, Clone)]
pub struct ChatTemplate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: String,
    /// For conversations with tools, where the model has another template for them.
    with_tools: Option<String>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// The template in the header.
    pub fn from_gguf(gguf: &ValidatedGguf, tokenizer: &Tokenizer) -> Result<Self> {
        let metadata = gguf.metadata();
        let source = metadata.str("tokenizer.chat_template")?;
        let with_tools = metadata.str("tokenizer.chat_template.tool_use")?;
        let source = source.ok_or(Error::NoChatTemplate)?;
        Self::new(source, with_tools, tokenizer)
    }

    fn new(source: &str, with_tools: Option<&str>, tokenizer: &Tokenizer) -> Result<Self> {
        Self::with_tokens(
            source,
            with_tools,
            tokenizer.bos_text(),
            tokenizer.eos_text(),
        )
    }

    fn with_tokens(source: &str, with_tools: Option<&str>, bos: &str, eos: &str) -> Result<Self> {
        let inner = Arc::new(Inner {
            source: source::prepared(source)?,
            with_tools: with_tools.map(source::prepared).transpose()?,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
        });
        let job = Arc::clone(&inner);
        apart(move || {
            let sources = [Some(&job.source), job.with_tools.as_ref()];
            sources
                .into_iter()
                .flatten()
                .try_for_each(|source| source::parse(source).map(drop))
        })?;
        Ok(Self(inner))
    }

    /// The prompt that asks the model to answer `messages`.
    ///
    /// Where the template refuses the conversation, or leaves a text out, it is told in another way: neighbours of one
    /// role as one message, the system's text with the user's first, contents as lists of parts.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        options: &RenderOptions,
    ) -> Result<Vec<PromptPart>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.render_at(messages, options, now.map_or(0, |since| since.as_secs()))
    }

    fn render_at(
        &self,
        messages: &[ChatMessage],
        options: &RenderOptions,
        now: u64,
    ) -> Result<Vec<PromptPart>> {
        let inner = Arc::clone(&self.0);
        let (messages, options) = (messages.to_vec(), options.clone());
        apart(move || inner.render(&messages, &options, now))
    }

    /// Whether one of the model's templates has `text` in it.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        let with_tools = self.0.with_tools.as_deref().unwrap_or_default();
        self.0.source.contains(text) || with_tools.contains(text)
    }
}

impl Inner {
    fn render(
        &self,
        messages: &[ChatMessage],
        options: &RenderOptions,
        now: u64,
    ) -> Result<Vec<PromptPart>, Failure> {
        let source = match &self.with_tools {
            Some(with_tools) if !options.tools.is_empty() => with_tools,
            _ => &self.source,
        };
        let template = source::parse(source)?;
        let conversation = Conversation {
            messages,
            options,
            tokens: [("bos_token", &self.bos), ("eos_token", &self.eos)],
            reasoning: source.contains("reasoning_content"),
            reads_parts: ["'text'", "\"text\"", ".text"]
                .iter()
                .any(|name| source.contains(name)),
            now,
        };
        conversation.render(&template).map(text::Text::into_parts)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let reason = failure.to_string().chars().take(MAX_REASON).collect();
        Self::ChatTemplate { reason }
    }
}

/// Runs `job` on a thread with a large stack; a panic becomes an error.
fn apart<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T> {
    let panicked = || Failure::error("it makes its reader panic");
    let work = move || catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(panicked()));
    let thread = std::thread::Builder::new()
        .name("chat-template".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work);
    let thread = thread.map_err(|error| Failure::error(error.to_string()))?;
    let result = thread.join().unwrap_or_else(|_| Err(panicked()));
    Ok(result?)
}
