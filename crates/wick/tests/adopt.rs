//! Models of other programs, in folders as those programs make them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::json;
use sha2::{Digest, Sha256};
use wick::{
    EngineCommand, ErrorCode, Paths, Wick,
    library::{
        Adoptable, Availability, ImportEvent, ImportMode, Origin, Peer, PeerFolders, Storage,
    },
};
use wick_engine::{gguf::ValidatedGguf, testkit::tiny_model};

const OWNER_COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OLD_COMMIT: &str = "fedcba9876543210fedcba9876543210fedcba98";

/// A user with a home in which programs have left models.
struct Home {
    folder: tempfile::TempDir,
    wick: Arc<Wick>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::at(folder.path().join("wick"));
        let engine = EngineCommand::new("none", ["--engine"]);
        let wick = Wick::open(paths, engine).unwrap().0;
        Self { folder, wick }
    }

    fn path(&self, path: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(path)
    }

    /// Writes a file of the home, with the folders above it.
    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    fn folders(&self) -> PeerFolders {
        PeerFolders::of(Some(self.folder.path().into()), |_| None)
    }

    /// What this user's programs keep; the folder of Ollama's that every user has is none of this home's.
    fn adoptable(&self) -> Vec<Adoptable> {
        let found = self.wick.adoptable(&self.folders()).unwrap();
        let home = self.path("");
        let here = found
            .into_iter()
            .filter(|one| Path::new(&one.path).starts_with(&home));
        here.collect()
    }

    fn named(&self, name: &str) -> Adoptable {
        let found = self.adoptable();
        let one = found.iter().find(|one| one.name == name);
        one.unwrap_or_else(|| panic!("{name} is not among {found:#?}"))
            .clone()
    }

    fn adopt(&self, name: &str) -> wick::Result<wick::library::LibraryModel> {
        let key = self.named(name).key;
        let adopted = self.wick.adopt(&self.folders(), &[key], |_| {});
        adopted.map(|mut models| models.remove(0))
    }

    /// Adopts it and holds what comes of it to what everything adopted must be.
    fn is_adopted_in_place(&self, name: &str, peer: Peer, path: &Path, known_as: &str) {
        let found = self.named(name);
        assert_eq!((found.peer, &found.problem), (peer, &None));
        assert_eq!(found.already, None);
        let before = contents(self.folder.path());
        let model = self.adopt(name).unwrap();
        let path = path.display().to_string();
        assert_eq!(model.storage, Storage::Adopted { from: peer, path });
        assert_eq!(model.info.name, known_as);
        assert_eq!(model.availability, Availability::Available);
        assert_eq!(model.size_bytes, found.size_bytes);
        let file = self.wick.model_file(&model.id).unwrap();
        wick_engine::inspect(&file).unwrap();
        assert_eq!(self.named(name).already, Some(model.id.clone()));
        assert_eq!(contents(self.folder.path()), before, "files came or went");
    }
}

/// All files of others, with what they hold.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.ends_with("wick") {
            continue;
        }
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => found.push((path.clone(), fs::read(path).unwrap_or_default())),
        }
    }
    found.sort();
    found
}

