//! `wick folder --move`, killed without warning: all models are whole, in one place, after the next start.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use stand_in_hub::Content;
use tempfile::TempDir;
use wick_engine::testkit::tiny_model;

const MODELS: u64 = 4;
const BYTES: u64 = 6 << 20;

struct House {
    home: TempDir,
}

impl House {
    /// With models in the library, each in a file that takes a moment to copy.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let house = Self { home };
        for seed in 0..MODELS {
            let mut file = tiny_model("llama").writer().unwrap().bytes();
            // What follows the weights is nobody's.
            let rest = BYTES - file.len() as u64;
            file.extend_from_slice(&Content::seeded(seed, rest).read(0..rest));
            let path = house.home.path().join("model.gguf");
            fs::write(&path, file).unwrap();
            house.json(&["import", path.to_str().unwrap(), "--json"]);
        }
        house
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wick"));
        command
            .args(arguments)
            .env("WICK_DATA_DIR", self.home.path().join("wick"))
            .stdin(Stdio::null());
        command
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output: Output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn models_folder(&self) -> PathBuf {
        let folder = self.json(&["folder", "--json"]);
        folder["folder"]["path"].as_str().unwrap().into()
    }

    /// Kills a move to `to` when so many files are there, or lets it end before.
    fn move_killed_at(&self, to: &Path, files: usize) {
        let mut child = self
            .command(&["folder", "--move", to.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while names_in(to).len() < files && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// All models are in the folder they are said to be in, and nothing of them is in the other.
    fn are_whole_in_one_of(&self, places: [&Path; 2]) -> PathBuf {
        let listed = self.json(&["list", "--json"]);
        let models = listed["models"].as_array().unwrap();
        assert_eq!(models.len() as u64, MODELS);
        for model in models {
            assert_eq!(model["availability"], "available", "{model}");
        }
        let verified = self.command(&["verify", "--json"]).output().unwrap();
        let verified = String::from_utf8(verified.stdout).unwrap();
        assert_eq!(verified.matches("whole").count() as u64, MODELS);
        let folder = self.models_folder();
        for place in places {
            let names = names_in(place);
            let weights = names.iter().filter(|name| name.ends_with(".gguf"));
            match place == folder {
                true => assert_eq!(weights.count() as u64, MODELS, "{names:?}"),
                false => assert!(names.is_empty(), "{place:?} has {names:?}"),
            }
        }
        folder
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.collect()
}

/// Places to move to: two on the disk of the data, between which files are renamed, and where the system has one, one
/// on another, to which they are copied.
fn places(home: &Path) -> Vec<TempDir> {
    let mut places = vec![home.to_owned(), home.to_owned()];
    if Path::new("/dev/shm").is_dir() {
        places.insert(1, "/dev/shm".into());
    }
    let folder = |place| tempfile::tempdir_in(place).unwrap();
    places.into_iter().map(folder).collect()
}

#[test]
fn a_move_that_is_killed_leaves_every_model_whole_in_one_place() {
    let house = House::new();
    let places = places(house.home.path());
    let mut folder = house.models_folder();
    // The mark is the first file there, then come the models.
    for files in 0..=MODELS as usize + 1 {
        for place in &places {
            let to = place.path().join(files.to_string());
            house.move_killed_at(&to, files);
            // A name of the folder with no link in it, as Wick says it.
            let to = to.canonicalize().unwrap_or(to);
            folder = house.are_whole_in_one_of([&folder, &to]);
        }
    }
    let last = house.home.path().join("last");
    let output = house
        .command(&["folder", "--move", last.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    house.are_whole_in_one_of([&folder, &last.canonicalize().unwrap()]);
}
