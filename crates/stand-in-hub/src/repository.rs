//! What the server holds: repositories, their revisions and files.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use sha1::Digest;

use crate::content::{Content, hex};

/// A file at a revision, with the names the Hub gives it.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path in the repository.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// How many bytes.
    pub size: u64,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// Whether large file storage holds it: then git holds a pointer to it.
    pub is_lfs: bool,
    /// What git calls it: the name of its bytes, or of its pointer.
    pub oid: String,
    /// How long the pointer is.
    pub pointer_size: u64,
    /// Its name at the CDN, which says nothing about its sha256.
    pub xet_hash: String,
}

impl File {
    /// A file; weights (`.gguf`, `.safetensors`) lie in large file storage.
    pub fn new(path: &str, content: Content) -> Self {
        let (size, sha256) = (content.size(), content.sha256());
        let is_lfs = [".gguf", ".safetensors"]
            .iter()
            .any(|end| path.ends_with(end));
        let pointer = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
        );
        let oid = if is_lfs {
            Content::Text(pointer.clone()).git_sha1()
        } else {
            content.git_sha1()
        };
        Self {
            path: path.to_owned(),
            xet_hash: Content::Text(format!("xet {sha256}")).sha256(),
            pointer_size: pointer.len() as u64,
            content,
            size,
            sha256,
            is_lfs,
            oid,
        }
    }
}

/// Who may read the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gated {
    /// Everyone.
    #[default]
    No,
    /// Who accepted the terms.
    Auto,
    /// Whom the authors admitted.
    Manual,
}

impl Gated {
    pub(crate) fn json(self) -> Value {
        match self {
            Self::No => json!(false),
            Self::Auto => json!("auto"),
            Self::Manual => json!("manual"),
        }
    }
}

/// A model's repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Described")]
pub struct Repository {
    /// `owner/name`.
    pub id: String,
    /// Who may read it.
    pub gated: Gated,
    /// Users who were admitted to it, and those who wait.
    pub admitted: Vec<String>,
    /// Users whose request awaits a review.
    pub pending: Vec<String>,
    /// Invisible without a token of one of `admitted`.
    pub private: bool,
    /// Taken down.
    pub disabled: bool,
    /// The tree hides the hashes of its large files from everyone.
    pub masked: bool,
    /// More members of its information: `downloads`, `likes`, `tags`, `gguf`, `lastModified`…
    pub info: serde_json::Map<String, Value>,
    /// Its revisions, the newest last.
    pub revisions: Vec<Revision>,
}

/// The files of a commit.
#[derive(Clone, Debug)]
pub struct Revision {
    /// 40 hex digits.
    pub commit: String,
    /// Its files.
    pub files: Vec<File>,
}

impl Repository {
    /// A public repository without files.
    pub fn new(id: &str) -> Self {
        let mut repository = Self {
            id: id.to_owned(),
            gated: Gated::No,
            admitted: Vec::new(),
            pending: Vec::new(),
            private: false,
            disabled: false,
            masked: false,
            info: serde_json::Map::new(),
            revisions: vec![Revision {
                commit: String::new(),
                files: Vec::new(),
            }],
        };
        repository.name_commit();
        repository
    }

    /// With one more file in its newest revision, which thereby is another commit.
    pub fn file(mut self, path: &str, content: Content) -> Self {
        self.newest_mut().files.push(File::new(path, content));
        self.name_commit();
        self
    }

    /// With one more member of its information, such as `downloads` or `gguf`.
    pub fn info(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.info.insert(key.to_owned(), value.into());
        self
    }

    /// Readable for the admitted only.
    pub fn gated(mut self, gated: Gated, admitted: &[&str]) -> Self {
        self.gated = gated;
        self.admitted = admitted.iter().map(|user| (*user).to_owned()).collect();
        self
    }

    /// The newest commit.
    pub fn commit(&self) -> &str {
        &self.newest().commit
    }

    /// A file of the newest commit.
    ///
    /// # Panics
    /// When there is none of this path.
    pub fn get(&self, path: &str) -> &File {
        let found = self.newest().files.iter().find(|file| file.path == path);
        found.unwrap_or_else(|| panic!("{} has no file {path}", self.id))
    }

    /// A new commit in which one file has other bytes; the old commit stays.
    pub(crate) fn push(&mut self, path: &str, content: Content) {
        let mut next = self.newest().clone();
        next.files.retain(|file| file.path != path);
        next.files.push(File::new(path, content));
        self.revisions.push(next);
        self.name_commit();
    }

    /// Other bytes under the same commit, as no git server should do.
    pub(crate) fn overwrite(&mut self, path: &str, content: Content) {
        let newest = self.newest_mut();
        newest.files.retain(|file| file.path != path);
        newest.files.push(File::new(path, content));
    }

    pub(crate) fn revision(&self, name: &str) -> Option<&Revision> {
        if name == "main" {
            return Some(self.newest());
        }
        let named = |revision: &&Revision| revision.commit == name;
        self.revisions.iter().find(named)
    }

    pub(crate) fn newest(&self) -> &Revision {
        self.revisions
            .last()
            .expect("a repository is made with one")
    }

    fn newest_mut(&mut self) -> &mut Revision {
        let last = self.revisions.last_mut();
        last.expect("a repository is made with one")
    }

    fn name_commit(&mut self) {
        let mut hasher = sha1::Sha1::new();
        hasher.update(format!("{} {}", self.id, self.revisions.len()));
        for file in &self.newest().files {
            hasher.update(format!("{} {}", file.path, file.sha256));
        }
        self.newest_mut().commit = hex(&hasher.finalize());
    }
}

/// A repository as a configuration file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    id: String,
    #[serde(default)]
    gated: Gated,
    #[serde(default)]
    admitted: Vec<String>,
    #[serde(default)]
    pending: Vec<String>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    masked: bool,
    #[serde(default)]
    info: serde_json::Map<String, Value>,
    #[serde(default)]
    files: BTreeMap<String, Content>,
}

impl From<Described> for Repository {
    fn from(described: Described) -> Self {
        let mut repository = Self {
            gated: described.gated,
            admitted: described.admitted,
            pending: described.pending,
            private: described.private,
            disabled: described.disabled,
            masked: described.masked,
            info: described.info,
            ..Self::new(&described.id)
        };
        for (path, content) in described.files {
            repository = repository.file(&path, content);
        }
        repository
    }
}
