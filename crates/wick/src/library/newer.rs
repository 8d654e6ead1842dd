//! Whether the repository that a model came from has a newer file. A newer commit alone is none: it may be about a page.

use std::collections::{BTreeMap, HashSet};

use wick_hub::{CommitHash, FileCheck, FileSet, Hub, RepoId, sets};

use super::{LibraryModel, Origin};
use crate::{AppEvent, Result, Wick};

impl Wick {
    /// Asks the Hub about all models that came from there, and notes what it says. One that it says nothing of is left
    /// as it was; the first reason comes back.
    pub async fn check_for_newer(&self) -> Result<()> {
        let hub = self.hub().await?.anew();
        let mut by_repository: BTreeMap<String, Vec<(LibraryModel, Origin)>> = BTreeMap::new();
        for model in self.models()? {
            if let Some(origin) = model.origin.clone() {
                let of_repository = by_repository.entry(origin.repository.clone());
                of_repository.or_default().push((model, origin));
            }
        }
        let mut outcome = Ok(());
        for (repository, models) in by_repository {
            let checked = self.check_repository(&hub, &repository, &models).await;
            outcome = outcome.and(checked);
        }
        self.announce(AppEvent::LibraryChanged);
        outcome
    }

    async fn check_repository(
        &self,
        hub: &Hub,
        repository: &str,
        models: &[(LibraryModel, Origin)],
    ) -> Result<()> {
        let repo: RepoId = repository.parse()?;
        let commit = hub.model(&repo, None).await?.commit;
        let is_known = |(_, origin): &(_, Origin)| origin.commit == commit.as_str();
        let sets = match models.iter().all(is_known) {
            true => Vec::new(),
            false => sets(&hub.tree(&repo, &commit).await?),
        };
        for (model, origin) in models {
            let newer = self.newer(model, origin, &commit, &sets)?;
            self.store.set_newer_commit(&model.id, newer)?;
        }
        Ok(())
    }

    fn newer<'a>(
        &self,
        model: &LibraryModel,
        origin: &Origin,
        commit: &'a CommitHash,
        sets: &[FileSet],
    ) -> Result<Option<&'a str>> {
        let set = sets.iter().find(|set| set.name == origin.file);
        let (Some(set), false) = (set, origin.commit == commit.as_str()) else {
            return Ok(None);
        };
        let row = self.store.model(&model.id)?;
        let files = row.into_iter().flat_map(|row| row.files);
        let mut own: HashSet<String> = files.map(|file| file.sha256).collect();
        own.insert(model.id.clone());
        let is_other = set.files.iter().any(|file| match &file.check {
            FileCheck::Sha256(sha256) => !own.contains(sha256.as_str()),
            // The hashes of small files are of another kind, and those of gated ones are not shown.
            FileCheck::PointerSha1 { .. } | FileCheck::GitSha1(_) => false,
        });
        Ok(is_other.then_some(commit.as_str()))
    }
}

/// A newer file that is in the library beside the older one is no news.
pub(super) fn leave_news(models: &mut [LibraryModel]) {
    let origins = models.iter().filter_map(|model| model.origin.as_ref());
    let known: HashSet<Origin> = origins.cloned().collect();
    for model in models {
        let newer = model.newer_commit.clone().zip(model.origin.clone());
        let is_known =
            newer.is_some_and(|(commit, origin)| known.contains(&Origin { commit, ..origin }));
        if is_known {
            model.newer_commit = None;
        }
    }
}
