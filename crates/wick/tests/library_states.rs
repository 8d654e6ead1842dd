//! What becomes of a model in the library: it is deleted and comes back, changes, is damaged, lies on a disk that is full,
//! read-only or gone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use wick::{
    EngineCommand, ErrorCode, Paths, Wick,
    library::{
        Availability, FolderState, ImportMode, LibraryModel, Storage, VerifyEvent, VerifyOutcome,
    },
};
use wick_engine::testkit::tiny_model;

fn open(folder: &Path) -> std::sync::Arc<Wick> {
    Wick::open(Paths::at(folder), EngineCommand::new("none", ["--engine"]))
        .unwrap()
        .0
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A library with one model, and the file that it came from.
struct Shelf {
    folder: tempfile::TempDir,
    wick: std::sync::Arc<Wick>,
    file: PathBuf,
    model: LibraryModel,
}

impl Shelf {
    fn with(mode: ImportMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Tiny-1B-Q4_0.gguf");
        fs::write(&file, tiny_model("llama").writer().unwrap().bytes()).unwrap();
        let wick = open(&folder.path().join("data"));
        let model = wick.import_model(&file, mode, |_| {}).unwrap();
        Self {
            folder,
            wick,
            file,
            model,
        }
    }

    fn now(&self) -> LibraryModel {
        self.wick.models().unwrap().remove(0)
    }

    fn verify(&self) -> VerifyOutcome {
        self.wick.verify_model(&self.model.id, |_| {}).unwrap()
    }

    fn kept(&self) -> Vec<String> {
        names_in(&self.wick.paths().models())
    }
}

#[test]
fn a_model_in_place_is_read_where_it_lies_and_never_written() {
    let shelf = Shelf::with(ImportMode::InPlace);
    let (wick, model) = (&shelf.wick, &shelf.model);
    let path = fs::canonicalize(&shelf.file).unwrap();
    let storage = Storage::InPlace {
        path: path.display().to_string(),
    };
    assert_eq!(
        (&model.storage, model.info.name.as_str()),
        (&storage, "Tiny 1B")
    );
    assert_eq!(wick.model_file(&model.id).unwrap(), path);
    assert_eq!(shelf.kept(), Vec::<String>::new());
    // The same bytes by another name are the same model.
    let copy = shelf.folder.path().join("copy.gguf");
    fs::copy(&shelf.file, &copy).unwrap();
    for mode in [ImportMode::Copy, ImportMode::InPlace] {
        assert_eq!(wick.import_model(&copy, mode, |_| {}).unwrap().id, model.id);
    }
    assert_eq!(wick.models().unwrap().len(), 1);
    assert_eq!(shelf.kept(), Vec::<String>::new());
    // Gone, it can become Wick's own.
    fs::remove_file(&shelf.file).unwrap();
    assert_eq!(shelf.now().availability, Availability::Missing);
    wick.import_model(&copy, ImportMode::Copy, |_| {}).unwrap();
    let now = shelf.now();
    assert_eq!(
        (now.availability, now.storage),
        (Availability::Available, Storage::Kept)
    );
}

#[test]
fn a_file_in_place_that_changed_is_not_loaded_until_it_is_known_to_be_the_same() {
    let shelf = Shelf::with(ImportMode::InPlace);
    let bytes = fs::read(&shelf.file).unwrap();
    let set_time = |seconds| {
        let file = fs::File::options().write(true).open(&shelf.file).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
    };
    set_time(1_000_000);
    assert_eq!(shelf.now().availability, Availability::Changed);
    assert_eq!(shelf.verify(), VerifyOutcome::Whole);
    assert_eq!(shelf.now().availability, Availability::Available);

    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&shelf.file, other).unwrap();
    set_time(2_000_000);
    assert_eq!(shelf.now().availability, Availability::Changed);
    let VerifyOutcome::Damaged { file, expected, .. } = shelf.verify() else {
        panic!("a flipped bit was not seen");
    };
    assert_eq!(
        (file.as_str(), &expected),
        ("Tiny-1B-Q4_0.gguf", &shelf.model.id)
    );
    // Its time does not make it whole.
    assert_eq!(shelf.now().availability, Availability::Changed);
    fs::write(&shelf.file, bytes).unwrap();
    assert_eq!(shelf.verify(), VerifyOutcome::Whole);
    assert_eq!(shelf.now().availability, Availability::Available);
}

