//! Programs that keep GGUF files by their names: LM Studio (`publisher/repository/file`), Jan (a folder for each model,
//! in `models` or `llamacpp/models`) and GPT4All (all in one folder).

use std::path::{Path, PathBuf};

use super::{Found, MOST_MODELS, inside::Root};
use crate::library::Peer;

/// All models of one of them.
pub fn search(peer: Peer, root: &Root) -> Vec<Found> {
    let folders = match peer {
        Peer::Jan => vec![
            root.path().join("models"),
            root.path().join("llamacpp/models"),
        ],
        _ => vec![root.path().to_owned()],
    };
    let found = folders.iter().flat_map(|folder| {
        let files = root.files_below(folder).into_iter();
        files
            .filter(|file| is_model(file))
            .filter_map(|file| found(peer, root, folder, &file))
    });
    found.take(MOST_MODELS).collect()
}

fn found(peer: Peer, root: &Root, folder: &Path, file: &Path) -> Option<Found> {
    let within = file.strip_prefix(folder).ok()?;
    let name = match peer {
        // Its file is always `model.gguf` where Jan downloaded it; the folder has the name.
        Peer::Jan if file.file_name()? == "model.gguf" => within.parent()?.to_owned(),
        _ => within.with_extension(""),
    };
    let label = match peer {
        Peer::Jan if file.file_name()? == "model.gguf" => PathBuf::from(name.file_name()?),
        _ => file.to_owned(),
    };
    let path = root.inside(file)?;
    let is_part = path.file_stem()?.to_str()?.contains("-of-");
    if is_part && !root.has_no_way_out(path.parent()?) {
        return None;
    }
    Some(Found {
        peer,
        name: name.to_string_lossy().replace('\\', "/"),
        label,
        path,
        sha256: None,
        origin: None,
    })
}

/// Whether a file is the whole or the first part of a model. What a program has not finished to download, and what sees
/// or hears for a model, is not.
pub fn is_model(file: &Path) -> bool {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let lower = name.to_lowercase();
    let Some(stem) = lower.strip_suffix(".gguf") else {
        return false;
    };
    let is_later_part = stem.rsplit_once("-of-").is_some_and(|(before, _)| {
        let number = before.rsplit_once('-').map(|(_, number)| number);
        number
            .is_some_and(|n| n.len() == 5 && n.bytes().all(|b| b.is_ascii_digit()) && n != "00001")
    });
    !is_later_part && !stem.contains("mmproj") && !stem.starts_with("incomplete-")
}
