//! The answers are those of the Hub, and the misbehaviour is what was asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use stand_in_hub::{Behaviour, Content, Gated, Place, Repository, Rule, Script, StandInHub};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer as it came; `body` may be cut short.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut fields = lines.filter_map(|line| line.split_once(": "));
        fields.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One request on a connection of its own. `status` is 0 when the connection was closed without an answer.
async fn send(method: &str, url: &str, fields: &[(&str, &str)], body: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(host).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in fields {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A connection that breaks off is what some tests ask for.
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or(bytes.len());
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Answer {
        status: head.get(9..12).map_or(0, |code| code.parse().unwrap()),
        head,
        body: bytes.get(end + 4..).unwrap_or_default().to_vec(),
    }
}

async fn get(url: &str, fields: &[(&str, &str)]) -> Answer {
    send("GET", url, fields, "").await
}

const WEIGHTS: &str = "/ann/tiny/resolve/main/tiny-Q4_0.gguf";

async fn hub() -> StandInHub {
    let hub = StandInHub::start().await.unwrap();
    hub.add(
        Repository::new("ann/tiny")
            .file("README.md", Content::bytes("# Tiny\n"))
            .file("tiny-Q4_0.gguf", Content::seeded(1, 200_000))
            .file("sub/config.json", Content::bytes("{}"))
            .info("downloads", 7)
            .info("tags", vec!["gguf", "license:mit"]),
    );
    hub.token("hf_secret", "bob");
    hub
}

#[tokio::test]
async fn a_large_file_is_at_the_cdn_under_a_name_that_says_nothing() {
    let hub = hub().await;
    let file = hub.file("ann/tiny", "tiny-Q4_0.gguf").unwrap();
    let answer = get(&format!("{}{WEIGHTS}", hub.endpoint()), &[]).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("x-linked-size"), Some("200000"));
    let sha256 = format!("\"{}\"", file.sha256);
    assert_eq!(answer.header("x-linked-etag"), Some(sha256.as_str()));
    assert_eq!(
        answer.header("x-repo-commit"),
        hub.commit("ann/tiny").as_deref()
    );
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&hub.cdn()), "{location}");

    let part = get(location, &[("Range", "bytes=100-199")]).await;
    assert_eq!(part.status, 206);
    assert_eq!(part.header("content-range"), Some("bytes 100-199/200000"));
    let etag = format!("\"{}\"", file.xet_hash);
    assert_eq!(part.header("etag"), Some(etag.as_str()));
    assert_eq!(part.body, file.content.read(100..200));
    let whole = get(location, &[]).await;
    assert_eq!((whole.status, whole.body.len()), (200, 200_000));
    let beyond = get(location, &[("Range", "bytes=200000-")]).await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */200000"))
    );
    let unsigned = location.split('?').next().unwrap();
    assert_eq!(get(unsigned, &[]).await.status, 403);
    assert!(hub.sent_bytes() >= 200_100);
}

#[tokio::test]
async fn a_small_file_is_behind_a_relative_redirect() {
    let hub = hub().await;
    let url = format!("{}/ann/tiny/resolve/main/sub/config.json", hub.endpoint());
    let answer = get(&url, &[]).await;
    assert_eq!(answer.status, 307);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("/api/resolve-cache/models/ann/tiny/"));
    let file = get(&format!("{}{location}", hub.endpoint()), &[]).await;
    assert_eq!((file.status, file.body.as_slice()), (200, &b"{}"[..]));
}

#[tokio::test]
async fn renamed_missing_and_gated_repositories_answer_as_the_hub_does() {
    let hub = hub().await;
    hub.add(
        Repository::new("ann/gated")
            .gated(Gated::Manual, &["bob"])
            .file("README.md", Content::bytes("# Gated\n"))
            .file("a.gguf", Content::seeded(2, 10)),
    );
    hub.apply(
        serde_json::from_str(
            r#"{ "renames": { "ann/old": "ann/tiny" }, "tokens": { "hf_eve": "eve" } }"#,
        )
        .unwrap(),
    );
    let at = |path: &str| format!("{}{path}", hub.endpoint());
    let renamed = get(&at("/api/models/ann/old"), &[]).await;
    assert_eq!(
        (renamed.status, renamed.header("location")),
        (307, Some("/api/models/ann/tiny"))
    );
    assert_eq!(
        get(&at("/Ann/Tiny/resolve/main/README.md"), &[])
            .await
            .status,
        307
    );

    let weights = at("/ann/gated/resolve/main/a.gguf");
    let as_ = |token: &str| format!("Bearer {token}");
    let anonymous = get(&weights, &[]).await;
    assert_eq!(
        (anonymous.status, anonymous.header("x-error-code")),
        (401, Some("GatedRepo"))
    );
    let eve = get(&weights, &[("Authorization", &as_("hf_eve"))]).await;
    assert_eq!(
        (eve.status, eve.header("x-error-code")),
        (403, Some("GatedRepo"))
    );
    let bob = get(&weights, &[("Authorization", &as_("hf_secret"))]).await;
    assert_eq!(bob.status, 302);
    assert_eq!(
        get(&at("/ann/gated/resolve/main/README.md"), &[])
            .await
            .status,
        200
    );

    let missing = at("/api/models/ann/nothing");
    let answer = get(&missing, &[]).await;
    assert_eq!((answer.status, answer.header("x-error-code")), (401, None));
    let answer = get(&missing, &[("Authorization", &as_("hf_secret"))]).await;
    assert_eq!(
        (answer.status, answer.header("x-error-code")),
        (404, Some("RepoNotFound"))
    );
    let entry = get(&at("/ann/tiny/resolve/main/no.gguf"), &[]).await;
    assert_eq!(
        (entry.status, entry.header("x-error-code")),
        (404, Some("EntryNotFound"))
    );
    let revision = get(&at("/api/models/ann/tiny/revision/v9"), &[]).await;
    assert_eq!(revision.header("x-error-code"), Some("RevisionNotFound"));
}

