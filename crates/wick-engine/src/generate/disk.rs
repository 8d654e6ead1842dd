//! Sequences kept on disk, so that a chat of last week is not read anew: a folder for each model, a file for each
//! sequence, the least recently used out first. A file that does not fit the model or is damaged is deleted.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    decoder::{Decoder, LoadedModel},
    kv_cache::{CacheFormat, LayerShape, read_cache, write_cache},
    process::protocol::KeepOnDisk,
};

const MAGIC: &[u8; 8] = b"WICKKV1\n";
/// Longest head of a file: a line of JSON.
const MAX_HEAD_BYTES: u32 = 1 << 20;
/// Shorter sequences are read anew faster than it is worth a file.
const FEWEST_TOKENS: usize = 32;

/// Begins the names of files of no conversation in particular.
const NOBODYS: &str = "x";

/// What a file says of itself. Everything must fit before a byte of the cache is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    model: String,
    format: String,
    layers: Vec<LayerShape>,
    tokens: Vec<u32>,
}

/// The folder of one model.
pub(super) struct Disk {
    options: KeepOnDisk,
    folder: PathBuf,
    model: Arc<LoadedModel>,
    /// What lies in the folder; files being written are in it already.
    entries: Vec<Entry>,
    writer: Option<(mpsc::Sender<Job>, thread::JoinHandle<()>)>,
}

struct Entry {
    path: PathBuf,
    tokens: Vec<u32>,
}

enum Job {
    Write(PathBuf, Decoder, Head),
    Wait(mpsc::Sender<()>),
}

impl Disk {
    /// Looks into the folder, which is made where it is absent.
    pub(super) fn open(options: KeepOnDisk, model: &Arc<LoadedModel>) -> std::io::Result<Self> {
        let folder = options.folder.join(&options.model);
        fs::create_dir_all(&folder)?;
        let mut disk = Self {
            options,
            folder,
            model: model.clone(),
            entries: Vec::new(),
            writer: None,
        };
        let expected = disk.head(Vec::new());
        for entry in fs::read_dir(&disk.folder)?.flatten() {
            let path = entry.path();
            let extension = path.extension().unwrap_or_default().to_owned();
            if extension == "part" {
                // Left by a process that was ended.
                fs::remove_file(&path).ok();
            } else if extension == "kv" {
                match read_head(&path) {
                    Ok((head, _)) if same_model(&head, &expected) => disk.entries.push(Entry {
                        path,
                        tokens: head.tokens,
                    }),
                    _ => {
                        fs::remove_file(&path).ok();
                    }
                }
            }
        }
        Ok(disk)
    }

    /// The sequence that has most in common with `prompt`, if that is at least so many tokens.
    pub(super) fn find(&mut self, prompt: &[u32], at_least: usize) -> Option<Decoder> {
        let common = |entry: &Entry| {
            let same = entry.tokens.iter().zip(prompt);
            same.take_while(|(a, b)| a == b).count()
        };
        let best = (0..self.entries.len()).max_by_key(|at| common(&self.entries[*at]))?;
        if common(&self.entries[best]) < at_least {
            return None;
        }
        // It may still be on its way to the disk.
        self.wait();
        let path = self.entries[best].path.clone();
        match self.read(&path) {
            Ok(decoder) if decoder.usable_prefix(prompt) >= at_least => {
                touch(&path);
                Some(decoder)
            }
            Ok(_) => None,
            Err(_) => {
                fs::remove_file(&path).ok();
                self.entries.remove(best);
                None
            }
        }
    }

    /// Writes a sequence while others go on. What cannot be written is only not kept.
    pub(super) fn save(&mut self, decoder: Decoder, conversation: Option<&str>) {
        if decoder.position() < FEWEST_TOKENS {
            return;
        }
        let head = self.head(decoder.tokens().to_vec());
        let mut hasher = DefaultHasher::new();
        head.tokens.hash(&mut hasher);
        let conversation = conversation.unwrap_or(NOBODYS);
        let name = format!("{conversation}-{:016x}.kv", hasher.finish());
        let path = self.folder.join(name);
        // An older state of the same conversation serves nothing that the new one does not.
        let is_older = |entry: &Entry| {
            let length = entry.tokens.len();
            head.tokens.starts_with(&entry.tokens)
                && decoder.cache().kept_by_truncate(length) == length
        };
        let older: Vec<Entry> = self
            .entries
            .extract_if(.., |entry| is_older(entry))
            .collect();
        for entry in older.iter().filter(|entry| entry.path != path) {
            fs::remove_file(&entry.path).ok();
        }
        self.entries.push(Entry {
            path: path.clone(),
            tokens: head.tokens.clone(),
        });
        let max_bytes = self.options.max_bytes;
        let all = self.options.folder.clone();
        let (jobs, _) = self
            .writer
            .get_or_insert_with(|| start_writer(all, max_bytes));
        jobs.send(Job::Write(path, decoder, head)).ok();
    }

