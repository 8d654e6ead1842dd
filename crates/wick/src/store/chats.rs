//! Chats: their list, titles, drafts, and a trash from which a deleted one can come back.

use rusqlite::{OptionalExtension, Row};

use super::{Store, now_ms};
use crate::{Error, Result, chat::ChatSummary};

const SUMMARY: &str = "SELECT id, title, updated_at_ms FROM chats";

/// How long a deleted chat can still be brought back.
const TRASH_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Store {
    /// Chats newest first; with a query, those whose title or messages contain it.
    pub fn chats(&self, query: Option<&str>) -> Result<Vec<ChatSummary>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "{SUMMARY} WHERE deleted_at_ms IS NULL AND (?1 = '%%' OR title LIKE ?1 ESCAPE '\\'
                 OR EXISTS (SELECT 1 FROM messages WHERE chat_id = chats.id AND content LIKE ?1 ESCAPE '\\'))
             ORDER BY updated_at_ms DESC, id DESC"
        ))?;
        let rows = statement.query_map([like_pattern(query.unwrap_or_default())], summary)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One chat that is not in the trash.
    pub fn chat(&self, id: i64) -> Result<ChatSummary> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!(
            "{SUMMARY} WHERE id = ?1 AND deleted_at_ms IS NULL"
        ))?;
        let found = statement.query_row([id], summary).optional()?;
        found.ok_or_else(|| not_found(id))
    }

    /// The leaf of the branch last shown, and the unsent text.
    pub fn chat_position(&self, id: i64) -> Result<(Option<i64>, String)> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT active_leaf_id, draft FROM chats WHERE id = ?1")?;
        let found = statement
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found.ok_or_else(|| not_found(id))
    }

    /// Gives the chat a title of the user's.
    pub fn rename_chat(&self, id: i64, title: &str) -> Result<()> {
        self.change_chat(id, "UPDATE chats SET title = ?2 WHERE id = ?1", title)
    }

    /// Keeps text that was typed and not sent.
    pub fn save_draft(&self, id: i64, draft: &str) -> Result<()> {
        self.change_chat(id, "UPDATE chats SET draft = ?2 WHERE id = ?1", draft)
    }

    /// Remembers which branch is shown.
    pub fn select_leaf(&self, id: i64, leaf: i64) -> Result<()> {
        self.change_chat(
            id,
            "UPDATE chats SET active_leaf_id = ?2 WHERE id = ?1
             AND EXISTS (SELECT 1 FROM messages WHERE id = ?2 AND chat_id = ?1)",
            leaf,
        )
    }

    /// Moves the chat to the trash.
    pub fn delete_chat(&self, id: i64) -> Result<()> {
        let sql = "UPDATE chats SET deleted_at_ms = ?2 WHERE id = ?1 AND deleted_at_ms IS NULL";
        self.change_chat(id, sql, now_ms())
    }

    /// Brings the chat back from the trash.
    pub fn restore_chat(&self, id: i64) -> Result<()> {
        let sql = "UPDATE chats SET deleted_at_ms = ?2 WHERE id = ?1";
        self.change_chat(id, sql, None::<i64>)
    }

    /// Forgets chats that were deleted long ago.
    pub fn empty_trash(&self) -> Result<()> {
        self.lock().execute(
            "DELETE FROM chats WHERE deleted_at_ms < ?1",
            [now_ms() - TRASH_MS],
        )?;
        Ok(())
    }

    fn change_chat(&self, id: i64, sql: &str, value: impl rusqlite::ToSql) -> Result<()> {
        match self.lock().prepare_cached(sql)?.execute((id, value))? {
            0 => Err(not_found(id)),
            _ => Ok(()),
        }
    }
}

fn not_found(id: i64) -> Error {
    Error::NotFound {
        what: "chat",
        id: id.to_string(),
    }
}

fn summary(row: &Row<'_>) -> rusqlite::Result<ChatSummary> {
    Ok(ChatSummary {
        id: row.get(0)?,
        title: row.get(1)?,
        updated_at_ms: row.get(2)?,
    })
}

/// `LIKE` pattern that finds `text` literally.
fn like_pattern(text: &str) -> String {
    let escaped = text
        .trim()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}
