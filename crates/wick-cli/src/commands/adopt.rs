//! `wick adopt`: models of other programs, used where they lie.

use serde_json::json;
use wick::{
    Error, Result, Wick,
    library::{Adoptable, ImportEvent, PeerFolders},
};

use super::{library::megabytes, progress};

/// Shows what there is, or adopts it.
pub fn adopt(names: &[String], all: bool, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let folders = PeerFolders::from_environment();
    let found = tokio::task::block_in_place(|| wick.adoptable(&folders))?;
    if names.is_empty() && !all {
        match as_json {
            true => outln!("{}", json!({ "adoptable": found })),
            false => list(&found),
        }
        return Ok(());
    }
    let chosen: Vec<&Adoptable> = match all {
        true => found
            .iter()
            .filter(|one| one.problem.is_none() && one.already.is_none())
            .collect(),
        false => names
            .iter()
            .map(|name| named(&found, name))
            .collect::<Result<_>>()?,
    };
    let keys: Vec<String> = chosen.iter().map(|one| one.key.clone()).collect();
    let models = read(&wick, &folders, &keys, as_json)?;
    match as_json {
        true => outln!("{}", json!({ "models": models })),
        false => models.iter().for_each(|model| {
            let (name, level) = (&model.info.name, &model.info.quantization);
            outln!("{name} {level} is in the library, and its file stays where it is.");
        }),
    }
    Ok(())
}

fn read(
    wick: &std::sync::Arc<Wick>,
    folders: &PeerFolders,
    keys: &[String],
    as_json: bool,
) -> Result<Vec<wick::library::LibraryModel>> {
    let stopper = wick.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel_import();
        }
    });
    let bar = progress::bar("Reading", as_json);
    let adopted = tokio::task::block_in_place(|| {
        wick.adopt(folders, keys, |event| {
            if let ImportEvent::Reading {
                done_bytes,
                total_bytes,
            } = event
            {
                progress::show(&bar, done_bytes, total_bytes);
            }
        })
    });
    bar.finish_and_clear();
    adopted
}

/// By its name, where only one program has such a one.
fn named<'a>(found: &'a [Adoptable], name: &str) -> Result<&'a Adoptable> {
    let one = found
        .iter()
        .find(|one| one.name == name || one.path == name);
    one.ok_or_else(|| Error::NotFound {
        what: "model of another program",
        id: name.into(),
    })
}

fn list(found: &[Adoptable]) {
    if found.is_empty() {
        errln!("No other program keeps models here.");
    }
    for one in found {
        let note = match (&one.already, &one.problem) {
            (Some(_), _) => "  (in the library)".into(),
            (None, Some(problem)) => format!("  (cannot be run: {})", problem.message),
            (None, None) => String::new(),
        };
        let (size, peer) = (megabytes(one.size_bytes), one.peer.name());
        outln!("{:<48} {size:>9}  {peer}{note}", one.name);
    }
}
