//! The library of models, with files as they come from the world.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use wick::{
    EngineCommand, ErrorCode, Paths, Wick,
    library::{Availability, ImportEvent, ImportMode},
};
use wick_engine::{
    gguf::ValidatedGguf,
    testkit::{GgufWriter, tiny_model},
};

fn open(folder: &Path) -> std::sync::Arc<Wick> {
    Wick::open(Paths::at(folder), EngineCommand::new("none", ["--engine"]))
        .unwrap()
        .0
}

/// The real model, where the tests are given one.
fn real_model() -> Option<PathBuf> {
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
        let error = wick
            .import_model(&file, ImportMode::Copy, |_| {})
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let missing = wick
        .import_model(&folder.path().join("none.gguf"), ImportMode::Copy, |_| {})
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
        .import_model(&file, ImportMode::Copy, |event| {
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
    wick.import_model(&file, ImportMode::Copy, |_| {}).unwrap();
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
        .import_model(&file, ImportMode::Copy, |_| wick.cancel_import())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!(fs::read_dir(wick.paths().models()).unwrap().count(), 0);

    let cut = folder.path().join("cut.gguf");
    let bytes = fs::read(&file).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1000]).unwrap();
    let error = wick
        .import_model(&cut, ImportMode::Copy, |_| {})
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileTruncated, "{error}");
    fs::write(
        wick.paths().models().join("import-1-2.part"),
        "left by a crash",
    )
    .unwrap();
    open(folder.path());
    assert_eq!(fs::read_dir(wick.paths().models()).unwrap().count(), 0);
}

/// A folder as the Hub ships it, with a file that is of no use.
fn hub(model: &str) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.join(format!("wick-engine/tests/fixtures/{model}/hub"))
}

/// Writes a split model; its second part.
fn split_set(folder: &Path) -> PathBuf {
    let whole = || tiny_model("llama").writer().unwrap();
    let gguf = ValidatedGguf::from_bytes(&whole().bytes()).unwrap();
    let tensors = gguf.tensors().len() as u32;
    let part = |mut writer: GgufWriter, number: u32| {
        let path = folder.join(format!("Tiny-7B-Q4_0-0000{}-of-00002.gguf", number + 1));
        writer
            .u32("split.no", number)
            .u32("split.count", 2)
            .u32("split.tensors.count", tensors);
        fs::write(&path, writer.bytes()).unwrap();
        path
    };
    part(whole(), 0);
    part(GgufWriter::new(), 1)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Twice, and again after the list is lost: one model, whole, and loaded from `loaded` of its folder.
fn is_kept_whole(source: &Path, name: &str, kept: &[&str], loaded: &str) {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let (mut last, mut total) = (0, 0);
    let model = wick
        .import_model(source, ImportMode::Copy, |event| {
            if let ImportEvent::Copying {
                done_bytes,
                total_bytes,
            } = event
            {
                assert!(done_bytes > last);
                (last, total) = (done_bytes, total_bytes);
            }
        })
        .unwrap();
    assert_eq!((last, total), (model.size_bytes, model.size_bytes));
    assert_eq!(model.info.name, name);
    assert_eq!(model.availability, Availability::Available);
    let at = wick.paths().models().join(&model.id);
    assert_eq!(names_in(&at), kept);
    let file = wick.model_file(&model.id).unwrap();
    assert_eq!(file, at.join(loaded));
    wick_engine::inspect(&file).unwrap();

    assert_eq!(
        wick.import_model(source, ImportMode::Copy, |_| {})
            .unwrap()
            .id,
        model.id
    );
    assert_eq!(wick.models().unwrap().len(), 1);
    assert_eq!(names_in(&wick.paths().models()), [model.id.as_str()]);
    drop(wick);

    fs::remove_file(folder.path().join("wick.db")).unwrap();
    let found = open(folder.path()).models().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].id, found[0].size_bytes, found[0].availability),
        (&model.id, model.size_bytes, Availability::Available)
    );

    // A lost file is noticed, and comes back with another import.
    fs::remove_file(at.join(kept[kept.len() - 1])).unwrap();
    let wick = open(folder.path());
    let availability = || wick.models().unwrap()[0].availability;
    assert_eq!(availability(), Availability::Missing);
    wick.import_model(source, ImportMode::Copy, |_| {}).unwrap();
    assert_eq!(availability(), Availability::Available);
    assert_eq!(names_in(&at), kept);
}

#[test]
fn a_folder_of_shards_is_one_model() {
    let kept = [
        "config.json",
        "generation_config.json",
        "model-00001-of-00005.safetensors",
        "model-00002-of-00005.safetensors",
        "model-00003-of-00005.safetensors",
        "model-00004-of-00005.safetensors",
        "model-00005-of-00005.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    is_kept_whole(&hub("llama"), "hub", &kept, "");
}

#[test]
fn a_folder_of_one_file_of_weights_is_one_model() {
    let kept = [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    is_kept_whole(&hub("qwen3"), "hub", &kept, "");
}

#[test]
fn a_split_model_is_one_model_whichever_part_is_named() {
    let source = tempfile::tempdir().unwrap();
    let second = split_set(source.path());
    let kept = ["model-00001-of-00002.gguf", "model-00002-of-00002.gguf"];
    is_kept_whole(&second, "Tiny 7B", &kept, kept[0]);
}

#[test]
fn a_model_of_several_files_leaves_nothing_behind_where_one_is_missing_or_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let second = split_set(folder.path());
    for source in [&hub("llama"), &second] {
        let error = wick
            .import_model(source, ImportMode::Copy, |_| wick.cancel_import())
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::Cancelled);
    }

    let cut = folder.path().join("cut");
    fs::create_dir(&cut).unwrap();
    for name in names_in(&hub("llama")) {
        fs::copy(hub("llama").join(&name), cut.join(&name)).unwrap();
    }
    let shard = "model-00003-of-00005.safetensors";
    fs::remove_file(cut.join(shard)).unwrap();
    let first = "Tiny-7B-Q4_0-00001-of-00002.gguf";
    fs::remove_file(folder.path().join(first)).unwrap();
    for (source, missing) in [(&cut, shard), (&second, first)] {
        let error = wick
            .import_model(source, ImportMode::Copy, |_| {})
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::FileReadFailed);
        assert!(error.to_string().contains(missing), "{error}");
    }
    assert!(wick.models().unwrap().is_empty());

    let left_by_a_crash = wick.paths().models().join("import-1-2.part");
    assert!(names_in(&wick.paths().models()).is_empty());
    fs::create_dir(&left_by_a_crash).unwrap();
    fs::write(left_by_a_crash.join("config.json"), "{}").unwrap();
    open(folder.path());
    assert!(names_in(&wick.paths().models()).is_empty());
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
