//! The Hub as the application asks it.

use wick_engine::{
    check::{CheckOptions, CheckReport, StartReport, check_start},
    gguf::FirstBytes,
};
use wick_hub::{CommitHash, Endpoint, FileSet, Hub, HubOptions, RepoId, SetKind, shared};

use crate::{Result, Wick};

impl Wick {
    /// The client, as the settings and the environment want it.
    pub(crate) fn hub(&self) -> Result<Hub> {
        let set = self.settings().hub_endpoint;
        let endpoint = set.or_else(|| std::env::var("HF_ENDPOINT").ok());
        let endpoint = endpoint.filter(|text| !text.is_empty());
        let endpoint = endpoint.map(|text| text.parse::<Endpoint>()).transpose()?;
        let mut options = HubOptions::new(endpoint.unwrap_or_default());
        options.token = shared::token_of_environment().or_else(shared::token_of_file);
        Ok(Hub::new(options)?)
    }
}

/// Reads the header of a model on the server and tells what it is; `None` of a folder of safetensors.
pub(crate) async fn check_header(
    hub: &Hub,
    repo: &RepoId,
    commit: &CommitHash,
    set: &FileSet,
) -> Result<Option<CheckReport>> {
    if set.kind != SetKind::Gguf {
        return Ok(None);
    }
    let mut starts: Vec<Vec<u8>> = vec![Vec::new(); set.files.len()];
    loop {
        let files: Vec<FirstBytes<'_>> = set
            .files
            .iter()
            .zip(&starts)
            .map(|(file, bytes)| FirstBytes {
                name: file.path.file_name(),
                bytes,
                file_bytes: file.size,
            })
            .collect();
        match check_start(&files, CheckOptions::default())? {
            StartReport::Report(report) => return Ok(Some(*report)),
            StartReport::Wants { file, bytes } => {
                let path = &set.files[file].path;
                let more = hub.first_bytes(repo, commit, path, bytes).await?;
                if more.len() <= starts[file].len() {
                    return Err(wick_engine::Error::Truncated {
                        needed: bytes,
                        actual: more.len() as u64,
                    }
                    .into());
                }
                starts[file] = more;
            }
        }
    }
}
