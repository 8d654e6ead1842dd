//! What of a repository belongs together: a GGUF file, the parts of a split one, or a folder of safetensors.

use std::collections::BTreeMap;

use crate::{FileKind, RemoteFile, TreeFile};

/// Levels of quantization that files are named after. The longer names come before those they begin with.
const LEVELS: [&str; 52] = [
    "Q2_K_XL", "Q3_K_XL", "Q4_K_XL", "Q5_K_XL", "Q6_K_XL", "Q8_K_XL", "IQ2_XXS", "IQ3_XXS",
    "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "IQ1_S", "IQ1_M", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XS",
    "IQ3_S", "IQ3_M", "IQ4_XS", "IQ4_NL", "Q2_K_S", "Q2_K_L", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L",
    "Q3_K", "Q4_K_S", "Q4_K_M", "Q4_K_L", "Q4_K", "Q4_0", "Q4_1", "Q5_K_S", "Q5_K_M", "Q5_K_L",
    "Q5_K", "Q5_0", "Q5_1", "Q6_K_L", "Q6_K", "Q8_0_L", "Q8_0", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4",
    "BF16", "FP16", "F16", "F32",
];
/// What a file of weights is called that is none of a model of text.
const OTHERS: [&str; 4] = ["mmproj", "imatrix", "vocab-only", "ggml-vocab"];

/// Files that are one model together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSet {
    /// The name of its first file in the repository; empty for the folder's safetensors.
    pub name: String,
    /// What it is.
    pub kind: SetKind,
    /// Its level of quantization, as its name says.
    pub level: Option<&'static str>,
    /// Its files of weights, in order, and then those beside them.
    pub files: Vec<RemoteFile>,
    /// Parts of weights.
    pub parts: u32,
}

/// What a set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetKind {
    /// A model in GGUF.
    Gguf,
    /// A model in GGUF of which parts are missing.
    Incomplete,
    /// Something in GGUF that is no model of text: a projector of pictures, a matrix of importance.
    Other,
    /// A model as a folder of safetensors.
    Safetensors,
}

impl FileSet {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

/// The models of a repository: those in GGUF by size, and then the folder of safetensors if there is one.
pub fn sets(files: &[TreeFile]) -> Vec<FileSet> {
    let mut sets = gguf_sets(files);
    sets.sort_by(|one, other| (one.bytes(), &one.name).cmp(&(other.bytes(), &other.name)));
    sets.extend(safetensors_set(files));
    sets
}

fn gguf_sets(files: &[TreeFile]) -> Vec<FileSet> {
    let mut split = BTreeMap::<(&str, u32), Vec<(u32, &RemoteFile)>>::new();
    let mut sets = Vec::new();
    let ggufs = files
        .iter()
        .map(|file| &file.file)
        .filter(|file| file.path.kind() == Some(FileKind::Gguf));
    for file in ggufs {
        match part_of(file.path.as_str()) {
            Some((stem, number, count)) => {
                split.entry((stem, count)).or_default().push((number, file))
            }
            None => sets.push(gguf_set(vec![file.clone()], 1)),
        }
    }
    for ((_, count), mut parts) in split {
        parts.sort_by_key(|(number, _)| *number);
        let are_all = parts.iter().map(|(number, _)| *number).eq(1..=count);
        let mut set = gguf_set(
            parts.into_iter().map(|(_, file)| file.clone()).collect(),
            count,
        );
        if !are_all {
            set.kind = SetKind::Incomplete;
        }
        sets.push(set);
    }
    sets
}

fn gguf_set(files: Vec<RemoteFile>, parts: u32) -> FileSet {
    let first = &files[0].path;
    let lower = first.file_name().to_ascii_lowercase();
    FileSet {
        name: first.as_str().to_owned(),
        kind: match OTHERS.iter().any(|other| lower.contains(other)) {
            true => SetKind::Other,
            false => SetKind::Gguf,
        },
        level: level_of(first.file_name()).or_else(|| level_of(first.folder())),
        files,
        parts,
    }
}

/// `name-00001-of-00003.gguf`: what comes before the number, the number, and how many there are.
fn part_of(path: &str) -> Option<(&str, u32, u32)> {
    let (rest, count) = path.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let number_of = |digits: &str| {
        let are_digits = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse().ok()).flatten()
    };
    let (number, count) = (number_of(number)?, number_of(count)?);
    (number >= 1 && number <= count && count >= 2).then_some((stem, number, count))
}

/// The level that a name has as a word of its own.
fn level_of(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let is_part_of_word =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let found = LEVELS.iter().find(|level| {
        upper.match_indices(**level).any(|(at, _)| {
            let bytes = upper.as_bytes();
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            !before.is_some_and(u8::is_ascii_alphanumeric)
                && !is_part_of_word(bytes.get(at + level.len()))
        })
    });
    found.map(|level| if *level == "FP16" { "F16" } else { level })
}

