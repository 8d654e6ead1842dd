//! What was measured of machines, by fingerprint: a data folder may move from one to another.

use rusqlite::{OptionalExtension, Row};

use super::{
    Store,
    messages::{from_json, to_json},
};
use crate::{Result, hardware::KeptCalibration};

const COLUMNS: &str = "SELECT fingerprint, wick_version, measured_at_ms, figures FROM calibrations";

impl Store {
    /// Keeps it in place of the one before of the same machine.
    pub fn save_calibration(&self, kept: &KeptCalibration) -> Result<()> {
        self.lock()
            .prepare_cached(
                "INSERT OR REPLACE INTO calibrations (fingerprint, wick_version, measured_at_ms, figures)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((
                &kept.fingerprint,
                &kept.wick_version,
                kept.measured_at_ms,
                to_json(&kept.figures)?,
            ))?;
        Ok(())
    }

    /// That of the machine with this fingerprint. Figures that another version wrote and this one cannot read are
    /// none: they are measured again.
    pub fn calibration(&self, fingerprint: &str) -> Result<Option<KeptCalibration>> {
        let connection = self.lock();
        let query = format!("{COLUMNS} WHERE fingerprint = ?1");
        let mut statement = connection.prepare_cached(&query)?;
        let kept = statement.query_row([fingerprint], read_row).optional()?;
        Ok(kept.flatten())
    }

    /// The newest, of whatever machine.
    pub fn newest_calibration(&self) -> Result<Option<KeptCalibration>> {
        let connection = self.lock();
        let query = format!("{COLUMNS} ORDER BY measured_at_ms DESC LIMIT 1");
        let mut statement = connection.prepare_cached(&query)?;
        let kept = statement.query_row([], read_row).optional()?;
        Ok(kept.flatten())
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Option<KeptCalibration>> {
    let Ok(figures) = from_json(row, 3) else {
        return Ok(None);
    };
    Ok(Some(KeptCalibration {
        fingerprint: row.get(0)?,
        wick_version: row.get(1)?,
        measured_at_ms: row.get(2)?,
        figures,
    }))
}
