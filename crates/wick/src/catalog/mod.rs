//! The models Wick knows without asking anybody: compiled in, with what estimates need of each.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use wick_engine::estimate::{Dimensions, Mixture};

/// The catalog's file, which a test holds to its rules.
const MODELS: &str = include_str!("models.json");

/// Bytes of a header for each token: the token, its kind, the merges it comes of.
const HEADER_BYTES_OF_A_TOKEN: u64 = 40;

/// What stands in a list of languages for more than a hundred of them.
const MANY_LANGUAGES: &str = "*";

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalog {
    /// The models.
    pub entries: Vec<CatalogEntry>,
}

/// A model, in files of several levels of quantization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct CatalogEntry {
    /// Its name here.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Who made it.
    pub publisher: String,
    /// Where its files are, on the Hub.
    pub repository: String,
    /// Year and month: `2025-04`.
    pub released: String,
    /// As the Hub names it: `apache-2.0`.
    pub licence: String,
    /// Languages it was made for, by their codes of two letters; `*` is more than a hundred.
    pub languages: Vec<String>,
    /// Whether it thinks before it answers.
    pub thinking: Thinking,
    /// Weights, as its makers count them.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub parameters: u64,
    /// Its hyper-parameters.
    pub dimensions: Dimensions,
    /// Its files, the smallest first.
    pub files: Vec<CatalogFile>,
}

/// Whether a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Thinking {
    /// It answers at once.
    Never,
    /// Where that is wanted.
    Can,
    /// It cannot do otherwise.
    Always,
}

/// One file of a model, or all that belong to a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct CatalogFile {
    /// How it is quantized.
    pub level: Mixture,
    /// Its name in the repository.
    pub name: String,
    /// Its size, where it is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub verified_bytes: Option<u64>,
}

/// A size, and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct FileSize {
    /// The size.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub bytes: u64,
    /// How it is known.
    pub source: SizeSource,
}

/// How the size of a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum SizeSource {
    /// Somebody has looked.
    Verified,
    /// From the architecture and the types that its level mixes.
    Computed,
}

/// Classes by which people speak of sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Class {
    /// Up to 1.4 billion weights.
    Micro,
    /// Up to 13.9 billion.
    Small,
    /// More.
    Medium,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Micro, Self::Small, Self::Medium];

    /// Of a model with so many weights.
    pub fn of(parameters: u64) -> Self {
        match parameters {
            0..1_450_000_000 => Self::Micro,
            1_450_000_000..13_950_000_000 => Self::Small,
            _ => Self::Medium,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Micro => "Micro",
            Self::Small => "Small",
            Self::Medium => "Medium",
        }
    }
}

impl Catalog {
    /// The one that is compiled in.
    pub fn builtin() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| {
            serde_json::from_str(MODELS).expect("a test reads the catalog that is compiled in")
        })
    }

    /// The model of this id.
    pub fn find(&self, id: &str) -> Option<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }
}

impl CatalogEntry {
    /// Its class.
    pub fn class(&self) -> Class {
        Class::of(self.parameters)
    }

    /// Whether it was made for a language, by its code.
    pub fn speaks(&self, language: &str) -> bool {
        let is_it = |own: &String| own == MANY_LANGUAGES || own.eq_ignore_ascii_case(language);
        self.languages.iter().any(is_it)
    }

    /// The size of one of its files.
    pub fn size_of(&self, file: &CatalogFile) -> wick_engine::Result<FileSize> {
        if let Some(bytes) = file.verified_bytes {
            let source = SizeSource::Verified;
            return Ok(FileSize { bytes, source });
        }
        let tensors = self.dimensions.tensor_bytes(file.level)?;
        let header = u64::from(self.dimensions.vocabulary) * HEADER_BYTES_OF_A_TOKEN;
        Ok(FileSize {
            bytes: tensors + header,
            source: SizeSource::Computed,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wick_engine::estimate::Plan;

    use super::*;

    #[test]
    fn every_entry_is_a_model_that_the_engine_runs() {
        let catalog = Catalog::builtin();
        let ids: BTreeSet<&str> = catalog.entries.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(ids.len(), catalog.entries.len());
        for entry in &catalog.entries {
            assert!(!entry.files.is_empty() && !entry.languages.is_empty());
            let month: Vec<&str> = entry.released.split('-').collect();
            assert!(matches!(month[..], [year, month] if year.len() == 4 && month.len() == 2));
            assert!(entry.repository.split('/').count() == 2, "{}", entry.id);
            for file in &entry.files {
                let shape = entry.dimensions.at(file.level).unwrap();
                // Packed matrices come with a scale each, which the count of their makers has.
                assert_eq!(shape.parameters, entry.parameters, "{}", entry.id);
                let memory = shape.memory(&Plan::on_processor(2048)).unwrap();
                let size = entry.size_of(file).unwrap();
                assert!(memory.memory_bytes.total > size.bytes, "{}", file.name);
            }
            assert!(
                entry.files.is_sorted_by_key(|file| file.level),
                "{}",
                entry.id
            );
        }
    }

    #[test]
    fn sizes_that_are_computed_are_near_those_that_were_seen() {
        let mut seen = 0;
        for entry in &Catalog::builtin().entries {
            for file in entry
                .files
                .iter()
                .filter(|file| file.verified_bytes.is_some())
            {
                let verified = entry.size_of(file).unwrap();
                let unknown = CatalogFile {
                    verified_bytes: None,
                    ..file.clone()
                };
                let computed = entry.size_of(&unknown).unwrap();
                assert_eq!(verified.source, SizeSource::Verified);
                assert_eq!(computed.source, SizeSource::Computed);
                let ratio = computed.bytes as f64 / verified.bytes as f64;
                assert!((0.98..1.015).contains(&ratio), "{}: {ratio}", file.name);
                seen += 1;
            }
        }
        assert!(seen >= 30, "{seen}");
    }

    #[test]
    fn what_people_ask_for_is_in_it() {
        let catalog = Catalog::builtin();
        for (id, class) in [
            ("qwen3-0.6b", Class::Micro),
            ("llama-3.2-1b", Class::Micro),
            ("qwen3-1.7b", Class::Small),
            ("gemma-3-12b", Class::Small),
            ("qwen3-14b", Class::Medium),
            ("qwen3-30b-a3b", Class::Medium),
        ] {
            assert_eq!(catalog.find(id).unwrap().class(), class, "{id}");
        }
        let speaks = |id: &str, language| catalog.find(id).unwrap().speaks(language);
        assert!(speaks("qwen3-4b", "sv") && speaks("phi-4-mini", "SV"));
        assert!(!speaks("smollm2-360m", "sv") && speaks("smollm2-360m", "en"));
    }
}
