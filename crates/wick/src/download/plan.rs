//! What a download fetches: a commit, and the files with what proves each. Known before the first byte, and kept.

use serde::{Deserialize, Serialize};
use wick_hub::{
    CommitHash, FileCheck, FileSet, Hub, RemoteFile, RemotePath, RepoId, SetKind, TransferSpec,
    VerifiedFile, sets,
};

use super::DownloadRequest;
use crate::{
    Error, Result,
    hub::check_header,
    library::{Origin, files::part_name},
};

/// What is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    pub commit: String,
    pub files: Vec<PlannedFile>,
    /// Each in the same order, once all are here and whole: then they only go to their places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Vec<Verified>>,
}

/// A file that is here and whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verified {
    /// Its name in the transfer's folder, which the transfer has made.
    pub local: String,
    pub sha256: String,
}

impl Verified {
    pub fn of(file: &VerifiedFile) -> Self {
        let local = file.local.file_name().unwrap_or_default();
        Self {
            local: local.to_string_lossy().into_owned(),
            sha256: file.sha256.to_string(),
        }
    }
}

/// A file, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedFile {
    pub path: String,
    pub size: u64,
    pub check: PlannedCheck,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum PlannedCheck {
    Sha256(String),
    Pointer { oid: String, size: u64 },
    Git(String),
}

impl Plan {
    fn of(commit: &CommitHash, set: &FileSet) -> Self {
        let files = set.files.iter().map(|file| PlannedFile {
            path: file.path.to_string(),
            size: file.size,
            check: match &file.check {
                FileCheck::Sha256(hash) => PlannedCheck::Sha256(hash.to_string()),
                FileCheck::PointerSha1 { oid, pointer_size } => PlannedCheck::Pointer {
                    oid: oid.to_string(),
                    size: *pointer_size,
                },
                FileCheck::GitSha1(hash) => PlannedCheck::Git(hash.to_string()),
            },
        });
        Self {
            commit: commit.to_string(),
            files: files.collect(),
            verified: None,
        }
    }

    pub fn bytes(&self) -> u64 {
        let sizes = self.files.iter().map(|file| file.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// What the transfer is to fetch. What was read from the database is checked again.
    pub fn spec(&self, repository: &str) -> Result<TransferSpec> {
        let files: Result<Vec<RemoteFile>> = self.files.iter().map(PlannedFile::remote).collect();
        Ok(TransferSpec {
            repo: repository.parse()?,
            commit: self.commit.parse()?,
            files: files?,
        })
    }

    pub fn origin(&self, request: &DownloadRequest) -> Origin {
        Origin {
            repository: request.repository.clone(),
            commit: self.commit.clone(),
            file: request.file.clone(),
        }
    }

    /// The sha256 that the server promises for the only file.
    pub fn promised_id(&self) -> Option<&str> {
        match &self.files[..] {
            [
                PlannedFile {
                    check: PlannedCheck::Sha256(hash),
                    path,
                    ..
                },
            ] if path.ends_with(".gguf") => Some(hash),
            _ => None,
        }
    }

    /// What the library calls the files, in their order. Parts of a split model are numbered; what belongs to a folder
    /// of safetensors is called as its index and the format want it.
    pub fn local_names(&self) -> Result<Vec<String>> {
        let weights = self
            .files
            .iter()
            .filter(|f| f.path.ends_with(".safetensors"));
        let weights = weights.count();
        let count = self.files.len();
        let name = |(number, file): (usize, &PlannedFile)| {
            let path: RemotePath = file.path.parse()?;
            let name = path.file_name();
            Ok(match (weights, count) {
                (0, 1) => "model.gguf".to_owned(),
                (0, _) => part_name(number + 1, count),
                (1, _) if name.ends_with(".safetensors") => "model.safetensors".to_owned(),
                _ if is_plain(name) => name.to_owned(),
                _ => {
                    return Err(Error::File {
                        path: name.to_owned(),
                        reason: "a file of a model has no such name".into(),
                    });
                }
            })
        };
        self.files.iter().enumerate().map(name).collect()
    }
}

fn is_plain(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !name.starts_with('.') && name.bytes().all(is_plain)
}

impl PlannedFile {
    fn remote(&self) -> Result<RemoteFile> {
        Ok(RemoteFile {
            path: self.path.parse()?,
            size: self.size,
            check: match &self.check {
                PlannedCheck::Sha256(hash) => FileCheck::Sha256(hash.parse()?),
                PlannedCheck::Pointer { oid, size } => FileCheck::PointerSha1 {
                    oid: oid.parse()?,
                    pointer_size: *size,
                },
                PlannedCheck::Git(hash) => FileCheck::GitSha1(hash.parse()?),
            },
        })
    }
}

/// Asks for the commit, sizes and hashes, and reads the header: a model that Wick cannot run is refused before a byte
/// of its weights is fetched.
pub(super) async fn resolve(hub: &Hub, request: &DownloadRequest) -> Result<Plan> {
    let repo: RepoId = request.repository.parse()?;
    let commit = hub.model(&repo, request.revision.as_deref()).await?.commit;
    let sets = sets(&hub.tree(&repo, &commit).await?);
    let is_it = |set: &&FileSet| {
        set.name == request.file || set.files.iter().any(|f| f.path.as_str() == request.file)
    };
    let set = sets.iter().find(is_it).ok_or_else(|| Error::NoSuchFile {
        repository: request.repository.clone(),
        wanted: request.file.clone(),
        available: names_of(&sets),
    })?;
    match set.kind {
        SetKind::Gguf | SetKind::Safetensors => {}
        SetKind::Incomplete => {
            return Err(Error::IncompleteSet {
                file: set.name.clone(),
            });
        }
        SetKind::Other => {
            return Err(Error::NoTextModel {
                file: set.name.clone(),
            });
        }
    }
    check_header(hub, &repo, &commit, set).await?;
    Ok(Plan::of(&commit, set))
}

/// What there is, for people.
pub(crate) fn names_of(sets: &[FileSet]) -> String {
    let models = sets.iter().filter(|set| set.kind != SetKind::Other);
    let names = models.map(|set| match (set.level, set.name.as_str()) {
        (Some(level), _) => level,
        (None, "") => "safetensors",
        (None, name) => name,
    });
    let names: Vec<&str> = names.collect();
    match names.is_empty() {
        true => "no model".into(),
        false => names.join(", "),
    }
}
