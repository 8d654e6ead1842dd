//! From a branch of a chat's tree to the conversation that the engine answers.

use wick_engine::process::protocol::{ChatMessage, Role};

use super::Message;

/// The turns that the engine is given, and which messages of the branch they came from.
pub(super) struct Conversation {
    /// The system prompt first, then the branch.
    pub turns: Vec<ChatMessage>,
    /// For each turn of the branch, how many messages lie before it.
    begins: Vec<u32>,
}

impl Conversation {
    /// How many messages of the branch the first so many of its turns are made of.
    pub(super) fn messages_in(&self, turns: u32) -> u32 {
        let next = self.begins.get(turns as usize).or(self.begins.last());
        next.copied().unwrap_or_default()
    }
}

/// The conversation. Replies that never came are left out, and what the user wrote on either side of one becomes a
/// single turn, since templates want turns to alternate.
pub(super) fn conversation(system_prompt: &str, branch: &[Message]) -> Conversation {
    let mut turns: Vec<ChatMessage> = Vec::new();
    let mut begins = Vec::new();
    if !system_prompt.trim().is_empty() {
        turns.push(ChatMessage::new(Role::System, system_prompt.trim()));
    }
    for (before, message) in branch.iter().enumerate() {
        if message.content.trim().is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some(last) if last.role == message.role => {
                last.content.push_str("\n\n");
                last.content.push_str(&message.content);
            }
            _ => {
                begins.push(before as u32);
                turns.push(ChatMessage {
                    reasoning: Some(message.reasoning.clone()).filter(|text| !text.is_empty()),
                    ..ChatMessage::new(message.role, message.content.clone())
                });
            }
        }
    }
    Conversation { turns, begins }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::MessageStatus;

    fn message(role: Role, content: &str) -> Message {
        Message {
            id: 0,
            chat_id: 0,
            parent_id: None,
            role,
            content: content.into(),
            reasoning: String::new(),
            status: MessageStatus::Complete,
            created_at_ms: 0,
            model_name: None,
            stats: None,
            error: None,
        }
    }

    #[test]
    fn turns_alternate_even_where_a_reply_never_came() {
        let branch = [
            message(Role::User, "one"),
            message(Role::Assistant, ""),
            message(Role::User, "two"),
            message(Role::Assistant, "half a rep"),
            message(Role::User, "three"),
        ];
        let conversation = conversation(" be brief ", &branch);
        assert_eq!(
            [0, 1, 2, 9].map(|n| conversation.messages_in(n)),
            [0, 3, 4, 4]
        );
        let turns: Vec<_> = conversation
            .turns
            .into_iter()
            .map(|turn| (turn.role, turn.content))
            .collect();
        assert_eq!(
            turns,
            [
                (Role::System, "be brief".into()),
                (Role::User, "one\n\ntwo".into()),
                (Role::Assistant, "half a rep".into()),
                (Role::User, "three".into()),
            ]
        );
    }

    #[test]
    fn thoughts_go_with_the_answer_they_came_before_and_never_alone() {
        let thought = |content: &str| Message {
            reasoning: "hm".into(),
            ..message(Role::Assistant, content)
        };
        let branch = [
            message(Role::User, "one"),
            thought("answer"),
            message(Role::User, "two"),
            thought(""),
            message(Role::User, "three"),
        ];
        let turns = conversation("", &branch).turns;
        let reasoning: Vec<_> = turns.iter().map(|turn| turn.reasoning.as_deref()).collect();
        assert_eq!(reasoning, [None, Some("hm"), None]);
    }
}
