//! The ledger on disk: what was predicted of loads and replies, and what was measured.

use rusqlite::Row;

use super::{
    Store,
    messages::{from_text, to_text},
};
use crate::{
    Result,
    hardware::{Figures, Measurement},
};

/// Rows that are kept; older ones say little of how Wick is now.
const MOST_ROWS: i64 = 2000;

impl Store {
    /// Adds an entry.
    pub fn add_measurement(&self, entry: &Measurement) -> Result<()> {
        let bytes = |bytes: Option<u64>| bytes.and_then(|bytes| i64::try_from(bytes).ok());
        let (predicted, measured) = (&entry.predicted, &entry.measured);
        let connection = self.lock();
        connection
            .prepare_cached(
                "INSERT INTO measurements (
                    measured_at_ms, fingerprint, model_id, architecture, quantization, context_length, used_tokens,
                    threads, cache_type, predicted_memory_bytes, measured_memory_bytes, predicted_prefill,
                    measured_prefill, predicted_decode, measured_decode
                 ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute((
                entry.measured_at_ms,
                &entry.fingerprint,
                &entry.model_id,
                &entry.architecture,
                &entry.quantization,
                entry.context_length,
                entry.used_tokens,
                entry.threads,
                to_text(&entry.cache_type)?,
                bytes(predicted.peak_memory_bytes),
                bytes(measured.peak_memory_bytes),
                predicted.prefill_tokens_per_second,
                measured.prefill_tokens_per_second,
                predicted.decode_tokens_per_second,
                measured.decode_tokens_per_second,
            ))?;
        connection
            .prepare_cached(
                "DELETE FROM measurements WHERE id <= (SELECT MAX(id) FROM measurements) - ?1",
            )?
            .execute([MOST_ROWS])?;
        Ok(())
    }

    /// Entries of the machine with this fingerprint, newest first.
    pub fn measurements(&self, fingerprint: &str) -> Result<Vec<Measurement>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT measured_at_ms, fingerprint, model_id, architecture, quantization, context_length, used_tokens,
                threads, cache_type, predicted_memory_bytes, measured_memory_bytes, predicted_prefill,
                measured_prefill, predicted_decode, measured_decode
             FROM measurements WHERE fingerprint = ?1 ORDER BY id DESC",
        )?;
        let rows = statement.query_map([fingerprint], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Measurement> {
    let figures = |memory: usize, prefill: usize, decode: usize| -> rusqlite::Result<Figures> {
        let bytes: Option<i64> = row.get(memory)?;
        Ok(Figures {
            peak_memory_bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            prefill_tokens_per_second: row.get(prefill)?,
            decode_tokens_per_second: row.get(decode)?,
        })
    };
    Ok(Measurement {
        measured_at_ms: row.get(0)?,
        fingerprint: row.get(1)?,
        model_id: row.get(2)?,
        architecture: row.get(3)?,
        quantization: row.get(4)?,
        context_length: row.get(5)?,
        used_tokens: row.get(6)?,
        threads: row.get(7)?,
        cache_type: from_text(row, 8)?,
        predicted: figures(9, 11, 13)?,
        measured: figures(10, 12, 14)?,
    })
}
