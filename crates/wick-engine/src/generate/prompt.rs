//! A conversation as tokens that fit the context: where it is too long, the oldest turns leave whole.

use super::Session;
use crate::{
    Error, Result,
    chat_template::PromptPart,
    process::protocol::{ChatMessage, GenerateRequest, Role},
};

/// Room kept for an answer whose length is not limited.
const USUAL_ANSWER_TOKENS: u32 = 512;

/// A prompt that fits.
pub(super) struct Prompt {
    pub tokens: Vec<u32>,
    /// The same as the template wrote it.
    pub parts: Vec<PromptPart>,
    /// Messages that left the front of the conversation.
    pub dropped_messages: u32,
}

impl Session {
    /// The prompt's tokens; whole turns leave from the front until it fits, the system message never.
    pub(super) fn fit_prompt(&self, request: &GenerateRequest) -> Result<Prompt> {
        let template = self.template.as_ref().ok_or(Error::NoChatTemplate)?;
        let is_blank = |message: &ChatMessage| message.content.trim().is_empty();
        if request.messages.last().is_none_or(is_blank) {
            return Err(Error::EmptyPrompt);
        }
        let context = self.info.context_length;
        let wanted = request.max_tokens.unwrap_or(USUAL_ANSWER_TOKENS);
        let available = context - wanted.min(context / 4);
        let mut options = request.render.clone();
        if request.constraint.is_some() {
            // A constraint holds from the first token on: there is no room for thoughts.
            options.enable_thinking.get_or_insert(false);
        }
        let mut messages = request.messages.clone();
        let is_system = |message: &&ChatMessage| message.role == Role::System;
        let first = messages.iter().take_while(is_system).count();
        let mut dropped_messages = 0;
        loop {
            let parts = template.render(&messages, &options)?;
            let tokens = self.tokenizer.encode_prompt(&parts)?;
            if tokens.len() <= available as usize && !tokens.is_empty() {
                return Ok(Prompt {
                    tokens,
                    parts,
                    dropped_messages,
                });
            }
            // A turn is what the user said and what was answered: up to the next user message.
            let turns = messages[first..].iter().skip(1);
            match turns
                .into_iter()
                .position(|message| message.role == Role::User)
            {
                Some(end) => {
                    messages.drain(first..first + end + 1);
                    dropped_messages += end as u32 + 1;
                }
                None => {
                    return Err(Error::PromptTooLong {
                        needed: tokens.len() as u32,
                        available,
                    });
                }
            }
        }
    }
}
