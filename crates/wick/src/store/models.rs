//! The list of models on disk. They lie beside the database, named by the sha256 that is their id here.

use rusqlite::Row;
use wick_engine::process::protocol::ModelInfo;

use super::Store;
use crate::Result;

/// One row of the library.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRow {
    /// sha256 in hex: of the file, or of the names and sha256s of several.
    pub id: String,
    /// What its header says.
    pub info: ModelInfo,
    /// Size of all its files.
    pub size_bytes: u64,
    /// When it came into the library.
    pub added_at_ms: i64,
}

impl Store {
    /// All models, oldest first.
    pub fn models(&self) -> Result<Vec<ModelRow>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, info, size_bytes, added_at_ms FROM models ORDER BY added_at_ms, id",
        )?;
        let rows = statement.query_map([], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds the model, or renews what its header says.
    pub fn save_model(&self, model: &ModelRow) -> Result<()> {
        self.lock()
            .prepare_cached(
                "INSERT INTO models (id, info, size_bytes, added_at_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET info = excluded.info, size_bytes = excluded.size_bytes",
            )?
            .execute((
                &model.id,
                super::messages::to_json(&model.info)?,
                model.size_bytes as i64,
                model.added_at_ms,
            ))?;
        Ok(())
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<ModelRow> {
    Ok(ModelRow {
        id: row.get(0)?,
        info: super::messages::from_json(row, 1)?,
        size_bytes: row.get::<_, i64>(2)?.max(0) as u64,
        added_at_ms: row.get(3)?,
    })
}