#[test]
fn damage_is_found_remembered_and_repaired_by_another_import() {
    let shelf = Shelf::with(ImportMode::Copy);
    let kept = shelf.wick.model_file(&shelf.model.id).unwrap();
    let mut bytes = fs::read(&kept).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&kept, bytes).unwrap();
    let (mut done, mut total) = (0, 0);
    let outcome = shelf.wick.verify_model(&shelf.model.id, |event| {
        if let VerifyEvent::Reading {
            done_bytes,
            total_bytes,
        } = event
        {
            (done, total) = (done_bytes, total_bytes);
        }
    });
    assert!(matches!(outcome.unwrap(), VerifyOutcome::Damaged { .. }));
    assert_eq!(
        (done, total),
        (shelf.model.size_bytes, shelf.model.size_bytes)
    );
    assert_eq!(shelf.now().availability, Availability::Changed);
    let import = |mode| shelf.wick.import_model(&shelf.file, mode, |_| {}).unwrap();
    import(ImportMode::Copy);
    assert_eq!(shelf.verify(), VerifyOutcome::Whole);
    assert_eq!(shelf.now().availability, Availability::Available);

    let cancelled = shelf
        .wick
        .verify_model(&shelf.model.id, |_| shelf.wick.cancel_verify());
    assert_eq!(cancelled.unwrap_err().code(), ErrorCode::Cancelled);
    // A model that an older Wick imported is known by its id alone.
    let database = shelf.wick.paths().database();
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute("UPDATE models SET files = '[]'", ())
        .unwrap();
    assert_eq!(shelf.now().availability, Availability::Available);
    assert_eq!(shelf.verify(), VerifyOutcome::Whole);
    fs::write(&kept, "short").unwrap();
    assert_eq!(shelf.now().availability, Availability::Changed);
}

#[tokio::test]
async fn a_deleted_model_comes_back_until_the_trash_is_emptied() {
    let shelf = Shelf::with(ImportMode::Copy);
    let (wick, id) = (&shelf.wick, &shelf.model.id);
    assert_eq!(wick.settings().model_id.as_ref(), Some(id));
    let deleted = wick.delete_model(id).await.unwrap();
    assert_eq!(deleted.freed_bytes, shelf.model.size_bytes);
    assert!(wick.models().unwrap().is_empty());
    assert_eq!(wick.settings().model_id, None);
    let folder = wick.models_folder().unwrap();
    assert_eq!(
        (folder.trash_bytes, folder.models_bytes),
        (deleted.freed_bytes, deleted.freed_bytes)
    );
    // Another program on the same data leaves it there.
    drop(open(&shelf.folder.path().join("data")));
    wick.restore_model(id).unwrap();
    assert_eq!(shelf.now().availability, Availability::Available);
    assert_eq!(
        wick.restore_model(id).unwrap_err().code(),
        ErrorCode::NotFound
    );

    wick.delete_model(id).await.unwrap();
    wick.empty_model_trash().unwrap();
    assert_eq!(shelf.kept(), Vec::<String>::new());
    assert_eq!(
        wick.restore_model(id).unwrap_err().code(),
        ErrorCode::NotFound
    );
    assert_eq!(
        wick.delete_model(id).await.unwrap_err().code(),
        ErrorCode::NotFound
    );
}

#[tokio::test]
async fn the_file_of_somebody_else_is_forgotten_and_never_deleted() {
    let shelf = Shelf::with(ImportMode::InPlace);
    let deleted = shelf.wick.delete_model_for_good(&shelf.model.id).await;
    assert_eq!(deleted.unwrap().freed_bytes, 0);
    assert!(shelf.wick.models().unwrap().is_empty());
    assert!(shelf.file.is_file());
}

