//! Models split over several files, `name-00001-of-00003.gguf` and so on. The files' names come from the name of the
//! one that was asked for and from nothing that a header says, so no header can name a file elsewhere.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{Metadata, Part, TensorInfo, label, layout::MAX_TENSORS, malformed};
use crate::{Error, Result};

/// Most files of one model.
const MAX_PARTS: u32 = 1024;

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufPart {
    /// The file.
    pub path: PathBuf,
    /// Its length when it was checked.
    pub file_bytes: u64,
    /// Where its tensor data starts.
    pub data_offset: u64,
}

/// What the header of a part says of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Split {
    /// From 0.
    number: u32,
    count: u32,
    tensors: u32,
}

impl Split {
    /// `None` for a model of one file.
    fn of(metadata: &Metadata) -> Result<Option<Self>> {
        let Some(count @ 2..) = metadata.u32("split.count")? else {
            return Ok(None);
        };
        let needed = |key: &str| {
            let value = metadata.u32(key)?;
            value.ok_or_else(|| metadata.malformed(key, "is missing, and the model is split"))
        };
        let (number, tensors) = (needed("split.no")?, needed("split.tensors.count")?);
        if count > MAX_PARTS {
            let reason = format!("is {count}; at most {MAX_PARTS} are allowed");
            return Err(metadata.malformed("split.count", reason));
        }
        if number >= count {
            let reason = format!("is {number}, and there are only {count} files");
            return Err(metadata.malformed("split.no", reason));
        }
        if u64::from(tensors) > MAX_TENSORS {
            let reason = format!("is {tensors}; at most {MAX_TENSORS} are allowed");
            return Err(metadata.malformed("split.tensors.count", reason));
        }
        Ok(Some(Self {
            number,
            count,
            tensors,
        }))
    }
}

/// The name of a part: what comes before its number, the number from 1, and how many there are.
fn parse_name(path: &Path) -> Option<(&str, u32, u32)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (prefix, number) = rest.rsplit_once('-')?;
    let five_digits = |digits: &str| {
        let are_digits = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse().ok()).flatten()
    };
    Some((prefix, five_digits(number)?, five_digits(count)?))
}

/// The other parts of the set that `asked_for` belongs to, in order, together with it. `read` is none for a file that
/// is not there.
pub(super) fn with_other_parts(
    asked_for: Part,
    mut read: impl FnMut(&Path) -> Result<Option<Part>>,
) -> Result<Vec<Part>> {
    let Some(split) = Split::of(&asked_for.metadata)? else {
        return Ok(vec![asked_for]);
    };
    let path = asked_for.file.path.clone();
    let wrong_name = |reason: &str| Err(asked_for.metadata.malformed("split.count", reason));
    let Some((prefix, number, count)) = parse_name(&path) else {
        return wrong_name(&format!(
            "is {}; the name of a part must end in -{:05}-of-{:05}.gguf for the others to be found",
            split.count,
            split.number + 1,
            split.count
        ));
    };
    if (number, count) != (split.number + 1, split.count) {
        return wrong_name(&format!(
            "and split.no say part {} of {}; the file's name says part {number} of {count}",
            split.number + 1,
            split.count
        ));
    }
    let mut asked_for = Some(asked_for);
    let mut parts = Vec::new();
    for index in 0..split.count {
        if index == split.number {
            parts.extend(asked_for.take());
            continue;
        }
        let path = path.with_file_name(format!("{prefix}-{:05}-of-{count:05}.gguf", index + 1));
        let mut read = || {
            let mut part = read(&path)?.ok_or_else(|| Error::Read {
                path: path.display().to_string(),
                reason: format!("part {} of {count} of this model is missing", index + 1),
            })?;
            let wanted = Split {
                number: index,
                ..split
            };
            if Split::of(&part.metadata)? != Some(wanted) {
                let reason = "does not agree with the other parts";
                return Err(part.metadata.malformed("split.count", reason));
            }
            if index > 0 {
                // A part may repeat what the first says; only the first is asked.
                part.metadata = Metadata::default();
            }
            Ok(part)
        };
        parts.push(read().map_err(|error| in_file(&path, error))?);
        // Before the next one is read: many parts of many tensors would add up.
        if parts.iter().map(|part| part.tensors.len()).sum::<usize>() > split.tensors as usize {
            break;
        }
    }
    check_tensors(&parts, split.tensors)?;
    Ok(parts)
}

/// Every tensor once, and as many as were promised.
fn check_tensors(parts: &[Part], promised: u32) -> Result<()> {
    let mut names = HashSet::new();
    for part in parts {
        for TensorInfo {
            name, described_at, ..
        } in &part.tensors
        {
            if !names.insert(name) {
                let field = format!("name of tensor {}", label(name));
                let error = malformed(*described_at, field, "is in an earlier part too");
                return Err(in_file(&part.file.path, error));
            }
        }
    }
    if names.len() != promised as usize {
        let reason = format!("is {promised}; the parts have {} tensors", names.len());
        return Err(parts[0].metadata.malformed("split.tensors.count", reason));
    }
    Ok(())
}

/// The same error, with the part it is in.
fn in_file(path: &Path, error: Error) -> Error {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let (field, reason) = match error {
        Error::Malformed {
            offset,
            field,
            reason,
        } => (format!("{field} at byte {offset}"), reason),
        Error::Truncated { needed, actual } => (
            "length".to_owned(),
            format!("it is cut short: it has {actual} bytes and needs {needed}"),
        ),
        other => return other,
    };
    Error::MalformedFile {
        file: label(&file),
        field,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_five_digits_are_parts() {
        let name = |name| parse_name(Path::new(name));
        assert_eq!(name("a-b-00002-of-00003.gguf"), Some(("a-b", 2, 3)));
        assert_eq!(name("/x/-00001-of-00001.gguf"), Some(("", 1, 1)));
        for other in [
            "a-2-of-3.gguf",
            "a-00002-of-00003",
            "a-0002-of-00003.gguf",
            "a-+0002-of-00003.gguf",
            "00002-of-00003.gguf",
            "a.gguf",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
