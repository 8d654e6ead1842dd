//! `wick run`: one answer, or a chat in the terminal. Standard output carries the reply alone.

use std::io::{IsTerminal, Read, Write};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use wick::{Error, Result, runtime::Runtime};
use wick_engine::{
    process::protocol::{ChatMessage, Event, GenerateRequest, ReplyStats, Role, StopReason},
    sampling::SamplingParams,
};

use crate::arguments::RunOptions;

/// Answers the prompt, what stands on standard input, or a person.
pub async fn run(options: RunOptions, as_json: bool) -> Result<()> {
    let sampling = options.sampling.params();
    sampling.validate()?;
    let prompt = match &options.prompt {
        Some(prompt) => Some(prompt.clone()),
        None if std::io::stdin().is_terminal() => None,
        None => Some(read_standard_input()?),
    };
    if prompt
        .as_ref()
        .is_some_and(|prompt| prompt.trim().is_empty())
    {
        return Err(Error::EmptyMessage);
    }
    let (runtime, report) = super::loaded(&options.model).await?;
    let mut conversation = Conversation {
        runtime,
        sampling,
        max_tokens: options.max_tokens,
        messages: Vec::new(),
    };
    if let Some(system) = options.system {
        conversation.push(Role::System, system);
    }
    match prompt {
        Some(prompt) => {
            let stats = conversation.answer(prompt, !as_json).await?;
            let reply = conversation
                .messages
                .last()
                .map(|message| message.content.trim());
            match as_json {
                true => println!(
                    "{}",
                    json!({ "reply": reply, "stats": stats, "model": report.model })
                ),
                false => println!(),
            }
            match stats.stop_reason {
                StopReason::Cancelled => Err(Error::Cancelled),
                _ => Ok(()),
            }
        }
        None => {
            eprintln!(
                "{} {}. Ctrl-C stops a reply, Ctrl-D leaves.",
                report.model.name, report.model.quantization
            );
            chat(&mut conversation, as_json).await
        }
    }
}

async fn chat(conversation: &mut Conversation, as_json: bool) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        eprint!("> ");
        std::io::stderr().flush().ok();
        let line = tokio::select! {
            line = lines.next_line() => line.ok().flatten(),
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(line) = line else {
            eprintln!();
            return Ok(());
        };
        if line.trim().is_empty() {
            continue;
        }
        // A failure ends this reply, not the chat, unless the engine itself is gone.
        match conversation.answer(line, !as_json).await {
            Ok(stats) if as_json => {
                let reply = conversation
                    .messages
                    .last()
                    .map(|message| message.content.trim());
                println!("{}", json!({ "reply": reply, "stats": stats }));
            }
            Ok(stats) => eprintln!("\n[{}]", describe(&stats)),
            Err(error @ Error::EngineCrashed { .. }) => return Err(error),
            Err(error) => eprintln!("\nwick: {error}"),
        }
    }
}

struct Conversation {
    runtime: Runtime,
    sampling: SamplingParams,
    max_tokens: Option<u32>,
    messages: Vec<ChatMessage>,
}

impl Conversation {
    fn push(&mut self, role: Role, content: String) {
        self.messages.push(ChatMessage::new(role, content));
    }

    /// Adds the prompt and its reply. The first Ctrl-C stops the reply, the second leaves.
    async fn answer(&mut self, prompt: String, show: bool) -> Result<ReplyStats> {
        self.push(Role::User, prompt);
        let request = GenerateRequest {
            messages: self.messages.clone(),
            sampling: self.sampling.clone(),
            max_tokens: self.max_tokens,
            ..GenerateRequest::default()
        };
        let mut work = self.runtime.generate(request).await?;
        let (mut reply, mut stopped) = (String::new(), false);
        let result = loop {
            tokio::select! {
                event = work.next() => match event {
                    Ok(Event::Text { text, .. }) => {
                        if show {
                            // What comes first is often a space: it belongs to no reply.
                            let text = if reply.is_empty() { text.trim_start() } else { &text };
                            print!("{text}");
                            std::io::stdout().flush().ok();
                        }
                        reply.push_str(if reply.is_empty() { text.trim_start() } else { &text });
                    }
                    Ok(Event::Finished { stats, .. }) => break Ok(stats),
                    Ok(_) => {}
                    Err(error) => break Err(error),
                },
                _ = tokio::signal::ctrl_c() => {
                    if stopped {
                        break Err(Error::Cancelled);
                    }
                    stopped = true;
                    work.cancel();
                }
            }
        };
        self.push(Role::Assistant, reply);
        result
    }
}

fn read_standard_input() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Error::file("standard input".as_ref(), &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn describe(stats: &ReplyStats) -> String {
    format!(
        "{:.1} tokens/s, {} tokens, first token after {:.2} s",
        stats.decode_tokens_per_second,
        stats.reply_tokens,
        f64::from(stats.time_to_first_token_ms) / 1000.0
    )
}
