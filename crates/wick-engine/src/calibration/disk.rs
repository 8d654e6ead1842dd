//! How fast the models' disk is read: a model that lies there, or a file that is written for it, past the system's
//! cache of files. Whatever goes wrong, the rate is unknown and nothing else is.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::course::Course;
use crate::Result;

/// Bytes that are read or written at once.
const PIECE: usize = 8 << 20;

/// A model is read of which there is at least this much.
const LEAST: u64 = 64 << 20;

/// Most that is read; a file that is written for it has no more than the least.
const MOST: u64 = 256 << 20;

const WINDOW: Duration = Duration::from_millis(700);

/// Bytes a second; `None` where it cannot be measured.
pub(super) fn measure(course: &Course<'_>, folder: &Path) -> Result<Option<f64>> {
    let rate = match a_model_in(folder) {
        Some(model) => read(course, &model),
        None => write_and_read(course, folder),
    };
    course.check()?;
    Ok(rate.ok().filter(|rate| rate.is_finite() && *rate > 0.0))
}

/// A file that is large enough, in the folder or in one of its folders.
fn a_model_in(folder: &Path) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = paths(folder);
    files.extend(paths(folder).iter().flat_map(|inner| paths(inner)));
    files.into_iter().find(|file| {
        let metadata = fs::metadata(file);
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() >= LEAST)
    })
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn write_and_read(course: &Course<'_>, folder: &Path) -> io::Result<f64> {
    let path = folder.join(format!(".disk-test-{}", std::process::id()));
    let rate = write(course, &path).and_then(|()| read(course, &path));
    fs::remove_file(&path).ok();
    rate
}

/// As much as can be written in the time there is, all of it on the disk.
fn write(course: &Course<'_>, path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(path)?;
    // Not zeros, which some file systems do not store.
    let piece: Vec<u8> = (0..PIECE as u32)
        .map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24) as u8)
        .collect();
    let began = Instant::now();
    let mut written = 0;
    while written < LEAST && began.elapsed() < WINDOW && course.check().is_ok() {
        file.write_all(&piece)?;
        file.sync_data()?;
        written += PIECE as u64;
    }
    Ok(())
}

fn read(course: &Course<'_>, path: &Path) -> io::Result<f64> {
    let mut file = open_uncached(path)?;
    let mut piece = vec![0; PIECE];
    let began = Instant::now();
    let mut total = 0;
    file.seek(SeekFrom::Start(0))?;
    while total < MOST && (total == 0 || began.elapsed() < WINDOW) && course.check().is_ok() {
        match file.read(&mut piece)? {
            0 => break,
            read => total += read as u64,
        }
    }
    Ok(total as f64 / began.elapsed().as_secs_f64().max(1e-9))
}

/// Opens a file of which nothing is in the system's cache.
#[cfg(target_os = "linux")]
fn open_uncached(path: &Path) -> io::Result<File> {
    use rustix::fs::{Advice, fadvise};
    let file = File::open(path)?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(file)
}

/// Opens a file that is read past the system's cache.
#[cfg(target_vendor = "apple")]
fn open_uncached(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    rustix::fs::fcntl_nocache(&file, true)?;
    Ok(file)
}

/// Elsewhere nothing is known to do that.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn open_uncached(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn rate_of(folder: &Path) -> Option<f64> {
        let cancel = AtomicBool::new(false);
        let mut ignore = |_| {};
        measure(&Course::new(&cancel, &mut ignore), folder).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_without_models_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert!(rate_of(folder.path()).is_some_and(|rate| rate > 0.0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_model_in_a_folder_of_its_own_is_found_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("model");
        fs::create_dir(&inner).unwrap();
        let file = File::create(inner.join("weights")).unwrap();
        file.set_len(LEAST).unwrap();
        assert_eq!(a_model_in(folder.path()), Some(inner.join("weights")));
        assert!(rate_of(folder.path()).is_some());
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_rate() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(rate_of(&folder.path().join("gone")), None);
    }
}
