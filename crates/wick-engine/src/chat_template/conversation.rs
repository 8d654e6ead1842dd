//! A conversation as templates want it, and the ways to tell it to a template that refuses the plain one.

use std::borrow::Cow;

use minijinja::machinery::ast::Stmt;
use serde_json::Value as Json;

use super::{
    budget::Budget, expression::plain, failure::Failure, run::Run, text::Text, value::Value,
};
use crate::process::protocol::{ChatMessage, RenderOptions, Role};

/// The source of tools; a message's source is its position.
const TOOLS: u32 = u32::MAX;

pub(super) struct Conversation<'c> {
    pub messages: &'c [ChatMessage],
    pub options: &'c RenderOptions,
    pub tokens: [(&'static str, &'c String); 2],
    /// Whether the template asks for what the model thought.
    pub reasoning: bool,
    /// Whether the template knows contents that are lists of parts.
    pub reads_parts: bool,
    /// Seconds since 1970.
    pub now: u64,
}

/// A way to tell a conversation.
#[derive(Clone, Copy, Default)]
struct Telling {
    /// Neighbours of the same role as one message.
    merged: bool,
    /// The system's text in front of the user's first.
    folded: bool,
    /// Contents as lists of parts, each with its type.
    typed: bool,
}

impl Conversation<'_> {
    /// The first telling that the template takes without leaving out a text it must not.
    pub fn render(&self, template: &Stmt<'_>) -> Result<Text, Failure> {
        let mut incomplete = None;
        let mut refusal = None;
        for telling in self.tellings() {
            match self.tell(template, telling) {
                Ok((text, true)) => return Ok(text),
                Ok((text, false)) => incomplete = incomplete.or(Some(text)),
                Err(budget @ Failure::Budget(_)) => return Err(budget),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match (incomplete, refusal) {
            (Some(text), _) => Ok(text),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(Text::default()),
        }
    }

    /// The ways to tell this conversation, the plainest first.
    fn tellings(&self) -> impl Iterator<Item = Telling> + use<> {
        let system = self
            .messages
            .first()
            .is_some_and(|m| m.role == Role::System);
        let mut pairs = self.messages.windows(2);
        let neighbours = pairs.any(|pair| pair[0].role == pair[1].role);
        let parts = self.reads_parts;
        let all = [
            (false, false, false),
            (true, false, false),
            (false, false, true),
            (false, true, false),
            (true, true, false),
            (true, true, true),
        ];
        let tellings = all.map(|(merged, folded, typed)| Telling {
            merged,
            folded,
            typed,
        });
        let applies = move |telling: &Telling| {
            (!telling.merged || neighbours || telling.typed)
                && (!telling.folded || system || telling.typed)
                && (!telling.typed || parts)
        };
        tellings.into_iter().filter(applies)
    }

    /// Renders one telling, and says whether the system's text and the last message are in it.
    fn tell(&self, template: &Stmt<'_>, telling: Telling) -> Result<(Text, bool), Failure> {
        let mut messages = Cow::Borrowed(self.messages);
        if telling.folded {
            fold_system(messages.to_mut());
        }
        if telling.merged {
            merge_neighbours(messages.to_mut());
        }
        let input: usize = messages.iter().map(size_of_message).sum();
        let tools: usize = self.options.tools.iter().map(size_of_json).sum();
        let budget = Budget::new(input + tools);
        let text = Run::template(
            template,
            self.variables(&messages, telling, &budget)?,
            self.now,
            &budget,
        )?;
        let there = |(at, message): (usize, &ChatMessage)| {
            message.content.trim().is_empty() || text.stems_from(at as u32)
        };
        let mut must = messages.iter().enumerate();
        let complete = must.next_back().is_none_or(there)
            && must
                .filter(|(_, message)| message.role == Role::System)
                .all(there);
        Ok((text, complete))
    }

    fn variables<'a>(
        &self,
        messages: &[ChatMessage],
        telling: Telling,
        budget: &Budget,
    ) -> Result<Vec<(&'a str, Value<'a>)>, Failure> {
        let told = messages
            .iter()
            .enumerate()
            .map(|(at, message)| self.message(message, at as u32, telling, budget));
        let messages = Value::list(told.collect::<Result<_, _>>()?, budget)?;
        let tools = self
            .options
            .tools
            .iter()
            .map(|tool| Value::from_json(tool, TOOLS, budget));
        let tools = match self.options.tools.is_empty() {
            true => Value::None,
            false => Value::list(tools.collect::<Result<_, _>>()?, budget)?,
        };
        let mut variables = vec![
            ("messages", messages),
            ("tools", tools),
            ("documents", Value::None),
            ("add_generation_prompt", Value::Bool(true)),
        ];
        variables.extend(self.tokens.map(|(name, token)| (name, plain(token))));
        if let Some(thinking) = self.options.enable_thinking {
            variables.push(("enable_thinking", Value::Bool(thinking)));
        }
        Ok(variables)
    }

    fn message<'a>(
        &self,
        message: &ChatMessage,
        source: u32,
        telling: Telling,
        budget: &Budget,
    ) -> Result<Value<'a>, Failure> {
        let text = |text: &str| Value::text(Text::of_source(text, source), budget);
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        let mut content = text(&message.content)?;
        if telling.typed {
            let part = vec![(plain("type"), plain("text")), (plain("text"), content)];
            content = Value::list(vec![Value::map(part, budget)?], budget)?;
        }
        let mut entries = vec![(plain("role"), plain(role)), (plain("content"), content)];
        let reasoning = message.reasoning.as_ref().filter(|_| self.reasoning);
        for (name, value) in [
            ("name", &message.name),
            ("tool_call_id", &message.tool_call_id),
            ("reasoning_content", &reasoning.cloned()),
        ] {
            if let Some(value) = value {
                entries.push((plain(name), text(value)?));
            }
        }
        if !message.tool_calls.is_empty() {
            let calls = message
                .tool_calls
                .iter()
                .map(|call| Value::from_json(&with_parsed_arguments(call), source, budget));
            let calls = Value::list(calls.collect::<Result<_, _>>()?, budget)?;
            entries.push((plain("tool_calls"), calls));
        }
        Value::map(entries, budget)
    }
}

