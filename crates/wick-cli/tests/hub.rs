//! The built program against a stand-in Hub.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use stand_in_hub::{Content, Repository, StandInHub};

struct House {
    folder: tempfile::TempDir,
    endpoint: String,
}

impl House {
    /// Runs the program with this on its standard input.
    async fn wick(&self, arguments: &'static [&'static str], input: &'static str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wick"));
        command
            .args(arguments)
            .env("WICK_DATA_DIR", self.folder.path())
            .env("HF_ENDPOINT", &self.endpoint)
            .env("HF_HOME", self.folder.path())
            .env_remove("HF_TOKEN")
            .env_remove("HF_TOKEN_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let run = move || {
            let mut child = command.spawn().unwrap();
            // A program that reads nothing has closed its end.
            child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
            child.wait_with_output().unwrap()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    async fn json(&self, arguments: &'static [&'static str]) -> Value {
        serde_json::from_slice(&self.wick(arguments, "").await.stdout).unwrap()
    }
}

async fn stage() -> (StandInHub, House) {
    let server = StandInHub::start().await.unwrap();
    server.add(
        Repository::new("ann/tiny-GGUF")
            .info(
                "gguf",
                json!({"total": 135_000_000, "architecture": "llama", "context_length": 8192}),
            )
            .info("tags", json!(["gguf", "license:mit"]))
            .file("tiny-Q8_0.gguf", Content::seeded(1, 1 << 20)),
    );
    server.token("hf_secret", "ann");
    let house = House {
        folder: tempfile::tempdir().unwrap(),
        endpoint: server.endpoint(),
    };
    (server, house)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn models_are_found_and_shown() {
    let (_server, house) = stage().await;
    let found = house
        .wick(&["search", "tiny", "--class", "micro", "--fits"], "")
        .await;
    assert!(found.status.success(), "{}", text(&found.stderr));
    let said = text(&found.stdout);
    // How well it fits depends on the memory that is free at the time.
    let fits = said.contains("fits") || said.contains("tight");
    assert!(said.contains("ann/tiny-GGUF") && fits, "{said}");
    let found = house.json(&["search", "nothing", "--json"]).await;
    assert_eq!(found, json!({"models": [], "source": {"kind": "live"}}));
    let shown = house.wick(&["show", "ann/tiny-GGUF"], "").await;
    assert!(
        text(&shown.stdout).contains("tiny-Q8_0.gguf  1 MB"),
        "{}",
        text(&shown.stdout)
    );
    let shown = house.json(&["show", "ann/tiny-GGUF", "--json"]).await;
    assert_eq!(shown["files"][0]["level"], "Q8_0");
}

#[tokio::test]
async fn what_the_hub_refuses_has_an_exit_code_and_advice() {
    let (server, mut house) = stage().await;
    let unknown = house.wick(&["show", "no/body"], "").await;
    assert_eq!(unknown.status.code(), Some(8));
    let said = text(&unknown.stderr);
    assert!(
        said.contains("not found, is private, or needs sign-in") && said.contains("wick login"),
        "{said}"
    );
    drop(server);
    let offline = house.wick(&["show", "ann/other"], "").await;
    assert_eq!(offline.status.code(), Some(8));
    let catalog = house.wick(&["search", "qwen3"], "").await;
    assert!(catalog.status.success() && text(&catalog.stderr).contains("catalog"));
    house.endpoint = "http://hub.example".into();
    let refused = house.wick(&["search", "qwen3"], "").await;
    assert_eq!(refused.status.code(), Some(8));
    assert!(text(&refused.stderr).contains("https"));
}

#[tokio::test]
async fn a_token_comes_by_standard_input_and_is_never_printed() {
    let (server, house) = stage().await;
    let wrong = house.wick(&["login"], "hf_wrong\n").await;
    assert_eq!(wrong.status.code(), Some(8));
    let right = house.wick(&["login", "--json"], "hf_secret\n").await;
    assert_eq!(
        serde_json::from_slice::<Value>(&right.stdout).unwrap()["hasToken"],
        true
    );
    house.wick(&["search", "tiny"], "").await;
    let last = server.requests().pop().unwrap();
    assert_eq!(last.authorization.as_deref(), Some("Bearer hf_secret"));
    let out = house.wick(&["logout"], "").await;
    assert!(text(&out.stdout).contains("no token"));
    for output in [wrong, right, out] {
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!said.contains("hf_"), "{said}");
    }
    let output = house.wick(&["login"], "").await;
    assert_eq!(output.status.code(), Some(8));
}
