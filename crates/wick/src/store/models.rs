//! The list of models on disk. Wick's own lie in the folder of models, named by the sha256 that is their id here.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use wick_engine::process::protocol::ModelInfo;

use super::{
    Store,
    messages::{from_json, to_json},
    now_ms,
};
use crate::{
    Result,
    library::{Origin, Storage},
};

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
    /// Whose its files are.
    pub storage: Storage,
    /// Its files. Empty where an older Wick imported it: those in the folder of models under its id.
    pub files: Vec<ModelFile>,
    /// Where they came from.
    pub origin: Option<Origin>,
    /// When it last answered.
    pub last_used_at_ms: Option<i64>,
    /// The commit of a newer file.
    pub newer_commit: Option<String>,
}

/// A file of a model, as it was when it was last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelFile {
    /// Within the folder of models, or absolute where it is not Wick's.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its time, where it is not Wick's: nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ns: Option<i64>,
    /// Its sha256.
    pub sha256: String,
    /// Whether its bytes were found to be others since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_damaged: bool,
}

const COLUMNS: &str = "SELECT id, info, size_bytes, added_at_ms, storage, files, origin, last_used_at_ms, newer_commit
    FROM models";

impl Store {
    /// The models that are not in the trash, oldest first.
    pub fn models(&self) -> Result<Vec<ModelRow>> {
        self.models_where("deleted_at_ms IS NULL")
    }

    /// The models in the trash.
    pub fn deleted_models(&self) -> Result<Vec<ModelRow>> {
        self.models_where("deleted_at_ms IS NOT NULL")
    }

    fn models_where(&self, condition: &str) -> Result<Vec<ModelRow>> {
        let connection = self.lock();
        let query = format!("{COLUMNS} WHERE {condition} ORDER BY added_at_ms, id");
        let mut statement = connection.prepare_cached(&query)?;
        let rows = statement.query_map([], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The model of this id, where it is not in the trash.
    pub fn model(&self, id: &str) -> Result<Option<ModelRow>> {
        let connection = self.lock();
        let query = format!("{COLUMNS} WHERE id = ?1 AND deleted_at_ms IS NULL");
        let mut statement = connection.prepare_cached(&query)?;
        Ok(statement.query_row([id], read_row).optional()?)
    }

    /// Adds the model, or renews what its files say; takes it out of the trash.
    pub fn save_model(&self, model: &ModelRow) -> Result<()> {
        save(&self.lock(), model)
    }

    /// Moves the model to the trash or out of it; whether there is such a one on the other side.
    pub fn set_model_deleted(&self, id: &str, deleted: bool) -> Result<bool> {
        let changed = self
            .lock()
            .prepare_cached(
                "UPDATE models SET deleted_at_ms = ?2 WHERE id = ?1 AND (deleted_at_ms IS NULL) = (?2 IS NOT NULL)",
            )?
            .execute((id, deleted.then(now_ms)))?;
        Ok(changed > 0)
    }

    /// Forgets a model in the trash.
    pub fn remove_deleted_model(&self, id: &str) -> Result<()> {
        self.lock()
            .prepare_cached("DELETE FROM models WHERE id = ?1 AND deleted_at_ms IS NOT NULL")?
            .execute([id])?;
        Ok(())
    }

    /// Notes what was found when the files were read again.
    pub fn set_model_files(&self, id: &str, files: &[ModelFile]) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE models SET files = ?2 WHERE id = ?1")?
            .execute((id, to_json(&files)?))?;
        Ok(())
    }

    /// Notes that the model answers now.
    pub fn model_is_used(&self, id: &str) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE models SET last_used_at_ms = ?2 WHERE id = ?1")?
            .execute((id, now_ms()))?;
        Ok(())
    }

    /// Notes where it came from, where that was not known.
    pub fn set_model_origin(&self, id: &str, origin: &Origin) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE models SET origin = COALESCE(origin, ?2) WHERE id = ?1")?
            .execute((id, to_json(origin)?))?;
        Ok(())
    }

    /// Notes whether its repository has a newer file.
    pub fn set_newer_commit(&self, id: &str, commit: Option<&str>) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE models SET newer_commit = ?2 WHERE id = ?1")?
            .execute((id, commit))?;
        Ok(())
    }

    /// How fast models wrote on the machine that was measured last, by their ids: every reply.
    pub fn decode_speeds(&self) -> Result<HashMap<String, Vec<f64>>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT model_id, measured_decode FROM measurements WHERE measured_decode IS NOT NULL AND fingerprint =
                (SELECT fingerprint FROM measurements ORDER BY id DESC LIMIT 1)",
        )?;
        let mut speeds: HashMap<String, Vec<f64>> = HashMap::new();
        for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (id, speed) = row?;
            speeds.entry(id).or_default().push(speed);
        }
        Ok(speeds)
    }
}

/// Adds the model within whatever transaction the connection is in.
pub(super) fn save(connection: &Connection, model: &ModelRow) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO models (id, info, size_bytes, added_at_ms, storage, files, origin)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET info = excluded.info, size_bytes = excluded.size_bytes,
                storage = excluded.storage, files = excluded.files, origin = COALESCE(excluded.origin, origin),
                newer_commit = NULL, deleted_at_ms = NULL",
        )?
        .execute((
            &model.id,
            to_json(&model.info)?,
            model.size_bytes as i64,
            model.added_at_ms,
            to_json(&model.storage)?,
            to_json(&model.files)?,
            model.origin.as_ref().map(to_json).transpose()?,
        ))?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<ModelRow> {
    let has_origin = row.get_ref(6)? != rusqlite::types::ValueRef::Null;
    Ok(ModelRow {
        id: row.get(0)?,
        info: from_json(row, 1)?,
        size_bytes: row.get::<_, i64>(2)?.max(0) as u64,
        added_at_ms: row.get(3)?,
        storage: from_json(row, 4)?,
        files: from_json(row, 5)?,
        origin: has_origin.then(|| from_json(row, 6)).transpose()?,
        last_used_at_ms: row.get(7)?,
        newer_commit: row.get(8)?,
    })
}
