//! Small JSON documents by name: the settings, and the draft of a chat that does not exist yet.

use rusqlite::OptionalExtension;

use super::Store;
use crate::Result;

impl Store {
    /// The document, or `None` where it was never saved.
    pub fn document(&self, name: &str) -> Result<Option<String>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT content FROM documents WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Saves the document in place of the one before.
    pub fn save_document(&self, name: &str, content: &str) -> Result<()> {
        self.lock()
            .prepare_cached("INSERT OR REPLACE INTO documents (name, content) VALUES (?1, ?2)")?
            .execute([name, content])?;
        Ok(())
    }

    /// Saves several, and removes those without content, in one commit.
    pub fn save_documents(&self, documents: &[(&str, Option<String>)]) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for (name, content) in documents {
            match content {
                Some(content) => transaction.execute(
                    "INSERT OR REPLACE INTO documents (name, content) VALUES (?1, ?2)",
                    [name, content.as_str()],
                )?,
                None => transaction.execute("DELETE FROM documents WHERE name = ?1", [name])?,
            };
        }
        Ok(transaction.commit()?)
    }
}
