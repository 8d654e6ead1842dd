//! The folder of models moves: all of its models are in one place or in the other at any moment, whatever interrupts it.
//! Until the one commit that switches, the old place has everything, or can have it back; the database says what was
//! under way.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use serde::{Deserialize, Serialize};
use wick_hub::Sha256Hex;

use super::{
    Library, LibraryFolder, MoveEvent,
    files::{as_text, remove, sync_folder},
    folder::{DOCUMENT, FolderLock, MARK, ModelsFolder},
    hash::Reading,
};
use crate::{
    Error, Result,
    download::PARTIAL,
    store::{Store, now_ms},
};

/// Names the document about a move under way.
const MOVE: &str = "models_move";
/// Names the document about what is still to be deleted after one.
const LEFTOVER: &str = "models_leftover";
/// The folder that is made in one that has other things in it.
const OWN_FOLDER: &str = "Wick models";

/// What has to be undone if it is interrupted.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    from: PathBuf,
    to: PathBuf,
    names: Vec<String>,
}

/// What lies in the old place after the switch.
#[derive(Debug, Serialize, Deserialize)]
struct Leftover {
    folder: PathBuf,
    names: Vec<String>,
}

/// How the files get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// On the same file system.
    Rename,
    Copy,
}

/// Where a move may be interrupted. Tests do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Recorded,
    Marked,
    OneThere,
    Committed,
    OneDeleted,
    Undone,
}

impl Library<'_> {
    /// Moves all models to `to`, or to a folder in it where it has other things in it. Blocking.
    pub fn relocate(
        &self,
        to: &Path,
        cancel: &AtomicBool,
        mut progress: impl FnMut(MoveEvent),
    ) -> Result<LibraryFolder> {
        let moved = self.relocate_in_steps(to, None, cancel, &mut progress, &mut |_| {});
        let there = Library {
            folder: moved?,
            ..*self
        };
        let folder = there.describe_folder()?;
        progress(MoveEvent::Finished {
            folder: folder.clone(),
        });
        Ok(folder)
    }

    /// The folder as it is.
    pub fn describe_folder(&self) -> Result<LibraryFolder> {
        let trash_bytes = self.trash_bytes()?;
        let rows = self.store.models()?;
        let models_bytes: u64 = rows.iter().map(|row| self.bytes_of(row)).sum();
        Ok(self
            .folder
            .describe(models_bytes + trash_bytes, trash_bytes))
    }

    fn relocate_in_steps(
        &self,
        to: &Path,
        way: Option<Way>,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(MoveEvent),
        after: &mut dyn FnMut(Step),
    ) -> Result<ModelsFolder> {
        let _lock = FolderLock::alone(self.paths)?;
        let from = &self.folder.path;
        if !self.folder.is_there() {
            return Err(Error::ModelsFolderMissing {
                path: from.display().to_string(),
            });
        }
        let Some(to) = self.destination(to)? else {
            return Ok(self.folder.clone());
        };
        let names = names_in(from)?;
        let under_way = UnderWay {
            from: from.clone(),
            to: to.clone(),
            names,
        };
        save(self.store, MOVE, &under_way)?;
        after(Step::Recorded);
        let way = way.unwrap_or_else(|| way_between(from, &to));
        let mark = format!("{}-{}", std::process::id(), now_ms());
        let there = carry(&under_way, way, &mark, cancel, progress, after);
        if let Err(error) = there {
            undo(self.store, &under_way)?;
            after(Step::Undone);
            return Err(error);
        }
        let folder = ModelsFolder {
            path: to,
            mark: Some(mark),
        };
        let leftover = Leftover {
            folder: from.clone(),
            names: under_way.names,
        };
        // The switch: one commit.
        self.store.save_documents(&[
            (DOCUMENT, Some(text_of(&folder)?)),
            (MOVE, None),
            (LEFTOVER, Some(text_of(&leftover)?)),
        ])?;
        after(Step::Committed);
        delete(self.store, &leftover, &self.paths.models(), after);
        Ok(folder)
    }

    /// The empty folder that models shall be in; `None` where they are.
    fn destination(&self, chosen: &Path) -> Result<Option<PathBuf>> {
        let make = |folder: &Path| {
            fs::create_dir_all(folder)
                .and_then(|()| fs::canonicalize(folder))
                .map_err(|error| match error.kind() {
                    std::io::ErrorKind::StorageFull => Error::file(folder, &error),
                    _ => Error::StorageUnwritable {
                        path: folder.display().to_string(),
                        reason: error.to_string(),
                    },
                })
        };
        let from = &self.folder.path;
        let from = fs::canonicalize(from).map_err(|error| Error::file(from, &error))?;
        let chosen = make(chosen)?;
        if chosen == from {
            return Ok(None);
        }
        let refused = |folder: &Path, reason: &str| Error::File {
            path: folder.display().to_string(),
            reason: reason.into(),
        };
        if chosen.starts_with(&from) {
            return Err(refused(&chosen, "it lies in the folder of models"));
        }
        let to = match is_empty(&chosen)? {
            true => chosen,
            false => make(&chosen.join(OWN_FOLDER))?,
        };
        if to == from {
            return Ok(None);
        }
        if !is_empty(&to)? {
            return Err(refused(&to, "it is not empty"));
        }
        as_text(&to)?;
        let folder = ModelsFolder {
            path: to,
            mark: None,
        };
        folder.must_be_writable()?;
        Ok(Some(folder.path))
    }

    /// Undoes a move that was interrupted, or finishes one that had been switched. Where another Wick is at it, nothing.
    pub fn recover_move(&self) -> Result<()> {
        let (under_way, leftover) = (self.store.document(MOVE)?, self.store.document(LEFTOVER)?);
        if under_way.is_none() && leftover.is_none() {
            return Ok(());
        }
        let Ok(_lock) = FolderLock::alone(self.paths) else {
            return Ok(());
        };
        if let Some(under_way) = under_way.and_then(|text| serde_json::from_str(&text).ok())
            && self.folder.is_there()
        {
            undo(self.store, &under_way)?;
        }
        let leftover: Option<Leftover> = leftover.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(leftover) = leftover
            // The models may have come back to that place.
            && leftover.folder != self.folder.path
        {
            delete(self.store, &leftover, &self.paths.models(), &mut |_| {});
        }
        Ok(())
    }
}

