//! The beginning of a file: what its header says, before anything is downloaded.

use crate::{CommitHash, Error, Hub, RangeAnswer, RemotePath, RepoId, Result};

/// More is no header.
const MOST_FIRST_BYTES: u64 = 64 << 20;

impl Hub {
    /// The first bytes of a file; fewer where it is shorter.
    pub async fn first_bytes(
        &self,
        repo: &RepoId,
        commit: &CommitHash,
        path: &RemotePath,
        bytes: u64,
    ) -> Result<Vec<u8>> {
        if bytes > MOST_FIRST_BYTES {
            return Err(Error::TooLarge {
                host: self.endpoint().as_str().into(),
                limit: MOST_FIRST_BYTES,
            });
        }
        let mut body = match self.get_range(repo, commit, path, 0..bytes).await? {
            RangeAnswer::Part(body) | RangeAnswer::Whole(body) => body,
            // Of an empty file.
            RangeAnswer::BeyondTheEnd { .. } => return Ok(Vec::new()),
        };
        let mut first = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            let left = bytes as usize - first.len();
            first.extend_from_slice(&chunk[..chunk.len().min(left)]);
            if first.len() as u64 == bytes {
                break;
            }
        }
        Ok(first)
    }
}