fn gguf(architecture: &str) -> Vec<u8> {
    tiny_model(architecture).writer().unwrap().bytes()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The two parts of a split model.
fn parts() -> [Vec<u8>; 2] {
    let tensors = ValidatedGguf::from_bytes(&gguf("llama"))
        .unwrap()
        .tensors()
        .len() as u32;
    let part = |mut writer: wick_engine::testkit::GgufWriter, number: u32| {
        writer
            .u32("split.no", number)
            .u32("split.count", 2)
            .u32("split.tensors.count", tensors);
        writer.bytes()
    };
    let whole = tiny_model("llama").writer().unwrap();
    [
        part(whole, 0),
        part(wick_engine::testkit::GgufWriter::new(), 1),
    ]
}

#[test]
fn lm_studio_keeps_files_by_publisher_and_repository() {
    let home = Home::new();
    let folder = ".lmstudio/models/lmstudio-community/Tiny-3B-GGUF";
    let file = home.write(&format!("{folder}/Tiny-3B-Q4_K_M.gguf"), gguf("llama"));
    home.write(&format!("{folder}/mmproj-model-f16.gguf"), gguf("llama"));
    home.write(&format!("{folder}/Tiny-3B-Q8_0.gguf.part"), "half");
    let [first, second] = parts();
    let first = home.write(&format!("{folder}/Big-7B-Q4_0-00001-of-00002.gguf"), first);
    home.write(&format!("{folder}/Big-7B-Q4_0-00002-of-00002.gguf"), second);
    let names: Vec<String> = home.adoptable().into_iter().map(|one| one.name).collect();
    let community = "lmstudio-community/Tiny-3B-GGUF";
    let big = format!("{community}/Big-7B-Q4_0-00001-of-00002");
    let tiny = format!("{community}/Tiny-3B-Q4_K_M");
    assert_eq!(names, [big.as_str(), tiny.as_str()]);
    home.is_adopted_in_place(&tiny, Peer::LmStudio, &file, "Tiny 3B");
    home.is_adopted_in_place(&big, Peer::LmStudio, &first, "Big 7B");
}

#[test]
fn jan_keeps_a_folder_for_each_model() {
    let home = Home::new();
    let old = home.write(
        ".config/Jan/data/models/huggingface.co/menlo/Tiny-4B/Tiny-4B-Q8_0.gguf",
        gguf("qwen2"),
    );
    let new = home.write(
        ".local/share/Jan/data/llamacpp/models/menlo/Tiny_1B-Q4/model.gguf",
        gguf("llama"),
    );
    home.write(
        ".local/share/Jan/data/llamacpp/models/menlo/Tiny_1B-Q4/model.yml",
        "name: Tiny\nmodel_path: llamacpp/models/menlo/Tiny_1B-Q4/model.gguf\n",
    );
    home.write(
        ".local/share/Jan/data/threads/not-a-model.gguf",
        gguf("llama"),
    );
    assert_eq!(home.adoptable().len(), 2);
    let name = "huggingface.co/menlo/Tiny-4B/Tiny-4B-Q8_0";
    home.is_adopted_in_place(name, Peer::Jan, &old, "Tiny 4B");
    home.is_adopted_in_place("menlo/Tiny_1B-Q4", Peer::Jan, &new, "Tiny 1B");
}

#[test]
fn gpt4all_keeps_all_in_one_folder() {
    let home = Home::new();
    let folder = ".local/share/nomic.ai/GPT4All";
    let file = home.write(&format!("{folder}/tiny-8b.Q4_0.gguf"), gguf("llama"));
    home.write(&format!("{folder}/incomplete-other.Q4_0.gguf"), "half");
    home.write(&format!("{folder}/localdocs_v3.db"), "");
    assert_eq!(home.adoptable().len(), 1);
    home.is_adopted_in_place("tiny-8b.Q4_0", Peer::Gpt4all, &file, "tiny 8b");
}

/// Writes a model of Ollama's; its blob.
fn ollama(home: &Home, manifest: &str, digest: &str, bytes: &[u8]) -> PathBuf {
    let layer = |kind: &str, digest: &str| {
        let media_type = format!("application/vnd.ollama.image.{kind}");
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    };
    let other = format!("sha256:{}", sha256(b"template"));
    let manifest_text = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": layer("config", &other),
        "layers": [layer("template", &other), layer("model", digest), layer("license", &other)],
    });
    home.write(
        &format!(".ollama/models/manifests/{manifest}"),
        manifest_text.to_string(),
    );
    home.write(
        &format!(".ollama/models/blobs/sha256-{}", sha256(b"template")),
        "template",
    );
    let name = format!(".ollama/models/blobs/sha256-{}", sha256(bytes));
    home.write(&name, bytes)
}

#[test]
fn ollama_keeps_manifests_and_blobs() {
    let home = Home::new();
    let bytes = gguf("qwen3");
    let digest = format!("sha256:{}", sha256(&bytes));
    let blob = ollama(
        &home,
        "registry.ollama.ai/library/tiny3/0.6b",
        &digest,
        &bytes,
    );
    ollama(
        &home,
        "registry.ollama.ai/library/tiny3/latest",
        &digest,
        &bytes,
    );
    // Two tags of one blob are one model.
    assert_eq!(home.adoptable().len(), 1);
    home.is_adopted_in_place("tiny3:0.6b", Peer::Ollama, &blob, "tiny3 0.6b");
    let model = home.wick.models().unwrap().remove(0);
    assert_eq!(model.id, sha256(&bytes));

    let bytes = gguf("llama");
    let digest = format!("sha256:{}", sha256(&bytes));
    ollama(&home, "hf.co/someone/Tiny-1B-GGUF/Q4_0", &digest, &bytes);
    assert_eq!(
        home.named("hf.co/someone/Tiny-1B-GGUF:Q4_0").peer,
        Peer::Ollama
    );
}

#[test]
fn a_blob_with_other_bytes_than_its_name_promises_is_refused() {
    let home = Home::new();
    let bytes = gguf("qwen3");
    let digest = format!("sha256:{}", sha256(&bytes));
    let blob = ollama(
        &home,
        "registry.ollama.ai/library/tiny/latest",
        &digest,
        &bytes,
    );
    let mut damaged = bytes;
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(blob, damaged).unwrap();
    let error = home.adopt("tiny:latest").unwrap_err();
    assert_eq!(error.code(), ErrorCode::FileMalformed, "{error}");
    assert!(home.wick.models().unwrap().is_empty());
}

