//! Models that other programs keep, used where they lie: nothing is copied, changed or deleted. What is found must lie
//! in the program's own folder; a link that leads elsewhere is not followed.

mod folders;
mod hugging_face;
mod inside;
mod ollama;
mod plain;

use std::{collections::HashSet, path::PathBuf, sync::atomic::AtomicBool};

pub use folders::PeerFolders;

use super::{
    Adoptable, Availability, ImportEvent, Library, LibraryModel, Origin, Peer, Storage,
    files::{as_text, files_of},
    hash::{Reading, hash_of_text},
    import::{InPlace, size_of},
    name, no_such_model,
};
use crate::{Result, library::adopt::inside::Root};

/// Most models that are listed of one folder: more is no collection, but a mistake or a trap.
const MOST_MODELS: usize = 2000;

/// A model that another program keeps.
#[derive(Debug, Clone)]
struct Found {
    peer: Peer,
    /// What that program calls it.
    name: String,
    /// The file that a person would name, where the model's own has no name of its own.
    label: PathBuf,
    /// What is loaded, canonical where it is one file.
    path: PathBuf,
    /// The sha256 that it is kept under.
    sha256: Option<String>,
    origin: Option<Origin>,
}

impl Found {
    fn key(&self) -> String {
        hash_of_text(&format!("{:?} {}", self.peer, self.path.display()))
    }
}

impl Library<'_> {
    /// What other programs keep, and whether it runs.
    pub fn adoptable(&self, folders: &PeerFolders) -> Result<Vec<Adoptable>> {
        let models = self.list()?;
        let found = search(folders).into_iter().filter_map(|found| {
            let files = files_beside(&found);
            let problem = name::inspect_as(&found.path, &found.label).err();
            Some(Adoptable {
                key: found.key(),
                peer: found.peer,
                path: as_text(&found.path).ok()?,
                size_bytes: size_of(&files).ok()?,
                problem: problem.map(|error| crate::Error::from(error).into()),
                already: already(&models, &found),
                name: found.name,
            })
        });
        Ok(found.collect())
    }

    /// Uses those with these keys where they lie.
    pub fn adopt(
        &self,
        folders: &PeerFolders,
        keys: &[String],
        cancel: &AtomicBool,
        mut progress: impl FnMut(ImportEvent),
    ) -> Result<Vec<LibraryModel>> {
        let found = search(folders);
        let chosen: Result<Vec<&Found>> = keys
            .iter()
            .map(|key| {
                let found = found.iter().find(|found| found.key() == *key);
                found.ok_or_else(|| no_such_model(key))
            })
            .collect();
        let chosen = chosen?;
        let mut models = Vec::new();
        for found in &chosen {
            models.push(InPlace {
                info: name::inspect_as(&found.path, &found.label)?,
                files: files_of(&found.path)?,
                storage: Storage::Adopted {
                    from: found.peer,
                    path: as_text(&found.path)?,
                },
                origin: found.origin.clone(),
            });
        }
        let mut total_bytes = 0;
        for model in &models {
            total_bytes += size_of(&model.files)?;
        }
        let mut reading = Reading::new(cancel, total_bytes, |done_bytes| {
            progress(ImportEvent::Reading {
                done_bytes,
                total_bytes,
            });
        });
        let mut ids = Vec::new();
        for (model, found) in models.into_iter().zip(chosen) {
            ids.push(self.add_in_place(model, found.sha256.as_deref(), &mut reading)?);
        }
        let adopted: Result<Vec<_>> = ids.iter().map(|id| self.model(id)).collect();
        for model in adopted.as_ref().into_iter().flatten() {
            progress(ImportEvent::Finished {
                model: Box::new(model.clone()),
            });
        }
        adopted
    }
}

/// Everything in the folders, each file once.
fn search(folders: &PeerFolders) -> Vec<Found> {
    let mut seen = HashSet::new();
    let all = folders.folders.iter().flat_map(|(peer, folders)| {
        let roots = folders.iter().filter_map(|folder| Root::at(folder));
        roots.flat_map(|root| match peer {
            Peer::Ollama => ollama::search(&root),
            Peer::HuggingFace => hugging_face::search(&root),
            Peer::LmStudio | Peer::Jan | Peer::Gpt4all => plain::search(*peer, &root),
        })
    });
    all.filter(|found| seen.insert((found.peer, found.path.clone())))
        .collect()
}

/// The files of the model; that alone where it cannot be read as one.
fn files_beside(found: &Found) -> Vec<PathBuf> {
    files_of(&found.path).unwrap_or_else(|_| vec![found.path.clone()])
}

fn already(models: &[LibraryModel], found: &Found) -> Option<String> {
    let is_it = |model: &&LibraryModel| {
        let same_place = match &model.storage {
            Storage::Kept => false,
            Storage::InPlace { path } | Storage::Adopted { path, .. } => {
                found.path.as_os_str() == path.as_str()
            }
        };
        let same_bytes = found.sha256.as_ref() == Some(&model.id);
        (same_place || same_bytes) && model.availability == Availability::Available
    };
    models.iter().find(is_it).map(|model| model.id.clone())
}
