//! What the Hub says of a model, in a search or on its own.

use serde::Deserialize;

use super::{
    Holds,
    lenient::{Texts, label, lenient},
};
use crate::{CommitHash, Error, Hub, RepoId, Result};

/// No model has more weights; a file's size in this place is no count of weights.
const MOST_PARAMETERS: u64 = 20_000_000_000_000;
/// The largest number that a page can show exactly.
const LARGEST: u64 = 1 << 53;
/// What the Hub tags a model for many languages with, and what the catalog calls it.
const MULTILINGUAL: &str = "multilingual";
const MANY_LANGUAGES: &str = "*";
/// Most tags and languages that are looked at.
const MOST_TAGS: usize = 512;
const MOST_LANGUAGES: usize = 128;

/// A model, as a search tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSummary {
    /// Its repository.
    pub repo: RepoId,
    /// Whether its publisher asks for something first.
    pub gating: Gating,
    /// Downloads of the last month.
    pub downloads: u64,
    /// People who like it.
    pub likes: u64,
    /// When it last changed: `2025-03-12T10:30:05.000Z`.
    pub updated_at: Option<String>,
    /// As the Hub names it: `apache-2.0`.
    pub licence: Option<String>,
    /// Languages by their codes; `*` is many.
    pub languages: Vec<String>,
    /// Weights.
    pub parameters: Option<u64>,
    /// The family: GGUF's name for it, or the type that a `config.json` gives.
    pub architecture: Option<String>,
    /// Tokens of context it was trained for.
    pub context_length: Option<u32>,
    /// What it is for: `text-generation`.
    pub task: Option<String>,
    /// Whether the Hub found a GGUF file in it.
    pub has_gguf: bool,
}

/// What a publisher asks for before files can be fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gating {
    /// Nothing.
    #[default]
    Open,
    /// That terms are accepted.
    Terms,
    /// That, and then the publisher decides.
    Review,
}

/// A model on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// What a search tells as well.
    pub summary: ModelSummary,
    /// The commit that all its files are fetched of.
    pub commit: CommitHash,
    /// When the Hub said so, in milliseconds since 1970.
    pub as_of_ms: i64,
}

impl Hub {
    /// A model at a revision, or at its newest commit.
    pub async fn model(&self, repo: &RepoId, revision: Option<&str>) -> Result<ModelInfo> {
        let path = ["api", "models", repo.owner(), repo.name()];
        let revision = revision.map(|revision| ["revision", revision]);
        let url = self
            .endpoint()
            .at(path.into_iter().chain(revision.into_iter().flatten()));
        let answer = self.page(url, Some(repo), Holds::AMinute, |body| {
            let raw: RawModel = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            let commit = raw.sha.as_deref().and_then(|sha| sha.parse().ok());
            let commit: CommitHash = commit.ok_or("a model without a commit")?;
            let is_disabled = raw.disabled;
            let summary = raw
                .summary()
                .unwrap_or_else(|| ModelSummary::empty(repo.clone()));
            // A renamed repository answers to its old name; it is asked by the one that was asked for.
            let repo = repo.clone();
            Ok((ModelSummary { repo, ..summary }, commit, is_disabled))
        });
        let answer = answer.await?;
        match answer.value {
            (_, _, true) => Err(Error::Disabled {
                name: repo.to_string(),
            }),
            (summary, commit, false) => Ok(ModelInfo {
                summary,
                commit,
                as_of_ms: answer.at_ms,
            }),
        }
    }
}

impl ModelSummary {
    fn empty(repo: RepoId) -> Self {
        Self {
            repo,
            gating: Gating::Open,
            downloads: 0,
            likes: 0,
            updated_at: None,
            licence: None,
            languages: Vec::new(),
            parameters: None,
            architecture: None,
            context_length: None,
            task: None,
            has_gguf: false,
        }
    }
}

