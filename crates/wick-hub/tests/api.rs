//! Questions about models against a stand-in Hub: what is told, what is kept, and what hostile answers come to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::json;
use stand_in_hub::{Behaviour, Content, Gated, Place, Repository, Rule, StandInHub};
use wick_hub::{
    Error, FileCheck, Gating, Hub, HubOptions, RepoId, SearchQuery, SetKind, Sort, sets,
};

async fn server() -> StandInHub {
    let server = StandInHub::start().await.unwrap();
    server.add(
        Repository::new("ann/tiny-GGUF")
            .info("downloads", 5)
            .info("tags", json!(["gguf", "license:mit", "en", "de"]))
            .info(
                "gguf",
                json!({"total": 135_000_000, "architecture": "llama", "context_length": 8192,
                "chat_template": "{% for x in range(9) %}<script>{% endfor %}"}),
            )
            .file(
                "README.md",
                Content::Text("# Tiny\n<script>alert(1)</script>".into()),
            )
            .file("tiny-Q4_0.gguf", Content::seeded(1, 5000))
            .file("tiny-Q8_0-00001-of-00002.gguf", Content::seeded(2, 6000))
            .file("tiny-Q8_0-00002-of-00002.gguf", Content::seeded(3, 6000)),
    );
    server.token("hf_ann", "ann");
    server
}

fn hub(server: &StandInHub, pages: Option<&Path>) -> Hub {
    let mut options = HubOptions::new(server.endpoint().parse().unwrap());
    options.pages = pages.map(Path::to_owned);
    options.timeouts.first_byte = Duration::from_millis(500);
    options.timeouts.stall = Duration::from_millis(500);
    Hub::new(options).unwrap()
}

fn repo() -> RepoId {
    "ann/tiny-GGUF".parse().unwrap()
}

fn answers(body: impl Into<String>) -> Behaviour {
    Behaviour::Status {
        code: 200,
        headers: BTreeMap::new(),
        body: body.into(),
    }
}

#[tokio::test]
async fn a_model_its_files_its_card_and_the_beginning_of_a_file_are_told() {
    let server = server().await;
    let hub = hub(&server, None);
    let model = hub.model(&repo(), None).await.unwrap();
    assert_eq!(
        model.commit.as_str(),
        server.commit("ann/tiny-GGUF").unwrap()
    );
    assert_eq!(model.summary.parameters, Some(135_000_000));
    assert_eq!(model.summary.languages, ["en", "de"]);
    assert_eq!(
        hub.model(&repo(), Some("main")).await.unwrap().commit,
        model.commit
    );
    let tree = hub.tree(&repo(), &model.commit).await.unwrap();
    let sets = sets(&tree);
    assert_eq!(sets.len(), 2);
    assert_eq!(
        (sets[1].kind, sets[1].parts, sets[1].bytes()),
        (SetKind::Gguf, 2, 12_000)
    );
    let file = server.file("ann/tiny-GGUF", "tiny-Q4_0.gguf").unwrap();
    assert_eq!(
        sets[0].files[0].check,
        FileCheck::Sha256(file.sha256.parse().unwrap())
    );
    assert!(
        hub.card(&repo(), &model.commit)
            .await
            .unwrap()
            .starts_with("# Tiny")
    );
    let path = sets[0].files[0].path.clone();
    let first = hub
        .first_bytes(&repo(), &model.commit, &path, 100)
        .await
        .unwrap();
    assert_eq!(first, file.content.read(0..100));
    let all = hub
        .first_bytes(&repo(), &model.commit, &path, 1 << 20)
        .await
        .unwrap();
    assert_eq!(all.len(), 5000);
    server.misbehave(Rule::at(Place::Bytes, Behaviour::IgnoreRange));
    let first = hub
        .first_bytes(&repo(), &model.commit, &path, 100)
        .await
        .unwrap();
    assert_eq!(first, file.content.read(0..100));
    let error = hub
        .first_bytes(&repo(), &model.commit, &path, 65 << 20)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }));
}

