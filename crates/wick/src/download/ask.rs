//! What people write when they want a model: `Qwen/Qwen3-0.6B-GGUF:Q8_0`, an address of its page, a file's name, or the
//! repository alone; and which of its files that is.

use std::str::FromStr;

use wick_hub::{FileSet, RemotePath, RepoId, SetKind, sets};

use super::{DownloadRequest, plan::names_of};
use crate::{Error, Result, Wick, recommend::Preferences};

/// Addresses of the Hub's pages, which may stand before a repository.
const PAGES: [&str; 3] = ["huggingface.co/", "www.huggingface.co/", "hf.co/"];
/// Levels that are taken where nobody says which, the usual one first.
const USUAL_LEVELS: [&str; 9] = [
    "Q4_K_M", "Q4_K_S", "Q4_0", "Q4_1", "Q5_K_M", "Q5_0", "Q6_K", "Q8_0", "F16",
];

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    repository: RepoId,
    revision: Option<String>,
    which: Which,
}

/// Which files of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// What is recommended for this machine.
    Recommended,
    /// A level of quantization, or a file's name.
    Named(String),
}

impl FromStr for Ask {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let address = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        // An address of another server is none of a repository.
        let rest = match address {
            Some(address) => behind_page(address).unwrap_or_default(),
            None => behind_page(text).unwrap_or(text),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (path, level) = match rest.split_once(':') {
            Some((path, level)) if !level.is_empty() => (path, Some(level)),
            Some((path, _)) => (path, None),
            None => (rest, None),
        };
        let mut parts = path.trim_end_matches('/').splitn(3, '/');
        let (owner, name) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let repository: RepoId = format!("{owner}/{name}").parse()?;
        let (revision, file) = match parts.next() {
            None => (None, None),
            Some(rest) => in_repository(rest),
        };
        let named = level.or(file);
        if let Some(file) = file {
            file.parse::<RemotePath>()?;
        }
        Ok(Self {
            repository,
            revision: revision.map(str::to_owned),
            which: named.map_or(Which::Recommended, |named| Which::Named(named.to_owned())),
        })
    }
}

/// What stands behind the address of the Hub's pages.
fn behind_page(text: &str) -> Option<&str> {
    PAGES.iter().find_map(|page| text.strip_prefix(page))
}

/// `blob/main/file.gguf`, as an address has it, or only `file.gguf`.
fn in_repository(rest: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = rest.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("blob" | "resolve" | "raw" | "tree"), Some(revision), file) => {
            (Some(revision).filter(|revision| *revision != "main"), file)
        }
        _ => (None, Some(rest)),
    }
}

impl Ask {
    /// At another state of the repository than its newest.
    pub fn at(self, revision: Option<String>) -> Self {
        Self {
            revision: revision.or(self.revision),
            ..self
        }
    }
}

impl Wick {
    /// Asks the Hub which files that is.
    pub async fn find_download(&self, ask: &Ask) -> Result<DownloadRequest> {
        let hub = self.hub().await?;
        let revision = ask.revision.as_deref();
        let commit = hub.model(&ask.repository, revision).await?.commit;
        let sets = sets(&hub.tree(&ask.repository, &commit).await?);
        let found = match &ask.which {
            Which::Named(name) => named(&sets, name),
            Which::Recommended => self.recommended(&ask.repository, &sets).await?,
        };
        let set = found.ok_or_else(|| Error::NoSuchFile {
            repository: ask.repository.to_string(),
            wanted: match &ask.which {
                Which::Named(name) => name.clone(),
                Which::Recommended => "model that Wick runs".into(),
            },
            available: names_of(&sets),
        })?;
        Ok(DownloadRequest {
            repository: ask.repository.to_string(),
            revision: ask.revision.clone(),
            file: set.name.clone(),
        })
    }

    /// What the catalog recommends of a model that it knows; else the usual level, or less where that is too large.
    async fn recommended<'a>(
        &self,
        repository: &RepoId,
        sets: &'a [FileSet],
    ) -> Result<Option<&'a FileSet>> {
        let advice = self.advise(&Preferences::default()).await?;
        let mut known = advice.predictions.iter();
        let known = known.find(|one| one.repository == repository.as_str());
        if let Some(set) = known.and_then(|known| named(sets, &known.file)) {
            return Ok(Some(set));
        }
        let available = self
            .hardware_as_seen()
            .await?
            .profile
            .memory
            .available_bytes;
        // Weights, and a quarter of them for what comes with them.
        let fits = |set: &&FileSet| set.bytes().saturating_mul(5) / 4 <= available;
        Ok(usual(sets, fits))
    }
}

fn usual(sets: &[FileSet], fits: impl Fn(&&FileSet) -> bool) -> Option<&FileSet> {
    let models: Vec<&FileSet> = sets
        .iter()
        .filter(|set| set.kind == SetKind::Gguf)
        .collect();
    let of_level = |level: &str| models.iter().copied().find(|set| set.level == Some(level));
    let usual: Vec<&FileSet> = USUAL_LEVELS
        .iter()
        .filter_map(|level| of_level(level))
        .collect();
    let fitting = usual.iter().copied().find(|set| fits(set));
    fitting
        .or_else(|| usual.first().copied())
        // By size, the smallest first.
        .or_else(|| models.first().copied())
        .or_else(|| sets.iter().find(|set| set.kind == SetKind::Safetensors))
}

