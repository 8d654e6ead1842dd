//! A file of a repository: what is known of it before its first byte, and whether it is of a kind that is ever fetched.

use crate::{RemotePath, Sha1Hex, Sha256Hex};

/// A file that can be fetched and proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name in the repository.
    pub path: RemotePath,
    /// Its size.
    pub size: u64,
    /// What proves it whole.
    pub check: FileCheck,
}

/// What proves that a file is the one that the repository names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCheck {
    /// Of large files.
    Sha256(Sha256Hex),
    /// Of large files whose sha256 is masked: git's sha1 of the pointer that names the sha256 and the size.
    PointerSha1 {
        /// The pointer's name in git.
        oid: Sha1Hex,
        /// Bytes of the pointer.
        pointer_size: u64,
    },
    /// Of small files: git's sha1 of their bytes.
    GitSha1(Sha1Hex),
}

/// Kinds of files that Wick fetches. There is no way to fetch another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Weights, or a part of them, with everything beside.
    Gguf,
    /// Weights, or a part of them.
    Safetensors,
    /// Which part holds which tensor.
    SafetensorsIndex,
    /// `tokenizer*.json`.
    Tokenizer,
    /// `config.json`, `generation_config.json`.
    Config,
    /// `chat_template.jinja`.
    ChatTemplate,
    /// `README.md`.
    Card,
    /// `LICENSE*`.
    Licence,
}

impl FileKind {
    pub(crate) fn of(path: &RemotePath) -> Option<Self> {
        let name = path.file_name();
        let kind = match name {
            "config.json" | "generation_config.json" => Self::Config,
            "chat_template.jinja" => Self::ChatTemplate,
            "README.md" => Self::Card,
            _ if name.ends_with(".gguf") => Self::Gguf,
            _ if name.ends_with(".safetensors") => Self::Safetensors,
            _ if name.ends_with(".safetensors.index.json") => Self::SafetensorsIndex,
            _ if name.starts_with("tokenizer") && name.ends_with(".json") => Self::Tokenizer,
            _ if name.starts_with("LICENSE") => Self::Licence,
            _ => return None,
        };
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_pickles_and_code_are_of_no_kind() {
        let kind = |name: &str| name.parse::<RemotePath>().unwrap().kind();
        assert_eq!(kind("a/model-Q4_0.gguf"), Some(FileKind::Gguf));
        assert_eq!(kind("tokenizer_config.json"), Some(FileKind::Tokenizer));
        assert_eq!(
            kind("model.safetensors.index.json"),
            Some(FileKind::SafetensorsIndex)
        );
        assert_eq!(kind("LICENSE.txt"), Some(FileKind::Licence));
        for name in [
            "pytorch_model.bin",
            "modeling.py",
            "run.sh",
            "setup.exe",
            "model.gguf.exe",
            "image.png",
            "a.json",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