/// All of the top folder that a model of safetensors needs; none where there is no configuration.
fn safetensors_set(files: &[TreeFile]) -> Option<FileSet> {
    let top = || {
        files
            .iter()
            .map(|file| &file.file)
            .filter(|file| file.path.folder().is_empty())
    };
    let is_of = |file: &&RemoteFile, kind| file.path.kind() == Some(kind);
    let mut weights: Vec<&RemoteFile> = top()
        .filter(|file| is_of(file, FileKind::Safetensors))
        .collect();
    // Some publishers ship the same weights a second time under their own names.
    let is_model = |file: &&RemoteFile| file.path.as_str().starts_with("model");
    if weights.iter().any(is_model) {
        weights.retain(is_model);
    }
    let has_config = top().any(|file| file.path.as_str() == "config.json");
    if weights.is_empty() || !has_config {
        return None;
    }
    let beside = top().filter(|file| {
        use FileKind::{ChatTemplate, Config, SafetensorsIndex, Tokenizer};
        let kinds = [Config, Tokenizer, ChatTemplate, SafetensorsIndex];
        file.path.kind().is_some_and(|kind| kinds.contains(&kind))
    });
    Some(FileSet {
        name: String::new(),
        kind: SetKind::Safetensors,
        level: None,
        parts: weights.len() as u32,
        files: weights.into_iter().chain(beside).cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileCheck;

    fn tree(names: &[&str]) -> Vec<TreeFile> {
        let file = |(n, name): (usize, &&str)| TreeFile {
            file: RemoteFile {
                path: name.parse().unwrap(),
                size: 100 + n as u64,
                check: FileCheck::GitSha1("ab".repeat(20).parse().unwrap()),
            },
            xet_hash: None,
        };
        names.iter().enumerate().map(file).collect()
    }

    #[test]
    fn the_level_is_read_from_the_name() {
        for (name, level) in [
            ("gemma-3-1b-it-Q4_K_M.gguf", Some("Q4_K_M")),
            ("qwen2.5-0.5b-instruct-q4_k_m.gguf", Some("Q4_K_M")),
            ("SmolLM2-135M-Instruct.Q4_1.gguf", Some("Q4_1")),
            ("model-UD-Q4_K_XL.gguf", Some("Q4_K_XL")),
            ("model-IQ4_XS.gguf", Some("IQ4_XS")),
            ("gemma-3-1b-it-f16.gguf", Some("F16")),
            ("a-fp16.gguf", Some("F16")),
            ("a-bf16.gguf", Some("BF16")),
            ("Qwen3-0.6B-Q8_0.gguf", Some("Q8_0")),
            ("Q4_0_4_4.gguf", Some("Q4_0_4_4")),
            ("a_q8_0.gguf", Some("Q8_0")),
            ("XQ4_0.gguf", None),
            ("model.gguf", None),
        ] {
            assert_eq!(level_of(name), level, "{name}");
        }
    }

    #[test]
    fn a_split_file_is_one_model_and_says_when_parts_are_missing() {
        let files = tree(&[
            "Q8_0/big-00002-of-00003.gguf",
            "Q8_0/big-00001-of-00003.gguf",
            "Q8_0/big-00003-of-00003.gguf",
            "cut-Q4_0-00001-of-00002.gguf",
            "one-Q4_0.gguf",
            "mmproj-one-f16.gguf",
            "README.md",
            "run.sh",
        ]);
        let sets = sets(&files);
        let told: Vec<_> = sets
            .iter()
            .map(|set| (set.name.as_str(), set.kind, set.parts, set.level))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "cut-Q4_0-00001-of-00002.gguf",
                    SetKind::Incomplete,
                    2,
                    Some("Q4_0")
                ),
                ("one-Q4_0.gguf", SetKind::Gguf, 1, Some("Q4_0")),
                ("mmproj-one-f16.gguf", SetKind::Other, 1, Some("F16")),
                (
                    "Q8_0/big-00001-of-00003.gguf",
                    SetKind::Gguf,
                    3,
                    Some("Q8_0")
                ),
            ]
        );
        assert_eq!(sets[3].bytes(), 303);
        assert_eq!(
            sets[3].files[2].path.as_str(),
            "Q8_0/big-00003-of-00003.gguf"
        );
    }

    #[test]
    fn a_folder_of_safetensors_is_one_model_with_what_it_needs() {
        let files = tree(&[
            "config.json",
            "consolidated.safetensors",
            "generation_config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "original/model.safetensors",
            "pytorch_model.bin",
            "tokenizer.json",
            "tokenizer_config.json",
            "modeling_x.py",
            "README.md",
            "LICENSE",
        ]);
        let sets = sets(&files);
        assert_eq!(sets.len(), 1);
        assert_eq!((sets[0].name.as_str(), sets[0].parts), ("", 2));
        let names: Vec<&str> = sets[0]
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "config.json",
                "generation_config.json",
                "model.safetensors.index.json",
                "tokenizer.json",
                "tokenizer_config.json",
            ]
        );
        assert!(super::sets(&tree(&["model.safetensors", "README.md"])).is_empty());
    }
}