/// A model in JSON. What is not listed here, chat templates for one, is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawModel {
    #[serde(deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    model_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    sha: Option<String>,
    #[serde(deserialize_with = "lenient")]
    gated: Option<String>,
    #[serde(deserialize_with = "lenient")]
    disabled: bool,
    #[serde(deserialize_with = "lenient")]
    downloads: u64,
    #[serde(deserialize_with = "lenient")]
    likes: u64,
    #[serde(deserialize_with = "lenient")]
    last_modified: Option<String>,
    #[serde(deserialize_with = "lenient")]
    tags: Texts,
    #[serde(deserialize_with = "lenient", rename = "pipeline_tag")]
    task: Option<String>,
    #[serde(deserialize_with = "lenient")]
    card_data: CardData,
    #[serde(deserialize_with = "lenient")]
    gguf: Option<Gguf>,
    #[serde(deserialize_with = "lenient")]
    safetensors: Weights,
    #[serde(deserialize_with = "lenient")]
    config: Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CardData {
    license: Texts,
    language: Texts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Gguf {
    #[serde(deserialize_with = "lenient")]
    total: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    architecture: Option<String>,
    #[serde(deserialize_with = "lenient")]
    context_length: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Weights {
    #[serde(deserialize_with = "lenient")]
    total: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    #[serde(deserialize_with = "lenient")]
    model_type: Option<String>,
}

impl RawModel {
    /// None where even the name is none.
    pub(super) fn summary(self) -> Option<ModelSummary> {
        let repo: RepoId = self.id.or(self.model_id)?.parse().ok()?;
        let has_gguf = self.gguf.is_some();
        let gguf = self.gguf.unwrap_or_default();
        let tags = &self.tags.0[..self.tags.0.len().min(MOST_TAGS)];
        let licence = self.card_data.license.0.first().map(String::as_str);
        let licence = licence.or_else(|| tags.iter().find_map(|tag| tag.strip_prefix("license:")));
        let name =
            |text: Option<String>| text.map(|text| label(&text, 64)).filter(|t| !t.is_empty());
        Some(ModelSummary {
            gating: match self.gated.as_deref() {
                Some("manual") => Gating::Review,
                Some(_) => Gating::Terms,
                None => Gating::Open,
            },
            downloads: self.downloads.min(LARGEST),
            likes: self.likes.min(LARGEST),
            updated_at: self.last_modified.filter(|text| is_date(text)),
            licence: name(licence.map(str::to_owned)),
            languages: languages(&self.card_data.language.0, tags),
            parameters: gguf
                .total
                .or(self.safetensors.total)
                .filter(|count| (1..=MOST_PARAMETERS).contains(count)),
            architecture: name(gguf.architecture.or(self.config.model_type)),
            context_length: gguf.context_length.filter(|length| *length > 0),
            task: name(self.task),
            has_gguf: has_gguf || tags.iter().any(|tag| tag == "gguf"),
            repo,
        })
    }
}

/// `2025-03-12…`: what is shown is the day.
fn is_date(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_digit() || b"-:TZ.+".contains(&b);
    (10..=32).contains(&text.len()) && text.bytes().all(is_plain)
}

/// What the card says, else the tags: among those, languages are the ones of two letters.
fn languages(of_card: &[String], tags: &[String]) -> Vec<String> {
    let is_code = |text: &&String| {
        (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase())
    };
    let is_short = |text: &&String| text.len() == 2;
    let known = |text: &String| match text.as_str() {
        MULTILINGUAL => MANY_LANGUAGES.to_owned(),
        _ => text.clone(),
    };
    let is_many = |text: &&String| *text == MULTILINGUAL;
    let of_card: Vec<String> = of_card
        .iter()
        .filter(|text| is_code(text) || is_many(text))
        .map(known)
        .take(MOST_LANGUAGES)
        .collect();
    if !of_card.is_empty() {
        return of_card;
    }
    let of_tags = tags
        .iter()
        .filter(|text| is_code(text) && is_short(text) || is_many(text));
    of_tags.map(known).take(MOST_LANGUAGES).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn summary(value: Value) -> Option<ModelSummary> {
        serde_json::from_value::<RawModel>(value).unwrap().summary()
    }

    #[test]
    fn a_model_is_read_as_the_hub_tells_it() {
        let model = summary(json!({
            "_id": "67d1", "id": "ann/tiny-it-GGUF", "private": false,
            "tags": ["gguf", "base_model:ann/tiny-it", "license:gemma", "region:us", "en", "conversational"],
            "downloads": 186325, "likes": 38, "modelId": "ann/tiny-it-GGUF", "author": "ann",
            "sha": "f9c28bcd85737ffc5aef028638d3341d49869c27", "lastModified": "2025-03-12T10:30:05.000Z",
            "gated": false, "disabled": false, "model-index": null, "config": {},
            "cardData": {"license": "gemma", "base_model": ["ann/tiny-it"]},
            "gguf": {"total": 999885952, "architecture": "gemma3", "context_length": 32768,
                "chat_template": "{{ evil }}", "totalFileSize": 2006573568},
            "siblings": [{"rfilename": "README.md"}],
        }))
        .unwrap();
        assert_eq!(model.parameters, Some(999885952));
        assert_eq!(model.architecture.as_deref(), Some("gemma3"));
        assert_eq!(model.licence.as_deref(), Some("gemma"));
        assert_eq!(model.languages, ["en"]);
        assert_eq!(
            (model.gating, model.context_length),
            (Gating::Open, Some(32768))
        );
        assert!(model.has_gguf);
    }

    #[test]
    fn what_is_of_another_type_is_not_there() {
        let model = summary(json!({
            "id": 7, "modelId": "ann/tiny", "gated": true, "downloads": -1, "likes": 1e99, "tags": {"a": 1},
            "lastModified": "<script>", "cardData": "x", "gguf": 4, "safetensors": {"total": "many"}, "config": 3,
            "pipeline_tag": ["x"], "sha": {},
        }))
        .unwrap();
        assert_eq!(model, ModelSummary::empty("ann/tiny".parse().unwrap()));
        assert_eq!(summary(json!({})), None);
        assert_eq!(summary(json!({"id": "../../etc"})), None);
        assert!(serde_json::from_str::<RawModel>(&"[".repeat(10_000)).is_err());
    }

    #[test]
    fn texts_of_strangers_are_short_and_hide_nothing() {
        let model = summary(json!({
            "id": "ann/tiny", "cardData": {"license": ["a\u{202e}\n<b>b</b>"], "language": ["multilingual", "x y", "en"]},
            "gguf": {"architecture": "x".repeat(500), "total": 90_000_000_000_000_000u64, "context_length": 0},
            "gated": "manual",
        }))
        .unwrap();
        assert_eq!(model.licence.as_deref(), Some("a<b>b</b>"));
        assert_eq!(model.languages, ["*", "en"]);
        assert_eq!(model.architecture.unwrap().len(), 64);
        assert_eq!((model.parameters, model.context_length), (None, None));
        assert_eq!(model.gating, Gating::Review);
    }
}
