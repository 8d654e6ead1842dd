//! Browsing a stand-in Hub: verdicts, filters, headers, tokens, and what is left without a network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use serde_json::json;
use stand_in_hub::{Behaviour, Content, Gated, Place, Repository, Rule, StandInHub};
use wick::{
    EngineCommand, ErrorCode, Paths, SettingsPatch, Wick,
    catalog::Class,
    hub::{HubDetails, HubFileCheck, HubPage, HubQuery, HubSort, Runs, Source, TokenPlace},
    library::ImportMode,
};
use wick_engine::testkit::{GgufWriter, tiny_model};

struct Stage {
    server: StandInHub,
    wick: Arc<Wick>,
    folder: tempfile::TempDir,
}

fn open(folder: &Path, endpoint: &str) -> Arc<Wick> {
    let engine = EngineCommand::new(env!("CARGO_BIN_EXE_scripted-engine"), ["--engine"]);
    let wick = Wick::open(Paths::at(folder), engine).unwrap().0;
    use_endpoint(&wick, endpoint);
    wick
}

fn use_endpoint(wick: &Wick, endpoint: &str) {
    let patch = SettingsPatch {
        hub_endpoint: Some(Some(endpoint.to_owned())),
        ..SettingsPatch::default()
    };
    wick.update_settings(patch).unwrap();
}

fn model(id: &str, architecture: &str, parameters: u64) -> Repository {
    let gguf = json!({"total": parameters, "architecture": architecture, "context_length": 8192,
        "chat_template": "<script>{{ messages }}</script>"});
    Repository::new(id)
        .info("gguf", gguf)
        .info("tags", json!(["gguf", "license:mit", "en"]))
}

async fn stage() -> Stage {
    let server = StandInHub::start().await.unwrap();
    let tiny = tiny_model("llama").writer().unwrap().bytes();
    server.add(
        model("ann/tiny-GGUF", "llama", 135_000_000)
            .info("downloads", 9)
            .file(
                "README.md",
                Content::Text("---\nlicense: mit\n---\n# Tiny\n<script>alert(1)</script>".into()),
            )
            .file("tiny-Q4_0.gguf", Content::bytes(tiny.clone()))
            .file("tiny-IQ1_S.gguf", Content::seeded(1, 3 << 20))
            .file("mmproj-tiny-f16.gguf", Content::seeded(2, 100))
            .file("run.sh", Content::Text("rm".into())),
    );
    server.add(model("bob/large-GGUF", "qwen3", 400_000_000_000).info("downloads", 8));
    server.add(model("bob/strange-GGUF", "mamba", 1_000_000_000).info("downloads", 7));
    server.token("hf_ann", "ann");
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path(), &server.endpoint());
    Stage {
        server,
        wick,
        folder,
    }
}

async fn names(wick: &Wick, query: HubQuery) -> Vec<String> {
    let page = wick.hub_search(&query).await.unwrap();
    page.models
        .into_iter()
        .map(|model| model.repository)
        .collect()
}

#[tokio::test]
async fn a_search_tells_what_runs_here_and_what_does_not() {
    let stage = stage().await;
    let query = HubQuery {
        sort: HubSort::Downloads,
        ..HubQuery::default()
    };
    let page = stage.wick.hub_search(&query).await.unwrap();
    assert_eq!(page.source, Source::Live);
    let [tiny, large, strange] = &page.models[..] else {
        panic!("{page:?}");
    };
    assert_eq!(
        (tiny.publisher.as_str(), tiny.name.as_str()),
        ("ann", "tiny-GGUF")
    );
    assert_eq!((tiny.class, &tiny.runs), (Some(Class::Micro), &Runs::Yes));
    assert!(tiny.verdict.is_some());
    assert_eq!(tiny.licence.as_deref(), Some("mit"));
    assert!(format!("{:?}", large.verdict.unwrap().memory).contains("TooLarge"));
    assert!(matches!(&strange.runs, Runs::No { reason } if reason.contains("mamba")));
    assert!(!serde_json::to_string(&page).unwrap().contains("script"));
}

