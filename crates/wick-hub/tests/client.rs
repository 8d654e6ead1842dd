//! One request against a stand-in Hub: redirects, the token, ranges, and what every refusal means.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, time::Duration};

use stand_in_hub::{Behaviour, Content, Gated, Place, Repository, Rule, StandInHub};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wick_hub::{
    Access, Body, CommitHash, Error, Hub, HubOptions, RangeAnswer, Refusal, RemotePath, RepoId,
    Wanted,
};

const REPO: &str = "ann/tiny-GGUF";
const FILE: &str = "tiny-Q8_0.gguf";

async fn server() -> StandInHub {
    let server = StandInHub::start().await.unwrap();
    server.add(
        Repository::new(REPO)
            .file(FILE, Content::seeded(1, 100_000))
            .file("README.md", Content::Text("# Tiny".into()))
            .file("run.sh", Content::Text("rm -rf /".into())),
    );
    server.token("hf_ann", "ann");
    server
}

fn hub(server: &StandInHub, token: Option<&str>) -> Hub {
    let mut options = HubOptions::new(server.endpoint().parse().unwrap());
    options.token = token.map(|token| token.parse().unwrap());
    options.timeouts.first_byte = Duration::from_millis(300);
    options.timeouts.stall = Duration::from_millis(300);
    Hub::new(options).unwrap()
}

fn repo() -> RepoId {
    REPO.parse().unwrap()
}

fn commit(server: &StandInHub) -> CommitHash {
    server.commit(REPO).unwrap().parse().unwrap()
}

async fn ask(
    server: &StandInHub,
    hub: &Hub,
    path: &str,
    range: std::ops::Range<u64>,
) -> wick_hub::Result<RangeAnswer> {
    let path: RemotePath = path.parse().unwrap();
    hub.get_range(&repo(), &commit(server), &path, range).await
}

async fn read(mut body: Body) -> wick_hub::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn status(code: u16, headers: &[(&str, &str)]) -> Behaviour {
    let headers: BTreeMap<String, String> = headers
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect();
    Behaviour::Status {
        code,
        headers,
        body: "<html>no</html>".into(),
    }
}

#[tokio::test]
async fn a_range_comes_from_the_cdn_with_what_the_hub_said_of_the_file() {
    let server = server().await;
    let hub = hub(&server, Some("hf_ann"));
    let RangeAnswer::Part(body) = ask(&server, &hub, FILE, 1000..3000).await.unwrap() else {
        panic!("no part");
    };
    let file = server.file(REPO, FILE).unwrap();
    assert_eq!(
        (body.start, body.total, body.left()),
        (1000, Some(100_000), Some(2000))
    );
    assert_eq!(body.facts.sha256.as_ref().unwrap().as_str(), file.sha256);
    assert_eq!(body.facts.size, Some(100_000));
    assert_eq!(body.facts.commit, Some(commit(&server)));
    assert_ne!(
        body.facts.etag.clone().unwrap(),
        format!("\"{}\"", file.sha256)
    );
    assert_eq!(read(body).await.unwrap(), file.content.read(1000..3000));
}

#[tokio::test]
async fn the_token_is_never_sent_to_another_host() {
    let server = server().await;
    let hub = hub(&server, Some("hf_ann"));
    ask(&server, &hub, FILE, 0..10).await.unwrap();
    server.misbehave(Rule::at(
        Place::Resolve,
        Behaviour::Redirect {
            to: format!("{}/elsewhere", server.cdn()),
        },
    ));
    ask(&server, &hub, FILE, 0..10).await.unwrap_err();
    let requests = server.requests();
    assert!(requests.iter().any(|request| request.at_cdn));
    for request in requests {
        let expected = (!request.at_cdn).then_some("Bearer hf_ann");
        assert_eq!(
            request.authorization.as_deref(),
            expected,
            "{}",
            request.target
        );
        assert_eq!(request.accept_encoding.as_deref(), Some("identity"));
        assert!(request.user_agent.unwrap().starts_with("wick/"));
    }
}