#[tokio::test]
async fn a_search_goes_on_page_by_page_and_in_order() {
    let server = server().await;
    for n in 0..70 {
        let name = format!("bob/model-{n:02}-GGUF");
        server.add(
            Repository::new(&name)
                .info("downloads", 100 + n)
                .info("tags", json!(["gguf", "license:mit"])),
        );
    }
    server.add(
        Repository::new("bob/gated-GGUF")
            .info("tags", json!(["gguf"]))
            .gated(Gated::Manual, &[]),
    );
    server.add(Repository::new("bob/other"));
    let hub = hub(&server, None);
    let query = SearchQuery {
        sort: Sort::Downloads,
        ..SearchQuery::default()
    };
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let page = hub.search(&query, next.as_ref()).await.unwrap();
        found.extend(page.models);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 72);
    assert!(found.is_sorted_by_key(|model| std::cmp::Reverse(model.downloads)));
    let gated = SearchQuery {
        gated: Some(true),
        ..SearchQuery::default()
    };
    let page = hub.search(&gated, None).await.unwrap();
    assert_eq!(page.models.len(), 1);
    assert_eq!(page.models[0].gating, Gating::Review);
    let of_ann = SearchQuery {
        publisher: Some("ann".into()),
        tags: vec!["de".into()],
        ..SearchQuery::default()
    };
    assert_eq!(
        hub.search(&of_ann, None).await.unwrap().models[0].repo,
        repo()
    );
}

#[tokio::test]
async fn a_masked_tree_is_proved_by_pointers() {
    let server = server().await;
    server.add(
        Repository::new("ann/gated")
            .gated(Gated::Auto, &[])
            .file("a.gguf", Content::seeded(1, 10)),
    );
    let repo: RepoId = "ann/gated".parse().unwrap();
    let hub = hub(&server, None);
    let model = hub.model(&repo, None).await.unwrap();
    assert_eq!(model.summary.gating, Gating::Terms);
    let tree = hub.tree(&repo, &model.commit).await.unwrap();
    assert!(matches!(tree[0].file.check, FileCheck::PointerSha1 { .. }));
    assert_eq!(tree[0].xet_hash, None);
}

#[tokio::test]
async fn pages_are_kept_for_days_without_a_network() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&server, Some(folder.path()));
    let model = hub.model(&repo(), None).await.unwrap();
    let tree = hub.tree(&repo(), &model.commit).await.unwrap();
    let search = hub.search(&SearchQuery::default(), None).await.unwrap();
    let asked = server.requests().len();
    // A minute has not passed, and what belongs to a commit holds for ever.
    assert_eq!(hub.model(&repo(), None).await.unwrap(), model);
    assert_eq!(hub.tree(&repo(), &model.commit).await.unwrap(), tree);
    assert_eq!(server.requests().len(), asked);
    drop(server);
    assert_eq!(hub.kept().model(&repo(), None).await.unwrap(), model);
    assert_eq!(
        hub.kept()
            .search(&SearchQuery::default(), None)
            .await
            .unwrap(),
        search
    );
    let error = hub.kept().card(&repo(), &model.commit).await.unwrap_err();
    assert!(matches!(error, Error::Offline { .. }));
    hub.forget_pages();
    assert!(hub.kept().model(&repo(), None).await.is_err());
}