/// By its level, or the name of any of its files.
fn named<'a>(sets: &'a [FileSet], name: &str) -> Option<&'a FileSet> {
    let is_level = |set: &&FileSet| {
        let is_model = matches!(set.kind, SetKind::Gguf | SetKind::Incomplete);
        is_model
            && set
                .level
                .is_some_and(|level| level.eq_ignore_ascii_case(name))
    };
    let has_file = |set: &&FileSet| {
        let is_it = |path: &RemotePath| path.as_str() == name || path.file_name() == name;
        set.files.iter().any(|file| is_it(&file.path))
    };
    let is_folder = |set: &&FileSet| {
        set.kind == SetKind::Safetensors && name.eq_ignore_ascii_case("safetensors")
    };
    let find = |is_it: &dyn Fn(&&FileSet) -> bool| sets.iter().find(|set| is_it(set));
    find(&is_level)
        .or_else(|| find(&has_file))
        .or_else(|| find(&is_folder))
}

#[cfg(test)]
mod tests {
    use wick_hub::{FileCheck, RemoteFile, TreeFile};

    use super::*;

    #[test]
    fn a_model_is_asked_for_in_many_ways() {
        let ask = |repository: &str, revision: Option<&str>, name: Option<&str>| Ask {
            repository: repository.parse().unwrap(),
            revision: revision.map(str::to_owned),
            which: name.map_or(Which::Recommended, |name| Which::Named(name.to_owned())),
        };
        let repository = "Qwen/Qwen3-0.6B-GGUF";
        let file = "Qwen3-0.6B-Q8_0.gguf";
        for (text, expected) in [
            ("Qwen/Qwen3-0.6B-GGUF", ask(repository, None, None)),
            (
                "Qwen/Qwen3-0.6B-GGUF:Q8_0",
                ask(repository, None, Some("Q8_0")),
            ),
            (
                "Qwen/Qwen3-0.6B-GGUF:q8_0",
                ask(repository, None, Some("q8_0")),
            ),
            (
                "hf.co/Qwen/Qwen3-0.6B-GGUF:Q8_0",
                ask(repository, None, Some("Q8_0")),
            ),
            (
                "https://hf.co/Qwen/Qwen3-0.6B-GGUF/",
                ask(repository, None, None),
            ),
            (
                "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF?show=files",
                ask(repository, None, None),
            ),
            (
                "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/tree/main",
                ask(repository, None, None),
            ),
            (
                "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/blob/main/Qwen3-0.6B-Q8_0.gguf",
                ask(repository, None, Some(file)),
            ),
            (
                "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/v1/Qwen3-0.6B-Q8_0.gguf?download=true",
                ask(repository, Some("v1"), Some(file)),
            ),
            (
                "Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf",
                ask(repository, None, Some(file)),
            ),
            ("a/b/Q4/c.gguf", ask("a/b", None, Some("Q4/c.gguf"))),
        ] {
            assert_eq!(text.parse::<Ask>().unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "qwen3",
            "a/../b",
            "a/b/../../c",
            "https://",
            "../../etc/passwd",
            "a/b\\c",
            "https://example.org/a",
        ] {
            assert!(text.parse::<Ask>().is_err(), "{text}");
        }
    }

    fn tree(names: &[(&str, u64)]) -> Vec<FileSet> {
        let files = names.iter().map(|(name, size)| TreeFile {
            file: RemoteFile {
                path: name.parse().unwrap(),
                size: *size,
                check: FileCheck::GitSha1("ab".repeat(20).parse().unwrap()),
            },
            xet_hash: None,
        });
        sets(&files.collect::<Vec<_>>())
    }

    #[test]
    fn the_usual_level_is_taken_if_it_fits() {
        let sets = tree(&[
            ("a-Q2_K.gguf", 2),
            ("a-Q4_0.gguf", 4),
            ("a-Q4_K_M.gguf", 5),
            ("a-Q8_0.gguf", 8),
            ("mmproj-a-Q4_K_M.gguf", 1),
        ]);
        let chosen = |most| {
            usual(&sets, |set| set.bytes() <= most)
                .unwrap()
                .name
                .clone()
        };
        assert_eq!(chosen(100), "a-Q4_K_M.gguf");
        assert_eq!(chosen(4), "a-Q4_0.gguf");
        assert_eq!(chosen(1), "a-Q4_K_M.gguf");
        assert_eq!(named(&sets, "q4_k_m").unwrap().name, "a-Q4_K_M.gguf");
        assert_eq!(named(&sets, "a-Q2_K.gguf").unwrap().name, "a-Q2_K.gguf");
        assert_eq!(named(&sets, "Q3_K_M"), None);
        assert_eq!(usual(&tree(&[("README.md", 1)]), |_| true), None);
    }
}
