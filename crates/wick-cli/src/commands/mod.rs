//! One module a command.

pub mod adopt;
pub mod bench;
pub mod check;
pub mod folder;
pub mod hardware;
pub mod hub;
pub mod library;
pub mod perplexity;
mod predictions;
mod progress;
pub mod pull;
pub mod recommend;
pub mod run;

use std::{path::Path, sync::Arc};

use wick::{
    EngineCommand, Error, Paths, Result, Wick,
    runtime::{LoadTarget, Runtime},
};
use wick_engine::process::protocol::LoadOptions;

use crate::arguments::ModelOptions;

/// Opens Wick's data. The window's command tells of a damaged database; here it goes to standard error.
fn open() -> Result<Arc<Wick>> {
    let (wick, notice) = Wick::open(Paths::from_environment()?, EngineCommand::this_program()?)?;
    if let Some(wick::StorageNotice::DamagedSetAside { kept_at }) = notice {
        errln!("wick: the database was damaged; it is kept as {kept_at}, and a new one was begun");
    }
    Ok(wick)
}

/// The model to load: a file as it lies, else one of the library.
fn target(options: &ModelOptions) -> Result<LoadTarget> {
    let load = |model_id: String, path| LoadTarget {
        model_id,
        path,
        options: LoadOptions {
            context_length: options.context,
            cache_type: options.cache_type.into(),
            draft_model: options.draft_model.clone(),
            ..LoadOptions::default()
        },
        threads: options.threads,
    };
    let is_file = |name: &str| Path::new(name).exists() || name.ends_with(".gguf");
    match options.model.as_deref() {
        Some(file) if is_file(file) => Ok(load(file.to_owned(), file.into())),
        Some(name) => {
            let wick = open()?;
            let model = wick.find_model(name)?;
            Ok(load(model.id.clone(), wick.model_file(&model.id)?))
        }
        None => {
            let wick = open()?;
            let models = wick.models()?;
            let chosen = wick.settings().model_id;
            let model = models
                .iter()
                .find(|model| Some(&model.id) == chosen.as_ref())
                .or(models.first())
                .ok_or(Error::NoModel)?;
            Ok(load(model.id.clone(), wick.model_file(&model.id)?))
        }
    }
}

/// An engine with the model loaded.
async fn loaded(options: &ModelOptions) -> Result<(Runtime, wick::runtime::LoadReport)> {
    let target = target(options)?;
    let runtime = Runtime::new(EngineCommand::this_program()?);
    let report = tokio::select! {
        report = runtime.load(&target, |_| {}) => report?,
        _ = tokio::signal::ctrl_c() => return Err(Error::Cancelled),
    };
    Ok((runtime, report))
}