/// Templates write the arguments of a call as JSON themselves; programs send them as text that is JSON.
fn with_parsed_arguments(call: &Json) -> Json {
    let mut call = call.clone();
    if let Some(arguments) = call.pointer_mut("/function/arguments")
        && let Some(Ok(parsed @ Json::Object(_))) = arguments.as_str().map(serde_json::from_str)
    {
        *arguments = parsed;
    }
    call
}

fn fold_system(messages: &mut Vec<ChatMessage>) {
    if messages
        .first()
        .is_none_or(|message| message.role != Role::System)
    {
        return;
    }
    let system = messages.remove(0).content;
    match messages
        .iter_mut()
        .find(|message| message.role == Role::User)
    {
        Some(user) => user.content = format!("{system}\n\n{}", user.content),
        None => messages.insert(0, ChatMessage::new(Role::User, system)),
    }
}

fn merge_neighbours(messages: &mut Vec<ChatMessage>) {
    messages.dedup_by(|next, message| {
        let plain = |m: &ChatMessage| m.role != Role::Tool && m.tool_calls.is_empty();
        let same = next.role == message.role && plain(next) && plain(message);
        if same {
            message.content = format!("{}\n\n{}", message.content, next.content);
            message.reasoning = next.reasoning.take().or(message.reasoning.take());
        }
        same
    });
}

fn size_of_message(message: &ChatMessage) -> usize {
    let calls: usize = message.tool_calls.iter().map(size_of_json).sum();
    message.content.len() + message.reasoning.as_ref().map_or(0, String::len) + calls + 64
}

fn size_of_json(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len() + 8,
        Json::Array(items) => 8 + items.iter().map(size_of_json).sum::<usize>(),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| key.len() + 8 + size_of_json(value));
            8 + entries.sum::<usize>()
        }
        _ => 8,
    }
}
