//! Sequences that are kept after their reply: a new turn, another try, an edit or a branch goes on from the one that
//! has most in common with it. Those that no longer fit in memory go to disk.

use std::collections::HashSet;

use super::disk::Disk;
use crate::{Result, decoder::Decoder, kv_cache::KvCache};

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
        while self.sequences.len() > 1 && self.bytes(&[]) > self.limit_bytes {
            let oldest = self.sequences.remove(0);
            self.save(oldest);
        }
    }

    /// Gives up the oldest for sequences that are being written and grow by so many bytes: all together take no more
    /// than was predicted.
    pub(super) fn make_room(&mut self, running: &[&KvCache], coming_bytes: usize) {
        let limit = self.limit_bytes.saturating_sub(coming_bytes);
        while !self.sequences.is_empty() && self.bytes(running) > limit {
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

    /// Bytes of all caches, those of `running` among them; pages that several have count once.
    fn bytes(&self, running: &[&KvCache]) -> usize {
        let mut counted = HashSet::new();
        let caches = self.sequences.iter().map(|kept| kept.decoder.cache());
        let caches = caches.chain(running.iter().copied());
        caches.map(|cache| cache.count_bytes(&mut counted)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        decoder::LoadedModel, device, kv_cache::CacheFormat, process::protocol::DeviceChoice,
        source::Checkpoint, testkit::tiny_model,
    };

    fn model() -> Arc<LoadedModel> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        std::fs::write(&path, tiny_model("llama").writer().unwrap().bytes()).unwrap();
        let source = Checkpoint::open(&path).unwrap().weights().unwrap();
        let compute = device::choose(DeviceChoice::Cpu, Some(1)).unwrap();
        LoadedModel::load(&source, 1024, CacheFormat::F16, compute, &mut |_| {}).unwrap()
    }

    /// A sequence that has read so many tokens.
    fn chat(model: &Arc<LoadedModel>, first: u32, tokens: u32) -> Decoder {
        let mut decoder = Decoder::new(model);
        let tokens: Vec<u32> = (0..tokens).map(|n| (first + n) % 100).collect();
        decoder.fill(&tokens).unwrap();
        decoder
    }

    #[test]
    fn the_oldest_make_room_for_what_is_being_written() {
        let model = model();
        let bytes = |tokens| model.cache_layout().bytes(tokens);
        let mut kept = Kept::new(bytes(8 * 64), None);
        kept.put(chat(&model, 1, 4 * 64), Some("a".into()));
        kept.put(chat(&model, 2, 3 * 64), Some("b".into()));
        let running = chat(&model, 3, 64);
        kept.make_room(&[running.cache()], 0);
        assert_eq!(kept.sequences.len(), 2);
        kept.make_room(&[running.cache()], bytes(64));
        let left = kept.sequences.iter().map(|kept| kept.conversation.clone());
        assert_eq!(left.collect::<Vec<_>>(), [Some("b".to_owned())]);
        // What goes on from a kept sequence shares its pages.
        let goes_on = kept.sequences[0].decoder.fork().unwrap();
        kept.make_room(&[goes_on.cache()], bytes(5 * 64));
        assert_eq!(kept.sequences.len(), 1);
        kept.make_room(&[goes_on.cache()], bytes(6 * 64));
        assert!(kept.sequences.is_empty());
    }
}
