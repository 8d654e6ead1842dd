//! Deleting: a model is out of the library at once, and its files go when the app closes. Until then it can be restored.

use super::{
    Deleted, Library, Storage,
    files::{folder_of, kept_bytes, remove},
    folder::FolderLock,
    no_such_model,
};
use crate::{Error, Result, store::ModelRow};

impl Library<'_> {
    /// Moves the model to the trash. The files of others are theirs: nothing of them will ever be freed.
    pub fn delete(&self, id: &str) -> Result<Deleted> {
        let row = self.row(id)?;
        let freed_bytes = self.bytes_of(&row);
        if row.storage == Storage::Kept {
            self.folder.must_be_writable()?;
        }
        self.store.set_model_deleted(id, true)?;
        Ok(Deleted {
            id: id.to_owned(),
            freed_bytes,
        })
    }

    /// Takes the model out of the trash.
    pub fn restore(&self, id: &str) -> Result<()> {
        match self.store.set_model_deleted(id, false)? {
            true => Ok(()),
            false => Err(no_such_model(id)),
        }
    }

    /// Frees the space of everything in the trash, or of one model there. What cannot be deleted now stays in the trash,
    /// and is the first such error.
    pub fn empty_trash(&self, only: Option<&str>) -> Result<()> {
        let rows = self.store.deleted_models()?;
        let mut rows: Vec<_> = rows
            .into_iter()
            .filter(|row| only.is_none_or(|id| row.id == id))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let _lock = FolderLock::shared(self.paths)?;
        if !self.folder.is_there() {
            rows.retain(|row| row.storage != Storage::Kept);
        }
        let removed = rows.iter().map(|row| self.remove(row));
        removed.fold(Ok(()), Result::and)
    }

    /// Its files first: a crash between leaves it in the trash.
    fn remove(&self, row: &ModelRow) -> Result<()> {
        let _lock = FolderLock::brief(self.paths)?;
        // Another Wick may have taken it out of the trash.
        if self.store.model(&row.id)?.is_some() {
            return Ok(());
        }
        if row.storage == Storage::Kept {
            self.remove_kept(&row.id)?;
        }
        // What was read with it in chats is of no use to another.
        remove(&self.paths.kv_cache().join(&row.id)).ok();
        self.store.remove_deleted_model(&row.id)
    }

    /// Removes the files of a model that Wick keeps.
    pub fn remove_kept(&self, id: &str) -> Result<()> {
        let folder = folder_of(&self.folder.path, id);
        for path in [folder.with_extension("gguf"), folder] {
            remove(&path).map_err(|error| Error::file(&path, &error))?;
        }
        Ok(())
    }

    /// What the models in the trash take.
    pub fn trash_bytes(&self) -> Result<u64> {
        let rows = self.store.deleted_models()?;
        Ok(rows.iter().map(|row| self.bytes_of(row)).sum())
    }

    /// What the files take that are Wick's.
    pub fn bytes_of(&self, row: &ModelRow) -> u64 {
        match row.storage {
            Storage::Kept => kept_bytes(&self.folder.path, &row.id),
            _ => 0,
        }
    }
}
