//! The last steps of a download. Each can be done again after a crash; only the last one, a commit of the database, makes
//! it a model of the library.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Plan, partial::Partial};
use crate::{
    Error, Result, Wick,
    library::{
        Arrived, FolderLock, Library,
        files::{kept_bytes, sync_folder},
        hash::id_of,
        name,
    },
    store::DownloadRow,
};

/// Whether the files that were verified are still somewhere on the way.
pub(super) fn is_there(plan: &Plan, wick: &Wick, partial: &Partial) -> Result<bool> {
    let (arrived, id) = arrived(plan, partial)?;
    if kept_bytes(&wick.library()?.folder.path, &id) == plan.bytes() {
        return Ok(true);
    }
    let verified = plan.verified.as_deref().unwrap_or_default();
    let is_one = |(file, verified): (&Arrived, &super::plan::Verified)| {
        file.path.exists() || partial.transfer().join(&verified.local).exists()
    };
    Ok(arrived.iter().zip(verified).all(is_one))
}

/// Brings the whole files into the library; the model's id.
pub(super) fn settle(
    library: &Library<'_>,
    row: &DownloadRow,
    plan: &Plan,
    partial: &Partial,
) -> Result<String> {
    let (mut arrived, id) = arrived(plan, partial)?;
    let together = partial.model();
    fs::create_dir_all(&together).map_err(|error| Error::file(&together, &error))?;
    for (file, verified) in arrived.iter().zip(plan.verified.iter().flatten()) {
        let from = partial.transfer().join(&verified.local);
        if from.exists() && !file.path.exists() {
            fs::rename(&from, &file.path).map_err(|error| Error::file(&file.path, &error))?;
        }
    }
    sync_folder(&together);
    arrived.sort_by(|one, other| one.name.cmp(&other.name));
    // A crash after the rename leaves it in its place.
    let in_place = library.kept_file(&id).filter(|path| path.exists());
    let source = in_place.unwrap_or_else(|| loaded_from(&together, &arrived));
    let label = label_of(row);
    let info = match name::inspect_as(&source, &label) {
        Ok(info) => info,
        Err(error) => {
            // It will not become better: its bytes are those that the repository has.
            partial.discard()?;
            return Err(error.into());
        }
    };
    {
        let _lock = FolderLock::brief(library.paths)?;
        let model = library.settle(&arrived, &together, info, Some(plan.origin(&row.request)))?;
        let is_finished = library.store.finish_download(row.id, &model)?;
        if !is_finished {
            // It was cancelled meanwhile. What was in the library before stays there.
            if library.store.model(&id)?.is_none() {
                library.remove_kept(&id)?;
            }
            partial.discard()?;
            return Err(Error::Cancelled);
        }
    }
    partial.discard()?;
    Ok(id)
}

/// The files by the names that they will have, in the plan's order, and the id of the model they make.
fn arrived(plan: &Plan, partial: &Partial) -> Result<(Vec<Arrived>, String)> {
    let verified = plan.verified.as_deref().unwrap_or_default();
    let names = plan.local_names()?;
    let arrived: Vec<Arrived> = names
        .into_iter()
        .zip(&plan.files)
        .zip(verified)
        .map(|((name, file), verified)| Arrived {
            path: partial.model().join(&name),
            name,
            size_bytes: file.size,
            sha256: verified.sha256.clone(),
        })
        .collect();
    let mut sorted: Vec<(&str, &str)> = arrived
        .iter()
        .map(|file| (file.name.as_str(), file.sha256.as_str()))
        .collect();
    sorted.sort_unstable();
    let id = id_of(sorted.into_iter());
    Ok((arrived, id))
}

fn loaded_from(together: &Path, arrived: &[Arrived]) -> PathBuf {
    let gguf = arrived.iter().find(|file| file.name.ends_with(".gguf"));
    gguf.map_or_else(|| together.to_owned(), |file| file.path.clone())
}

/// What a person would call it: the file, or the repository where it is a folder.
fn label_of(row: &DownloadRow) -> PathBuf {
    let request = &row.request;
    let named = match request.file.as_str() {
        "" => &request.repository,
        file => file,
    };
    named.rsplit('/').next().unwrap_or(named).into()
}
