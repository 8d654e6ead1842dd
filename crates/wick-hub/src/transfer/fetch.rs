//! Connections: each takes blocks from the plan and asks until it has them.

use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use futures_util::future;

use super::{
    Limits, TransferSpec,
    blocks::BLOCK_BYTES,
    error::{Error, Result},
    plan::{Plan, Segment},
    progress::Meter,
    retry::Gate,
    run::blocking,
    source::{Answer, Chunks, From, Source, Told},
    store::{Put, Store},
};
use crate::{FileCheck, RemoteFile};

/// One run of a transfer, as far as connections need to know.
pub(super) struct Fetch<'a, S> {
    pub source: &'a S,
    pub spec: &'a TransferSpec,
    pub store: &'a Arc<Store>,
    pub run: u64,
    pub gate: &'a Gate,
    pub limits: &'a Limits,
    pub meter: &'a Meter,
}

impl<S: Source> Fetch<'_, S> {
    /// Fetches blocks (of each file) with all connections. Returns how many were not as they had been before.
    pub async fn blocks(&self, missing: Vec<Vec<u32>>) -> Result<u64> {
        let connections = self.limits.connections.max(1);
        let plan = Plan::new(missing, connections);
        let all = (0..connections).map(|_| self.connection(&plan));
        Ok(future::try_join_all(all).await?.into_iter().sum())
    }

    async fn connection(&self, plan: &Plan) -> Result<u64> {
        let sizes: Vec<u64> = self.spec.files.iter().map(|file| file.size).collect();
        let mut written = 0;
        while let Some(mut segment) = plan.take(&sizes) {
            while !segment.wanted.is_empty() {
                let epoch = self.gate.pass().await;
                match self.attempt(plan, &mut segment, &mut written).await {
                    Ok(()) => {}
                    Err(error) => self.gate.failed(epoch, error)?,
                }
            }
        }
        Ok(written)
    }

    /// One question for what a segment lacks.
    async fn attempt(&self, plan: &Plan, segment: &mut Segment, written: &mut u64) -> Result<()> {
        let file = &self.spec.files[segment.file];
        let range = segment.range();
        let asked = range.clone();
        let (from, told, mut body) = match self.source.get_range(self.spec, file, asked).await? {
            Answer::Bytes { from, told, body } => (from, told, body),
            Answer::BeyondTheEnd { told } => {
                is_still(file, &told)?;
                return Err(odd("the file ends before it should"));
            }
        };
        is_still(file, &told)?;
        let (mut at, end) = match from {
            From::Asked => (range.start, range.end),
            From::Beginning => {
                // Without its size, a page of somebody else's looks like a file.
                if told.total.is_none() && file.size > BLOCK_BYTES {
                    return Err(odd("a whole file without its size"));
                }
                plan.take_rest(segment);
                (0, file.size)
            }
        };
        while let Some(piece) = body.chunk().await? {
            let length = piece.len() as u64;
            self.limits.bandwidth.take(length).await;
            self.meter.came.fetch_add(length, Ordering::Relaxed);
            *written += self.accept(segment, at, piece).await?;
            at += length;
            if segment.wanted.is_empty() || segment.next_byte() >= end {
                return Ok(());
            }
        }
        Err(odd("the file ended early"))
    }

    /// Takes from a piece that stands at `at` what the segment wants. Returns how many blocks that changed.
    async fn accept(&self, segment: &mut Segment, mut at: u64, mut piece: Bytes) -> Result<u64> {
        let mut written = 0;
        while let (false, Some(&block)) = (piece.is_empty(), segment.wanted.front()) {
            let skipped = segment
                .next_byte()
                .saturating_sub(at)
                .min(piece.len() as u64);
            drop(piece.split_to(skipped as usize));
            at += skipped;
            let taken = segment.lacks().min(piece.len() as u64);
            segment
                .begun
                .extend_from_slice(&piece.split_to(taken as usize));
            at += taken;
            if segment.lacks() == 0 {
                let bytes = std::mem::take(&mut segment.begun);
                segment.wanted.pop_front();
                written += self.put(segment.file, block, bytes).await?;
            }
        }
        Ok(written)
    }

    async fn put(&self, file: usize, block: u32, bytes: Vec<u8>) -> Result<u64> {
        let (store, run, length) = (self.store.clone(), self.run, bytes.len() as u64);
        let put = blocking(move || store.put(run, file, block, &bytes)).await?;
        self.gate.went_well();
        if put == Put::New {
            self.meter.done.fetch_add(length, Ordering::Relaxed);
        }
        Ok(u64::from(put != Put::Same))
    }
}

/// Whether what the server says of a file is what was said when the transfer was made.
fn is_still(file: &RemoteFile, told: &Told) -> Result<()> {
    let facts = &told.facts;
    let other_hash = match (&file.check, &facts.sha256) {
        (FileCheck::Sha256(expected), Some(told)) => expected != told,
        _ => false,
    };
    if other_hash || facts.size.is_some_and(|size| size != file.size) {
        let path = file.path.clone();
        return Err(Error::Changed { path });
    }
    match told.total {
        Some(total) if total != file.size => Err(odd("something of another size")),
        _ => Ok(()),
    }
}

fn odd(reason: &str) -> Error {
    let (host, reason) = ("the server".into(), reason.into());
    crate::Error::BadAnswer { host, reason }.into()
}
