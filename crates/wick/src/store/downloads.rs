//! The queue of downloads on disk: what is wanted, in which order, and what is known of each.

use rusqlite::{OptionalExtension, Row, types::ValueRef};
use serde::{Deserialize, Serialize};

use super::{
    ModelRow, Store,
    messages::{from_json, to_json},
    models, now_ms,
};
use crate::{
    AppError, Result,
    download::{DownloadRequest, Plan},
};

/// One row of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct DownloadRow {
    pub id: i64,
    pub request: DownloadRequest,
    pub added_at_ms: i64,
    pub state: KeptState,
    /// What is fetched, once that is known.
    pub plan: Option<Plan>,
    /// Bytes that were here when somebody last looked.
    pub done_bytes: u64,
    pub notice: Option<String>,
}

/// What is kept of how a download stands. One that was running when Wick ended is queued: it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum KeptState {
    Queued,
    Paused,
    Failed { error: AppError },
    Finished { model_id: String },
}

const COLUMNS: &str = "SELECT id, repository, revision, file, added_at_ms, state, plan, done_bytes, notice FROM downloads";

impl Store {
    /// All of it, in its order.
    pub fn downloads(&self) -> Result<Vec<DownloadRow>> {
        let connection = self.lock();
        let query = format!("{COLUMNS} ORDER BY position, id");
        let mut statement = connection.prepare_cached(&query)?;
        let rows = statement.query_map([], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One of them; `None` where it was cancelled.
    pub fn download(&self, id: i64) -> Result<Option<DownloadRow>> {
        let connection = self.lock();
        let query = format!("{COLUMNS} WHERE id = ?1");
        let mut statement = connection.prepare_cached(&query)?;
        Ok(statement.query_row([id], read_row).optional()?)
    }

    /// Adds one at the end of the queue; its id.
    pub fn add_download(&self, request: &DownloadRequest) -> Result<i64> {
        let connection = self.lock();
        connection
            .prepare_cached(
                "INSERT INTO downloads (position, repository, revision, file, added_at_ms, state)
                 VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM downloads), ?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                &request.repository,
                &request.revision,
                &request.file,
                now_ms(),
                to_json(&KeptState::Queued)?,
            ))?;
        Ok(connection.last_insert_rowid())
    }

    /// Removes one; whether it was there.
    pub fn remove_download(&self, id: i64) -> Result<bool> {
        let removed = self
            .lock()
            .prepare_cached("DELETE FROM downloads WHERE id = ?1")?
            .execute([id])?;
        Ok(removed > 0)
    }

    /// Puts the downloads into this order.
    pub fn order_downloads(&self, ids: &[i64]) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for (position, id) in ids.iter().enumerate() {
            transaction.execute(
                "UPDATE downloads SET position = ?2 WHERE id = ?1",
                (id, position as i64),
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Notes how it stands.
    pub fn set_download_state(&self, id: i64, state: &KeptState) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE downloads SET state = ?2 WHERE id = ?1")?
            .execute((id, to_json(state)?))?;
        Ok(())
    }

    /// Notes what is fetched, and what the user should know of that.
    pub fn set_download_plan(&self, id: i64, plan: &Plan, notice: Option<&str>) -> Result<()> {
        self.lock()
            .prepare_cached(
                "UPDATE downloads SET plan = ?2, notice = COALESCE(?3, notice) WHERE id = ?1",
            )?
            .execute((id, to_json(plan)?, notice))?;
        Ok(())
    }

    /// Notes how much is here.
    pub fn set_download_progress(&self, id: i64, done_bytes: u64) -> Result<()> {
        self.lock()
            .prepare_cached("UPDATE downloads SET done_bytes = ?2 WHERE id = ?1")?
            .execute((id, done_bytes as i64))?;
        Ok(())
    }

    /// The one commit by which a download becomes a model of the library. `false` where it was cancelled meanwhile:
    /// then there is none.
    pub fn finish_download(&self, id: i64, model: &ModelRow) -> Result<bool> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let finished = KeptState::Finished {
            model_id: model.id.clone(),
        };
        let changed = transaction.execute(
            "UPDATE downloads SET state = ?2, done_bytes = ?3 WHERE id = ?1",
            (id, to_json(&finished)?, model.size_bytes as i64),
        )?;
        if changed == 0 {
            return Ok(false);
        }
        models::save(&transaction, model)?;
        transaction.commit()?;
        Ok(true)
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<DownloadRow> {
    let has_plan = row.get_ref(6)? != ValueRef::Null;
    Ok(DownloadRow {
        id: row.get(0)?,
        request: DownloadRequest {
            repository: row.get(1)?,
            revision: row.get(2)?,
            file: row.get(3)?,
        },
        added_at_ms: row.get(4)?,
        state: from_json(row, 5)?,
        // A plan of another version is made anew.
        plan: has_plan.then(|| from_json(row, 6).ok()).flatten(),
        done_bytes: row.get::<_, i64>(7)?.max(0) as u64,
        notice: row.get(8)?,
    })
}
