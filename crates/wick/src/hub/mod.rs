//! The Hub as the application asks it.

use wick_engine::{
    gguf::{Start, ValidatedGguf},
    source::Checkpoint,
};
use wick_hub::{CommitHash, Endpoint, FileSet, Hub, HubOptions, RepoId, SetKind, shared};

use crate::{Result, Wick};

impl Wick {
    /// The client, as the settings and the environment want it.
    pub(crate) fn hub(&self) -> Result<Hub> {
        let endpoint = std::env::var("HF_ENDPOINT")
            .ok()
            .filter(|text| !text.is_empty());
        let endpoint = endpoint.map(|text| text.parse::<Endpoint>()).transpose()?;
        let mut options = HubOptions::new(endpoint.unwrap_or_default());
        options.token = shared::token_of_environment().or_else(shared::token_of_file);
        Ok(Hub::new(options)?)
    }
}

/// Reads the header of a model on the server and refuses one that Wick cannot run.
pub(crate) async fn check_header(
    hub: &Hub,
    repo: &RepoId,
    commit: &CommitHash,
    set: &FileSet,
) -> Result<()> {
    let [file] = &set.files[..] else {
        return Ok(());
    };
    if set.kind != SetKind::Gguf {
        return Ok(());
    }
    let mut first = Vec::new();
    loop {
        match ValidatedGguf::from_start(&first, file.size)? {
            Start::Wants { bytes } => {
                first = hub
                    .first_bytes(repo, commit, &file.path, bytes)
                    .await?
                    .to_vec();
                if (first.len() as u64) < bytes {
                    return Err(wick_engine::Error::Truncated {
                        needed: bytes,
                        actual: first.len() as u64,
                    }
                    .into());
                }
            }
            Start::Header(gguf) => {
                wick_engine::models::architecture_of(gguf.architecture(), gguf.metadata())?;
                gguf.check_tensor_types()?;
                let model = Checkpoint::Gguf(*gguf);
                let tokenizer = model.tokenizer()?;
                model.chat_template(&tokenizer)?;
                return Ok(());
            }
        }
    }
}
