//! Where Wick keeps things. Everything lies in one folder, so that a backup is a copy of it.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// The folders and files of one Wick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    root: PathBuf,
    is_usual: bool,
}

impl Paths {
    /// `WICK_DATA_DIR` where it is set, else the folder the system has for an app's data.
    pub fn from_environment() -> Result<Self> {
        Self::from_parts(
            std::env::var_os("WICK_DATA_DIR"),
            directories::ProjectDirs::from("org", "Wick", "Wick"),
        )
    }

    fn from_parts(
        chosen: Option<OsString>,
        system: Option<directories::ProjectDirs>,
    ) -> Result<Self> {
        match (chosen.filter(|dir| !dir.is_empty()), system) {
            (Some(dir), _) => Ok(Self::at(dir)),
            (None, Some(dirs)) => Ok(Self {
                is_usual: true,
                ..Self::at(dirs.data_dir())
            }),
            (None, None) => Err(Error::StorageUnwritable {
                path: "the home folder".into(),
                reason: "this user has none; set WICK_DATA_DIR to a folder for Wick's data".into(),
            }),
        }
    }

    /// Keeps everything under `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            is_usual: false,
        }
    }

    /// The folder that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Chats, settings and the list of models.
    pub fn database(&self) -> PathBuf {
        self.root.join("wick.db")
    }

    /// Model files, named by their sha256, until the user moves them.
    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    /// Held while models come, go or move.
    pub fn models_lock(&self) -> PathBuf {
        self.root.join("models.lock")
    }

    /// What models have read in chats, for another day: a folder for each model. It can be deleted at any time.
    pub fn kv_cache(&self) -> PathBuf {
        self.root.join("kv-cache")
    }

    /// Pages of the Hub, for days without a network. It can be deleted at any time.
    pub(crate) fn hub_pages(&self) -> PathBuf {
        self.root.join("hub-pages")
    }

    /// Access tokens, or that the keyring has them.
    pub(crate) fn hub_tokens(&self) -> PathBuf {
        self.root.join("hub-tokens.json")
    }

    /// Whether this is the folder that the system has for the app: one of many folders must not share secrets with the
    /// others by the user's one keyring.
    pub(crate) fn is_usual(&self) -> bool {
        self.is_usual
    }

    /// Held by the running window, so that there is one.
    pub fn instance_lock(&self) -> PathBuf {
        self.root.join("window.lock")
    }

    /// Makes the folders and proves that they can be written.
    pub fn prepare(&self) -> Result<()> {
        let probe = self.root.join(".write-test");
        fs::create_dir_all(self.models())
            .and_then(|()| keep_private(&self.root))
            .and_then(|()| fs::write(&probe, b"wick"))
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|error| Error::StorageUnwritable {
                path: self.root.display().to_string(),
                reason: error.to_string(),
            })
    }
}

/// Chats are nobody else's business: other users of the machine cannot enter the folder.
#[cfg(unix)]
fn keep_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn keep_private(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_the_folder() {
        let paths = Paths::from_parts(Some("/somewhere/wick".into()), None).unwrap();
        assert_eq!(paths.database(), Path::new("/somewhere/wick/wick.db"));
    }

    #[test]
    fn no_home_folder_is_an_error_that_says_what_to_do() {
        let error = Paths::from_parts(None, None).unwrap_err();
        assert!(error.to_string().contains("WICK_DATA_DIR"));
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_unwritable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Paths::at(file.path()).prepare().unwrap_err();
        assert!(matches!(error, Error::StorageUnwritable { .. }));
    }
}
