//! A file that is written and read by position, on every system alike.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use fs4::FileExt as _;

use super::error::{Error, Result};

/// A file on the disk. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    file: Arc<File>,
    path: Arc<Path>,
    /// How many bytes still fit, where a test has made the disk small.
    #[cfg(test)]
    pub room: Option<Room>,
}

/// What is left of a small disk.
#[cfg(test)]
pub(super) type Room = Arc<std::sync::atomic::AtomicU64>;

impl Disk {
    /// Opens a file, and makes it if it is not there.
    pub fn open(path: PathBuf) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        match options.open(&path) {
            Ok(file) => Ok(Self {
                file: file.into(),
                path: path.into(),
                #[cfg(test)]
                room: None,
            }),
            Err(source) => Err(Error::disk("opened", path, source)),
        }
    }

    /// What the file takes of the disk so far.
    pub fn allocated(&self) -> Result<u64> {
        let allocated = self.file.allocated_size();
        allocated.map_err(|source| Error::disk("measured", &*self.path, source))
    }

    /// Takes the space of the whole file, so that it cannot run out later, and gives the file its length.
    pub fn allocate(&self, size: u64) -> Result<()> {
        if size > 0 {
            match self.file.allocate(size) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    return Err(Error::disk("made", &*self.path, error));
                }
                // Not every file system can; there the space is taken as bytes come.
                Err(_) => {}
            }
        }
        let sized = self.file.set_len(size);
        sized.map_err(|source| Error::disk("made", &*self.path, source))
    }

    pub fn set_len(&self, length: u64) -> Result<()> {
        let cut = self.file.set_len(length);
        cut.map_err(|source| Error::disk("shortened", &*self.path, source))
    }

    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let written = self.try_write_at(bytes, offset);
        written.map_err(|source| Error::disk("written", &*self.path, source))
    }

    /// Fills the buffer.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        let read = read_exact_at(&self.file, bytes, offset);
        read.map_err(|source| Error::disk("read", &*self.path, source))
    }

    /// Returns when what was written survives a loss of power.
    pub fn sync(&self) -> Result<()> {
        let synced = self.file.sync_data();
        synced.map_err(|source| Error::disk("saved", &*self.path, source))
    }

    #[cfg(not(test))]
    fn try_write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.file, bytes, offset)
    }

    /// As a full disk does, writes what fits and fails with the rest.
    #[cfg(test)]
    fn try_write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::sync::atomic::Ordering;
        let Some(room) = &self.room else {
            return write_all_at(&self.file, bytes, offset);
        };
        let wanted = bytes.len() as u64;
        let take = |left: u64| Some(left.saturating_sub(wanted));
        let left = room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .unwrap();
        let fits = usize::try_from(left.min(wanted)).unwrap();
        write_all_at(&self.file, &bytes[..fits], offset)?;
        match left < wanted {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

/// Makes what happened to the names in a folder survive a loss of power.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    // Windows keeps names by itself, and opens no folders.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| Error::disk("saved", folder, source))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
