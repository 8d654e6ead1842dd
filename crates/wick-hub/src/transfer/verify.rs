//! Reading what is on the disk: is it the file, and if not, which blocks are not what came?

use std::sync::atomic::Ordering;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{
    blocks::{self, BlockHash},
    disk::Disk,
    error::{Error, Result},
    progress::Meter,
};
use crate::{FileCheck, RemoteFile, Sha256Hex};

const PIECE_BYTES: u64 = 1 << 20;

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Whole(Sha256Hex),
    Damaged { expected: String, found: String },
}

/// Reads a file from beginning to end. `goes_on` is asked now and then.
pub(super) fn verify(
    disk: &Disk,
    file: &RemoteFile,
    meter: &Meter,
    goes_on: impl Fn() -> bool,
) -> Result<Verdict> {
    let mut sha256 = Sha256::new();
    let mut git = matches!(file.check, FileCheck::GitSha1(_)).then(|| git_blob(file.size));
    let mut buffer = vec![0; PIECE_BYTES.min(file.size) as usize];
    let mut at = 0;
    while at < file.size {
        if !goes_on() {
            return Err(Error::Paused);
        }
        let piece = &mut buffer[..PIECE_BYTES.min(file.size - at) as usize];
        disk.read_at(piece, at)?;
        sha256.update(&*piece);
        if let Some(git) = &mut git {
            git.update(&*piece);
        }
        at += piece.len() as u64;
        meter
            .checked
            .fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    let sha256 = hex(&sha256.finalize());
    let (expected, found) = match &file.check {
        FileCheck::Sha256(expected) => (expected.as_str(), sha256.clone()),
        FileCheck::GitSha1(expected) => {
            let found = git.map(|git| hex(&git.finalize()));
            (expected.as_str(), found.unwrap_or_default())
        }
        FileCheck::PointerSha1 { oid, pointer_size } => {
            let size = file.size;
            let pointer = format!(
                "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
            );
            let mut git = git_blob(*pointer_size);
            git.update(pointer);
            (oid.as_str(), hex(&git.finalize()))
        }
    };
    if expected == found {
        return Ok(Verdict::Whole(sha256.parse()?));
    }
    let expected = expected.to_owned();
    Ok(Verdict::Damaged { expected, found })
}

/// The blocks that are not what came: the disk, or somebody on this machine, has changed them.
pub(super) fn changed_blocks(
    disk: &Disk,
    size: u64,
    hashes: &[Option<BlockHash>],
    goes_on: impl Fn() -> bool,
) -> Result<Vec<u32>> {
    let mut changed = Vec::new();
    let mut buffer = Vec::new();
    for (hash, block) in hashes.iter().zip(0..) {
        if !goes_on() {
            return Err(Error::Paused);
        }
        let span = blocks::span(size, block);
        buffer.resize((span.end - span.start) as usize, 0);
        disk.read_at(&mut buffer, span.start)?;
        if *hash != Some(Sha256::digest(&buffer).into()) {
            changed.push(block);
        }
    }
    Ok(changed)
}

/// Git names a blob by its bytes with this before them.
fn git_blob(size: u64) -> Sha1 {
    let mut git = Sha1::new();
    git.update(format!("blob {size}\0"));
    git
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
