//! Models on disk: Wick's own in its folder of models, and those of the user or of other programs where they lie. The
//! id of each is its sha256, so that the same file is there once. The name a person knows comes from what was imported,
//! else from the header.

mod adopt;
mod app;
pub(crate) mod files;
mod folder;
pub(crate) mod hash;
mod import;
pub(crate) mod name;
mod newer;
mod relocate;
mod trash;
mod types;
mod verify;

use std::{collections::HashSet, fs, path::PathBuf, sync::atomic::AtomicBool};

pub use adopt::PeerFolders;
pub(crate) use folder::{FolderLock, ModelsFolder};
pub(crate) use import::Arrived;
pub use types::{
    Adoptable, Availability, Deleted, FolderState, ImportEvent, ImportMode, LibraryFolder,
    LibraryModel, MoveEvent, Origin, Peer, Storage, VerifyEvent, VerifyOutcome,
};

use crate::{
    Error, Paths, Result,
    hardware::median,
    store::{ModelFile, ModelRow, Store, now_ms},
};

/// What work on the library looks at now and then, to see whether it shall stop.
#[derive(Debug, Default)]
pub(crate) struct Cancels {
    pub import: AtomicBool,
    pub verify: AtomicBool,
    pub relocate: AtomicBool,
}

/// The library as it is now.
#[derive(Debug)]
pub(crate) struct Library<'a> {
    pub paths: &'a Paths,
    pub store: &'a Store,
    pub folder: ModelsFolder,
}

impl<'a> Library<'a> {
    pub fn open(paths: &'a Paths, store: &'a Store) -> Result<Self> {
        Ok(Self {
            paths,
            store,
            folder: ModelsFolder::of(paths, store)?,
        })
    }

    /// All models, with whether their files are there.
    pub fn list(&self) -> Result<Vec<LibraryModel>> {
        let is_there = self.folder.is_there();
        let mut speeds = self.store.decode_speeds()?;
        let rows = self.store.models()?.into_iter();
        let models = rows.map(|row| LibraryModel {
            decode_tokens_per_second: speeds.remove(&row.id).map(median),
            ..self.describe(row, is_there)
        });
        Ok(models.collect())
    }

    /// One of them.
    pub fn model(&self, id: &str) -> Result<LibraryModel> {
        let models = self.list()?;
        let model = models.into_iter().find(|model| model.id == id);
        model.ok_or_else(|| no_such_model(id))
    }

    fn row(&self, id: &str) -> Result<ModelRow> {
        self.store.model(id)?.ok_or_else(|| no_such_model(id))
    }

    /// What the engine is to load: the file of a model, the first part of a split one, or its folder.
    pub fn file_of(&self, id: &str) -> Result<PathBuf> {
        Ok(match self.row(id)?.storage {
            Storage::Kept => files::kept_file(&self.folder.path, id),
            Storage::InPlace { path } | Storage::Adopted { path, .. } => path.into(),
        })
    }

    /// Where Wick keeps the model of this id, or would.
    pub fn kept_file(&self, id: &str) -> Option<PathBuf> {
        let is_id = id.parse::<wick_hub::Sha256Hex>().is_ok();
        is_id.then(|| files::kept_file(&self.folder.path, id))
    }

    fn describe(&self, row: ModelRow, is_there: bool) -> LibraryModel {
        LibraryModel {
            availability: self.availability(&row, is_there),
            id: row.id,
            info: row.info,
            size_bytes: row.size_bytes,
            added_at_ms: row.added_at_ms,
            storage: row.storage,
            origin: row.origin,
            last_used_at_ms: row.last_used_at_ms,
            decode_tokens_per_second: None,
            newer_commit: row.newer_commit,
        }
    }

    fn availability(&self, row: &ModelRow, is_there: bool) -> Availability {
        let is_kept = row.storage == Storage::Kept;
        if is_kept && !is_there {
            return Availability::FolderMissing;
        }
        if row.files.is_empty() {
            let models = &self.folder.path;
            return match files::kept_bytes(models, &row.id) {
                0 => Availability::Missing,
                bytes if bytes == row.size_bytes => Availability::Available,
                // Of several files, one is gone.
                bytes if bytes < row.size_bytes && files::folder_of(models, &row.id).is_dir() => {
                    Availability::Missing
                }
                _ => Availability::Changed,
            };
        }
        let mut found = Availability::Available;
        for file in &row.files {
            match self.look_at(file) {
                Availability::Available => {}
                Availability::Changed => found = Availability::Changed,
                gone => return gone,
            }
        }
        found
    }

    fn look_at(&self, file: &ModelFile) -> Availability {
        // An absolute path stays what it is.
        let Ok(metadata) = fs::metadata(self.folder.path.join(&file.path)) else {
            return Availability::Missing;
        };
        let same_time =
            file.modified_ns.is_none() || file.modified_ns == files::modified_ns(&metadata);
        match metadata.len() == file.size_bytes && same_time && !file.is_damaged {
            true => Availability::Available,
            false => Availability::Changed,
        }
    }

    /// Adds models that lie in the models folder and are not listed, for the list may have been set aside; removes what
    /// was left by imports that were cut off.
    pub fn find_unlisted(&self) -> Result<()> {
        if !self.folder.is_there() {
            return Ok(());
        }
        let Ok(entries) = fs::read_dir(&self.folder.path) else {
            return Ok(());
        };
        // One that is just getting its place is listed in the same moment.
        let _lock = FolderLock::brief(self.paths)?;
        let listed = self.store.models()?.into_iter();
        let known: HashSet<String> = listed
            .chain(self.store.deleted_models()?)
            .map(|row| row.id)
            .collect();
        // Another Wick may be importing at this moment.
        let is_alone = FolderLock::alone(self.paths).is_ok();
        for path in entries.flatten().map(|entry| entry.path()) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_part = path.extension().is_some_and(|end| end == "part");
            if is_part && is_alone {
                // What cannot be removed takes room and does no other harm.
                files::remove(&path).ok();
            } else if stem.parse::<wick_hub::Sha256Hex>().is_ok()
                && !known.contains(&*stem)
                && let Ok(info) = name::inspect(&files::kept_file(&self.folder.path, &stem))
            {
                self.store.save_model(&ModelRow {
                    size_bytes: files::kept_bytes(&self.folder.path, &stem),
                    id: stem.into_owned(),
                    info,
                    added_at_ms: now_ms(),
                    storage: Storage::Kept,
                    files: Vec::new(),
                    origin: None,
                    last_used_at_ms: None,
                    newer_commit: None,
                })?;
            }
        }
        Ok(())
    }
}

fn no_such_model(id: &str) -> Error {
    Error::NotFound {
        what: "model",
        id: id.into(),
    }
}
