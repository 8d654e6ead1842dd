//! Downloads from a stand-in for the Hub, through the queue into the library.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod house;

use std::path::Path;

use stand_in_hub::{Behaviour, Content, Gated, Place, Repository, Rule};
use wick::{
    ErrorCode,
    download::{Ask, Download, DownloadRequest, DownloadState},
    library::Origin,
};
use wick_engine::{
    gguf::ValidatedGguf,
    testkit::{GgufWriter, tiny_model},
};

use house::{FILE, House, MIB, REPOSITORY, STALL, gguf, names_in};

#[tokio::test]
async fn a_download_ends_in_the_library_and_leaves_nothing_else() {
    let mut house = House::with(3 * MIB).await;
    let id = house.start(REPOSITORY, FILE);
    assert_eq!(house.download(id).unwrap().status, DownloadState::Queued);
    house.run_queue();
    let model = house.until_finished(id).await;
    let file = house.hub.file(REPOSITORY, FILE).unwrap();
    assert_eq!((&model.id, model.size_bytes), (&file.sha256, file.size));
    assert_eq!(model.info.name, "Tiny 1B");
    let origin = Origin {
        repository: REPOSITORY.into(),
        commit: house.hub.commit(REPOSITORY).unwrap(),
        file: FILE.into(),
    };
    assert_eq!(model.origin, Some(origin));
    assert_eq!(house.wick.settings().model_id, Some(model.id.clone()));
    let done = house.download(id).unwrap();
    assert_eq!(
        (done.done_bytes, done.size_bytes),
        (file.size, Some(file.size))
    );
    assert_eq!(house.names(), (vec![format!("{}.gguf", model.id)], vec![]));
    // Taken from the list it stays in the library, and once finished it is not listed for ever.
    house.wick.cancel_download(id).unwrap();
    assert_eq!(house.wick.models().unwrap().len(), 1);
    assert_eq!(house.wick.downloads().unwrap(), []);
}

#[tokio::test]
async fn what_wick_cannot_run_is_refused_before_its_bytes() {
    let mut house = House::new().await;
    house.run_queue();
    let mut unknown = gguf("llama", 8 * MIB);
    let name = unknown
        .windows(5)
        .position(|bytes| bytes == b"llama")
        .unwrap();
    unknown[name..name + 5].copy_from_slice(b"mamba");
    house.add("ann/unknown", "unknown-Q4_0.gguf", unknown);
    house.add("ann/page", "page-Q4_0.gguf", vec![b'<'; 8 * MIB]);
    for (repository, file, code) in [
        (
            "ann/unknown",
            "unknown-Q4_0.gguf",
            ErrorCode::UnsupportedArchitecture,
        ),
        ("ann/page", "page-Q4_0.gguf", ErrorCode::NotGguf),
        ("ann/page", "no-such.gguf", ErrorCode::HubNotFound),
        ("ann/nobody", "x.gguf", ErrorCode::HubNotFound),
    ] {
        house.hub.forget_requests();
        let id = house.start(repository, file);
        assert_eq!(house.until_failed(id).await, code, "{repository}");
        assert!(house.sent_bytes() <= 2 * MIB as u64, "{repository}");
    }
    assert_eq!(house.names().0, Vec::<String>::new());
    let request = |repository: &str, file: &str| DownloadRequest {
        repository: repository.into(),
        revision: None,
        file: file.into(),
    };
    for (repository, file) in [
        ("../x", "a.gguf"),
        ("a/b", "../a.gguf"),
        ("a/b", "/etc/passwd"),
    ] {
        let error = house
            .wick
            .start_download(&request(repository, file))
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::HubRefused);
    }
}

#[tokio::test]
async fn a_paused_download_goes_on_where_it_was_in_another_wick() {
    let (mut house, id) = House::midway().await;
    house.wick.pause_download(id).unwrap();
    house.wick.hold_downloads().await;
    let paused = house.download(id).unwrap();
    assert_eq!(paused.status, DownloadState::Paused);
    assert!(paused.done_bytes >= MIB as u64);

    house.restart().await;
    house.hub.behave();
    house.hub.forget_requests();
    house.run_queue();
    // Paused stays paused.
    assert_eq!(house.download(id).unwrap().status, DownloadState::Paused);
    house.wick.resume_download(id).unwrap();
    let model = house.until_finished(id).await;
    let fetched_again = house.sent_bytes() + paused.done_bytes - model.size_bytes;
    assert!(fetched_again <= 4 * MIB as u64, "{fetched_again}");
}