/// Brings all files to the new place. The old one can have back what is gone from it.
fn carry(
    under_way: &UnderWay,
    way: Way,
    mark: &str,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(MoveEvent),
    after: &mut dyn FnMut(Step),
) -> Result<()> {
    let UnderWay { from, to, names } = under_way;
    let bytes: u64 = names.iter().map(|name| bytes_below(&from.join(name))).sum();
    // Each is read again after it was written.
    let total_bytes = bytes * 2;
    if way == Way::Copy {
        let place = ModelsFolder {
            path: to.clone(),
            mark: None,
        };
        place.must_have_room(bytes)?;
    }
    let path = to.join(MARK);
    fs::write(&path, mark).map_err(|error| Error::file(&path, &error))?;
    after(Step::Marked);
    let mut reading = Reading::new(cancel, total_bytes, |done_bytes| {
        progress(MoveEvent::Moving {
            done_bytes,
            total_bytes,
        });
    });
    for name in names {
        let (from, to) = (from.join(name), to.join(name));
        match way {
            Way::Rename => fs::rename(&from, &to).map_err(|error| Error::file(&to, &error))?,
            Way::Copy => copy(&from, &to, &mut reading)?,
        }
        after(Step::OneThere);
    }
    sync_folder(to);
    Ok(())
}

/// Copies a file, or a folder with all in it, and reads it again.
fn copy<F: FnMut(u64)>(from: &Path, to: &Path, reading: &mut Reading<'_, F>) -> Result<()> {
    if !from.is_dir() {
        let written = reading.copy(from, to)?;
        return match reading.hash(to)? {
            found if found == written => Ok(()),
            found => Err(Error::FileDamaged {
                path: to.display().to_string(),
                expected: written,
                found,
            }),
        };
    }
    fs::create_dir(to).map_err(|error| Error::file(to, &error))?;
    let entries = fs::read_dir(from).map_err(|error| Error::file(from, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::file(from, &error))?;
        copy(&entry.path(), &to.join(entry.file_name()), reading)?;
    }
    sync_folder(to);
    Ok(())
}

/// Brings back what was renamed, and removes what was copied. Can be interrupted and done again.
fn undo(store: &Store, under_way: &UnderWay) -> Result<()> {
    let UnderWay { from, to, names } = under_way;
    for name in names {
        let (from, to) = (from.join(name), to.join(name));
        match from.exists() {
            // What cannot be removed there takes room and does no other harm.
            true => remove(&to).unwrap_or_default(),
            false if to.exists() => {
                fs::rename(&to, &from).map_err(|error| Error::file(&from, &error))?;
            }
            false => {}
        }
    }
    sync_folder(from);
    remove(&to.join(MARK)).ok();
    store.save_documents(&[(MOVE, None)])
}

/// Deletes what lies in the old place. What cannot be deleted now is tried again when Wick is next opened.
fn delete(store: &Store, leftover: &Leftover, default: &Path, after: &mut dyn FnMut(Step)) {
    let mut is_done = true;
    for name in leftover.names.iter().map(String::as_str).chain([MARK]) {
        is_done &= remove(&leftover.folder.join(name)).is_ok();
        after(Step::OneDeleted);
    }
    if is_done {
        if leftover.folder != default {
            // Only where nothing else is in it.
            fs::remove_dir(&leftover.folder).ok();
        }
        store.save_documents(&[(LEFTOVER, None)]).ok();
    }
}

/// What of the folder is Wick's.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file(folder, &error))?;
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let is_ours = |name: &String| {
        let stem = name.strip_suffix(".gguf").unwrap_or(name);
        stem.parse::<Sha256Hex>().is_ok() || name == PARTIAL
    };
    let mut names: Vec<String> = names.filter(is_ours).collect();
    names.sort();
    Ok(names)
}

fn is_empty(folder: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(folder).map_err(|error| Error::file(folder, &error))?;
    Ok(entries.next().is_none())
}

fn bytes_below(path: &Path) -> u64 {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| bytes_below(&entry.path())).sum()
        }
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}

/// Whether a file can be renamed from one folder to the other is tried with one.
fn way_between(from: &Path, to: &Path) -> Way {
    let name = format!(".write-test-{}", std::process::id());
    let (probe, moved) = (from.join(&name), to.join(&name));
    let renamed = fs::write(&probe, b"wick").and_then(|()| fs::rename(&probe, &moved));
    for path in [probe, moved] {
        remove(&path).ok();
    }
    match renamed {
        Ok(()) => Way::Rename,
        Err(_) => Way::Copy,
    }
}

fn save(store: &Store, name: &'static str, value: &impl Serialize) -> Result<()> {
    store.save_documents(&[(name, Some(text_of(value)?))])
}

fn text_of(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Internal("a path cannot be stored"))
}

#[cfg(test)]
mod tests;