#[tokio::test]
async fn filters_that_the_hub_has_not_are_wicks_own() {
    let stage = stage().await;
    let wick = &stage.wick;
    let only = |query: HubQuery| {
        names(
            wick,
            HubQuery {
                sort: HubSort::Downloads,
                ..query
            },
        )
    };
    assert_eq!(
        only(HubQuery {
            only_fitting: true,
            ..HubQuery::default()
        })
        .await,
        ["ann/tiny-GGUF"]
    );
    let medium = HubQuery {
        class: Some(Class::Medium),
        ..HubQuery::default()
    };
    assert_eq!(only(medium).await, ["bob/large-GGUF"]);
    let family = HubQuery {
        architecture: Some("Qwen3".into()),
        ..HubQuery::default()
    };
    assert_eq!(only(family).await, ["bob/large-GGUF"]);
    let of_ann = HubQuery {
        publisher: Some("ann".into()),
        ..HubQuery::default()
    };
    assert_eq!(only(of_ann).await, ["ann/tiny-GGUF"]);
    let licences = vec!["apache-2.0".into(), "gemma".into()];
    assert!(
        only(HubQuery {
            licences,
            ..HubQuery::default()
        })
        .await
        .is_empty()
    );
    let languages = vec!["de".into()];
    assert!(
        only(HubQuery {
            languages,
            ..HubQuery::default()
        })
        .await
        .is_empty()
    );
    let long = HubQuery {
        search: "x".repeat(1000),
        ..HubQuery::default()
    };
    assert_eq!(
        wick.hub_search(&long).await.unwrap_err().code(),
        ErrorCode::InvalidSettings
    );
}

#[tokio::test]
async fn filtered_pages_go_on_where_they_ended() {
    let stage = stage().await;
    for n in 0..100 {
        let parameters = if n % 10 == 0 {
            500_000_000
        } else {
            70_000_000_000
        };
        stage
            .server
            .add(model(&format!("cyd/m{n:03}"), "llama", parameters));
    }
    let mut query = HubQuery {
        class: Some(Class::Micro),
        publisher: Some("cyd".into()),
        ..HubQuery::default()
    };
    let mut found = Vec::new();
    loop {
        let page = stage.wick.hub_search(&query).await.unwrap();
        found.extend(page.models);
        query.next = page.next;
        if query.next.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 10);
}

#[tokio::test]
async fn a_models_page_tells_of_each_file() {
    let stage = stage().await;
    let details = stage.wick.hub_details("ann/tiny-GGUF").await.unwrap();
    assert_eq!(
        details.commit,
        stage.server.commit("ann/tiny-GGUF").unwrap()
    );
    assert!(details.card.starts_with("# Tiny"));
    assert_eq!(
        details.url,
        format!("{}/ann/tiny-GGUF", stage.server.endpoint())
    );
    let [projector, tiny, one_bit] = &details.files[..] else {
        panic!("{:?}", details.files);
    };
    assert!(matches!(projector.runs, Runs::No { .. }) && projector.estimate.is_none());
    assert_eq!(
        (tiny.level.as_deref(), &tiny.runs),
        (Some("Q4_0"), &Runs::Yes)
    );
    assert!(matches!(&one_bit.runs, Runs::No { reason } if reason.contains("IQ1_S")));
    // A file as it would really be has an estimate by its size.
    stage.server.add(
        model("ann/real", "llama", 135_000_000)
            .file("a-Q8_0.gguf", Content::seeded(3, 140_000_000)),
    );
    let details = stage.wick.hub_details("ann/real").await.unwrap();
    let estimate = details.files[0].estimate.as_ref().unwrap();
    let weights = estimate.memory.memory_bytes.weights;
    assert!((135_000_000..200_000_000).contains(&weights), "{weights}");
}

