//! A model's card: its README, a stranger's markdown.

use super::Holds;
use crate::{CommitHash, Error, Hub, RepoId, Result};

/// Most bytes of a card that are read; none needs as many.
const MOST_CARD_BYTES: usize = 1 << 20;

impl Hub {
    /// The card as its publisher wrote it, cut off where it is too long; empty where there is none.
    pub async fn card(&self, repo: &RepoId, commit: &CommitHash) -> Result<String> {
        let path = [
            repo.owner(),
            repo.name(),
            "resolve",
            commit.as_str(),
            "README.md",
        ];
        let url = self.endpoint().at(path);
        let read = |body: &[u8]| {
            let body = &body[..body.len().min(MOST_CARD_BYTES)];
            Ok(String::from_utf8_lossy(body).into_owned())
        };
        match self.page(url, Some(repo), Holds::Forever, read).await {
            Ok(answer) => Ok(answer.value),
            Err(Error::NotFound { .. }) => Ok(String::new()),
            Err(error) => Err(error),
        }
    }
}
