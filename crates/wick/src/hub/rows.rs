//! A model of the Hub, or of the catalog, as a row with a verdict.

use wick_engine::{
    estimate::{Mixture, Verdict},
    models::ARCHITECTURES,
    process::protocol::CacheType,
    safetensors,
};
use wick_hub::{Gating, ModelSummary};

use super::{HubModel, Runs, weights::shape_of};
use crate::{
    catalog::{CatalogEntry, Class},
    recommend::{Estimate, Known, Preferences, USUAL_CONTEXT_LENGTH},
};

/// What estimates are made with.
pub(super) struct Here {
    pub known: Known,
    pub preferences: Preferences,
    pub cache_type: CacheType,
    pub context_length: u32,
}

impl Here {
    /// What a model would take, by the number of its weights and, where it is known, the size of its file.
    pub(super) fn estimate(
        &self,
        parameters: Option<u64>,
        architecture: Option<&str>,
        trained_for: Option<u32>,
        level: Mixture,
        bytes: Option<u64>,
    ) -> Option<Estimate> {
        let shape = shape_of(parameters, architecture, level, bytes)?;
        let longest = trained_for.unwrap_or(shape.trained_context_length);
        let context = self.context_length.min(longest);
        self.known
            .estimate(&shape, context, self.cache_type, &self.preferences)
    }

    fn verdict(&self, model: &HubModel) -> Option<Verdict> {
        let estimate = self.estimate(
            Some(model.parameters?),
            model.architecture.as_deref(),
            model.context_length,
            Mixture::Q4KM,
            None,
        );
        estimate.map(|estimate| estimate.verdict)
    }

    pub(super) fn row(&self, summary: &ModelSummary) -> HubModel {
        let architecture = summary.architecture.as_deref().map(|name| {
            // Folders have the Hub's name of the family, files GGUF's.
            let known = safetensors::architecture_of(name).filter(|_| !summary.has_gguf);
            known.unwrap_or(name).to_owned()
        });
        let mut row = HubModel {
            repository: summary.repo.to_string(),
            publisher: summary.repo.owner().to_owned(),
            name: summary.repo.name().to_owned(),
            parameters: summary.parameters,
            class: summary.parameters.map(Class::of),
            runs: runs(architecture.as_deref()),
            architecture,
            licence: summary.licence.clone(),
            languages: summary.languages.clone(),
            gated: summary.gating != Gating::Open,
            downloads: summary.downloads,
            likes: summary.likes,
            updated_at: summary.updated_at.clone(),
            context_length: summary.context_length,
            verdict: None,
        };
        row.verdict = self.verdict(&row);
        row
    }

    pub(super) fn row_of_catalog(&self, entry: &CatalogEntry) -> HubModel {
        let (publisher, name) = entry
            .repository
            .split_once('/')
            .unwrap_or(("", &entry.repository));
        let mut row = HubModel {
            repository: entry.repository.clone(),
            publisher: publisher.to_owned(),
            name: name.to_owned(),
            parameters: Some(entry.parameters),
            class: Some(entry.class()),
            architecture: Some(entry.dimensions.architecture.clone()),
            runs: Runs::Yes,
            licence: Some(entry.licence.clone()),
            languages: entry.languages.clone(),
            gated: false,
            downloads: 0,
            likes: 0,
            updated_at: Some(format!("{}-01", entry.released)),
            context_length: Some(entry.dimensions.context_length),
            verdict: None,
        };
        row.verdict = self.verdict(&row);
        row
    }
}

/// Whether Wick runs a family, by GGUF's name.
pub(super) fn runs(architecture: Option<&str>) -> Runs {
    match architecture {
        None => Runs::Unknown,
        Some(name) if ARCHITECTURES.iter().any(|known| known.name == name) => Runs::Yes,
        Some(name) => Runs::No {
            reason: format!("Wick does not run models of the family {name}."),
        },
    }
}

impl crate::Wick {
    /// What estimates are made with now.
    pub(super) async fn here(&self) -> crate::Result<Here> {
        let settings = self.settings();
        Ok(Here {
            known: self.known().await?,
            context_length: settings.context_length.unwrap_or(USUAL_CONTEXT_LENGTH),
            cache_type: settings.cache_type,
            preferences: settings.preferences,
        })
    }
}