#[tokio::test]
async fn what_is_in_the_library_is_known_by_its_hash() {
    let stage = stage().await;
    let file = stage.folder.path().join("tiny.gguf");
    fs::write(&file, tiny_model("llama").writer().unwrap().bytes()).unwrap();
    let id = stage
        .wick
        .import_model(&file, ImportMode::Copy, |_| {})
        .unwrap()
        .id;
    let details = stage.wick.hub_details("ann/tiny-GGUF").await.unwrap();
    let installed: Vec<_> = details
        .files
        .iter()
        .filter_map(|file| file.installed.clone())
        .collect();
    assert_eq!(installed, [id]);
}

async fn check(stage: &Stage, repository: &str, file: &str) -> HubFileCheck {
    let commit = stage.server.commit(repository).unwrap();
    stage
        .wick
        .hub_check(repository, &commit, file)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_header_is_read_before_anything_is_downloaded() {
    let stage = stage().await;
    // Weights that are never asked for.
    let mut large = tiny_model("qwen3").writer().unwrap().bytes();
    large.resize(24 << 20, 0);
    stage
        .server
        .add(model("ann/large", "qwen3", 1).file("a-Q8_0.gguf", Content::bytes(large)));
    stage.server.forget_requests();
    let checked = check(&stage, "ann/large", "a-Q8_0.gguf").await;
    assert_eq!(checked.problems, []);
    assert_eq!(checked.architecture, "qwen3");
    assert!(checked.has_chat_template && checked.estimate.is_some());
    assert!(
        stage.server.sent_bytes() <= 2 << 20,
        "{}",
        stage.server.sent_bytes()
    );
}

#[tokio::test]
async fn a_header_that_is_none_is_told_with_its_reason() {
    let stage = stage().await;
    let damaged = check(&stage, "ann/tiny-GGUF", "tiny-IQ1_S.gguf").await;
    assert_eq!(damaged.problems[0].code, ErrorCode::NotGguf);
    let mut other = GgufWriter::new();
    let other = other.string("general.architecture", "mamba").bytes();
    stage
        .server
        .add(model("ann/other", "mamba", 1).file("a.gguf", Content::bytes(other)));
    let checked = check(&stage, "ann/other", "a.gguf").await;
    assert!(
        checked
            .problems
            .iter()
            .any(|problem| problem.code == ErrorCode::UnsupportedArchitecture)
    );
    let endless = [
        b"GGUF\x03\0\0\0".as_slice(),
        &1u64.to_le_bytes(),
        &60_000u64.to_le_bytes(),
    ]
    .concat();
    stage.server.add(model("ann/endless", "llama", 1).file(
        "a.gguf",
        Content::bytes([endless, vec![0; 1 << 20]].concat()),
    ));
    assert!(
        !check(&stage, "ann/endless", "a.gguf")
            .await
            .problems
            .is_empty()
    );
    let commit = stage.server.commit("ann/tiny-GGUF").unwrap();
    let missing = stage
        .wick
        .hub_check("ann/tiny-GGUF", &commit, "run.sh")
        .await
        .unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_folder_of_safetensors_is_checked_as_a_whole() {
    let stage = stage().await;
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../wick-engine/tests/fixtures/llama/hub");
    let mut repository =
        Repository::new("ann/folder").info("config", json!({"model_type": "llama"}));
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        repository = repository.file(&name, Content::Disk(path));
    }
    stage.server.add(repository);
    let details = stage.wick.hub_details("ann/folder").await.unwrap();
    assert_eq!(
        (details.files[0].name.as_str(), details.files[0].parts),
        ("", 5)
    );
    assert_eq!(details.model.runs, Runs::Yes);
    let checked = check(&stage, "ann/folder", "").await;
    assert_eq!(checked.architecture, "llama");
    assert!(checked.estimate.is_some(), "{checked:?}");
}

#[tokio::test]
async fn without_a_network_kept_pages_answer_and_then_the_catalog() {
    let Stage {
        server,
        wick,
        folder,
    } = stage().await;
    let query = HubQuery::default();
    let live = wick.hub_search(&query).await.unwrap();
    let details = wick.hub_details("ann/tiny-GGUF").await.unwrap();
    let endpoint = server.endpoint();
    drop(server);
    let wick = open(folder.path(), &endpoint);
    // A page of a minute ago is as good as new; what was never asked is not.
    // What a model would be like here depends on the memory that is free at the time.
    let known = |page: &HubPage| -> Vec<String> {
        let models = page.models.iter();
        models.map(|model| model.repository.clone()).collect()
    };
    let again = wick.hub_search(&query).await.unwrap();
    assert_eq!(known(&again), known(&live));
    let files = |details: &HubDetails| -> Vec<(String, u64)> {
        let files = details.files.iter();
        files.map(|file| (file.name.clone(), file.bytes)).collect()
    };
    let again = wick.hub_details("ann/tiny-GGUF").await.unwrap();
    assert_eq!(files(&again), files(&details));
    let other = HubQuery {
        search: "qwen3 4b".into(),
        ..HubQuery::default()
    };
    let page = wick.hub_search(&other).await.unwrap();
    assert_eq!(page.source, Source::Catalog);
    assert!(
        page.models
            .iter()
            .all(|model| model.repository.to_lowercase().contains("qwen3"))
    );
    let known = wick.hub_details(&page.models[0].repository).await.unwrap();
    assert_eq!((known.source, known.commit.as_str()), (Source::Catalog, ""));
    assert!(known.files.iter().all(|file| file.estimate.is_some()));
    let error = wick.hub_details("no/body").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Offline);
    assert!(!wick.hub_catalog().is_empty());
}