#[tokio::test]
async fn the_whole_a_part_and_what_lies_beyond_the_end_are_told_apart() {
    let server = server().await;
    let hub = hub(&server, None);
    let beyond = ask(&server, &hub, FILE, 100_000..100_010).await.unwrap();
    assert!(matches!(
        beyond,
        RangeAnswer::BeyondTheEnd {
            total: Some(100_000),
            ..
        }
    ));
    let RangeAnswer::Part(last) = ask(&server, &hub, FILE, 99_990..100_500).await.unwrap() else {
        panic!("no part");
    };
    assert_eq!(read(last).await.unwrap().len(), 10);
    let RangeAnswer::Part(small) = ask(&server, &hub, "README.md", 0..3).await.unwrap() else {
        panic!("no part");
    };
    assert_eq!(read(small).await.unwrap(), b"# T");
    server.misbehave(Rule::at(Place::Bytes, Behaviour::IgnoreRange));
    let RangeAnswer::Whole(whole) = ask(&server, &hub, FILE, 50..60).await.unwrap() else {
        panic!("no whole");
    };
    assert_eq!((whole.start, whole.left()), (0, Some(100_000)));
}

#[tokio::test]
async fn an_answer_that_is_not_the_range_asked_for_is_refused() {
    for behaviour in [
        Behaviour::Shift { bytes: 1 },
        Behaviour::Longer { bytes: 1 },
        Behaviour::Total { bytes: 5 },
        Behaviour::Gzip,
        Behaviour::Headers {
            set: BTreeMap::from([("content-range".into(), String::new())]),
        },
    ] {
        let server = server().await;
        server.misbehave(Rule::at(Place::Bytes, behaviour.clone()));
        let answer = ask(&server, &hub(&server, None), FILE, 10..20).await;
        assert!(
            matches!(answer, Err(Error::BadAnswer { .. })),
            "{behaviour:?} {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stands_still_ends_with_an_error() {
    let server = server().await;
    let hub = hub(&server, None);
    for (behaviour, is_timeout) in [
        (Behaviour::CutAfter { bytes: 5000 }, false),
        (Behaviour::StallAfter { bytes: 5000 }, true),
        (
            Behaviour::Slow {
                pause_ms: 20,
                bytes: 1,
            },
            true,
        ),
    ] {
        server.behave();
        server.misbehave(Rule::at(Place::Bytes, behaviour));
        // A server that hangs up at once may take the beginning of its answer with it.
        let error = match ask(&server, &hub, FILE, 0..50_000).await {
            Ok(RangeAnswer::Part(body)) => read(body).await.unwrap_err(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => error,
        };
        assert!(error.is_retryable());
        assert_eq!(
            matches!(error, Error::TimedOut { .. }),
            is_timeout,
            "{error}"
        );
    }
    server.behave();
    server.misbehave(Rule::at(Place::Resolve, Behaviour::Silence));
    let error = ask(&server, &hub, FILE, 0..10).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    server.behave();
    server.misbehave(Rule::at(Place::Resolve, Behaviour::Hangup));
    let error = ask(&server, &hub, FILE, 0..10).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}

#[tokio::test]
async fn redirects_end_and_never_leave_encryption() {
    let server = server().await;
    let hub = hub(&server, Some("hf_ann"));
    server.misbehave(Rule::at(Place::Resolve, Behaviour::RedirectLoop));
    let error = ask(&server, &hub, FILE, 0..10).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Refused {
            refusal: Refusal::Redirects,
            ..
        }
    ));
    assert!(server.requests().len() <= 9);
    for to in [
        "http://cdn.example/x",
        "file:///etc/passwd",
        "https://user:pw@cdn.example/",
        "ftp://127.0.0.1/",
        "http://10.0.0.1/?secret=1",
    ] {
        server.behave();
        server.misbehave(Rule::at(
            Place::Resolve,
            Behaviour::Redirect { to: to.into() },
        ));
        let error = ask(&server, &hub, FILE, 0..10).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{to} {error}");
        assert!(
            !error.is_retryable()
                && !error.to_string().contains("pw")
                && !error.to_string().contains("secret")
        );
    }
    server.behave();
    server.misbehave(Rule::at(Place::Resolve, status(302, &[])));
    let error = ask(&server, &hub, FILE, 0..10).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }));
}