#[tokio::test]
async fn what_ran_when_wick_ended_goes_on_by_itself() {
    let (mut house, id) = House::midway().await;
    house.restart().await;
    assert_eq!(house.download(id).unwrap().status, DownloadState::Queued);
    house.hub.behave();
    house.run_queue();
    house.until_finished(id).await;
    // What is finished leaves the list when Wick is opened.
    house.restart().await;
    house.run_queue();
    let other = house.start("ann/nobody", FILE);
    house.until_failed(other).await;
    assert_eq!(house.download(id), None);
}

#[tokio::test]
async fn two_run_at_a_time_in_the_order_of_the_queue() {
    let mut house = House::new().await;
    let architectures = ["llama", "qwen2", "qwen3"];
    let ids: Vec<i64> = architectures
        .iter()
        .map(|name| {
            let (repository, file) = (format!("ann/{name}"), format!("{name}-Q4_0.gguf"));
            house.add(&repository, &file, gguf(name, 6 * MIB));
            house.stall_after(&file, STALL);
            house.start(&repository, &file)
        })
        .collect();
    house.wick.move_download(ids[2], 0).unwrap();
    let order: Vec<i64> = house
        .wick
        .downloads()
        .unwrap()
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(order, [ids[2], ids[0], ids[1]]);
    house.run_queue();
    for id in [ids[2], ids[0]] {
        house.until(id, |download| download.done_bytes > 0).await;
    }
    assert_eq!(
        house.download(ids[1]).unwrap().status,
        DownloadState::Queued
    );
    // One place becomes free.
    house.wick.cancel_download(ids[2]).unwrap();
    house
        .until(ids[1], |download| download.done_bytes > 0)
        .await;
    house.wick.pause_download(ids[0]).unwrap();
    house.wick.pause_download(ids[1]).unwrap();
    house.hub.behave();
    house.wick.resume_download(ids[0]).unwrap();
    house.until_finished(ids[0]).await;
    assert_eq!(
        house.download(ids[1]).unwrap().status,
        DownloadState::Paused
    );
    assert_eq!(house.download(ids[2]), None);
    house.wick.cancel_download(ids[1]).unwrap();
    house.wick.hold_downloads().await;
    let (kept, partial) = house.names();
    assert_eq!((kept.len(), partial), (1, vec![]));
}

#[tokio::test]
async fn a_file_that_changes_on_the_server_is_said_so_and_fetched_afresh() {
    let (house, id) = House::midway().await;
    house.wick.pause_download(id).unwrap();
    house.wick.hold_downloads().await;
    house.hub.behave();
    // The same commit with other bytes: its history was rewritten.
    let other = gguf("qwen2", 10 * MIB);
    house.hub.overwrite(REPOSITORY, FILE, Content::bytes(other));
    house.wick.release_downloads();
    house.wick.resume_download(id).unwrap();
    let model = house.until_finished(id).await;
    let file = house.hub.file(REPOSITORY, FILE).unwrap();
    assert_eq!(
        (model.id, model.info.architecture.as_str()),
        (file.sha256, "qwen2")
    );
    let notice = house.download(id).unwrap().notice.unwrap();
    assert!(notice.contains("changed"), "{notice}");
}

#[tokio::test]
async fn a_new_commit_does_not_disturb_a_download_of_the_old_one() {
    let (house, id) = House::midway().await;
    let file = house.hub.file(REPOSITORY, FILE).unwrap();
    house.wick.pause_download(id).unwrap();
    house.wick.hold_downloads().await;
    house.hub.behave();
    let other = gguf("qwen2", 10 * MIB);
    let commit = house
        .hub
        .push(REPOSITORY, FILE, Content::bytes(other))
        .unwrap();
    house.wick.release_downloads();
    house.wick.resume_download(id).unwrap();
    let model = house.until_finished(id).await;
    assert_eq!(model.id, file.sha256);
    assert_eq!(house.download(id).unwrap().notice, None);
    // But that there is another is told when somebody asks.
    house.wick.check_for_newer().await.unwrap();
    let model = house.wick.models().unwrap().remove(0);
    assert_eq!(model.newer_commit.as_ref(), Some(&commit));
    // Once it is here beside the older one, it is no news.
    let request = DownloadRequest {
        repository: REPOSITORY.into(),
        revision: Some(commit),
        file: FILE.into(),
    };
    let id = house.wick.start_download(&request).unwrap().id;
    house.until_finished(id).await;
    let models = house.wick.models().unwrap();
    let news = models.iter().map(|model| model.newer_commit.as_ref());
    assert_eq!(news.collect::<Vec<_>>(), [None, None]);
}

