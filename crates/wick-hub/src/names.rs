//! Names of repositories and of the files in them, as a server tells them: labels, checked before anything is asked or
//! made with them.

use std::{fmt, str::FromStr};

use crate::{Error, FileKind, Refusal, Result};

/// Most bytes of an owner or of a repository's name.
const LONGEST_PART: usize = 96;
/// Most bytes of a part of a path: what file systems allow.
const LONGEST_FILE_NAME: usize = 255;
/// Most bytes of a path.
const LONGEST_PATH: usize = 1024;

/// A repository: `owner/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId(String);

impl RepoId {
    /// Who it belongs to.
    pub fn owner(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Its name without the owner.
    pub fn name(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }

    /// Both, as the Hub writes them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepoId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_part = |part: &str| {
            (1..=LONGEST_PART).contains(&part.len())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
                && !part.starts_with(['.', '-'])
                && !part.contains("..")
        };
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(owner), Some(name), None) if is_part(owner) && is_part(name) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Error::refused(text, Refusal::Repository)),
        }
    }
}

/// The path of a file in a repository. It only ever names the file to the server and to people: no local path is made
/// of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemotePath(String);

impl RemotePath {
    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// What lies before the last part; empty at the top.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Its parts, from the top.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// What kind of file it is, if it is one that Wick ever fetches.
    pub fn kind(&self) -> Option<FileKind> {
        FileKind::of(self)
    }
}

impl FromStr for RemotePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.len() <= LONGEST_PATH && text.split('/').all(is_file_name) {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::refused(text, Refusal::Path)),
        }
    }
}

/// Whether every file system takes it as one plain name.
fn is_file_name(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end();
    (1..=LONGEST_FILE_NAME).contains(&part.len())
        && part != "."
        && part != ".."
        // Windows drops both from the end.
        && !part.ends_with(['.', ' '])
        && !part.contains(|c: char| c.is_control() || r#"\:*?"<>|"#.contains(c))
        && !is_device(stem)
}

/// Names that Windows keeps for devices, whatever their extension.
fn is_device(stem: &str) -> bool {
    let upper = stem.to_ascii_uppercase();
    let numbered = |name: &str| {
        let number = upper.strip_prefix(name);
        number.is_some_and(|n| {
            n.chars().count() == 1 && n.contains(|c: char| "0123456789¹²³".contains(c))
        })
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&upper.as_str())
        || numbered("COM")
        || numbered("LPT")
}

macro_rules! shown_as_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}
shown_as_text!(RepoId);
shown_as_text!(RemotePath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        let repo: RepoId = "ggml-org/gemma-3-1b-it-GGUF".parse().unwrap();
        assert_eq!(
            (repo.owner(), repo.name()),
            ("ggml-org", "gemma-3-1b-it-GGUF")
        );
        let long = format!("a/{}", "b".repeat(97));
        for bad in [
            "",
            "a",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "../b",
            "a/..",
            "a/b..c",
            "a/.b",
            "-a/b",
            "a/b?x",
            "a/b#c",
            "a/b c",
            "a/é",
            "a/%2e%2e",
            "a\\b/c",
            "https://x/y",
            "a/b\n",
            &long,
        ] {
            assert!(bad.parse::<RepoId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_path_has_plain_names_only() {
        let path: RemotePath = "Q4_K_M/model-00001-of-00002.gguf".parse().unwrap();
        assert_eq!(
            (path.folder(), path.file_name()),
            ("Q4_K_M", "model-00001-of-00002.gguf")
        );
        let name = "x".repeat(256);
        let path = "xxxx/".repeat(300);
        for bad in [
            "",
            "/etc/passwd",
            "a//b",
            "a/",
            ".",
            "..",
            "a/../b",
            "../a",
            "a\\b",
            "C:a",
            "a*",
            "a?",
            "a\"",
            "a<b",
            "a>b",
            "a|b",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            "nul",
            "NUL.gguf",
            "dir/con.txt",
            "com1",
            "LPT9.x",
            "com¹",
            "a.",
            "a ",
            "CON .x",
            &name,
            &path,
        ] {
            assert!(bad.parse::<RemotePath>().is_err(), "{bad:?}");
        }
        for good in [
            "a",
            "com10",
            "console.txt",
            "模型.gguf",
            ".gitattributes",
            "a b.gguf",
        ] {
            assert!(good.parse::<RemotePath>().is_ok(), "{good:?}");
        }
    }
}
