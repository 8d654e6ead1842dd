//! What Hugging Face's own programs keep on this machine: the shared cache, and the token they signed in with.

use std::{fs, path::PathBuf};

use hf_hub::Cache;

use crate::Token;

/// Longest file of a token that is read.
const MOST_TOKEN_BYTES: u64 = 4096;

/// The folder of the shared cache: `HF_HUB_CACHE`, else the one below `HF_HOME`.
pub fn cache_folder() -> PathBuf {
    match variable("HF_HUB_CACHE") {
        Some(folder) => folder.into(),
        None => Cache::from_env().path().clone(),
    }
}

/// The token of the environment.
pub fn token_of_environment() -> Option<Token> {
    variable("HF_TOKEN")?.parse().ok()
}

/// The token that another program signed in with.
pub fn token_of_file() -> Option<Token> {
    let file = match variable("HF_TOKEN_PATH") {
        Some(file) => PathBuf::from(file),
        None => Cache::from_env().token_path(),
    };
    let is_short =
        fs::metadata(&file).is_ok_and(|file| file.is_file() && file.len() <= MOST_TOKEN_BYTES);
    match is_short {
        true => fs::read_to_string(file).ok()?.parse().ok(),
        false => None,
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}
