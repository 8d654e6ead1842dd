//! House rules that a compiler does not hold: who may know whom, how long a file may be, what has no place here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const LONGEST_FILE_LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// Source files below `folder`, with their text. Build outputs and installed packages are not sources.
fn sources(folder: &str, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                let skipped = ["target", "node_modules", "dist", "gen", "artifacts"];
                if !skipped.contains(&name.as_str()) && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if extensions.iter().any(|extension| name.ends_with(extension)) {
                found.push((
                    path.strip_prefix(root()).unwrap().to_owned(),
                    fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    assert!(!found.is_empty(), "nothing found in {folder}");
    found
}

/// Files that contain one of `words`, other than those below `allowed`.
fn offenders(files: &[(PathBuf, String)], words: &[&str], allowed: &[&str]) -> Vec<PathBuf> {
    let is_allowed = |path: &Path| allowed.iter().any(|start| path.starts_with(start));
    files
        .iter()
        .filter(|(path, text)| !is_allowed(path) && words.iter().any(|word| text.contains(word)))
        .map(|(path, _)| path.clone())
        .collect()
}

const THIS: &str = "crates/wick/tests/tidy.rs";

#[test]
fn only_the_desktop_shell_knows_tauri() {
    let rust = sources("crates", &[".rs", "Cargo.toml"]);
    assert_eq!(
        offenders(&rust, &["tauri::", "tauri =", "tauri.workspace"], &[THIS]),
        Vec::<PathBuf>::new()
    );
    let ui = sources("ui/src", &[".ts", ".svelte"]);
    let found = offenders(&ui, &["@tauri-apps/"], &["ui/src/ipc/tauri.ts"]);
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn the_engine_knows_no_network_no_database_and_no_tokio() {
    let engine = sources("crates/wick-engine", &[".rs", "Cargo.toml"]);
    let words = ["tokio", "reqwest", "rusqlite", "std::net", "hyper::"];
    assert_eq!(offenders(&engine, &words, &[]), Vec::<PathBuf>::new());
}

#[test]
fn only_the_hubs_room_opens_connections() {
    let words = ["reqwest", "hf_hub", "std::net", "tokio::net", "hyper::"];
    // A test of the built program takes a port, to be sure that nobody answers there.
    let tests = "crates/wick-cli/tests";
    let allowed = ["crates/wick-hub", "crates/stand-in-hub", tests, THIS];
    for folder in ["crates", "src-tauri"] {
        let rust = sources(folder, &[".rs", "Cargo.toml"]);
        assert_eq!(offenders(&rust, &words, &allowed), Vec::<PathBuf>::new());
    }
    let hub = sources("crates/wick-hub/src", &[".rs"]);
    let words = ["rusqlite", "candle", "wick_engine"];
    assert_eq!(offenders(&hub, &words, &[]), Vec::<PathBuf>::new());
}

#[test]
fn a_model_file_holds_the_architecture_and_nothing_else() {
    let models = sources("crates/wick-engine/src/models", &[".rs"]);
    let words = [
        "crate::sampling",
        "std::arch",
        "target_feature",
        "Device::Cuda",
        "Device::Metal",
    ];
    assert_eq!(offenders(&models, &words, &[]), Vec::<PathBuf>::new());
}

#[test]
fn unsafe_code_is_rare_and_explained() {
    for (path, text) in sources(".", &[".rs"]) {
        if path.starts_with(THIS) {
            continue;
        }
        let blocks = text.matches("unsafe {").count();
        assert!(
            text.matches("// SAFETY:").count() >= blocks,
            "{}",
            path.display()
        );
    }
}

#[test]
fn no_file_is_too_long() {
    for (path, text) in sources(".", &[".rs", ".ts", ".svelte", ".mjs", ".css"]) {
        if path.ends_with("bindings.ts") {
            continue;
        }
        let lines = text.lines().count();
        assert!(
            lines <= LONGEST_FILE_LINES,
            "{} has {lines} lines",
            path.display()
        );
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for folder in ["crates", "src-tauri"] {
        for (path, text) in sources(folder, &[".rs"]) {
            let first = text.lines().next().unwrap_or_default();
            let is_list = path.ends_with("command_names.rs");
            assert!(is_list || first.starts_with("//!"), "{}", path.display());
        }
    }
}

#[test]
fn tests_run_all_and_wait_for_conditions_instead_of_time() {
    for (path, text) in sources(".", &[".rs", ".mjs", ".ts"]) {
        if path.starts_with(THIS) {
            continue;
        }
        for word in [
            "#[ignore",
            "todo!(",
            "unimplemented!(",
            ".only(",
            "thread::sleep",
        ] {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
}