#[tokio::test]
async fn a_newer_page_is_no_newer_file() {
    let mut house = House::with(MIB).await;
    house.run_queue();
    let id = house.start(REPOSITORY, FILE);
    house.until_finished(id).await;
    let page = Content::Text("# Tiny".into());
    house.hub.push(REPOSITORY, "README.md", page).unwrap();
    house.wick.check_for_newer().await.unwrap();
    assert_eq!(house.wick.models().unwrap()[0].newer_commit, None);
}

#[tokio::test]
async fn bytes_that_the_library_has_are_not_fetched_again() {
    let mut house = House::with(3 * MIB).await;
    house.run_queue();
    let id = house.start(REPOSITORY, FILE);
    let model = house.until_finished(id).await;
    house.add("bob/Copy-GGUF", "copy-Q4_0.gguf", gguf("llama", 3 * MIB));
    house.wick.delete_model(&model.id).await.unwrap();
    house.hub.forget_requests();
    let id = house.start("bob/Copy-GGUF", "copy-Q4_0.gguf");
    let again = house.until_finished(id).await;
    assert_eq!((&again.id, again.origin), (&model.id, model.origin));
    // Only the header.
    assert_eq!(house.sent_bytes(), MIB as u64);
    assert_eq!(house.wick.models().unwrap().len(), 1);
}

#[tokio::test]
async fn a_split_model_is_one_download() {
    let mut house = House::new().await;
    house.run_queue();
    let tensors = ValidatedGguf::from_bytes(&gguf("llama", 0))
        .unwrap()
        .tensors()
        .len() as u32;
    let part = |mut writer: GgufWriter, number: u32| {
        writer
            .u32("split.no", number)
            .u32("split.count", 2)
            .u32("split.tensors.count", tensors);
        Content::bytes(writer.bytes())
    };
    let whole = tiny_model("llama").writer().unwrap();
    let repository = Repository::new("ann/Big-7B-GGUF")
        .file("Q4_0/Big-7B-Q4_0-00001-of-00002.gguf", part(whole, 0))
        .file(
            "Q4_0/Big-7B-Q4_0-00002-of-00002.gguf",
            part(GgufWriter::new(), 1),
        )
        .file(
            "Q8_0/Big-7B-Q8_0-00001-of-00002.gguf",
            Content::bytes(gguf("llama", 0)),
        );
    house.hub.add(repository);
    // Named by any of its parts.
    let id = house.start("ann/Big-7B-GGUF", "Q4_0/Big-7B-Q4_0-00002-of-00002.gguf");
    let model = house.until_finished(id).await;
    assert_eq!(model.info.name, "Big 7B");
    let folder = house.wick.paths().models().join(&model.id);
    let parts = ["model-00001-of-00002.gguf", "model-00002-of-00002.gguf"];
    assert_eq!(names_in(&folder), parts);
    let id = house.start("ann/Big-7B-GGUF", "Q8_0/Big-7B-Q8_0-00001-of-00002.gguf");
    assert_eq!(house.until_failed(id).await, ErrorCode::FileTruncated);
}

#[tokio::test]
async fn a_folder_of_safetensors_is_one_download() {
    let mut house = House::new().await;
    house.run_queue();
    for model in ["qwen3", "llama"] {
        let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wick-engine");
        let hub = engine.join(format!("tests/fixtures/{model}/hub"));
        let id = format!("ann/{model}");
        let mut repository = Repository::new(&id).file("train.py", Content::Text("x".into()));
        for entry in std::fs::read_dir(hub).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            repository = repository.file(&name, Content::Disk(entry.path()));
        }
        house.hub.add(repository);
        let download = house.start(&id, "");
        let model = house.until_finished(download).await;
        let folder = house.wick.paths().models().join(&model.id);
        assert_eq!(house.wick.model_file(&model.id).unwrap(), folder);
        assert!(!names_in(&folder).contains(&"train.py".to_owned()));
        assert_eq!(model.info.name, id.trim_start_matches("ann/"));
    }
}

