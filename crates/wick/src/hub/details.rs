//! A model's page: its card, and its files with what each would take.

use wick_hub::{Error as HubError, FileCheck, FileSet, Hub, RepoId, SetKind, sets};

use super::{
    HubDetails, HubFile, HubModel, Runs, Source,
    rows::Here,
    search::{is_out_of_reach, is_worth_looking_at_home, source},
    weights::{level_runs, mixture_of},
};
use crate::{
    Error, Result, Wick,
    catalog::{Catalog, CatalogEntry},
    library::LibraryModel,
};

impl Wick {
    /// A model's page.
    pub async fn hub_details(&self, repository: &str) -> Result<HubDetails> {
        let repo: RepoId = repository.parse()?;
        let hub = self.hub().await?;
        let here = self.here().await?;
        let installed = self.models()?;
        let error = match look(&hub, &repo, &here, &installed).await {
            Ok(details) => return Ok(details),
            Err(error) => error,
        };
        if !is_worth_looking_at_home(&error) {
            return Err(error.into());
        }
        if let Ok(details) = look(&hub.kept(), &repo, &here, &installed).await {
            return Ok(details);
        }
        let entries = &Catalog::builtin().entries;
        let entry = entries.iter().find(|entry| entry.repository == repository);
        match entry.filter(|_| is_out_of_reach(&error)) {
            Some(entry) => of_catalog(entry, &here, hub.page_of(&repo).to_string()),
            None => Err(error.into()),
        }
    }
}

async fn look(
    hub: &Hub,
    repo: &RepoId,
    here: &Here,
    installed: &[LibraryModel],
) -> Result<HubDetails, HubError> {
    let info = hub.model(repo, None).await?;
    let tree = hub.tree(repo, &info.commit).await?;
    let model = here.row(&info.summary);
    let files = sets(&tree)
        .iter()
        .map(|set| here.file(set, &model, installed))
        .collect();
    // Files can be looked at without a card.
    let card = hub.card(repo, &info.commit).await.unwrap_or_default();
    Ok(HubDetails {
        model,
        commit: info.commit.to_string(),
        card: without_front_matter(&card).to_owned(),
        files,
        source: source(hub, info.as_of_ms),
        url: hub.page_of(repo).to_string(),
    })
}

fn of_catalog(entry: &CatalogEntry, here: &Here, url: String) -> Result<HubDetails> {
    let model = here.row_of_catalog(entry);
    let file = |file: &crate::catalog::CatalogFile| {
        let bytes = entry.size_of(file)?.bytes;
        let architecture = model.architecture.as_deref();
        let context = model.context_length;
        Ok(HubFile {
            name: file.name.clone(),
            parts: 1,
            level: Some(file.level.name().to_owned()),
            bytes,
            installed: None,
            runs: Runs::Yes,
            estimate: here.estimate(
                model.parameters,
                architecture,
                context,
                file.level,
                Some(bytes),
            ),
        })
    };
    let files = entry.files.iter().map(file).collect::<Result<_, Error>>()?;
    Ok(HubDetails {
        model,
        commit: String::new(),
        card: String::new(),
        files,
        source: Source::Catalog,
        url,
    })
}

impl Here {
    fn file(&self, set: &FileSet, model: &HubModel, installed: &[LibraryModel]) -> HubFile {
        let bytes = set.bytes();
        let level = set.level.and_then(mixture_of);
        let level = level
            .or((set.kind == SetKind::Safetensors).then_some(wick_engine::estimate::Mixture::BF16));
        let runs = file_runs(set, model);
        let estimate = level
            .filter(|_| !matches!(runs, Runs::No { .. }))
            .and_then(|level| {
                let architecture = model.architecture.as_deref();
                let context = model.context_length;
                self.estimate(model.parameters, architecture, context, level, Some(bytes))
            });
        HubFile {
            name: set.name.clone(),
            parts: set.parts,
            level: set.level.map(str::to_owned),
            bytes,
            installed: installed_as(&model.repository, set, installed),
            runs,
            estimate,
        }
    }
}

/// By the kind of set, the family, and the level.
fn file_runs(set: &FileSet, model: &HubModel) -> Runs {
    let no = |reason: &str| Runs::No {
        reason: reason.to_owned(),
    };
    match set.kind {
        SetKind::Incomplete => no("Parts of it are missing in the repository."),
        SetKind::Other => no("This is no model of text: it belongs to one."),
        SetKind::Gguf | SetKind::Safetensors => {
            let level = set.level.map_or(Runs::Unknown, level_runs);
            match (&model.runs, level) {
                (Runs::No { .. }, _) => model.runs.clone(),
                (_, no @ Runs::No { .. }) => no,
                (Runs::Yes, _) => Runs::Yes,
                (Runs::Unknown, _) => Runs::Unknown,
            }
        }
    }
}

/// A model of one file has the file's sha256 for its id; others are known by where they came from.
fn installed_as(repository: &str, set: &FileSet, installed: &[LibraryModel]) -> Option<String> {
    let sha256 = match &set.files[..] {
        [file] => match &file.check {
            FileCheck::Sha256(sha256) => Some(sha256.as_str()),
            FileCheck::PointerSha1 { .. } | FileCheck::GitSha1(_) => None,
        },
        _ => None,
    };
    let is_it = |model: &&LibraryModel| match (sha256, &model.origin) {
        (Some(sha256), _) => model.id == sha256,
        (None, Some(origin)) => origin.repository == repository && origin.file == set.name,
        (None, None) => false,
    };
    installed.iter().find(is_it).map(|model| model.id.clone())
}

/// The card without the block of YAML at its beginning.
fn without_front_matter(card: &str) -> &str {
    let card = card.trim_start_matches('\u{FEFF}');
    let Some(rest) = card.strip_prefix("---") else {
        return card;
    };
    let lines = rest.split_inclusive('\n');
    let mut at = card.len() - rest.len();
    for (n, line) in lines.enumerate() {
        at += line.len();
        let is_fence = n > 0 && line.trim_end() == "---";
        if is_fence {
            return card[at..].trim_start();
        }
    }
    card
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_card_for_machines_is_left_out() {
        let card = without_front_matter;
        assert_eq!(
            card("---\nlicense: mit\n---\n# Tiny\n---\nx"),
            "# Tiny\n---\nx"
        );
        assert_eq!(card("\u{FEFF}---\r\na: b\r\n---\r\nx"), "x");
        assert_eq!(card("# Tiny"), "# Tiny");
        assert_eq!(card("---\nnever closed"), "---\nnever closed");
        assert_eq!(card("---"), "---");
    }
}
