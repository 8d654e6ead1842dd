//! The beginning of a file: what its header says, before anything is downloaded.

use std::ops::Range;

use crate::{CommitHash, Error, Hub, RangeAnswer, RemotePath, RepoId, Result};

/// More is no header.
const MOST_BYTES: u64 = 64 << 20;

impl Hub {
    /// The first bytes of a file; fewer where it is shorter.
    pub async fn first_bytes(
        &self,
        repo: &RepoId,
        commit: &CommitHash,
        path: &RemotePath,
        bytes: u64,
    ) -> Result<Vec<u8>> {
        self.bytes(repo, commit, path, 0..bytes).await
    }

    /// A stretch of a file that fits in memory; less of it where the file ends.
    pub async fn bytes(
        &self,
        repo: &RepoId,
        commit: &CommitHash,
        path: &RemotePath,
        range: Range<u64>,
    ) -> Result<Vec<u8>> {
        let wanted = range.end.saturating_sub(range.start);
        if wanted > MOST_BYTES {
            return Err(Error::TooLarge {
                host: self.endpoint().as_str().into(),
                limit: MOST_BYTES,
            });
        }
        let start = range.start;
        let mut body = match self.get_range(repo, commit, path, range).await? {
            RangeAnswer::Part(body) | RangeAnswer::Whole(body) => body,
            RangeAnswer::BeyondTheEnd { .. } => return Ok(Vec::new()),
        };
        // A server that knows no ranges sends what comes before as well.
        let mut before = start - body.start;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            let skipped = before.min(chunk.len() as u64);
            before -= skipped;
            let chunk = &chunk[skipped as usize..];
            let left = wanted as usize - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
            if bytes.len() as u64 == wanted {
                break;
            }
        }
        Ok(bytes)
    }
}
