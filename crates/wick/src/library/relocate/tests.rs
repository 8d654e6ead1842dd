//! A move that is interrupted after each of its steps, in both ways there are.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tempfile::TempDir;
use wick_engine::testkit::tiny_model;

use super::*;
use crate::{
    Paths,
    library::{Availability, FolderState, ImportMode},
};

struct House {
    root: TempDir,
    elsewhere: TempDir,
    paths: Paths,
    store: Store,
}

impl House {
    /// With two models, and half of a third.
    fn with_models() -> Self {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::at(root.path());
        paths.prepare().unwrap();
        let store = Store::open(&paths.database()).unwrap();
        let house = Self {
            root,
            elsewhere: tempfile::tempdir().unwrap(),
            paths,
            store,
        };
        let file = house.root.path().join("a.gguf");
        fs::write(&file, tiny_model("llama").writer().unwrap().bytes()).unwrap();
        let hub =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../wick-engine/tests/fixtures/qwen3/hub");
        for source in [&file, &hub] {
            let import = |library: &Library<'_>| {
                library.import(
                    source,
                    ImportMode::Copy,
                    &AtomicBool::default(),
                    &mut |_| {},
                )
            };
            import(&house.library()).unwrap();
        }
        let partial = house.paths.models().join(PARTIAL).join("1-2");
        fs::create_dir_all(&partial).unwrap();
        fs::write(partial.join("journal"), "half").unwrap();
        fs::write(house.paths.models().join("notes.txt"), "the user's").unwrap();
        house
    }

    fn library(&self) -> Library<'_> {
        Library::open(&self.paths, &self.store).unwrap()
    }

    fn to(&self) -> PathBuf {
        fs::canonicalize(self.elsewhere.path())
            .unwrap()
            .join("models")
    }

    fn relocate(
        &self,
        way: Way,
        cancel: &AtomicBool,
        after: &mut dyn FnMut(Step),
    ) -> Result<ModelsFolder> {
        let to = self.to();
        self.library()
            .relocate_in_steps(&to, Some(way), cancel, &mut |_| {}, after)
    }

    /// All models are whole, in the folder that the database names, and nothing of theirs is anywhere else.
    fn is_whole_in(&self, folder: &Path, before: &BTreeMap<String, u64>) {
        let library = self.library();
        assert_eq!(library.folder.path, folder);
        for model in library.list().unwrap() {
            assert_eq!(model.availability, Availability::Available);
            let verified = library.verify(&model.id, &AtomicBool::default(), |_| {});
            assert_eq!(verified.unwrap(), crate::library::VerifyOutcome::Whole);
            wick_engine::inspect(&library.file_of(&model.id).unwrap()).unwrap();
        }
        assert_eq!(contents(folder), *before);
        let default = self.paths.models();
        let other = if folder == default {
            self.to()
        } else {
            default
        };
        assert_eq!(contents(&other), BTreeMap::new());
        for document in [MOVE, LEFTOVER] {
            assert_eq!(self.store.document(document).unwrap(), None);
        }
        assert_eq!(library.folder.state(), FolderState::Ok);
    }
}

/// What is Wick's in a folder: names and sizes.
fn contents(folder: &Path) -> BTreeMap<String, u64> {
    let names = names_in(folder).unwrap_or_default().into_iter();
    names
        .map(|name| {
            let bytes = bytes_below(&folder.join(&name));
            (name, bytes)
        })
        .collect()
}

#[test]
fn a_move_brings_everything_and_leaves_what_is_not_wicks() {
    for way in [Way::Rename, Way::Copy] {
        let house = House::with_models();
        let before = contents(&house.paths.models());
        assert_eq!(before.len(), 3);
        let moved = house.relocate(way, &AtomicBool::default(), &mut |_| {});
        assert_eq!(moved.unwrap().path, house.to());
        house.is_whole_in(&house.to(), &before);
        let notes = house.paths.models().join("notes.txt");
        assert_eq!(fs::read_to_string(notes).unwrap(), "the user's");
    }
}