#[tokio::test]
async fn information_search_and_tree_have_the_shape_of_the_hub() {
    let hub = hub().await;
    for number in 0..5 {
        let repository = Repository::new(&format!("zoe/model-{number}"))
            .info("downloads", number)
            .info("gguf", serde_json::json!({ "total": 1000 }));
        hub.add(repository);
    }
    let at = |path: &str| format!("{}{path}", hub.endpoint());
    let info = get(&at("/api/models/ann/tiny?blobs=true"), &[])
        .await
        .json();
    assert_eq!(info["sha"].as_str(), hub.commit("ann/tiny").as_deref());
    assert_eq!(info["downloads"], 7);
    let file = hub.file("ann/tiny", "tiny-Q4_0.gguf").unwrap();
    assert_eq!(info["siblings"][1]["lfs"]["sha256"], file.sha256);

    let page = get(
        &at("/api/models?author=zoe&sort=downloads&direction=-1&limit=2"),
        &[],
    )
    .await;
    assert_eq!(page.json()[0]["id"], "zoe/model-4");
    let next = page.header("link").unwrap();
    let next = next.strip_prefix('<').unwrap().split('>').next().unwrap();
    assert_eq!(get(next, &[]).await.json()[0]["id"], "zoe/model-2");
    let last = get(
        &at("/api/models?search=tiny&filter=gguf&expand[]=downloads"),
        &[],
    )
    .await;
    assert_eq!(last.header("link"), None);
    assert_eq!(last.json()[0]["downloads"], 7);
    assert_eq!(last.json()[0].get("likes"), None);

    let script = Script {
        tree_page: Some(2),
        ..Script::default()
    };
    hub.apply(script);
    let tree = get(&at("/api/models/ann/tiny/tree/main?recursive=true"), &[]).await;
    let weights = &tree.json()[1];
    assert_eq!(weights["lfs"]["oid"], file.sha256);
    assert_eq!(weights["oid"], file.oid);
    assert!(
        tree.header("link")
            .unwrap()
            .contains("recursive=true&cursor=")
    );
}

#[tokio::test]
async fn it_misbehaves_as_often_as_it_was_told() {
    let hub = hub().await;
    let url = get(&format!("{}{WEIGHTS}", hub.endpoint()), &[]).await;
    let url = url.header("location").unwrap();
    let first = [("Range", "bytes=1000-100999")];
    let right = hub
        .file("ann/tiny", "tiny-Q4_0.gguf")
        .unwrap()
        .content
        .read(1000..101_000);

    let tell = |behaviour| hub.misbehave(Rule::at(Place::Bytes, behaviour).times(1));
    tell(Behaviour::CutAfter { bytes: 70_000 });
    assert!(get(url, &first).await.body == right[..70_000]);
    tell(Behaviour::Hangup);
    assert_eq!(get(url, &first).await.status, 0);
    tell(Behaviour::IgnoreRange);
    assert_eq!(get(url, &first).await.body.len(), 200_000);
    tell(Behaviour::Shift { bytes: 5 });
    assert_eq!(
        get(url, &first).await.header("content-range"),
        Some("bytes 1005-101004/200000")
    );
    tell(Behaviour::Total { bytes: 9 });
    assert_eq!(
        get(url, &first).await.header("content-range"),
        Some("bytes 1000-100999/9")
    );
    tell(Behaviour::FlipBit { offset: 1000 });
    let flipped = get(url, &first).await.body;
    assert!(flipped[0] == right[0] ^ 1 && flipped[1..] == right[1..]);
    tell(Behaviour::Garbage);
    let garbage = get(url, &first).await.body;
    assert!(garbage.len() == right.len() && garbage != right);
    tell(Behaviour::Gzip);
    assert_eq!(
        get(url, &first).await.header("content-encoding"),
        Some("gzip")
    );
    tell(Behaviour::Slow {
        pause_ms: 0,
        bytes: 40_000,
    });
    assert!(get(url, &first).await.body == right);
    assert!(get(url, &first).await.body == right);
    let requests = hub.requests();
    assert_eq!(
        requests.iter().filter(|request| request.misbehaved).count(),
        9
    );
    assert_eq!(requests[1].sent_bytes, 70_000);
}

#[tokio::test]
async fn a_test_in_another_process_steers_it_by_requests() {
    let hub = hub().await;
    let control = format!("{}/_control", hub.endpoint());
    let script = r#"{ "rules": [{ "place": "api", "times": 1, "behaviour": { "kind": "status", "code": 429, "headers": { "retry-after": "3" } } }],
        "repositories": [{ "id": "a/b", "files": { "x.gguf": { "seeded": { "seed": 1, "bytes": 10 } } } }] }"#;
    let json = [("Content-Type", "application/json")];
    assert_eq!(send("POST", &control, &json, script).await.status, 200);
    let url = format!("{}/api/models/a/b", hub.endpoint());
    let answer = get(&url, &[]).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("3"))
    );
    assert_eq!(
        get(&url, &[]).await.json()["siblings"][0]["rfilename"],
        "x.gguf"
    );
    let report = get(&control, &[]).await.json();
    assert_eq!(report["requests"][0]["status"], 429);
}
