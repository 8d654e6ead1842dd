//! The small text files in which Linux tells about itself, below `/` or below a tree that a test has made. What they
//! say is taken with care: a file may be missing, cut off, or nonsense.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Longest text that is read; the list of PCI's names is the longest there is.
const LONGEST: u64 = 8 << 20;

/// No machine has a processor of a higher number.
const MOST_PROCESSORS: u32 = 1 << 16;

/// Where the system's files lie.
#[derive(Debug, Clone)]
pub struct Root(PathBuf);

impl Root {
    /// Below this folder; `/` for the machine itself.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The text of a file, without white space around it; `None` where it cannot be read.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let mut bytes = Vec::new();
        let file = File::open(self.0.join(path)).ok()?;
        file.take(LONGEST).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file that is one number.
    pub fn number<T: FromStr>(&self, path: impl AsRef<Path>) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// The names in a folder, sorted.
    pub fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(path)).into_iter().flatten();
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        names
    }

    /// The name of what a link points to.
    pub fn link(&self, path: impl AsRef<Path>) -> Option<String> {
        let target = fs::read_link(self.0.join(path)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }
}

/// A list such as `0-3,8`.
pub fn list(text: &str) -> Option<BTreeSet<u32>> {
    let mut numbers = BTreeSet::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        if last >= MOST_PROCESSORS {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers).filter(|numbers| !numbers.is_empty())
}

/// What stands behind `name` and a colon, in the first line that has it.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_nonsense_is_none() {
        assert_eq!(list("0-2,5\n"), Some([0, 1, 2, 5].into()));
        assert_eq!(list("3"), Some([3].into()));
        for nonsense in ["", "a", "1-", "-2", "0-4294967295", "7-x", "1 2"] {
            assert_eq!(list(nonsense), None, "{nonsense:?}");
        }
        // The wrong way round is no processor.
        assert_eq!(list("5-2"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 3\nmodel name\t: A: B\n";
        assert_eq!(field(text, "model name"), Some("A: B"));
        assert_eq!(field(text, "mod"), None);
    }
}