    /// Deletes what is kept of a conversation.
    pub(super) fn forget(&mut self, conversation: &str) {
        self.wait();
        forget_on_disk(&self.options.folder, conversation);
        self.entries.retain(|entry| entry.path.exists());
    }

    /// Waits until everything given to [`Disk::save`] is on disk.
    pub(super) fn wait(&mut self) {
        if let Some((jobs, _)) = &self.writer {
            let (done, all_done) = mpsc::channel();
            if jobs.send(Job::Wait(done)).is_ok() {
                all_done.recv().ok();
            }
        }
        self.entries.retain(|entry| entry.path.exists());
    }

    fn read(&self, path: &Path) -> Result<Decoder> {
        let (head, rest) = read_head(path).map_err(|error| crate::Error::read(path, &error))?;
        let vocabulary = self.model.vocabulary_size();
        let length = head.tokens.len();
        let fits = same_model(&head, &self.head(Vec::new()))
            && length <= self.model.context_length()
            && head
                .tokens
                .iter()
                .all(|token| (*token as usize) < vocabulary);
        if !fits {
            return Err(crate::Error::Compute {
                reason: "a stored cache of another model".into(),
            });
        }
        let cache = read_cache(self.model.cache_layout().clone(), length, rest)?;
        Decoder::with_cache(&self.model, head.tokens, cache)
    }

    fn head(&self, tokens: Vec<u32>) -> Head {
        let layout = self.model.cache_layout();
        Head {
            model: self.options.model.clone(),
            format: match layout.format {
                CacheFormat::F32 => "F32",
                CacheFormat::F16 => "F16",
                CacheFormat::Q8_0 => "Q8_0",
            }
            .into(),
            layers: layout.layers.clone(),
            tokens,
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some((jobs, thread)) = self.writer.take() {
            drop(jobs);
            thread.join().ok();
        }
    }
}

fn same_model(head: &Head, expected: &Head) -> bool {
    head.model == expected.model && head.format == expected.format && head.layers == expected.layers
}

fn start_writer(all: PathBuf, max_bytes: u64) -> (mpsc::Sender<Job>, thread::JoinHandle<()>) {
    let (jobs, waiting) = mpsc::channel();
    let thread = thread::spawn(move || {
        for job in waiting {
            match job {
                Job::Write(path, decoder, head) => {
                    if write(&path, &decoder, &head).is_err() {
                        fs::remove_file(path.with_extension("part")).ok();
                    }
                    drop(decoder);
                    forget_oldest(&all, max_bytes);
                }
                Job::Wait(done) => {
                    done.send(()).ok();
                }
            }
        }
    });
    (jobs, thread)
}

fn write(path: &Path, decoder: &Decoder, head: &Head) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // It holds what was said in a chat.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::with_capacity(1 << 20, options.open(&part)?);
    let head = serde_json::to_vec(head)?;
    file.write_all(MAGIC)?;
    file.write_all(&(head.len() as u32).to_le_bytes())?;
    file.write_all(&head)?;
    if !write_cache(decoder.cache(), &mut file)? {
        return fs::remove_file(part);
    }
    file.into_inner()?.sync_all()?;
    fs::rename(part, path)
}

/// The head of a file, and the file from behind it.
fn read_head(path: &Path) -> std::io::Result<(Head, BufReader<File>)> {
    let damaged = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut magic, mut length) = ([0; 8], [0; 4]);
    file.read_exact(&mut magic)?;
    file.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if magic != *MAGIC || length > MAX_HEAD_BYTES {
        return Err(damaged());
    }
    let mut head = vec![0; length as usize];
    file.read_exact(&mut head)?;
    Ok((serde_json::from_slice(&head)?, file))
}

/// Deletes what is kept of a conversation, of all models.
pub fn forget_on_disk(folder: &Path, conversation: &str) {
    let prefix = format!("{conversation}-");
    for path in files_of_all_models(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&prefix) {
            fs::remove_file(&path).ok();
        }
    }
}

fn files_of_all_models(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let models = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = models.flat_map(|model| fs::read_dir(model.path()).into_iter().flatten());
    let paths = files.flatten().map(|file| file.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "kv"))
}

/// Deletes the files used longest ago, of all models, until the rest fits.
fn forget_oldest(all: &Path, max_bytes: u64) {
    let files = files_of_all_models(all).filter_map(|path| {
        let metadata = fs::metadata(&path).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), path))
    });
    let mut files: Vec<(SystemTime, u64, PathBuf)> = files.collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in files {
        if total <= max_bytes {
            return;
        }
        fs::remove_file(path).ok();
        total -= bytes;
    }
}

fn touch(path: &Path) {
    if let Ok(file) = File::options().append(true).open(path) {
        file.set_modified(SystemTime::now()).ok();
    }
}