#[tokio::test]
async fn old_pages_say_when_they_were_told() {
    let Stage {
        server,
        wick,
        folder,
    } = stage().await;
    wick.hub_search(&HubQuery::default()).await.unwrap();
    // As if it had been told an hour ago.
    for entry in fs::read_dir(folder.path().join("hub-pages")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (line, body) = text.split_once('\n').unwrap();
        let mut told: serde_json::Value = serde_json::from_str(line).unwrap();
        told["at_ms"] = (told["at_ms"].as_i64().unwrap() - 3_600_000).into();
        fs::write(&path, format!("{told}\n{body}")).unwrap();
    }
    drop(server);
    let page = wick.hub_search(&HubQuery::default()).await.unwrap();
    assert!(matches!(page.source, Source::Cached { at_ms } if at_ms > 0));
    assert_eq!(page.models.len(), 3);
}

#[tokio::test]
async fn refusals_have_codes_and_say_what_to_do() {
    let stage = stage().await;
    let wick = &stage.wick;
    stage.server.add(
        model("ann/gated", "llama", 1)
            .gated(Gated::Auto, &["ann"])
            .file("a.gguf", Content::seeded(1, 99)),
    );
    let unknown = wick.hub_details("no/body").await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::HubNotFound);
    assert_eq!(
        unknown.to_string(),
        "no/body was not found, is private, or needs sign-in"
    );
    let details = wick.hub_details("ann/gated").await.unwrap();
    assert!(details.model.gated);
    let gated = wick
        .hub_check("ann/gated", &details.commit, "a.gguf")
        .await
        .unwrap_err();
    assert_eq!(gated.code(), ErrorCode::HubGated);
    assert!(
        gated
            .to_string()
            .contains(&format!("{}/ann/gated", stage.server.endpoint())),
        "{gated}"
    );
    for name in ["../..", "a/b/c", "a", "a/../b", "https://evil/x"] {
        assert_eq!(
            wick.hub_details(name).await.unwrap_err().code(),
            ErrorCode::HubRefused,
            "{name}"
        );
    }
    let status = |code, headers: &[(&str, &str)]| Behaviour::Status {
        code,
        headers: headers
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect::<BTreeMap<_, _>>(),
        body: String::new(),
    };
    stage
        .server
        .misbehave(Rule::at(Place::Api, status(503, &[])).path("other"));
    assert_eq!(
        wick.hub_details("ann/other").await.unwrap_err().code(),
        ErrorCode::HubFailed
    );
    stage
        .server
        .misbehave(Rule::at(Place::Api, status(429, &[("retry-after", "30")])).path("more"));
    assert_eq!(
        wick.hub_details("ann/more").await.unwrap_err().code(),
        ErrorCode::HubRateLimited
    );
}

