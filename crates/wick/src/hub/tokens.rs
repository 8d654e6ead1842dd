//! Where access tokens are kept: in the system's keyring, else in a file that only this user can read. Each is of one
//! origin and is never asked for another's.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use wick_hub::Token;

use super::TokenPlace;
use crate::{Error, Paths, Result};

/// What the keyring lists Wick's tokens under.
const SERVICE: &str = "org.wick.Wick";
/// Longest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// Tokens of this data folder. Its calls may wait for the system's keyring.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    file: PathBuf,
    may_use_keyring: bool,
}

/// Where the token of an origin is. A keyring that was never given one is never asked, so it never asks for a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kept_in", rename_all = "snake_case")]
enum Kept {
    Keyring,
    File { token: String },
}

impl Tokens {
    pub(super) fn of(paths: &Paths) -> Self {
        Self {
            file: paths.hub_tokens(),
            may_use_keyring: paths.is_usual(),
        }
    }

    /// The token of an origin, and where it is.
    pub(super) fn read(&self, origin: &str) -> Option<(Token, TokenPlace)> {
        match self.all().remove(origin)? {
            Kept::File { token } => Some((token.parse().ok()?, TokenPlace::File)),
            Kept::Keyring => {
                let token = entry(origin)?.get_password().ok()?;
                Some((token.parse().ok()?, TokenPlace::Keyring))
            }
        }
    }

    /// Keeps the token of an origin, or forgets it; says where it is now, or would be.
    pub(super) fn write(&self, origin: &str, token: Option<&Token>) -> Result<TokenPlace> {
        let mut all = self.all();
        let Some(token) = token else {
            if let Some(Kept::Keyring) = all.remove(origin)
                && let Some(entry) = entry(origin)
            {
                // A keyring that is locked for good keeps what nobody reads any more.
                entry.delete_credential().ok();
            }
            self.save(&all)?;
            return Ok(self.usual_place());
        };
        let is_in_keyring = self.may_use_keyring
            && entry(origin).is_some_and(|entry| entry.set_password(token.reveal()).is_ok());
        let (kept, place) = match is_in_keyring {
            true => (Kept::Keyring, TokenPlace::Keyring),
            false => {
                let token = token.reveal().to_owned();
                (Kept::File { token }, TokenPlace::File)
            }
        };
        all.insert(origin.to_owned(), kept);
        self.save(&all)?;
        Ok(place)
    }

    /// Where a token would be kept.
    pub(super) fn usual_place(&self) -> TokenPlace {
        match self.may_use_keyring && keyring::Entry::store_status().is_ok() {
            true => TokenPlace::Keyring,
            false => TokenPlace::File,
        }
    }

    fn all(&self) -> BTreeMap<String, Kept> {
        let is_short = fs::metadata(&self.file).is_ok_and(|file| file.len() <= MOST_BYTES);
        let text = is_short.then(|| fs::read_to_string(&self.file).ok());
        let all = text
            .flatten()
            .and_then(|text| serde_json::from_str(&text).ok());
        all.unwrap_or_default()
    }

    fn save(&self, all: &BTreeMap<String, Kept>) -> Result<()> {
        let text =
            serde_json::to_vec(all).map_err(|_| Error::Internal("tokens do not serialize"))?;
        write_private(&self.file, &text).map_err(|error| Error::file(&self.file, &error))
    }
}

fn entry(origin: &str) -> Option<keyring::Entry> {
    keyring::Entry::new(SERVICE, origin).ok()
}

/// Writes a file that nobody else could read at any moment, whole or not at all.
fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    // The temporary file is made for its owner only.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://huggingface.co";

    fn tokens() -> (tempfile::TempDir, Tokens) {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(&Paths::at(folder.path()));
        (folder, tokens)
    }

    #[test]
    fn a_token_is_kept_for_its_origin_and_forgotten_whole() {
        let (_folder, tokens) = tokens();
        assert!(tokens.read(HUB).is_none());
        let token: Token = "hf_one".parse().unwrap();
        let place = tokens.write(HUB, Some(&token)).unwrap();
        assert_eq!(place, TokenPlace::File);
        assert_eq!(tokens.read(HUB), Some((token, TokenPlace::File)));
        assert!(tokens.read("https://mirror.example").is_none());
        tokens.write(HUB, None).unwrap();
        assert!(tokens.read(HUB).is_none());
        assert!(!fs::read_to_string(&tokens.file).unwrap().contains("hf_one"));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, tokens) = tokens();
        fs::write(&tokens.file, "not json").unwrap();
        fs::set_permissions(&tokens.file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(tokens.read(HUB).is_none());
        tokens.write(HUB, Some(&"hf_one".parse().unwrap())).unwrap();
        let mode = fs::metadata(&tokens.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