#[tokio::test]
async fn only_files_of_known_kinds_are_ever_asked_for() {
    let server = server().await;
    let error = ask(&server, &hub(&server, None), "run.sh", 0..10)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Refused {
            refusal: Refusal::Kind,
            ..
        }
    ));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn each_refusal_of_the_hub_says_what_to_do() {
    let server = server().await;
    let mut pending = Repository::new("ann/pending")
        .gated(Gated::Manual, &["bob"])
        .file(FILE, Content::seeded(1, 10));
    pending.pending.push("ann".into());
    server.add(pending);
    server.add(
        Repository::new("ann/gated")
            .gated(Gated::Auto, &["bob"])
            .file(FILE, Content::seeded(1, 10)),
    );
    let mut disabled = Repository::new("ann/disabled").file(FILE, Content::seeded(1, 10));
    disabled.disabled = true;
    server.add(disabled);
    let (nobody, ann) = (hub(&server, None), hub(&server, Some("hf_ann")));
    let path: RemotePath = FILE.parse().unwrap();
    let ask = async |hub: &Hub, repo: &str| {
        let commit = server
            .commit(repo)
            .unwrap_or("ab".repeat(20))
            .parse()
            .unwrap();
        hub.get_range(&repo.parse().unwrap(), &commit, &path, 0..1)
            .await
            .unwrap_err()
    };
    let access = |error: &Error| match error {
        Error::Gated { access, url, .. } => Some((*access, url.path().to_owned())),
        _ => None,
    };
    let gated = ask(&nobody, "ann/gated").await;
    assert_eq!(access(&gated), Some((Access::SignIn, "/ann/gated".into())));
    assert!(
        gated
            .to_string()
            .contains(&format!("{}/ann/gated", server.endpoint()))
    );
    assert_eq!(
        access(&ask(&ann, "ann/gated").await).unwrap().0,
        Access::Terms
    );
    assert_eq!(
        access(&ask(&ann, "ann/pending").await).unwrap().0,
        Access::AwaitsReview
    );
    let unknown = ask(&nobody, "no/body").await;
    assert!(
        unknown
            .to_string()
            .contains("was not found, is private, or needs sign-in"),
        "{unknown}"
    );
    assert!(matches!(
        ask(&ann, "no/body").await,
        Error::NotFound {
            what: Wanted::Repository,
            ..
        }
    ));
    assert!(matches!(
        ask(&ann, "ann/disabled").await,
        Error::Disabled { .. }
    ));
    let missing: RemotePath = "other.gguf".parse().unwrap();
    let error = ann
        .get_range(&repo(), &commit(&server), &missing, 0..1)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::NotFound {
            what: Wanted::File,
            ..
        }
    ));
    let other: CommitHash = "ab".repeat(20).parse().unwrap();
    let error = ann
        .get_range(&repo(), &other, &path, 0..1)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::NotFound {
            what: Wanted::Revision,
            ..
        }
    ));
}

#[tokio::test]
async fn failures_of_servers_are_told_from_expired_addresses_and_rate_limits() {
    let server = server().await;
    let hub = hub(&server, None);
    let answer = async |place, behaviour| {
        server.behave();
        server.misbehave(Rule::at(place, behaviour));
        ask(&server, &hub, FILE, 0..10).await.unwrap_err()
    };
    let limit = status(429, &[("ratelimit", "\"resolvers\";r=0;t=55")]);
    assert_eq!(
        answer(Place::Resolve, limit).await.retry_after(),
        Some(Duration::from_secs(56))
    );
    let busy = answer(Place::Bytes, status(503, &[("retry-after", "3")])).await;
    assert!(busy.is_retryable());
    assert_eq!(busy.retry_after(), Some(Duration::from_secs(3)));
    let expired = answer(Place::Bytes, status(403, &[])).await;
    assert!(matches!(expired, Error::ExpiredAddress { status: 403, .. }) && expired.is_retryable());
    let odd = answer(Place::Resolve, status(418, &[])).await;
    assert!(matches!(odd, Error::BadAnswer { .. }) && !odd.is_retryable());
}

#[tokio::test]
async fn nobody_listening_is_offline() {
    let server = server().await;
    let hub = hub(&server, None);
    let commit = commit(&server);
    drop(server);
    let error = hub
        .get_range(&repo(), &commit, &FILE.parse().unwrap(), 0..1)
        .await;
    assert!(matches!(error, Err(Error::Offline { .. })), "{error:?}");
}

#[tokio::test]
async fn a_proxy_sees_where_a_connection_goes_and_nothing_of_it() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = HubOptions::new("https://hub.example".parse().unwrap());
    options.proxy = format!("http://{}", proxy.local_addr().unwrap())
        .parse()
        .unwrap();
    options.token = Some("hf_ann".parse().unwrap());
    let hub = Hub::new(options).unwrap();
    let seen = async {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut seen = vec![0; 4096];
        let length = stream.read(&mut seen).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8_lossy(&seen[..length]).into_owned()
    };
    let repo = repo();
    let (seen, answer) = tokio::join!(seen, hub.model(&repo, None));
    assert!(seen.starts_with("CONNECT hub.example:443"), "{seen}");
    assert!(!seen.contains("hf_ann"));
    assert!(answer.unwrap_err().is_retryable());
}
