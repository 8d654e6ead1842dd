//! `wick run`: one answer, or a chat in the terminal. Standard output carries the reply alone.

use std::{
    io::{IsTerminal, Read},
    path::Path,
};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use wick::{Error, Result, runtime::Runtime};
use wick_engine::{
    constraint::Constraint,
    process::protocol::{
        ChatMessage, Event, GenerateRequest, ModelInfo, RenderOptions, ReplyStats, Role,
        StopReason, TokenLogprob,
    },
};

use crate::arguments::{ConstraintOptions, RunOptions};

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
    let constraint = constraint(&options.constraint)?;
    let (runtime, report) = super::loaded(&options.model).await?;
    let mut conversation = Conversation {
        runtime,
        request: GenerateRequest {
            sampling,
            max_tokens: options.max_tokens,
            stop: options.stop,
            constraint,
            logprobs: options.logprobs.filter(|_| as_json),
            render: RenderOptions {
                enable_thinking: options.thinking,
                ..RenderOptions::default()
            },
            ..GenerateRequest::default()
        },
    };
    if let Some(system) = options.system {
        conversation.push(Role::System, system);
    }
    match prompt {
        Some(prompt) => {
            let reply = conversation.answer(prompt, !as_json).await?;
            match as_json {
                true => outln!("{}", reply.to_json(Some(&report.model))),
                false => outln!(),
            }
            match reply.stats.stop_reason {
                StopReason::Cancelled => Err(Error::Cancelled),
                _ => Ok(()),
            }
        }
        None => {
            errln!(
                "{} {}. Ctrl-C stops a reply, Ctrl-D leaves.",
                report.model.name,
                report.model.quantization
            );
            chat(&mut conversation, as_json).await
        }
    }
}

async fn chat(conversation: &mut Conversation, as_json: bool) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        err!("> ");
        let line = tokio::select! {
            line = lines.next_line() => line.ok().flatten(),
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(line) = line else {
            errln!();
            return Ok(());
        };
        if line.trim().is_empty() {
            continue;
        }
        // A failure ends this reply, not the chat, unless the engine itself is gone.
        match conversation.answer(line, !as_json).await {
            Ok(reply) if as_json => outln!("{}", reply.to_json(None)),
            Ok(reply) => errln!("\n[{}]", describe(&reply.stats)),
            Err(error @ Error::EngineCrashed { .. }) => return Err(error),
            Err(error) => errln!("\nwick: {error}"),
        }
    }
}

struct Conversation {
    runtime: Runtime,
    /// What is asked for next: the messages so far, and how to answer.
    request: GenerateRequest,
}

struct Reply {
    text: String,
    reasoning: String,
    tokens: Vec<TokenLogprob>,
    stats: ReplyStats,
}

impl Reply {
    fn to_json(&self, model: Option<&ModelInfo>) -> serde_json::Value {
        let mut object = json!({ "reply": self.text.trim(), "stats": self.stats });
        if !self.reasoning.is_empty() {
            object["reasoning"] = self.reasoning.as_str().into();
        }
        if !self.tokens.is_empty() {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let tokens = self.tokens.iter().map(|token| {
                let top = token.top.iter();
                let top =
                    top.map(|(bytes, logprob)| json!({ "text": text(bytes), "logprob": logprob }));
                json!({
                    "text": text(&token.bytes),
                    "logprob": token.logprob,
                    "top": top.collect::<Vec<_>>(),
                })
            });
            object["tokens"] = tokens.collect();
        }
        if let Some(model) = model {
            object["model"] = json!(model);
        }
        object
    }
}

impl Conversation {
    fn push(&mut self, role: Role, content: String) {
        self.request.messages.push(ChatMessage::new(role, content));
    }

    /// Adds the prompt and its reply. The first Ctrl-C stops the reply, the second leaves.
    async fn answer(&mut self, prompt: String, show: bool) -> Result<Reply> {
        self.push(Role::User, prompt);
        let mut work = self.runtime.generate(self.request.clone()).await?;
        let (mut text, mut reasoning, mut tokens) = (String::new(), String::new(), Vec::new());
        let mut stopped = false;
        let result = loop {
            tokio::select! {
                event = work.next() => match event {
                    Ok(Event::Text { text: more, .. }) => {
                        // What comes first is often a space: it belongs to no reply.
                        let more = if text.is_empty() { more.trim_start() } else { &more };
                        if show {
                            if text.is_empty() && !reasoning.is_empty() {
                                errln!("\n");
                            }
                            out!("{more}");
                        }
                        text.push_str(more);
                    }
                    Ok(Event::Reasoning { text: more, .. }) => {
                        // Not on standard output: that carries the reply alone.
                        if show {
                            err!("{more}");
                        }
                        reasoning.push_str(&more);
                    }
                    Ok(Event::Token { token, .. }) => tokens.push(token),
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
        self.push(Role::Assistant, text.clone());
        Ok(Reply {
            text,
            reasoning,
            tokens,
            stats: result?,
        })
    }
}

fn constraint(options: &ConstraintOptions) -> Result<Option<Constraint>> {
    let read =
        |path: &Path| std::fs::read_to_string(path).map_err(|error| Error::file(path, &error));
    if let Some(schema) = &options.json_schema {
        let text = match schema.trim_start().starts_with(['{', 't']) {
            true => schema.clone(),
            false => read(Path::new(schema))?,
        };
        let schema = serde_json::from_str(&text).map_err(|error| {
            let reason = format!("the schema is not JSON: {error}");
            wick_engine::Error::InvalidConstraint { reason }
        })?;
        return Ok(Some(Constraint::JsonSchema(schema)));
    }
    if let Some(regex) = &options.regex {
        return Ok(Some(Constraint::Regex(regex.clone())));
    }
    match &options.grammar {
        Some(path) => Ok(Some(Constraint::Grammar(read(path)?))),
        None => Ok(None),
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
