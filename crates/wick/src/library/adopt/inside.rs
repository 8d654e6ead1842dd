//! A folder of another program, and what lies in it: nothing outside is ever named.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Deepest folder that is looked into.
const DEEPEST: usize = 8;
/// Most files and folders that are looked at.
const MOST_ENTRIES: usize = 100_000;

/// The folder, canonical.
#[derive(Debug)]
pub struct Root(PathBuf);

impl Root {
    /// `None` where it is not there.
    pub fn at(folder: &Path) -> Option<Self> {
        let folder = fs::canonicalize(folder).ok()?;
        folder.is_dir().then_some(Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file or folder that a path leads to, links followed, if that lies in this folder.
    pub fn inside(&self, path: &Path) -> Option<PathBuf> {
        let path = fs::canonicalize(path).ok()?;
        path.starts_with(&self.0).then_some(path)
    }

    /// All files below a folder of this one, by the names they have there, sorted. Folders that are links are not
    /// entered; files that are links are listed where they lead to a file in this folder.
    pub fn files_below(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        if self.inside(folder).is_none() {
            return files;
        }
        let mut folders = vec![(folder.to_owned(), 0)];
        let mut seen = 0;
        while let Some((folder, depth)) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                seen += 1;
                if seen > MOST_ENTRIES {
                    return files;
                }
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                if kind.is_dir() {
                    if depth < DEEPEST {
                        folders.push((path, depth + 1));
                    }
                } else if self.inside(&path).is_some_and(|file| file.is_file()) {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    /// Folders directly in a folder of this one, no links among them, sorted.
    pub fn folders_in(&self, folder: &Path) -> Vec<PathBuf> {
        if self.inside(folder).is_none() {
            return Vec::new();
        }
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .take(MOST_ENTRIES)
            .collect();
        folders.sort();
        folders
    }

    /// Whether everything in a folder of this one is so, too: models of several files name each other.
    pub fn has_no_way_out(&self, folder: &Path) -> bool {
        let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.all(|entry| self.inside(&entry.path()).is_some())
    }

    /// The text of a small file in this folder.
    pub fn text(&self, path: &Path, most_bytes: u64) -> Option<String> {
        let path = self.inside(path)?;
        let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= most_bytes);
        is_small.then(|| fs::read_to_string(path).ok()).flatten()
    }
}
