//! Messages: a tree by parent id. Nothing is ever edited away; an edit or a new reply is a sibling.

use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use wick_engine::process::protocol::{ReplyStats, Role};

use super::{Store, now_ms};
use crate::{
    AppError, Error, Result,
    chat::{Message, MessageStatus},
};

const COLUMNS: &str = "id, chat_id, parent_id, role, content, status, created_at_ms, model_name, \
     stats, error, reasoning";

/// A message to add below `parent_id`.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// The message it follows; `None` at the beginning of a chat.
    pub parent_id: Option<i64>,
    /// Who wrote it.
    pub role: Role,
    /// What it says so far.
    pub content: &'a str,
    /// Whether it is whole.
    pub status: MessageStatus,
    /// The model that writes it.
    pub model_name: Option<&'a str>,
}

/// What has been written of a reply.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The answer.
    pub content: &'a str,
    /// What the model thought before.
    pub reasoning: &'a str,
}

impl Store {
    /// Makes a chat of one user message, with an empty reply to it, in one commit.
    pub fn start_chat(&self, title: &str, text: &str, model: &str) -> Result<(Message, Message)> {
        self.transact(|connection| {
            connection.execute(
                "INSERT INTO chats (title, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?2)",
                (title, now_ms()),
            )?;
            add_turn(
                connection,
                connection.last_insert_rowid(),
                None,
                text,
                model,
            )
        })
    }

    /// Adds a user message below `parent_id` and an empty reply to it, in one commit. The draft becomes the message.
    pub fn add_turn(
        &self,
        chat_id: i64,
        parent_id: Option<i64>,
        text: &str,
        model: &str,
    ) -> Result<(Message, Message)> {
        self.transact(|connection| {
            connection.execute("UPDATE chats SET draft = '' WHERE id = ?1", [chat_id])?;
            add_turn(connection, chat_id, parent_id, text, model)
        })
    }

    /// Adds one more empty reply to a user message.
    pub fn add_reply(&self, chat_id: i64, parent_id: i64, model: &str) -> Result<Message> {
        self.transact(|connection| add_reply(connection, chat_id, parent_id, model))
    }

    /// One message.
    pub fn message(&self, id: i64) -> Result<Message> {
        read_message(&self.lock(), id)
    }

    /// Every message of a chat, oldest first: all branches.
    pub fn messages(&self, chat_id: i64) -> Result<Vec<Message>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM messages WHERE chat_id = ?1 ORDER BY id"
        ))?;
        let rows = statement.query_map([chat_id], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The messages from the beginning of the chat down to `leaf_id`.
    pub fn branch(&self, leaf_id: i64) -> Result<Vec<Message>> {
        let connection = self.lock();
        // UNION, not UNION ALL: a damaged tree with a ring in it ends too.
        let mut statement = connection.prepare_cached(&format!(
            "WITH RECURSIVE up (message_id) AS (
                 SELECT ?1 UNION
                 SELECT parent_id FROM messages JOIN up ON id = message_id WHERE parent_id IS NOT NULL)
             SELECT {COLUMNS} FROM messages JOIN up ON id = message_id ORDER BY id"
        ))?;
        let rows = statement.query_map([leaf_id], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Saves what has been written of a reply so far.
    pub fn save_partial(&self, id: i64, written: Written<'_>) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE messages SET content = ?2, reasoning = ?3 WHERE id = ?1")?
            .execute((id, written.content, written.reasoning))?;
        Ok(())
    }

    /// Saves how a reply ended, and returns it as it now stands.
    pub fn finish_reply(
        &self,
        id: i64,
        written: Written<'_>,
        status: MessageStatus,
        stats: Option<&ReplyStats>,
        error: Option<&AppError>,
    ) -> Result<Message> {
        self.transact(|connection| {
            connection.execute(
                "UPDATE messages SET content = ?2, reasoning = ?3, status = ?4, stats = ?5, error = ?6
                 WHERE id = ?1",
                (
                    id,
                    written.content,
                    written.reasoning,
                    to_text(&status)?,
                    stats.map(to_json).transpose()?,
                    error.map(to_json).transpose()?,
                ),
            )?;
            connection.execute(
                "UPDATE chats SET updated_at_ms = ?2 WHERE id = (SELECT chat_id FROM messages WHERE id = ?1)",
                (id, now_ms()),
            )?;
            read_message(connection, id)
        })
    }

    /// Marks replies that were being written when Wick last ended.
    pub fn mark_interrupted(&self) -> Result<usize> {
        let changed = self.lock().execute(
            "UPDATE messages SET status = 'interrupted' WHERE status = 'streaming'",
            [],
        )?;
        Ok(changed)
    }

    fn transact<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn add_turn(
    connection: &Connection,
    chat_id: i64,
    parent_id: Option<i64>,
    text: &str,
    model: &str,
) -> Result<(Message, Message)> {
    if let Some(parent) = parent_id
        && read_message(connection, parent)?.chat_id != chat_id
    {
        return Err(message_not_found(parent));
    }
    let user = NewMessage {
        parent_id,
        role: Role::User,
        content: text,
        status: MessageStatus::Complete,
        model_name: None,
    };
    let user = insert(connection, chat_id, &user)?;
    let reply = add_reply(connection, chat_id, user.id, model)?;
    Ok((user, reply))
}

fn add_reply(
    connection: &Connection,
    chat_id: i64,
    parent_id: i64,
    model: &str,
) -> Result<Message> {
    let reply = NewMessage {
        parent_id: Some(parent_id),
        role: Role::Assistant,
        content: "",
        status: MessageStatus::Streaming,
        model_name: Some(model),
    };
    let reply = insert(connection, chat_id, &reply)?;
    connection.execute(
        "UPDATE chats SET updated_at_ms = ?2, active_leaf_id = ?3 WHERE id = ?1",
        (chat_id, now_ms(), reply.id),
    )?;
    Ok(reply)
}

fn insert(connection: &Connection, chat_id: i64, message: &NewMessage<'_>) -> Result<Message> {
    connection.execute(
        "INSERT INTO messages (chat_id, parent_id, role, content, status, created_at_ms, model_name)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            chat_id,
            message.parent_id,
            to_text(&message.role)?,
            message.content,
            to_text(&message.status)?,
            now_ms(),
            message.model_name,
        ),
    )?;
    read_message(connection, connection.last_insert_rowid())
}

fn read_message(connection: &Connection, id: i64) -> Result<Message> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?1"))?;
    let found = statement.query_row([id], read_row).optional()?;
    found.ok_or_else(|| message_not_found(id))
}

fn message_not_found(id: i64) -> Error {
    Error::NotFound {
        what: "message",
        id: id.to_string(),
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        chat_id: row.get(1)?,
        parent_id: row.get(2)?,
        role: from_text(row, 3)?,
        content: row.get(4)?,
        status: from_text(row, 5)?,
        created_at_ms: row.get(6)?,
        model_name: row.get(7)?,
        stats: optional_json(row, 8),
        error: optional_json(row, 9),
        reasoning: row.get(10)?,
    })
}

/// What cannot be read here (a stop reason of another version) is only decoration: absent, not an error.
fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Option<T> {
    let text: Option<String> = row.get(column).ok()?;
    serde_json::from_str(&text?).ok()
}

pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| conversion(column, error))
}

/// Enums are stored by the name they have in JSON, without its quotes.
pub(super) fn from_text<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(text.into()).map_err(|error| conversion(column, error))
}

fn conversion(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

pub(super) fn to_text(value: &impl Serialize) -> Result<String> {
    Ok(to_json(value)?.trim_matches('"').to_owned())
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Internal("a value cannot be stored"))
}
