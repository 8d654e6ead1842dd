//! The shape of the database, one numbered step after another. A step that has shipped is never edited.

use rusqlite::{Connection, TransactionBehavior};

use crate::{Error, Result};

/// Each step takes the database from version `index` to `index + 1`.
const STEPS: &[&str] = &[
    // 1: chats as trees of messages, the library, settings.
    "
    CREATE TABLE chats (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        title           TEXT NOT NULL,
        created_at_ms   INTEGER NOT NULL,
        updated_at_ms   INTEGER NOT NULL,
        deleted_at_ms   INTEGER,
        active_leaf_id  INTEGER,
        draft           TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX chats_by_time ON chats (updated_at_ms DESC) WHERE deleted_at_ms IS NULL;

    CREATE TABLE messages (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        chat_id       INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
        parent_id     INTEGER REFERENCES messages (id) ON DELETE CASCADE,
        role          TEXT NOT NULL,
        content       TEXT NOT NULL,
        status        TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        model_name    TEXT,
        stats         TEXT,
        error         TEXT
    ) STRICT;
    CREATE INDEX messages_by_chat ON messages (chat_id);

    CREATE TABLE models (
        id          TEXT PRIMARY KEY,
        info        TEXT NOT NULL,
        size_bytes  INTEGER NOT NULL,
        added_at_ms INTEGER NOT NULL
    ) STRICT;

    -- One JSON document a name: 'settings', 'new_chat_draft'.
    CREATE TABLE documents (
        name    TEXT PRIMARY KEY,
        content TEXT NOT NULL
    ) STRICT;
    ",
    // 2: what a model thought before it answered.
    "ALTER TABLE messages ADD COLUMN reasoning TEXT NOT NULL DEFAULT '';",
    // 3: what was measured of machines, and what came of predictions on them.
    "
    CREATE TABLE calibrations (
        fingerprint    TEXT PRIMARY KEY,
        wick_version   TEXT NOT NULL,
        measured_at_ms INTEGER NOT NULL,
        figures        TEXT NOT NULL
    ) STRICT;

    CREATE TABLE measurements (
        id                       INTEGER PRIMARY KEY AUTOINCREMENT,
        measured_at_ms           INTEGER NOT NULL,
        fingerprint              TEXT NOT NULL,
        model_id                 TEXT NOT NULL,
        architecture             TEXT NOT NULL,
        quantization             TEXT NOT NULL,
        context_length           INTEGER NOT NULL,
        used_tokens              INTEGER NOT NULL,
        threads                  INTEGER NOT NULL,
        cache_type               TEXT NOT NULL,
        predicted_memory_bytes   INTEGER,
        measured_memory_bytes    INTEGER,
        predicted_prefill        REAL,
        measured_prefill         REAL,
        predicted_decode         REAL,
        measured_decode          REAL
    ) STRICT;
    CREATE INDEX measurements_by_machine ON measurements (fingerprint, id DESC);
    ",
    // 4: whose files models are and where they came from; what is being downloaded.
    r#"
    ALTER TABLE models ADD COLUMN storage TEXT NOT NULL DEFAULT '{"kind":"kept"}';
    ALTER TABLE models ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE models ADD COLUMN origin TEXT;
    ALTER TABLE models ADD COLUMN last_used_at_ms INTEGER;
    ALTER TABLE models ADD COLUMN newer_commit TEXT;
    ALTER TABLE models ADD COLUMN deleted_at_ms INTEGER;

    CREATE TABLE downloads (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        position    INTEGER NOT NULL,
        repository  TEXT NOT NULL,
        revision    TEXT,
        file        TEXT NOT NULL,
        added_at_ms INTEGER NOT NULL,
        state       TEXT NOT NULL,
        plan        TEXT,
        done_bytes  INTEGER NOT NULL DEFAULT 0,
        notice      TEXT
    ) STRICT;
    "#,
];

/// The newest version this Wick knows.
pub const NEWEST: i64 = STEPS.len() as i64;

/// Refuses a database that a newer Wick has written, before anything of it is touched.
pub fn refuse_newer(connection: &Connection, path: &str) -> Result<()> {
    let found = version(connection)?;
    match (0..=NEWEST).contains(&found) {
        true => Ok(()),
        false => Err(Error::StorageFromNewerVersion {
            path: path.into(),
            found,
            supported: NEWEST,
        }),
    }
}

/// Brings the database to [`NEWEST`], all steps or none.
pub fn migrate(connection: &mut Connection) -> Result<()> {
    if version(connection)? == NEWEST {
        return Ok(());
    }
    // Immediate: two programs that start together must not both migrate.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &STEPS[version(&transaction)? as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", NEWEST)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
