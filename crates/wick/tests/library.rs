//! The library of models, with files as they come from the world.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

use wick::{EngineCommand, ErrorCode, Paths, Wick, library::ImportEvent};

fn open(folder: &Path) -> std::sync::Arc<Wick> {
    Wick::open(Paths::at(folder), EngineCommand::new("none", ["--engine"]))
        .unwrap()
        .0
}

/// The real model, where the tests are given one.
fn real_model() -> Option<std::path::PathBuf> {
    let file = std::env::var_os("WICK_TEST_MODEL").map(Into::into);
    if file.is_none() {
        println!("skipped: WICK_TEST_MODEL names no model");
    }
    file
}

#[test]
fn files_that_are_no_models_are_refused_by_name_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let file = folder.path().join("file.gguf");
    for (content, code) in [
        (
            &b"<!doctype html><title>403</title>"[..],
            ErrorCode::NotGguf,
        ),
        (b"", ErrorCode::NotGguf),
        (b"GGUF\x03\x00\x00\x00", ErrorCode::FileTruncated),
        (
            b"GGUF\x09\x00\x00\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            ErrorCode::UnsupportedGgufVersion,
        ),
    ] {
        fs::write(&file, content).unwrap();
        let error = wick.import_model(&file, |_| {}).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let missing = wick
        .import_model(&folder.path().join("none.gguf"), |_| {})
        .unwrap_err();
    assert_eq!(missing.code(), ErrorCode::FileReadFailed);
    assert!(wick.models().unwrap().is_empty());
    assert_eq!(fs::read_dir(wick.paths().models()).unwrap().count(), 0);
}

#[test]
fn a_model_is_copied_once_named_well_chosen_and_found_again() {
    let Some(file) = real_model() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let mut last = 0;
    let model = wick
        .import_model(&file, |event| {
            if let ImportEvent::Copying { done_bytes, .. } = event {
                assert!(done_bytes > last);
                last = done_bytes;
            }
        })
        .unwrap();
    assert_eq!(
        model.id,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    );
    assert_eq!(model.info.name, "SmolLM2 135M Instruct");
    assert_eq!(last, model.size_bytes);
    assert_eq!(wick.settings().model_id.as_deref(), Some(model.id.as_str()));
    wick.import_model(&file, |_| {}).unwrap();
    assert_eq!(wick.models().unwrap().len(), 1);
    assert_eq!(wick.find_model("smollm2").unwrap().id, model.id);
    assert_eq!(wick.find_model(&model.id[..8]).unwrap().id, model.id);
    assert_eq!(
        wick.find_model("other").unwrap_err().code(),
        ErrorCode::NotFound
    );
    drop(wick);

    // The list is lost, the files are not.
    fs::remove_file(folder.path().join("wick.db")).unwrap();
    assert_eq!(open(folder.path()).models().unwrap()[0].id, model.id);
}

#[test]
fn a_cancelled_or_cut_off_import_leaves_nothing_behind() {
    let Some(file) = real_model() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let error = wick
        .import_model(&file, |_| wick.cancel_import())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!(fs::read_dir(wick.paths().models()).unwrap().count(), 0);

    let cut = folder.path().join("cut.gguf");
    let bytes = fs::read(&file).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1000]).unwrap();
    let error = wick.import_model(&cut, |_| {}).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileTruncated, "{error}");
    fs::write(
        wick.paths().models().join("import-1-2.part"),
        "left by a crash",
    )
    .unwrap();
    open(folder.path());
    assert_eq!(fs::read_dir(wick.paths().models()).unwrap().count(), 0);
}

#[test]
fn a_damaged_database_is_set_aside_and_said_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wick.db"), [0xab; 5000]).unwrap();
    let engine = EngineCommand::new("none", ["--engine"]);
    let (_, notice) = Wick::open(Paths::at(folder.path()), engine).unwrap();
    let Some(wick::StorageNotice::DamagedSetAside { kept_at }) = notice else {
        panic!("nothing was said");
    };
    assert_eq!(fs::read(kept_at).unwrap(), [0xab; 5000]);
}