#[test]
fn manifests_name_no_file_but_a_blob() {
    let home = Home::new();
    let bytes = gguf("qwen3");
    let outside = home.write("outside.gguf", &bytes);
    let hex = sha256(&bytes);
    for (number, digest) in [
        "sha256:../../../outside.gguf".to_owned(),
        format!("sha256-{hex}"),
        format!("sha256:{hex}/../../../outside.gguf"),
        format!("sha256:{}", &hex[1..]),
        "sha256:".to_owned() + &"z".repeat(64),
        outside.display().to_string(),
    ]
    .iter()
    .enumerate()
    {
        let manifest = format!("registry.ollama.ai/library/evil/{number}");
        let blob = ollama(&home, &manifest, digest, &bytes);
        fs::remove_file(blob).unwrap();
    }
    assert_eq!(home.adoptable(), []);
    // A blob that is a link to elsewhere is not one of Ollama's.
    let blob = ollama(
        &home,
        "registry.ollama.ai/library/evil/link",
        &format!("sha256:{hex}"),
        &bytes,
    );
    fs::remove_file(&blob).unwrap();
    symlink(outside, blob).unwrap();
    assert_eq!(home.adoptable(), []);
    for text in ["", "[]", "{\"layers\":3}", "{\"layers\":[{}]}"] {
        home.write(
            ".ollama/models/manifests/registry.ollama.ai/library/odd/1",
            text,
        );
    }
    home.write(".ollama/models/manifests/shallow", "{}");
    assert_eq!(home.adoptable(), []);
}

const CACHE: &str = ".cache/huggingface/hub";

/// Puts a file into the shared cache as the Hub's client does: a blob, and a link to it in a snapshot.
fn cached(home: &Home, repository: &str, commit: &str, file: &str, bytes: &[u8]) -> PathBuf {
    let folder = format!("{CACHE}/models--{}", repository.replace('/', "--"));
    let hash = sha256(bytes);
    let blob = home.write(&format!("{folder}/blobs/{hash}"), bytes);
    let up = "../".repeat(2 + file.matches('/').count());
    let link = format!("{folder}/snapshots/{commit}/{file}");
    home.link(&link, format!("{up}blobs/{hash}"));
    home.write(&format!("{folder}/refs/main"), OWNER_COMMIT);
    blob
}

#[test]
fn the_shared_cache_keeps_blobs_by_hash_and_links_by_commit() {
    let home = Home::new();
    let (repository, file) = ("Someone/Tiny-1B-GGUF", "Q4/Tiny-1B-Q4_0.gguf");
    let blob = cached(&home, repository, OWNER_COMMIT, file, &gguf("llama"));
    cached(&home, repository, OLD_COMMIT, file, &gguf("llama"));
    cached(&home, repository, OWNER_COMMIT, "README.md", b"# Tiny");
    // Once, by its newest commit.
    assert_eq!(home.adoptable().len(), 1);
    let name = format!("{repository}/{file}");
    home.is_adopted_in_place(&name, Peer::HuggingFace, &blob, "Tiny 1B");
    let model = home.wick.models().unwrap().remove(0);
    let origin = Origin {
        repository: repository.into(),
        commit: OWNER_COMMIT.into(),
        file: file.into(),
    };
    assert_eq!(
        (model.id, model.origin),
        (sha256(&gguf("llama")), Some(origin))
    );
}

#[test]
fn the_shared_cache_keeps_folders_of_safetensors_and_split_models() {
    let home = Home::new();
    let repository = "Someone/Tiny-2B";
    let hub = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wick-engine/tests/fixtures/qwen3/hub");
    for entry in fs::read_dir(hub).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        cached(
            &home,
            repository,
            OWNER_COMMIT,
            &name,
            &fs::read(entry.path()).unwrap(),
        );
    }
    let snapshot = home.path(&format!(
        "{CACHE}/models--Someone--Tiny-2B/snapshots/{OWNER_COMMIT}"
    ));
    home.is_adopted_in_place(repository, Peer::HuggingFace, &snapshot, "Tiny 2B");

    let [first, second] = parts();
    let repository = "Someone/Big-7B-GGUF";
    cached(
        &home,
        repository,
        OWNER_COMMIT,
        "Big-7B-00001-of-00002.gguf",
        &first,
    );
    cached(
        &home,
        repository,
        OWNER_COMMIT,
        "Big-7B-00002-of-00002.gguf",
        &second,
    );
    let folder = format!("{CACHE}/models--Someone--Big-7B-GGUF/snapshots/{OWNER_COMMIT}");
    let path = home.path(&format!("{folder}/Big-7B-00001-of-00002.gguf"));
    let name = format!("{repository}/Big-7B-00001-of-00002.gguf");
    home.is_adopted_in_place(&name, Peer::HuggingFace, &path, "Big 7B");
}

