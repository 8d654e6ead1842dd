//! Where other programs keep their models.

use std::{collections::BTreeMap, ffi::OsString, fs, path::PathBuf};

use crate::library::Peer;

/// Most bytes that are read of another program's settings.
const MOST_SETTINGS_BYTES: u64 = 1 << 20;

/// The folders of each, the likeliest first. They need not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerFolders {
    /// By program.
    pub folders: BTreeMap<Peer, Vec<PathBuf>>,
}

impl PeerFolders {
    /// As this user's environment has them.
    pub fn from_environment() -> Self {
        Self::of(std::env::home_dir(), |name| std::env::var_os(name))
    }

    /// As an environment with this home and these variables has them.
    pub fn of(home: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let folder = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            Some(PathBuf::from(value))
        };
        let home = home.unwrap_or_default();
        let config = folder("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let data = folder("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        let cache = folder("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
        let application_support = home.join("Library/Application Support");
        // On Windows; elsewhere there is none.
        let (roaming, local) = (folder("APPDATA"), folder("LOCALAPPDATA"));

        let lm_studio_home = first_line(&home.join(".lmstudio-home-pointer"));
        let lm_studio = [
            lm_studio_home.map(|folder| folder.join("models")),
            Some(home.join(".lmstudio/models")),
            Some(cache.join("lm-studio/models")),
        ];
        let ollama = [
            folder("OLLAMA_MODELS"),
            Some(home.join(".ollama/models")),
            Some("/usr/share/ollama/.ollama/models".into()),
        ];
        let jan = [
            Some(config.join("Jan/data")),
            Some(data.join("Jan/data")),
            Some(application_support.join("Jan/data")),
            roaming.map(|folder| folder.join("Jan/data")),
            Some(home.join("jan")),
        ];
        let gpt4all = [
            gpt4all_choice(&config.join("nomic.ai/GPT4All.ini")),
            Some(data.join("nomic.ai/GPT4All")),
            Some(application_support.join("nomic.ai/GPT4All")),
            local.map(|folder| folder.join("nomic.ai/GPT4All")),
        ];
        let hugging_face = [
            folder("HF_HUB_CACHE"),
            folder("HF_HOME").map(|folder| folder.join("hub")),
            Some(cache.join("huggingface/hub")),
        ];
        let folders = [
            (Peer::LmStudio, lm_studio.to_vec()),
            (Peer::Ollama, ollama.to_vec()),
            (Peer::Jan, jan.to_vec()),
            (Peer::Gpt4all, gpt4all.to_vec()),
            (Peer::HuggingFace, hugging_face.to_vec()),
        ];
        let known = folders.map(|(peer, folders)| {
            let absolute = folders.into_iter().flatten().filter(|f| f.is_absolute());
            (peer, absolute.collect())
        });
        Self {
            folders: known.into(),
        }
    }
}

/// LM Studio writes there where it keeps everything.
fn first_line(file: &PathBuf) -> Option<PathBuf> {
    let line = settings(file)?.lines().next()?.trim().to_owned();
    (!line.is_empty()).then(|| line.into())
}

/// The folder that a user of GPT4All has chosen.
fn gpt4all_choice(file: &PathBuf) -> Option<PathBuf> {
    let text = settings(file)?;
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let mut paths = lines.filter(|(key, _)| key.trim() == "modelPath");
    paths.next().map(|(_, path)| path.trim().into())
}

fn settings(file: &PathBuf) -> Option<String> {
    let is_small = fs::metadata(file).is_ok_and(|file| file.len() <= MOST_SETTINGS_BYTES);
    is_small.then(|| fs::read_to_string(file).ok()).flatten()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn variables_come_before_what_is_usual() {
        let home = tempfile::tempdir().unwrap();
        let pointer = home.path().join(".lmstudio-home-pointer");
        fs::write(pointer, "/big/lmstudio\n").unwrap();
        let settings = home.path().join(".config/nomic.ai");
        fs::create_dir_all(&settings).unwrap();
        let text = "[General]\nmodelPath=/big/gpt4all\n";
        fs::write(settings.join("GPT4All.ini"), text).unwrap();
        let folders = PeerFolders::of(Some(home.path().into()), |name| match name {
            "OLLAMA_MODELS" => Some("/big/ollama".into()),
            "HF_HOME" => Some("/big/hf".into()),
            "HF_HUB_CACHE" => Some("".into()),
            "APPDATA" => Some("not absolute".into()),
            _ => None,
        });
        let first = |peer| folders.folders[&peer][0].display().to_string();
        assert_eq!(first(Peer::LmStudio), "/big/lmstudio/models");
        assert_eq!(first(Peer::Ollama), "/big/ollama");
        assert_eq!(first(Peer::Gpt4all), "/big/gpt4all");
        assert_eq!(first(Peer::HuggingFace), "/big/hf/hub");
        let jan = home.path().join(".config/Jan/data");
        assert_eq!(folders.folders[&Peer::Jan][0], jan);
        assert!(folders.folders.values().flatten().all(|f| f.is_absolute()));
    }
}
