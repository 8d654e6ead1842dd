//! Sequences that are kept after their reply: a new turn, another try, an edit or a branch goes on from the one that
//! has most in common with it. Those that no longer fit in memory go to disk.

use std::collections::HashSet;

use super::disk::Disk;
use crate::{Result, decoder::Decoder};

/// A sequence on disk is read where it saves at least so many tokens.
const WORTH_READING: usize = 32;

/// The sequences, the one used last at the end.
pub(super) struct Kept {
    sequences: Vec<Sequence>,
    limit_bytes: usize,
    disk: Option<Disk>,
}

struct Sequence {
    decoder: Decoder,
    conversation: Option<String>,
    is_on_disk: bool,
}

impl Kept {
    /// Keeps at most `limit_bytes` in memory.
    pub(super) fn new(limit_bytes: usize, disk: Option<Disk>) -> Self {
        Self {
            sequences: Vec::new(),
            limit_bytes,
            disk,
        }
    }

    /// A sequence that has read a beginning of `prompt`, the longest there is; at least one token is left to read.
    pub(super) fn begin(
        &mut self,
        prompt: &[u32],
        conversation: Option<&str>,
        empty: impl FnOnce() -> Decoder,
    ) -> Result<Decoder> {
        self.leave_others(conversation);
        let beginning = &prompt[..prompt.len().saturating_sub(1)];
        let usable = |sequence: &Sequence| sequence.decoder.usable_prefix(beginning);
        let best = (0..self.sequences.len()).max_by_key(|at| usable(&self.sequences[*at]));
        let in_memory = best.map_or(0, |at| usable(&self.sequences[at]));
        if let Some(disk) = &mut self.disk
            && let Some(found) = disk.find(beginning, in_memory + WORTH_READING)
        {
            let mut decoder = found;
            decoder.truncate(decoder.usable_prefix(beginning));
            return Ok(decoder);
        }
        match best.filter(|_| in_memory > 0) {
            Some(at) => {
                let sequence = self.sequences.remove(at);
                let mut decoder = sequence.decoder.fork()?;
                self.sequences.push(sequence);
                decoder.truncate(in_memory);
                Ok(decoder)
            }
            None => Ok(empty()),
        }
    }

    /// Keeps a sequence for what may follow it.
    pub(super) fn put(&mut self, decoder: Decoder, conversation: Option<String>) {
        if decoder.position() == 0 {
            return;
        }
        let tokens = decoder.tokens();
        self.sequences.retain(|old| {
            let length = old.decoder.position();
            !tokens.starts_with(old.decoder.tokens())
                || decoder.cache().kept_by_truncate(length) != length
        });
        self.sequences.push(Sequence {
            decoder,
            conversation,
            is_on_disk: false,
        });
        // The newest stays, however large: it is what the next turn goes on from.
        while self.sequences.len() > 1 && self.bytes() > self.limit_bytes {
            let oldest = self.sequences.remove(0);
            self.save(oldest);
        }
    }

    /// Puts all sequences on disk, and waits until they are there.
    pub(super) fn save_all(&mut self) {
        for sequence in std::mem::take(&mut self.sequences) {
            self.save(sequence);
        }
        if let Some(disk) = &mut self.disk {
            disk.wait();
        }
    }

    /// Forgets a conversation, in memory and on disk.
    pub(super) fn forget(&mut self, conversation: &str) {
        let of_others = |kept: &Sequence| kept.conversation.as_deref() != Some(conversation);
        self.sequences.retain(of_others);
        if let Some(disk) = &mut self.disk {
            disk.forget(conversation);
        }
    }

    /// Chats that were left are saved while the next one is answered.
    fn leave_others(&mut self, conversation: Option<&str>) {
        let Some(disk) = &mut self.disk else {
            return;
        };
        for sequence in &mut self.sequences {
            if sequence.conversation.as_deref() != conversation && !sequence.is_on_disk {
                sequence.is_on_disk = true;
                if let Ok(copy) = sequence.decoder.fork() {
                    disk.save(copy, sequence.conversation.as_deref());
                }
            }
        }
    }

    fn save(&mut self, sequence: Sequence) {
        if let Some(disk) = &mut self.disk
            && !sequence.is_on_disk
        {
            disk.save(sequence.decoder, sequence.conversation.as_deref());
        }
    }

    fn bytes(&self) -> usize {
        let mut counted = HashSet::new();
        let caches = self.sequences.iter().map(|kept| kept.decoder.cache());
        caches.map(|cache| cache.count_bytes(&mut counted)).sum()
    }
}