#[test]
fn links_that_lead_out_of_a_programs_folder_are_not_followed() {
    let home = Home::new();
    let outside = home.write("secret/model.gguf", gguf("llama"));
    let secret = outside.parent().unwrap();
    home.link(".lmstudio/models/a/b/file.gguf", &outside);
    home.link(".lmstudio/models/a/folder", secret);
    home.link(
        ".local/share/nomic.ai/GPT4All/up.gguf",
        "../../../../secret/model.gguf",
    );
    home.link(".config/Jan/data/models", secret);
    home.link(
        &format!("{CACHE}/models--a--b/snapshots/{OWNER_COMMIT}/file.gguf"),
        &outside,
    );
    home.link(&format!("{CACHE}/models--a--c/snapshots"), secret);
    home.link(
        &format!("{CACHE}/models--a--..--d/snapshots/{OWNER_COMMIT}/x.gguf"),
        &outside,
    );
    home.link(
        ".ollama/models/manifests/registry.ollama.ai/library/a/b",
        &outside,
    );
    assert_eq!(home.adoptable(), []);
    // Of a folder that is one model, none may.
    let hub = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wick-engine/tests/fixtures/qwen3/hub");
    for entry in fs::read_dir(hub).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        cached(
            &home,
            "a/whole",
            OWNER_COMMIT,
            &name,
            &fs::read(entry.path()).unwrap(),
        );
    }
    assert_eq!(home.adoptable().len(), 1);
    let folder = format!("{CACHE}/models--a--whole/snapshots/{OWNER_COMMIT}");
    home.link(&format!("{folder}/chat_template.jinja"), &outside);
    assert_eq!(home.adoptable(), []);
    // A loop ends.
    home.link(".lmstudio/models/a/loop", home.path(".lmstudio/models/a"));
    home.link(
        ".lmstudio/models/a/self.gguf",
        home.path(".lmstudio/models/a/self.gguf"),
    );
    assert_eq!(home.adoptable(), []);
}

#[test]
fn what_cannot_be_run_says_why_and_is_not_adopted() {
    let home = Home::new();
    home.write(".lmstudio/models/a/b/page.gguf", "<html>");
    let found = home.named("a/b/page");
    assert_eq!(found.problem.unwrap().code, ErrorCode::NotGguf);
    let error = home.adopt("a/b/page").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotGguf);
    let error = home
        .wick
        .adopt(&home.folders(), &["/etc/passwd".into()], |_| {});
    assert_eq!(error.unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn a_model_that_the_library_has_is_not_there_twice() {
    let home = Home::new();
    let own = home.write("own.gguf", gguf("llama"));
    let kept = home
        .wick
        .import_model(&own, ImportMode::Copy, |_| {})
        .unwrap();
    home.write(".lmstudio/models/a/b/Tiny-Q4_0.gguf", gguf("llama"));
    let (mut done, mut total) = (0, 0);
    let key = home.named("a/b/Tiny-Q4_0").key;
    let adopted = home.wick.adopt(&home.folders(), &[key], |event| {
        if let ImportEvent::Reading {
            done_bytes,
            total_bytes,
        } = event
        {
            (done, total) = (done_bytes, total_bytes);
        }
    });
    let adopted = adopted.unwrap().remove(0);
    assert_eq!((done, total), (kept.size_bytes, kept.size_bytes));
    assert_eq!((adopted.id, adopted.storage), (kept.id, Storage::Kept));
    assert_eq!(home.wick.models().unwrap().len(), 1);
}

#[tokio::test]
async fn what_another_program_deletes_is_missing_and_what_wick_forgets_stays() {
    let home = Home::new();
    let file = home.write(".lmstudio/models/a/b/Tiny-Q4_0.gguf", gguf("llama"));
    let model = home.adopt("a/b/Tiny-Q4_0").unwrap();
    let deleted = home.wick.delete_model_for_good(&model.id).await.unwrap();
    assert_eq!(deleted.freed_bytes, 0);
    assert!(file.is_file());
    home.adopt("a/b/Tiny-Q4_0").unwrap();
    fs::remove_file(file).unwrap();
    let now = home.wick.models().unwrap().remove(0);
    assert_eq!(now.availability, Availability::Missing);
}
