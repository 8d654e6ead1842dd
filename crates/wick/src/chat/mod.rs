//! Chats: what they are made of, and the path of one message from the keyboard to the saved reply.
//!
//! Messages form a tree: a new try at a reply and an edited question are siblings, so nothing is overwritten.

mod prompt;
mod reply;
mod title;

use serde::{Deserialize, Serialize};
use wick_engine::process::protocol::{ReplyStats, Role};

use crate::AppError;

pub(crate) use reply::RunningReplies;
pub use title::title_from;

/// The name by which the engine knows a chat.
pub(crate) fn conversation_of(chat_id: i64) -> String {
    format!("chat{chat_id}")
}

/// Whether a message is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum MessageStatus {
    /// It is.
    Complete,
    /// It is being written now.
    Streaming,
    /// The user stopped it.
    Stopped,
    /// An error ended it; what was written is kept.
    Failed,
    /// Wick ended while it was being written; what was written is kept.
    Interrupted,
}

/// One node of a chat's tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Message {
    /// Its id.
    pub id: i64,
    /// The chat it belongs to.
    pub chat_id: i64,
    /// The message it follows.
    pub parent_id: Option<i64>,
    /// Who wrote it.
    pub role: Role,
    /// What it says.
    pub content: String,
    /// What the model thought before it said it; empty where it did not.
    pub reasoning: String,
    /// Whether it is whole.
    pub status: MessageStatus,
    /// When it was begun.
    pub created_at_ms: i64,
    /// The model that wrote it.
    pub model_name: Option<String>,
    /// How the reply went.
    pub stats: Option<ReplyStats>,
    /// What ended the reply.
    pub error: Option<AppError>,
}

/// A chat in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct ChatSummary {
    /// Its id.
    pub id: i64,
    /// From its first message, or the user's own.
    pub title: String,
    /// When something was last written in it.
    pub updated_at_ms: i64,
}

/// A chat that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Chat {
    /// Its entry in the list.
    pub summary: ChatSummary,
    /// Every message of every branch, oldest first.
    pub messages: Vec<Message>,
    /// The leaf of the branch that was last shown.
    pub active_leaf_id: Option<i64>,
    /// Text typed and not sent.
    pub draft: String,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct SendRequest {
    /// The chat; `None` starts a new one.
    pub chat_id: Option<i64>,
    /// The message it follows; `None` at the beginning of the chat.
    pub parent_id: Option<i64>,
    /// What the user wrote.
    pub text: String,
}

/// What is on disk once a message is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct SendReceipt {
    /// The chat.
    pub chat: ChatSummary,
    /// The user's message; `None` where only a new reply was asked for.
    pub user_message: Option<Message>,
    /// The reply, still empty.
    pub reply: Message,
}

/// How a reply comes along. The last event is always `Finished`, whatever happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum ReplyEvent {
    /// In line, behind another reply or a model that is being loaded.
    Waiting,
    /// The model is being loaded.
    Loading {
        /// 0 to 1.
        fraction: f32,
    },
    /// The prompt is being read.
    Reading {
        /// Tokens read.
        processed: u32,
        /// Tokens in all.
        total: u32,
        /// Tokens that needed no reading.
        reused: u32,
        /// Messages left out for the rest to fit.
        dropped_messages: u32,
    },
    /// More of what the model thinks before it answers.
    Reasoning {
        /// To append.
        text: String,
    },
    /// More of the reply.
    Text {
        /// To append.
        text: String,
    },
    /// The reply ended and is saved.
    Finished {
        /// As it was saved.
        message: Message,
    },
}