#[tokio::test]
async fn a_token_is_tried_kept_for_its_endpoint_and_never_told() {
    let stage = stage().await;
    let wick = &stage.wick;
    let before = wick.hub_account().await.unwrap();
    assert_eq!(
        (before.has_token, before.kept_in),
        (false, TokenPlace::File)
    );
    let refused = wick.hub_set_token(Some("hf_wrong")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::HubSignIn);
    assert!(!refused.to_string().contains("hf_wrong"));
    let account = wick.hub_set_token(Some(" hf_ann\n")).await.unwrap();
    assert_eq!(
        (account.has_token, account.endpoint.clone()),
        (true, stage.server.endpoint())
    );
    assert!(!serde_json::to_string(&account).unwrap().contains("hf_ann"));
    assert!(!format!("{wick:?}").contains("hf_ann"));
    wick.hub_details("ann/tiny-GGUF").await.unwrap();
    let last = stage
        .server
        .requests()
        .into_iter()
        .rfind(|r| r.target.starts_with("/api"))
        .unwrap();
    assert_eq!(last.authorization.as_deref(), Some("Bearer hf_ann"));
    // Another endpoint is another matter.
    let other = StandInHub::start().await.unwrap();
    use_endpoint(wick, &other.endpoint());
    assert!(!wick.hub_account().await.unwrap().has_token);
    wick.hub_search(&HubQuery::default()).await.unwrap();
    assert!(
        other
            .requests()
            .iter()
            .all(|request| request.authorization.is_none())
    );
    // It is there again in another Wick, until it is forgotten.
    let again = open(stage.folder.path(), &stage.server.endpoint());
    assert!(again.hub_account().await.unwrap().has_token);
    assert!(!again.hub_set_token(None).await.unwrap().has_token);
}

#[tokio::test]
async fn hostile_pages_end_in_errors_and_never_in_paths() {
    let stage = stage().await;
    let escaping = json!([
        {"type": "file", "oid": "ab".repeat(20), "size": 5, "path": "../../escaped.gguf"},
        {"type": "file", "oid": "ab".repeat(20), "size": u64::MAX, "path": "huge.gguf"},
        {"type": "file", "oid": "../x", "size": 5, "path": "unproved.gguf"},
    ]);
    let answer = |body: String| Behaviour::Status {
        code: 200,
        headers: BTreeMap::new(),
        body,
    };
    stage
        .server
        .misbehave(Rule::at(Place::Api, answer(escaping.to_string())).path("/tree/"));
    let details = stage.wick.hub_details("ann/tiny-GGUF").await.unwrap();
    assert_eq!(details.files, []);
    stage.server.behave();
    stage
        .server
        .misbehave(Rule::at(Place::Api, answer("<html>hotel</html>".into())));
    let error = stage.wick.hub_details("bob/large-GGUF").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::HubFailed);
    stage.server.behave();
    stage.server.misbehave(Rule::at(
        Place::Api,
        Behaviour::Redirect {
            to: "http://169.254.169.254/".into(),
        },
    ));
    let error = stage
        .wick
        .hub_details("bob/strange-GGUF")
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::HubRefused);
}
