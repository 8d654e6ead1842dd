//! The library as the application offers it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Adoptable, Deleted, ImportEvent, ImportMode, Library, LibraryFolder, LibraryModel, MoveEvent,
    PeerFolders, VerifyEvent, VerifyOutcome,
};
use crate::{AppEvent, EngineStatus, Error, Result, SettingsPatch, StarterState, Wick};

impl Wick {
    pub(crate) fn library(&self) -> Result<Library<'_>> {
        Library::open(&self.paths, &self.store)
    }

    /// Where Wick's own models lie; where they would, while the database cannot be asked.
    pub(crate) fn models_path(&self) -> PathBuf {
        let library = self.library();
        library.map_or_else(|_| self.paths.models(), |library| library.folder.path)
    }

    /// The library.
    pub fn models(&self) -> Result<Vec<LibraryModel>> {
        let mut models = self.library()?.list()?;
        super::newer::leave_news(&mut models);
        Ok(models)
    }

    /// The model with this id, name, or beginning of either.
    pub fn find_model(&self, wanted: &str) -> Result<LibraryModel> {
        let lower = wanted.to_lowercase();
        let matches = |model: &LibraryModel, exact: bool| {
            let name = model.info.name.to_lowercase();
            match exact {
                true => model.id == lower || name == lower,
                false => model.id.starts_with(&lower) || name.starts_with(&lower),
            }
        };
        let models = self.models()?;
        let find = |exact| models.iter().find(|model| matches(model, exact));
        find(true)
            .or_else(|| find(false))
            .cloned()
            .ok_or(Error::NotFound {
                what: "model",
                id: wanted.into(),
            })
    }

    /// What is loaded of a model: its file, the first part of a split one, or its folder.
    pub fn model_file(&self, id: &str) -> Result<PathBuf> {
        self.library()?.file_of(id)
    }

    /// Brings a GGUF file, a split one by any of its parts, or a model folder into the library. The first model of a
    /// library becomes the chosen one. Blocking.
    pub fn import_model(
        &self,
        source: &Path,
        mode: ImportMode,
        mut progress: impl FnMut(ImportEvent),
    ) -> Result<LibraryModel> {
        let cancel = begin(&self.cancels.import);
        let model = self
            .library()?
            .import(source, mode, cancel, &mut progress)?;
        self.models_came(std::slice::from_ref(&model))?;
        Ok(model)
    }

    /// Stops the import or adoption under way.
    pub fn cancel_import(&self) {
        self.cancels.import.store(true, Ordering::Relaxed);
    }

    pub(crate) fn models_came(&self, models: &[LibraryModel]) -> Result<()> {
        if let (Some(first), None) = (models.first(), self.settings().model_id) {
            self.choose(&first.id)?;
        }
        self.announce(AppEvent::LibraryChanged);
        Ok(())
    }

    /// Puts the model that comes with Wick into an empty library. Blocking.
    pub fn import_starter(&self, source: Option<&Path>) {
        let announce = |state, error| self.announce(AppEvent::Starter { state, error });
        let has_models = self.models().is_ok_and(|models| !models.is_empty());
        match source {
            _ if has_models => announce(StarterState::Present, None),
            None => announce(StarterState::Absent, None),
            Some(source) => {
                announce(StarterState::Importing, None);
                match self.import_model(source, ImportMode::Copy, |_| {}) {
                    Ok(_) => announce(StarterState::Present, None),
                    Err(error) => announce(StarterState::Absent, Some(error.into())),
                }
            }
        }
    }

    /// Announces that files are held over the window, or no longer are.
    pub fn show_drop(&self, active: bool) {
        self.announce(AppEvent::DropHover { active });
    }

    /// Imports files that were dropped on the window, one after another, and announces how that goes. Blocking.
    pub fn import_dropped(&self, paths: &[PathBuf]) {
        let announce = |event, error| self.announce(AppEvent::Import { event, error });
        for path in paths {
            let imported = self.import_model(path, ImportMode::Copy, |event| {
                announce(Some(event), None);
            });
            match imported {
                Ok(_) => {}
                Err(error) => announce(None, Some((&error).into())),
            }
        }
    }

    /// Moves a model to the trash, from which [`Wick::restore_model`] brings it back until the app closes.
    pub async fn delete_model(&self, id: &str) -> Result<Deleted> {
        self.unload_model(id).await;
        let deleted = self.library()?.delete(id)?;
        if self.settings().model_id.as_deref() == Some(id) {
            self.update_settings(SettingsPatch {
                model_id: Some(None),
                ..SettingsPatch::default()
            })?;
        }
        self.announce(AppEvent::LibraryChanged);
        Ok(deleted)
    }

    async fn unload_model(&self, id: &str) {
        let status = self.runtime.status().borrow().clone();
        let is_loaded = match &status {
            EngineStatus::Loading { model_id, .. }
            | EngineStatus::Ready { model_id, .. }
            | EngineStatus::Generating { model_id } => model_id == id,
            EngineStatus::Idle | EngineStatus::Crashed { .. } => false,
        };
        if is_loaded {
            self.runtime.unload().await;
        }
    }

    /// Brings a deleted model back.
    pub fn restore_model(&self, id: &str) -> Result<()> {
        self.library()?.restore(id)?;
        self.announce(AppEvent::LibraryChanged);
        Ok(())
    }

    /// Frees the space of all deleted models. The window does so when it closes.
    pub fn empty_model_trash(&self) -> Result<()> {
        self.library()?.empty_trash(None)
    }

    /// Deletes a model for good.
    pub async fn delete_model_for_good(&self, id: &str) -> Result<Deleted> {
        let deleted = self.delete_model(id).await?;
        self.library()?.empty_trash(Some(id))?;
        Ok(deleted)
    }

    /// Reads every byte of a model. Blocking.
    pub fn verify_model(
        &self,
        id: &str,
        progress: impl FnMut(VerifyEvent),
    ) -> Result<VerifyOutcome> {
        let cancel = begin(&self.cancels.verify);
        let outcome = self.library()?.verify(id, cancel, progress)?;
        self.announce(AppEvent::LibraryChanged);
        Ok(outcome)
    }

    /// Stops reading it.
    pub fn cancel_verify(&self) {
        self.cancels.verify.store(true, Ordering::Relaxed);
    }

    /// The folder of models.
    pub fn models_folder(&self) -> Result<LibraryFolder> {
        self.library()?.describe_folder()
    }

    /// Moves the models to another folder: all of them, or none where that fails or is cancelled.
    pub async fn move_models_folder(
        self: &Arc<Self>,
        to: PathBuf,
        progress: impl FnMut(MoveEvent) + Send + 'static,
    ) -> Result<LibraryFolder> {
        begin(&self.cancels.relocate);
        // Nothing holds a file open when it goes.
        self.runtime.unload().await;
        self.hold_downloads().await;
        let wick = self.clone();
        let relocate = move || {
            let cancel = &wick.cancels.relocate;
            wick.library()?.relocate(&to, cancel, progress)
        };
        let moved = tokio::task::spawn_blocking(relocate).await;
        self.release_downloads();
        let folder = moved.map_err(|_| Error::Internal("the move ended early"))??;
        self.announce(AppEvent::LibraryChanged);
        Ok(folder)
    }

    /// Stops the move under way.
    pub fn cancel_move(&self) {
        self.cancels.relocate.store(true, Ordering::Relaxed);
    }

    /// What other programs keep on this machine. Reads the header of each. Blocking.
    pub fn adoptable(&self, folders: &PeerFolders) -> Result<Vec<Adoptable>> {
        self.library()?.adoptable(folders)
    }

    /// Uses those of [`Wick::adoptable`] with these keys where they lie. Blocking.
    pub fn adopt(
        &self,
        folders: &PeerFolders,
        keys: &[String],
        progress: impl FnMut(ImportEvent),
    ) -> Result<Vec<LibraryModel>> {
        let cancel = begin(&self.cancels.import);
        let models = self.library()?.adopt(folders, keys, cancel, progress)?;
        self.models_came(&models)?;
        Ok(models)
    }
}

fn begin(cancel: &AtomicBool) -> &AtomicBool {
    cancel.store(false, Ordering::Relaxed);
    cancel
}