#[test]
fn a_move_that_dies_after_any_step_is_undone_or_finished_when_wick_is_opened() {
    for way in [Way::Rename, Way::Copy] {
        for interrupted_after in 0.. {
            let house = House::with_models();
            let before = contents(&house.paths.models());
            let mut steps = Vec::new();
            // A panic leaves everything as it is at that moment, as a death would.
            let died = catch_unwind(AssertUnwindSafe(|| {
                house.relocate(way, &AtomicBool::default(), &mut |step| {
                    steps.push(step);
                    assert!(steps.len() <= interrupted_after, "it dies here");
                })
            }));
            if died.is_ok() {
                assert!(interrupted_after >= 8, "{steps:?}");
                break;
            }
            // It may die again while it recovers; that it can be done twice is what matters.
            house.library().recover_move().unwrap();
            house.library().recover_move().unwrap();
            let folder = match steps.contains(&Step::Committed) {
                true => house.to(),
                false => house.paths.models(),
            };
            house.is_whole_in(&folder, &before);
        }
    }
}

#[test]
fn a_cancelled_move_leaves_everything_where_it_was() {
    let house = House::with_models();
    let before = contents(&house.paths.models());
    let cancel = AtomicBool::default();
    let cancelled = house.relocate(Way::Copy, &cancel, &mut |step| {
        if step == Step::OneThere {
            cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    assert!(matches!(cancelled, Err(Error::Cancelled)));
    house.is_whole_in(&house.paths.models(), &before);
}

#[test]
fn a_file_in_the_way_undoes_the_move() {
    for way in [Way::Rename, Way::Copy] {
        let house = House::with_models();
        let before = contents(&house.paths.models());
        let last = before.keys().last().unwrap();
        let failed = house.relocate(way, &AtomicBool::default(), &mut |step| {
            if step == Step::Marked {
                // A folder cannot be written over, nor renamed to where one with something in it is.
                fs::create_dir_all(house.to().join(last).join("in the way")).unwrap();
            }
        });
        assert!(failed.is_err());
        house.is_whole_in(&house.paths.models(), &before);
    }
}

#[test]
fn a_move_goes_to_an_empty_folder_and_never_into_itself() {
    let house = House::with_models();
    let relocate = |to: &Path| {
        let cancel = AtomicBool::default();
        house
            .library()
            .relocate_in_steps(to, None, &cancel, &mut |_| {}, &mut |_| {})
    };
    let models = house.paths.models();
    assert_eq!(relocate(&models).unwrap().path, models);
    let inside = relocate(&models.join("deeper")).unwrap_err();
    assert!(inside.to_string().contains("lies in"), "{inside}");
    let full = fs::canonicalize(house.elsewhere.path()).unwrap();
    fs::write(full.join("thesis.txt"), "").unwrap();
    let there = relocate(&full).unwrap().path;
    assert_eq!(there, full.join(OWN_FOLDER));
    // And back, and again.
    assert_eq!(relocate(&models).unwrap().path, models.join(OWN_FOLDER));
    assert_eq!(relocate(&full).unwrap().path, there);
    assert!(!models.join(OWN_FOLDER).exists());
}

#[test]
fn an_unplugged_folder_is_missing_and_not_empty() {
    let house = House::with_models();
    house
        .relocate(Way::Copy, &AtomicBool::default(), &mut |_| {})
        .unwrap();
    let away = house.elsewhere.path().join("unplugged");
    fs::rename(house.to(), &away).unwrap();
    // The place where it was mounted stays.
    fs::create_dir(house.to()).unwrap();
    let library = house.library();
    assert_eq!(library.folder.state(), FolderState::Missing);
    assert!(matches!(
        house.relocate(Way::Copy, &AtomicBool::default(), &mut |_| {}),
        Err(Error::ModelsFolderMissing { .. })
    ));
    let models = library.list().unwrap();
    let availability = |model: &crate::library::LibraryModel| model.availability;
    assert!(
        models
            .iter()
            .all(|m| availability(m) == Availability::FolderMissing)
    );
    let id = &models[0].id;
    assert!(library.delete(id).is_err());
    let file = house.root.path().join("a.gguf");
    let import = library.import(&file, ImportMode::Copy, &AtomicBool::default(), &mut |_| {});
    assert!(matches!(import, Err(Error::ModelsFolderMissing { .. })));
    assert_eq!(fs::read_dir(house.to()).unwrap().count(), 0);

    fs::remove_dir(house.to()).unwrap();
    fs::rename(away, house.to()).unwrap();
    let models = house.library().list().unwrap();
    assert!(
        models
            .iter()
            .all(|m| availability(m) == Availability::Available)
    );
}