#[tokio::test]
async fn an_import_takes_a_model_out_of_the_trash() {
    let shelf = Shelf::with(ImportMode::Copy);
    shelf.wick.delete_model(&shelf.model.id).await.unwrap();
    let import = shelf
        .wick
        .import_model(&shelf.file, ImportMode::Copy, |_| {});
    assert_eq!(import.unwrap().id, shelf.model.id);
    shelf.wick.empty_model_trash().unwrap();
    assert_eq!(shelf.now().availability, Availability::Available);
}

#[cfg(target_os = "linux")]
mod disks {
    //! Folders that a system does not let be written. Root may write anywhere else, so they are mounted; without root
    //! rights they are skipped, and said to be.

    use std::process::Command;

    use super::*;

    struct Mounted<'a>(&'a Path);

    impl Mounted<'_> {
        fn tmpfs<'a>(at: &'a Path, options: &str) -> Option<Mounted<'a>> {
            let mount = Command::new("mount")
                .args(["-t", "tmpfs", "-o", options, "wick-test"])
                .arg(at)
                .output();
            let is_mounted = mount.is_ok_and(|mount| mount.status.success());
            if !is_mounted {
                println!("skipped: this user cannot mount");
            }
            is_mounted.then_some(Mounted(at))
        }
    }

    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            Command::new("umount").arg(self.0).output().ok();
        }
    }

    #[test]
    fn a_full_disk_is_said_and_leaves_nothing_behind() {
        let shelf = Shelf::with(ImportMode::InPlace);
        let data = shelf.folder.path().join("full");
        fs::create_dir(&data).unwrap();
        let Some(_mounted) = Mounted::tmpfs(&data, "size=1m") else {
            return;
        };
        let wick = open(&data);
        let models = wick.paths().models();
        let filler = data.join("filler");
        let free = wick.models_folder().unwrap().free_bytes.unwrap();
        fs::write(&filler, vec![0; free as usize]).unwrap();
        let error = wick
            .import_model(&shelf.file, ImportMode::Copy, |_| {})
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::DiskFull, "{error}");
        assert_eq!(names_in(&models), Vec::<String>::new());
        assert_eq!(wick.models_folder().unwrap().state, FolderState::Ok);
        assert!(wick.models().unwrap().is_empty());
    }

    #[tokio::test]
    async fn models_of_a_read_only_folder_run_and_none_comes_or_goes() {
        let shelf = Shelf::with(ImportMode::Copy);
        let models = shelf.folder.path().join("disk");
        fs::create_dir(&models).unwrap();
        let Some(_mounted) = Mounted::tmpfs(&models, "size=16m") else {
            return;
        };
        shelf
            .wick
            .move_models_folder(models.clone(), |_| {})
            .await
            .unwrap();
        let mut remount = Command::new("mount");
        remount.args(["-o", "remount,ro"]).arg(&models);
        assert!(remount.status().unwrap().success());
        assert_eq!(
            shelf.wick.models_folder().unwrap().state,
            FolderState::ReadOnly
        );
        assert_eq!(shelf.now().availability, Availability::Available);
        assert_eq!(shelf.verify(), VerifyOutcome::Whole);
        let other = shelf.folder.path().join("other.gguf");
        fs::write(&other, tiny_model("qwen2").writer().unwrap().bytes()).unwrap();
        let import = shelf.wick.import_model(&other, ImportMode::Copy, |_| {});
        let deleted = shelf.wick.delete_model(&shelf.model.id).await;
        for error in [import.unwrap_err(), deleted.unwrap_err()] {
            assert_eq!(error.code(), ErrorCode::StorageUnwritable, "{error}");
        }
        // In place it needs no room there.
        shelf
            .wick
            .import_model(&other, ImportMode::InPlace, |_| {})
            .unwrap();
        // They can leave it, and what cannot be deleted there stays.
        let to = shelf.folder.path().join("back");
        shelf.wick.move_models_folder(to, |_| {}).await.unwrap();
        assert_eq!(shelf.now().availability, Availability::Available);
        assert_eq!(shelf.verify(), VerifyOutcome::Whole);
    }
}
