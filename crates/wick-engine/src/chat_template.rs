//! The chat template of a model: Jinja from the file, which is as untrusted as the file. It is rendered with
//! bounds on time and size, and what comes out is told apart into the template's text and the messages'.

mod split;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use minijinja::{AutoEscape, Environment, ErrorKind, Value, context, syntax::SyntaxConfig};

use crate::process::protocol::{ChatMessage, Role};
use crate::{Error, Result, gguf::ValidatedGguf, tokenizer::Tokenizer};

/// Longest template.
const MAX_SOURCE_BYTES: usize = 256 << 10;
/// Instructions (and units of 64 bytes of data) a rendering may use.
const FUEL: u64 = 10_000_000;
/// How long all renderings of one conversation may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);
const STACK_BYTES: usize = 64 << 20;

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
    bos: String,
    eos: String,
    /// Texts of the tokens that only the template may write.
    special: Vec<String>,
}

impl ChatTemplate {
    /// The template in the header.
    pub fn from_gguf(gguf: &ValidatedGguf, tokenizer: &Tokenizer) -> Result<Self> {
        let source = gguf.metadata().str("tokenizer.chat_template")?;
        let source = source.ok_or(Error::NoChatTemplate)?.to_owned();
        let special = tokenizer.special_texts().map(str::to_owned).collect();
        Self::new(source, tokenizer.bos_text(), tokenizer.eos_text(), special)
    }

    fn new(source: String, bos: &str, eos: &str, special: Vec<String>) -> Result<Self> {
        if source.len() > MAX_SOURCE_BYTES {
            let reason = format!(
                "it has {} bytes; Wick takes {MAX_SOURCE_BYTES}",
                source.len()
            );
            return Err(Error::ChatTemplate { reason });
        }
        let inner = Arc::new(Inner {
            source,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            special,
        });
        let job = Arc::clone(&inner);
        apart(move || job.environment().map(|_| ()))?;
        Ok(Self(inner))
    }

    /// The prompt that asks the model to answer `messages`. Where the template refuses a system message,
    /// its text goes in front of the first message of the user.
    pub fn render(&self, messages: &[ChatMessage]) -> Result<Vec<PromptPart>> {
        let (inner, messages) = (Arc::clone(&self.0), messages.to_vec());
        apart(move || inner.render(&messages))
    }
}

/// Runs `job` on a thread with a large stack; panics and lateness become errors.
fn apart<T: Send + 'static>(job: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let result = catch_unwind(AssertUnwindSafe(job));
        // Nobody waits for a result that came too late.
        let _ = sender.send(result.unwrap_or_else(|_| Err("it panicked".to_owned())));
    };
    std::thread::Builder::new()
        .name("chat-template".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|error| error.to_string())
        .and_then(|_| {
            receiver
                .recv_timeout(TIME_LIMIT)
                .unwrap_or_else(|_| Err("it takes too long".to_owned()))
        })
        .map_err(|reason| Error::ChatTemplate { reason })
}

impl Inner {
    fn render(&self, messages: &[ChatMessage]) -> Result<Vec<PromptPart>, String> {
        self.render_parts(messages).or_else(|error| match messages {
            [system, rest @ ..] if system.role == Role::System => {
                self.render_parts(&without_system(&system.content, rest))
            }
            _ => Err(error),
        })
    }

    fn render_parts(&self, messages: &[ChatMessage]) -> Result<Vec<PromptPart>, String> {
        let contents: Vec<&str> = messages.iter().map(|m| m.content.as_str()).collect();
        let text = self.render_text(messages, &contents)?;
        let markers = split::Markers::new([random(), random()]);
        let marked: Vec<String> = (0..messages.len()).map(|at| markers.marker(at)).collect();
        let marked: Vec<&str> = marked.iter().map(String::as_str).collect();
        // A template may fail without the real contents; that only makes the parts harder to find.
        let frame = self.render_text(messages, &marked).ok();
        Ok(split::split(
            &text,
            frame.as_deref().map(|f| markers.parse(f)),
            &contents,
            &self.special,
        ))
    }

    fn render_text(&self, messages: &[ChatMessage], contents: &[&str]) -> Result<String, String> {
        let environment = self.environment()?;
        let messages: Vec<Value> = messages
            .iter()
            .zip(contents)
            .map(|(message, content)| context! { role => role(message.role), content => *content })
            .collect();
        let size: usize = contents.iter().map(|content| content.len()).sum();
        let mut output = Capped {
            bytes: Vec::new(),
            limit: 4 * size + (1 << 20),
        };
        let values = context! {
            messages => messages,
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            tools => (),
        };
        environment
            .get_template("chat")
            .and_then(|template| template.render_captured_to(values, &mut output).map(|_| ()))
            .map_err(|error| describe(&error))?;
        String::from_utf8(output.bytes).map_err(|error| error.to_string())
    }

    /// Set up as the `transformers` library does it for chat templates.
    fn environment(&self) -> Result<Environment<'_>, String> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        environment.set_syntax(syntax.map_err(|error| describe(&error))?);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        environment.add_function("raise_exception", |reason: String| -> Result<(), _> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, reason))
        });
        environment.add_function("strftime_now", |format: &str| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            strftime(format, now.map_or(0, |since| since.as_secs()))
        });
        environment
            .add_template("chat", &self.source)
            .map_err(|error| describe(&error))?;
        Ok(environment)
    }
}

fn describe(error: &minijinja::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// The conversation with the system text in front of the first message of the user.
fn without_system(system: &str, rest: &[ChatMessage]) -> Vec<ChatMessage> {
    let mut messages = rest.to_vec();
    match messages
        .iter_mut()
        .find(|message| message.role == Role::User)
    {
        Some(user) => user.content = format!("{system}\n\n{}", user.content),
        None => messages.insert(
            0,
            ChatMessage {
                role: Role::User,
                content: system.to_owned(),
            },
        ),
    }
    messages
}

/// A number nobody can foresee: every `RandomState` has keys of its own.
fn random() -> u64 {
    RandomState::new().hash_one(SystemTime::now())
}

/// Takes so many bytes and no more.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(io::Error::other("its output is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `strftime` for the fields chat templates use, in UTC; others stay as they are.
fn strftime(format: &str, unix_seconds: u64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (days, seconds) = (unix_seconds / 86_400, unix_seconds % 86_400);
    // Years that begin in March, counted from the year 0: the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let name = MONTHS[(month - 1) as usize];

    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(&year.to_string()),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('B') => text.push_str(name),
            Some('b') => text.push_str(&name[..3]),
            Some('H') => text.push_str(&format!("{:02}", seconds / 3600)),
            Some('M') => text.push_str(&format!("{:02}", seconds / 60 % 60)),
            Some('%') | None => text.push('%'),
            Some(other) => text.extend(['%', other]),
        }
    }
    text
}
