//! From a branch of a chat's tree to the conversation that the engine answers.

use wick_engine::process::protocol::{ChatMessage, Role};

use super::Message;

/// The conversation: the system prompt first, then the branch. Replies that never came are left out, and
/// what the user wrote on either side of one becomes a single turn, since templates want turns to alternate.
pub(super) fn conversation(system_prompt: &str, branch: &[Message]) -> Vec<ChatMessage> {
    let mut turns: Vec<ChatMessage> = Vec::new();
    if !system_prompt.trim().is_empty() {
        turns.push(ChatMessage::new(Role::System, system_prompt.trim()));
    }
    for message in branch
        .iter()
        .filter(|message| !message.content.trim().is_empty())
    {
        match turns.last_mut() {
            Some(last) if last.role == message.role => {
                last.content.push_str("\n\n");
                last.content.push_str(&message.content);
            }
            _ => turns.push(ChatMessage::new(message.role, message.content.clone())),
        }
    }
    turns
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
        let turns: Vec<_> = conversation(" be brief ", &branch)
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
}
