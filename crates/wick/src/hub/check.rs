//! A file's header, read by ranges before the first byte of weights: would it run, and what would it take.

use std::{fs::File, io::Write, path::Path};

use wick_engine::{
    check::{self, CheckOptions, CheckReport, StartReport},
    gguf::FirstBytes,
};
use wick_hub::{CommitHash, FileKind, FileSet, Hub, RemoteFile, RepoId, SetKind, sets};

use super::HubFileCheck;
use crate::{AppError, Error, Result, Wick};

/// Most bytes of the header of one file, and of all together.
const MOST_OF_ONE: u64 = 64 << 20;
const MOST_OF_ALL: u64 = 128 << 20;
/// Largest file beside the weights of a folder.
const MOST_BESIDE: u64 = 48 << 20;
/// Longest header of safetensors.
const MOST_OF_SAFETENSORS: u64 = 25_000_000;

/// What could be read, or why it is no model at all.
type Read = Result<CheckReport, wick_engine::Error>;

impl Wick {
    /// Reads the header of a file of a commit, by [`super::HubFile::name`].
    pub async fn hub_check(
        &self,
        repository: &str,
        commit: &str,
        file: &str,
    ) -> Result<HubFileCheck> {
        let repo: RepoId = repository.parse()?;
        let commit: CommitHash = commit.parse()?;
        let hub = self.hub().await?;
        let tree = hub.tree(&repo, &commit).await?;
        let set = sets(&tree).into_iter().find(|set| set.name == file);
        let set = set.ok_or_else(|| Error::NotFound {
            what: "file",
            id: file.chars().take(200).collect(),
        })?;
        let settings = self.settings();
        let options = CheckOptions {
            context_length: settings.context_length,
            cache_type: settings.cache_type,
        };
        let read = read(&hub, &repo, &commit, &set, options).await?;
        let here = self.here().await?;
        Ok(match read {
            Ok(report) => HubFileCheck {
                name: set.name,
                problems: problems(&report),
                estimate: report.shape.as_ref().and_then(|shape| {
                    let (context, cache) = (report.context_length, report.cache_type);
                    here.known
                        .estimate(shape, context, cache, &here.preferences)
                }),
                tokenizer: report.tokenizer.kind,
                has_chat_template: report.has_chat_template,
                architecture: report.architecture,
                quantization: report.quantization,
            },
            Err(error) => HubFileCheck {
                name: set.name,
                problems: vec![Error::from(error).into()],
                estimate: None,
                tokenizer: String::new(),
                has_chat_template: false,
                architecture: String::new(),
                quantization: String::new(),
            },
        })
    }
}

/// Refuses a model that Wick cannot run, by its header on the server.
pub async fn check_header(
    hub: &Hub,
    repo: &RepoId,
    commit: &CommitHash,
    set: &FileSet,
) -> Result<()> {
    let report = read(hub, repo, commit, set, CheckOptions::default()).await??;
    match report.problems.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(problem.error.into()),
    }
}

fn problems(report: &CheckReport) -> Vec<AppError> {
    let errors = report.problems.iter().map(|p| Error::from(p.error.clone()));
    errors.map(AppError::from).collect()
}

async fn read(
    hub: &Hub,
    repo: &RepoId,
    commit: &CommitHash,
    set: &FileSet,
    options: CheckOptions,
) -> Result<Read> {
    let of = Of { hub, repo, commit };
    match set.kind {
        SetKind::Safetensors => of.read_folder(set, options).await,
        SetKind::Gguf | SetKind::Incomplete | SetKind::Other => of.read_gguf(set, options).await,
    }
}

/// A commit of a repository.
struct Of<'a> {
    hub: &'a Hub,
    repo: &'a RepoId,
    commit: &'a CommitHash,
}

/// A stranger's header may make a parser panic: not here.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| {
        Error::Engine(wick_engine::Error::Panicked {
            reason: "while a header was read".into(),
        })
    })
}

impl Of<'_> {
    /// As many first bytes of each part as its header takes.
    async fn read_gguf(&self, set: &FileSet, options: CheckOptions) -> Result<Read> {
        let count = set.files.len();
        // Names of a pattern that the reader knows; the server's are not needed.
        let name = |n: usize| match count {
            1 => "model.gguf".to_owned(),
            _ => format!("model-{:05}-of-{count:05}.gguf", n + 1),
        };
        let mut parts: Vec<(String, Vec<u8>, u64)> = set
            .files
            .iter()
            .enumerate()
            .map(|(n, file)| (name(n), Vec::new(), file.size))
            .collect();
        let mut all = 0;
        loop {
            let (back, report) = apart(move || {
                let files = parts.iter().map(|(name, bytes, file_bytes)| FirstBytes {
                    name,
                    bytes,
                    file_bytes: *file_bytes,
                });
                let files: Vec<FirstBytes<'_>> = files.collect();
                let report = check::check_start(&files, options);
                (parts, report)
            })
            .await?;
            parts = back;
            let (file, wanted) = match report {
                Ok(StartReport::Report(report)) => return Ok(Ok(*report)),
                Ok(StartReport::Wants { file, bytes }) => (file, bytes),
                Err(error) => return Ok(Err(error)),
            };
            let there = parts[file].1.len() as u64;
            all += wanted - there;
            if wanted > MOST_OF_ONE || all > MOST_OF_ALL {
                return Ok(Err(too_long(&set.files[file])));
            }
            let more = self.bytes(&set.files[file], there..wanted).await?;
            parts[file].1.extend_from_slice(&more);
        }
    }

    /// A folder as it would be, in which the files of weights have their headers and holes after them.
    async fn read_folder(&self, set: &FileSet, options: CheckOptions) -> Result<Read> {
        let folder = tempfile::tempdir().map_err(|error| temporary(&error))?;
        for file in &set.files {
            let is_weights = file.path.kind() == Some(FileKind::Safetensors);
            let bytes = match is_weights {
                true => {
                    let length = self.bytes(file, 0..8).await?;
                    let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
                    let end = length.saturating_add(8);
                    if length > MOST_OF_SAFETENSORS || end > file.size {
                        return Ok(Err(too_long(file)));
                    }
                    self.bytes(file, 0..end).await?
                }
                false if file.size > MOST_BESIDE => return Ok(Err(too_long(file))),
                false => self.bytes(file, 0..file.size).await?,
            };
            // All of them lie at the top, and their names were checked.
            let path = folder.path().join(file.path.file_name());
            write_sparse(&path, &bytes, file.size).map_err(|error| temporary(&error))?;
        }
        apart(move || check::check(folder.path(), options)).await
    }

    /// A stretch of a file that must be all there.
    async fn bytes(&self, file: &RemoteFile, range: std::ops::Range<u64>) -> Result<Vec<u8>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = range.end - range.start;
        let bytes = self
            .hub
            .bytes(self.repo, self.commit, &file.path, range)
            .await?;
        match bytes.len() as u64 == wanted {
            true => Ok(bytes),
            false => Err(Error::Hub(wick_hub::Error::BadAnswer {
                host: self.hub.endpoint().as_str().to_owned(),
                reason: format!("{} is shorter than it said", file.path),
            })),
        }
    }
}

fn write_sparse(path: &Path, bytes: &[u8], size: u64) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.set_len(size)
}

fn temporary(error: &std::io::Error) -> Error {
    Error::file(Path::new("the folder for temporary files"), error)
}

fn too_long(file: &RemoteFile) -> wick_engine::Error {
    wick_engine::Error::MalformedFile {
        file: file.path.to_string(),
        field: "header".into(),
        reason: "is longer than any header".into(),
    }
}
