//! What is on the disk: the files as far as they have come, and the journal beside them.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use super::{
    TransferSpec,
    blocks::{self, BlockHash},
    disk::Disk,
    error::{Error, Result},
    journal::{Journal, Record},
};

/// What is never lost with the power is at most that much behind what came.
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// And at most that long.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(1);

/// Shared by all who write.
#[derive(Debug)]
pub(super) struct Store(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Vec<Part>,
    journal: Journal,
    /// Which run may write; what a run that was dropped still has in hand comes too late.
    run: u64,
    unsaved_bytes: u64,
    saved_at: Instant,
}

/// A file in the making.
#[derive(Debug)]
pub(super) struct Part {
    pub disk: Disk,
    pub size: u64,
    /// Of each block that is here, what it hashed to when it came.
    hashes: Vec<Option<BlockHash>>,
    is_unsaved: bool,
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It was not there.
    New,
    /// Another was there.
    Replaced,
    /// The same was there.
    Same,
}

impl Store {
    /// Opens what is in the folder.
    pub fn new(parts: Vec<(Disk, u64)>, journal: Journal, records: &[Record]) -> Self {
        let mut parts: Vec<Part> = parts
            .into_iter()
            .map(|(disk, size)| Part {
                hashes: vec![None; blocks::count(size) as usize],
                disk,
                size,
                is_unsaved: false,
            })
            .collect();
        for record in records {
            let part = parts.get_mut(record.file as usize);
            if let Some(known) = part.and_then(|part| part.hashes.get_mut(record.block as usize)) {
                *known = Some(record.hash);
            }
        }
        Self(Mutex::new(Inner {
            parts,
            journal,
            run: 0,
            unsaved_bytes: 0,
            saved_at: Instant::now(),
        }))
    }

    /// Begins a run and ends the one before.
    pub fn begin(&self) -> u64 {
        let mut inner = self.lock();
        inner.run += 1;
        inner.run
    }

    /// Nothing more of this run is written once this has returned.
    pub fn end(&self, run: u64) {
        let mut inner = self.lock();
        if inner.run == run {
            inner.run += 1;
        }
    }

    pub fn is_running(&self, run: u64) -> bool {
        self.lock().run == run
    }

    /// Writes a block, unless the same is here, and saves when much has come since the last time.
    pub fn put(&self, run: u64, file: usize, block: u32, bytes: &[u8]) -> Result<Put> {
        let hash: BlockHash = Sha256::digest(bytes).into();
        let mut inner = self.lock();
        let inner_ref = &mut *inner;
        if inner_ref.run != run {
            return Err(Error::Paused);
        }
        let part = &mut inner_ref.parts[file];
        let known = &mut part.hashes[block as usize];
        let put = match *known {
            Some(before) if before == hash => return Ok(Put::Same),
            Some(_) => Put::Replaced,
            None => Put::New,
        };
        let offset = blocks::span(part.size, block).start;
        part.disk.write_at(bytes, offset)?;
        inner_ref.journal.add(&Record {
            file: file as u32,
            block,
            hash,
        })?;
        *known = Some(hash);
        part.is_unsaved = true;
        inner_ref.unsaved_bytes += bytes.len() as u64;
        let is_due = inner_ref.is_due();
        let unsaved = is_due.then(|| inner_ref.take_unsaved());
        drop(inner);
        save(unsaved.unwrap_or_default())?;
        Ok(put)
    }

    /// The blocks are to be fetched again: what is on the disk is not what came.
    pub fn forget(&self, file: usize, blocks: &[u32]) {
        let hashes = &mut self.lock().parts[file].hashes;
        for &block in blocks {
            hashes[block as usize] = None;
        }
    }

    /// Whether something was written that has not been saved for too long.
    pub fn is_due(&self) -> bool {
        self.lock().is_due()
    }

    /// Makes all that was written survive a loss of power.
    pub fn checkpoint(&self) -> Result<()> {
        let unsaved = self.lock().take_unsaved();
        save(unsaved)
    }

    /// A file's blocks that are not here.
    pub fn missing(&self, file: usize) -> Vec<u32> {
        let inner = self.lock();
        let hashes = inner.parts[file].hashes.iter();
        let missing = hashes.zip(0..).filter(|(hash, _)| hash.is_none());
        missing.map(|(_, block)| block).collect()
    }

    /// How many bytes are here.
    pub fn kept_bytes(&self) -> u64 {
        let inner = self.lock();
        let kept = inner.parts.iter().map(|part| {
            let blocks = part
                .hashes
                .iter()
                .zip(0..)
                .filter(|(hash, _)| hash.is_some());
            blocks
                .map(|(_, block)| blocks::length(part.size, block))
                .sum::<u64>()
        });
        kept.sum()
    }

    pub fn disk(&self, file: usize) -> Disk {
        self.lock().parts[file].disk.clone()
    }

    pub fn hashes(&self, file: usize) -> Vec<Option<BlockHash>> {
        self.lock().parts[file].hashes.clone()
    }

    /// Lets only so many more bytes be written.
    #[cfg(test)]
    pub fn fill_disk(&self, room: Option<super::disk::Room>) {
        let mut inner = self.lock();
        inner.journal.disk.room = room.clone();
        for part in &mut inner.parts {
            part.disk.room = room.clone();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made after what can fail, so that what a panic leaves is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_due(&self) -> bool {
        let is_much = self.unsaved_bytes >= CHECKPOINT_BYTES;
        let is_long = self.saved_at.elapsed() >= CHECKPOINT_AFTER;
        is_much || (is_long && self.unsaved_bytes > 0)
    }

    /// What a checkpoint has to save: the files first, so that the journal never says more than is true.
    fn take_unsaved(&mut self) -> Vec<Disk> {
        self.unsaved_bytes = 0;
        self.saved_at = Instant::now();
        let parts = self.parts.iter_mut();
        let unsaved = parts
            .filter_map(|part| std::mem::take(&mut part.is_unsaved).then(|| part.disk.clone()));
        let mut unsaved: Vec<Disk> = unsaved.collect();
        if !unsaved.is_empty() {
            unsaved.push(self.journal.disk.clone());
        }
        unsaved
    }
}

fn save(unsaved: Vec<Disk>) -> Result<()> {
    unsaved.iter().try_for_each(Disk::sync)
}

/// The name of a file in the making: its number, for a server's names are no paths.
pub(super) fn part_path(folder: &Path, file: usize) -> std::path::PathBuf {
    folder.join(format!("{file}.part"))
}

/// Whether everything that the journal speaks of is there.
pub(super) fn has_parts(folder: &Path, spec: &TransferSpec) -> bool {
    (0..spec.files.len()).all(|file| part_path(folder, file).is_file())
}