#[tokio::test]
async fn hostile_pages_come_to_errors_and_are_not_kept() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    // Each with a pace of its own.
    let new = || hub(&server, Some(folder.path()));
    for body in [
        "",
        "<html>sign in to the hotel</html>",
        "{\"sha\":\"../../x\"}",
        "[]",
        "{\"id\":",
        "null",
        "\"x\"",
        "{\"sha\":7}",
    ] {
        server.behave();
        server.misbehave(Rule::at(Place::Api, answers(body)));
        let error = new().model(&repo(), None).await.unwrap_err();
        assert!(matches!(error, Error::BadAnswer { .. }), "{body} {error}");
    }
    for body in [
        "{}",
        "7",
        "[{\"id\":",
        &format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
    ] {
        server.behave();
        server.misbehave(Rule::at(Place::Api, answers(body)));
        let query = SearchQuery::default();
        assert!(
            matches!(
                new().search(&query, None).await,
                Err(Error::BadAnswer { .. })
            ),
            "{body}"
        );
    }
    server.behave();
    assert!(
        new().model(&repo(), None).await.is_ok(),
        "nothing bad was kept"
    );
}

#[tokio::test]
async fn a_page_larger_than_any_of_its_kind_is_not_read() {
    let server = server().await;
    let hub = hub(&server, None);
    server.misbehave(Rule::at(
        Place::Api,
        answers(format!("[{}]", " ".repeat(9 << 20))),
    ));
    let error = hub.search(&SearchQuery::default(), None).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let commit = server.commit("ann/tiny-GGUF").unwrap().parse().unwrap();
    server.behave();
    server.misbehave(Rule::at(Place::Bytes, Behaviour::NoLength).path("README.md"));
    server.add(Repository::new("ann/long").file("README.md", Content::seeded(1, 9 << 20)));
    let long: RepoId = "ann/long".parse().unwrap();
    let commit_of_long = server.commit("ann/long").unwrap().parse().unwrap();
    assert!(matches!(
        hub.card(&long, &commit_of_long).await,
        Err(Error::TooLarge { .. })
    ));
    assert!(hub.card(&repo(), &commit).await.is_ok());
}

#[tokio::test]
async fn after_a_rate_limit_nothing_is_asked_until_it_ends() {
    let server = server().await;
    let hub = hub(&server, None);
    let headers = BTreeMap::from([("RateLimit".to_owned(), "\"api\";r=0;t=55".to_owned())]);
    server.misbehave(
        Rule::at(
            Place::Api,
            Behaviour::Status {
                code: 429,
                headers,
                body: String::new(),
            },
        )
        .times(1),
    );
    let error = hub.model(&repo(), None).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(56)));
    let again = hub.model(&repo(), None).await.unwrap_err();
    assert!(matches!(again, Error::RateLimited { .. }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_token_is_somebody_or_not_taken() {
    let server = server().await;
    let mut options = HubOptions::new(server.endpoint().parse().unwrap());
    options.token = Some("hf_ann".parse().unwrap());
    assert_eq!(
        Hub::new(options.clone()).unwrap().who_am_i().await.unwrap(),
        "ann"
    );
    options.token = Some("hf_wrong".parse().unwrap());
    let error = Hub::new(options).unwrap().who_am_i().await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(&server, Some(folder.path()));
    let model = hub.model(&repo(), None).await.unwrap();
    // As if it had been told an hour ago.
    let page = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = std::fs::read_to_string(&page).unwrap();
    let old = text.replace(
        &model.as_of_ms.to_string(),
        &(model.as_of_ms - 3_600_000).to_string(),
    );
    std::fs::write(&page, old).unwrap();
    let unchanged = Behaviour::Status {
        code: 304,
        headers: BTreeMap::new(),
        body: String::new(),
    };
    server.misbehave(Rule::at(Place::Api, unchanged));
    let again = hub.model(&repo(), None).await.unwrap();
    assert_eq!((again.summary, again.commit), (model.summary, model.commit));
    assert!(again.as_of_ms >= model.as_of_ms);
    assert_eq!(server.requests().len(), 2);
    // It is as good as new again.
    hub.model(&repo(), None).await.unwrap();
    assert_eq!(server.requests().len(), 2);
    // Nobody has a page that was never kept.
    let other: RepoId = "ann/other".parse().unwrap();
    assert!(matches!(
        hub.model(&other, None).await,
        Err(Error::BadAnswer { .. })
    ));
}
