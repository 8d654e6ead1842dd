//! The journal: which blocks are on the disk, and what they hashed to when they came.
//!
//! Its first line says what is fetched; whoever opens it compares the line and never has to understand it. Then records
//! of one length follow, each with a check of its own: a record that was torn by a crash counts for nothing, and the
//! block it speaks of is fetched again.

use std::{fs, path::Path};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    TransferSpec,
    blocks::{BLOCK_BYTES, BlockHash},
    disk::{self, Disk},
    error::{Error, Result},
};
use crate::FileCheck;

const NAME: &str = "journal";
const RECORD_BYTES: usize = 48;
const CHECKED_BYTES: usize = 40;

/// That a block is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub file: u32,
    pub block: u32,
    pub hash: BlockHash,
}

/// The journal of one transfer, open for more.
#[derive(Debug)]
pub(super) struct Journal {
    pub disk: Disk,
    end: u64,
}

/// What a journal begins with.
pub(super) fn head(spec: &TransferSpec) -> String {
    let files: Vec<_> = spec
        .files
        .iter()
        .map(|file| {
            let check = match &file.check {
                FileCheck::Sha256(sha256) => json!({ "sha256": sha256.as_str() }),
                FileCheck::PointerSha1 { oid, pointer_size } => {
                    json!({ "pointer": oid.as_str(), "size": pointer_size })
                }
                FileCheck::GitSha1(oid) => json!({ "git": oid.as_str() }),
            };
            json!({ "path": file.path.as_str(), "size": file.size, "check": check })
        })
        .collect();
    let head = json!({
        "version": 1,
        "block_bytes": BLOCK_BYTES,
        "repository": spec.repo.as_str(),
        "commit": spec.commit.as_str(),
        "files": files,
    });
    format!("{head}\n")
}

impl Journal {
    /// Opens the journal of this transfer with its records; none when there is no journal, or one of another transfer.
    pub fn open(folder: &Path, head: &str) -> Result<Option<(Self, Vec<Record>)>> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::disk("read", path, source)),
        };
        let Some(records) = bytes.strip_prefix(head.as_bytes()) else {
            return Ok(None);
        };
        let (whole, torn) = records.as_chunks::<RECORD_BYTES>();
        let disk = Disk::open(path)?;
        let end = (bytes.len() - torn.len()) as u64;
        disk.set_len(end)?;
        let records = whole.iter().filter_map(Record::from_bytes).collect();
        Ok(Some((Self { disk, end }, records)))
    }

    /// Begins a journal. It is there as a whole or not at all.
    pub fn create(folder: &Path, head: &str) -> Result<Self> {
        let (new, path) = (folder.join("journal.new"), folder.join(NAME));
        let disk = Disk::open(new.clone())?;
        disk.set_len(0)?;
        disk.write_at(head.as_bytes(), 0)?;
        disk.sync()?;
        drop(disk);
        fs::rename(&new, &path).map_err(|source| Error::disk("renamed", new, source))?;
        disk::sync_folder(folder)?;
        Ok(Self {
            disk: Disk::open(path)?,
            end: head.len() as u64,
        })
    }

    /// Adds a record. One that could not be written as a whole is overwritten by the next.
    pub fn add(&mut self, record: &Record) -> Result<()> {
        self.disk.write_at(&record.to_bytes(), self.end)?;
        self.end += RECORD_BYTES as u64;
        Ok(())
    }
}

impl Record {
    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..4].copy_from_slice(&self.file.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.block.to_le_bytes());
        bytes[8..CHECKED_BYTES].copy_from_slice(&self.hash);
        let check = check(&bytes);
        bytes[CHECKED_BYTES..].copy_from_slice(&check);
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_le_bytes(bytes[at..at + 4].try_into().ok()?));
        let is_whole = bytes[CHECKED_BYTES..] == check(bytes);
        let record = Self {
            file: number(0)?,
            block: number(4)?,
            hash: bytes[8..CHECKED_BYTES].try_into().ok()?,
        };
        is_whole.then_some(record)
    }
}

fn check(bytes: &[u8; RECORD_BYTES]) -> [u8; RECORD_BYTES - CHECKED_BYTES] {
    let digest = Sha256::digest(&bytes[..CHECKED_BYTES]);
    let mut check = [0; RECORD_BYTES - CHECKED_BYTES];
    check.copy_from_slice(&digest[..RECORD_BYTES - CHECKED_BYTES]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(block: u32) -> Record {
        Record {
            file: 1,
            block,
            hash: [block as u8; 32],
        }
    }

    #[test]
    fn a_torn_or_damaged_record_counts_for_nothing_and_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(folder.path(), "head\n").unwrap();
        for block in 0..3 {
            journal.add(&record(block)).unwrap();
        }
        let path = folder.path().join(NAME);
        let mut bytes = fs::read(&path).unwrap();
        bytes[5 + RECORD_BYTES + 9] ^= 1;
        bytes.truncate(bytes.len() - 1);
        fs::write(&path, &bytes).unwrap();

        let (mut journal, records) = Journal::open(folder.path(), "head\n").unwrap().unwrap();
        assert_eq!(records, [record(0)]);
        journal.add(&record(7)).unwrap();
        let (_, records) = Journal::open(folder.path(), "head\n").unwrap().unwrap();
        assert_eq!(records, [record(0), record(7)]);
    }

    #[test]
    fn the_journal_of_another_transfer_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Journal::open(folder.path(), "head\n").unwrap().is_none());
        Journal::create(folder.path(), "head\n").unwrap();
        assert!(Journal::open(folder.path(), "other\n").unwrap().is_none());
        assert!(Journal::open(folder.path(), "head\n").unwrap().is_some());
    }
}
