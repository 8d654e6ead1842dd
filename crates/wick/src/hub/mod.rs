//! Models on the Hub: what there is, what it would take on this machine, and whether it runs at all, before anything is
//! downloaded. Without a network, from pages that were kept and from the catalog.

mod account;
mod check;
mod connection;
mod details;
mod rows;
mod search;
mod tokens;
mod weights;

use serde::{Deserialize, Serialize};
use wick_engine::estimate::Verdict;

pub use check::check_header;
pub(crate) use connection::Connection;

use crate::{
    AppError, Wick,
    catalog::{Catalog, CatalogEntry, Class},
    recommend::Estimate,
};

/// What comes first in a search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum HubSort {
    /// What many look at now.
    #[default]
    Trending,
    /// What was downloaded most in the last month.
    Downloads,
    /// What is liked most.
    Likes,
    /// What changed last.
    Recent,
}

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubQuery {
    /// Words of a name.
    pub search: String,
    /// What comes first.
    pub sort: HubSort,
    /// Only models of this class.
    pub class: Option<Class>,
    /// Only models that fit in this machine's memory and that Wick can run.
    pub only_fitting: bool,
    /// Licences that will do; none is any.
    pub licences: Vec<String>,
    /// Languages that a model must have been made for.
    pub languages: Vec<String>,
    /// Only of this family, by GGUF's name.
    pub architecture: Option<String>,
    /// Only models that ask for their terms to be accepted, or only others.
    pub gated: Option<bool>,
    /// Only of this publisher.
    pub publisher: Option<String>,
    /// [`HubPage::next`] of the page before; with it everything else stays as it was.
    pub next: Option<String>,
}

/// Where an answer came from. All but the first mean that the Hub could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Source {
    /// From the Hub.
    Live,
    /// From pages that were kept.
    Cached {
        /// When the Hub said so.
        at_ms: i64,
    },
    /// From what Wick knows by itself.
    Catalog,
}

/// A page of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubPage {
    /// Models, in the order that was asked for.
    pub models: Vec<HubModel>,
    /// Where the search goes on; only the Hub knows how to read it.
    pub next: Option<String>,
    /// Where this came from.
    pub source: Source,
}

/// Whether Wick runs something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Runs {
    /// As far as can be told without reading the file.
    Yes,
    /// Nothing can be told.
    Unknown,
    /// It does not.
    No {
        /// Why.
        reason: String,
    },
}

/// A model on the Hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubModel {
    /// `owner/name`.
    pub repository: String,
    /// Who published it: the owner.
    pub publisher: String,
    /// Its name without the owner.
    pub name: String,
    /// Weights.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub parameters: Option<u64>,
    /// By that number.
    pub class: Option<Class>,
    /// The family.
    pub architecture: Option<String>,
    /// Whether Wick runs the family.
    pub runs: Runs,
    /// As the Hub names it: `apache-2.0`.
    pub licence: Option<String>,
    /// Languages by their codes; `*` is many.
    pub languages: Vec<String>,
    /// Whether its terms are to be accepted before it can be downloaded.
    pub gated: bool,
    /// Downloads of the last month.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub downloads: u64,
    /// People who like it.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub likes: u64,
    /// When it last changed: an ISO date.
    pub updated_at: Option<String>,
    /// Tokens of context it was trained for.
    pub context_length: Option<u32>,
    /// What it would be like here at `Q4_K_M`, by the number of its weights.
    pub verdict: Option<Verdict>,
}

/// A model's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubDetails {
    /// The model.
    pub model: HubModel,
    /// The commit that this is of; empty where only the catalog knows the model.
    pub commit: String,
    /// Its card, a stranger's markdown, without what stands before it for machines.
    pub card: String,
    /// Its files of weights, the smallest first.
    pub files: Vec<HubFile>,
    /// Where this came from.
    pub source: Source,
    /// Its page for people.
    pub url: String,
}

/// What is downloaded as one: a file, all parts of a split one, or a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubFile {
    /// Its name in the repository: of a split one that of the first part, of the folder's safetensors nothing.
    pub name: String,
    /// Files of weights.
    pub parts: u32,
    /// Level of quantization, as its name says.
    pub level: Option<String>,
    /// Bytes of all of it.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub bytes: u64,
    /// The model of the library that it is.
    pub installed: Option<String>,
    /// Whether Wick runs it.
    pub runs: Runs,
    /// What it would take here, by its size.
    pub estimate: Option<Estimate>,
}

/// What a file's header says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubFileCheck {
    /// As in [`HubFile::name`].
    pub name: String,
    /// Everything that keeps it from running; nothing where it runs.
    pub problems: Vec<AppError>,
    /// What it would take here.
    pub estimate: Option<Estimate>,
    /// Kind of its tokenizer.
    pub tokenizer: String,
    /// Whether it has a chat template.
    pub has_chat_template: bool,
    /// The family.
    pub architecture: String,
    /// How most of its weights are stored.
    pub quantization: String,
}

/// Where the access token is, or would be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum TokenPlace {
    /// In the system's keyring.
    Keyring,
    /// In a file that only this user can read.
    File,
    /// In the environment, `HF_TOKEN`; Wick does not keep it.
    Environment,
    /// Where Hugging Face's own programs keep it.
    HuggingFace,
}

/// In whose name the Hub is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HubAccount {
    /// Whether there is an access token for this endpoint.
    pub has_token: bool,
    /// Where it is, or would be kept.
    pub kept_in: TokenPlace,
    /// The Hub's address, or a mirror's.
    pub endpoint: String,
}

impl Wick {
    /// The models that Wick knows without asking anybody.
    pub fn hub_catalog(&self) -> &'static [CatalogEntry] {
        &Catalog::builtin().entries
    }
}
