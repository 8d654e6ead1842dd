//! Pages that were told before, kept on disk: for what has not changed since, and for days without a network.
//!
//! Names of files are hashes of what was asked. A page that cannot be read is one that is not there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of all pages together, and what is left of them once they are more.
const MOST_BYTES: u64 = 64 << 20;
const KEPT_BYTES: u64 = 48 << 20;

/// A folder of pages.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    folder: PathBuf,
}

/// A page, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub told: Told,
    pub body: Vec<u8>,
}

/// What is known of a page beside its text: the first line of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// When the server last said so, in milliseconds since 1970.
    pub at_ms: i64,
    /// By what the server knows this text again.
    pub etag: Option<String>,
    /// What to ask for the page after it.
    pub next: Option<String>,
    /// Length of the text.
    pub bytes: u64,
}

impl Pages {
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn file_of(&self, question: &str) -> PathBuf {
        let hash = Sha256::digest(question.as_bytes());
        let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }

    pub(crate) fn read(&self, question: &str) -> Option<Page> {
        let mut body = fs::read(self.file_of(question)).ok()?;
        let line = body.iter().position(|byte| *byte == b'\n')?;
        let told: Told = serde_json::from_slice(&body[..line]).ok()?;
        body.drain(..=line);
        (body.len() as u64 == told.bytes).then_some(Page { told, body })
    }

    /// Keeps a page, whole or not at all, and lets the oldest go where there are too many.
    pub(crate) fn write(&self, question: &str, page: &Page) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let file = self.file_of(question);
        let new = file.with_extension(format!("{}.new", std::process::id()));
        let mut bytes = serde_json::to_vec(&page.told)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&page.body);
        let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, file));
        if written.is_err() {
            fs::remove_file(&new).ok();
        }
        self.make_room();
        written
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        // What cannot be removed now is overwritten or let go later.
        fs::remove_dir_all(&self.folder).ok();
    }

    fn make_room(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let file = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((file.modified().ok()?, file.len(), entry.path()))
            })
            .collect();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        if bytes <= MOST_BYTES {
            return;
        }
        files.sort();
        for (_, length, path) in files {
            if bytes <= KEPT_BYTES {
                return;
            }
            if fs::remove_file(path).is_ok() {
                bytes -= length;
            }
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &[u8]) -> Page {
        let told = Told {
            at_ms: 7,
            etag: Some("W/\"x\"".into()),
            next: None,
            bytes: body.len() as u64,
        };
        Page {
            told,
            body: body.to_vec(),
        }
    }

    #[test]
    fn a_page_comes_back_as_it_was_and_a_damaged_one_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let pages = Pages::at(&folder.path().join("pages"));
        assert_eq!(pages.read("q"), None);
        pages.write("q", &page(b"{}\n")).unwrap();
        assert_eq!(pages.read("q"), Some(page(b"{}\n")));
        let file = pages.file_of("q");
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(pages.read("q"), None, "{length}");
        }
        pages.clear();
        assert_eq!(pages.read("q"), None);
    }

    #[test]
    fn the_pages_never_take_more_than_their_share() {
        let folder = tempfile::tempdir().unwrap();
        let pages = Pages::at(folder.path());
        for n in 0..10 {
            pages
                .write(&n.to_string(), &page(&vec![b'x'; 8 << 20]))
                .unwrap();
        }
        let kept = (0..10)
            .filter(|n| pages.read(&n.to_string()).is_some())
            .count();
        assert!((5..=8).contains(&kept), "{kept}");
        assert!(pages.read("9").is_some(), "the newest went first");
    }
}