#[tokio::test]
async fn wrong_bytes_never_become_a_model() {
    let mut house = House::with(3 * MIB).await;
    house.run_queue();
    let offset = 2 * MIB as u64 + 77;
    let rule = Rule::at(Place::Bytes, Behaviour::FlipBit { offset });
    house.hub.misbehave(rule);
    let id = house.start(REPOSITORY, FILE);
    assert_eq!(house.until_failed(id).await, ErrorCode::DownloadCorrupt);
    assert_eq!(house.names().0, Vec::<String>::new());
    assert!(house.wick.models().unwrap().is_empty());
    // Once the server sends what it promises, trying again is enough.
    house.hub.behave();
    house.wick.resume_download(id).unwrap();
    house.until_finished(id).await;
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again_and_that_is_shown() {
    let mut house = House::with(MIB).await;
    house.run_queue();
    house
        .hub
        .misbehave(Rule::at(Place::Api, Behaviour::Hangup).times(1));
    let id = house.start(REPOSITORY, FILE);
    let is_waiting = |download: &Download| matches!(download.status, DownloadState::Waiting { .. });
    house.until(id, is_waiting).await;
    house.until_finished(id).await;
}

#[tokio::test]
async fn a_gated_model_says_what_to_do() {
    let mut house = House::new().await;
    house.run_queue();
    let repository = Repository::new("ann/gated")
        .file(FILE, Content::bytes(gguf("llama", MIB)))
        .gated(Gated::Auto, &[]);
    house.hub.add(repository);
    let id = house.start("ann/gated", FILE);
    let DownloadState::Failed { error } = house.until_ended(id).await else {
        panic!("gated, and fetched");
    };
    assert_eq!(error.code, ErrorCode::HubGated);
    assert!(error.message.contains("/ann/gated"), "{}", error.message);
}

#[tokio::test]
async fn a_download_under_way_moves_with_the_folder_and_goes_on() {
    let (house, id) = House::midway().await;
    let to = tempfile::tempdir().unwrap();
    let moved = house
        .wick
        .move_models_folder(to.path().into(), |_| {})
        .await
        .unwrap();
    house.hub.behave();
    house.hub.forget_requests();
    // The one that had stalled was stopped for it, and has begun again.
    let model = house.until_finished(id).await;
    let file = house.wick.model_file(&model.id).unwrap();
    assert!(file.starts_with(&moved.path), "{}", file.display());
    let expected = model.size_bytes - MIB as u64 + 4 * MIB as u64;
    assert!(house.sent_bytes() <= expected, "it began afresh");
}

#[tokio::test]
async fn what_people_write_finds_its_file() {
    let house = House::new().await;
    let repository = Repository::new(REPOSITORY)
        .file(FILE, Content::bytes(gguf("llama", 0)))
        .file("Tiny-1B-Q8_0.gguf", Content::bytes(gguf("llama", 1)))
        .file("Tiny-1B-Q4_K_M.gguf", Content::bytes(gguf("llama", 2)));
    house.hub.add(repository);
    for (text, file) in [
        (REPOSITORY.to_owned(), "Tiny-1B-Q4_K_M.gguf"),
        (format!("{REPOSITORY}:q8_0"), "Tiny-1B-Q8_0.gguf"),
        (format!("hf.co/{REPOSITORY}:Q4_0"), FILE),
        (
            format!("https://huggingface.co/{REPOSITORY}/blob/main/{FILE}"),
            FILE,
        ),
    ] {
        let ask: Ask = text.parse().unwrap();
        let request = house.wick.find_download(&ask).await.unwrap();
        assert_eq!(
            (request.repository.as_str(), request.file.as_str()),
            (REPOSITORY, file)
        );
    }
    let ask: Ask = format!("{REPOSITORY}:Q2_K").parse().unwrap();
    let error = house.wick.find_download(&ask).await.unwrap_err();
    assert!(error.to_string().contains("Q4_0, Q4_K_M"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_is_too_small_is_said_before_its_bytes() {
    use std::process::Command;

    let mut house = House::with(3 * MIB).await;
    let disk = tempfile::tempdir().unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64m", "wick-test"])
        .arg(disk.path())
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("skipped: this user cannot mount");
        return;
    }
    let to = disk.path().join("models");
    house
        .wick
        .move_models_folder(to.clone(), |_| {})
        .await
        .unwrap();
    house.run_queue();
    let id = house.start(REPOSITORY, FILE);
    let code = house.until_failed(id).await;
    let sent = house.sent_bytes();
    house.wick.hold_downloads().await;
    let left = names_in(&to);
    let unmount = Command::new("umount").arg("-l").arg(disk.path()).status();
    assert!(unmount.unwrap().success());
    assert_eq!(code, ErrorCode::DiskFull);
    assert!(sent <= MIB as u64, "more than its header");
    assert!(!left.iter().any(|name| name.ends_with(".gguf")), "{left:?}");
}
