//! A server, and a user who has `wick` and a home.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    sync::OnceLock,
};

use serde_json::Value;
use stand_in_hub::{Content, Repository, StandInHub};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use wick_engine::testkit::tiny_model;

pub const MIB: u64 = 1 << 20;
pub const REPOSITORY: &str = "ann/Tiny-1B-GGUF";
pub const FILE: &str = "Tiny-1B-Q4_0.gguf";

/// A small model in a large file: what follows the weights is nobody's.
fn gguf(bytes: u64) -> Vec<u8> {
    let mut file = tiny_model("llama").writer().unwrap().bytes();
    let rest = bytes - file.len() as u64;
    file.extend_from_slice(&Content::seeded(7, rest).read(0..rest));
    file
}

/// A server, and a user with a home and Wick's data in it.
pub struct House {
    pub hub: StandInHub,
    home: tempfile::TempDir,
}

impl House {
    pub async fn with(bytes: u64) -> Self {
        static FILES: OnceLock<Vec<(u64, Vec<u8>)>> = OnceLock::new();
        let files = FILES.get_or_init(|| [4, 16, 64].map(|n| (n * MIB, gguf(n * MIB))).into());
        let file = files.iter().find(|(size, _)| *size == bytes).unwrap();
        let hub = StandInHub::start().await.unwrap();
        let content = Content::bytes(file.1.clone());
        hub.add(Repository::new(REPOSITORY).file(FILE, content));
        let home = tempfile::tempdir().unwrap();
        Self { hub, home }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wick"));
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env("WICK_DATA_DIR", self.home.path().join("wick"))
            .env("HF_ENDPOINT", self.hub.endpoint())
            .env_remove("HF_TOKEN")
            .env_remove("HF_HOME")
            .env_remove("HF_HUB_CACHE")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub async fn wick(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    pub async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.wick(arguments).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Begins to pull, and gives what it says line by line.
    pub fn pulling(&self) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = self
            .command(&["pull", &format!("{REPOSITORY}:q4_0"), "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    pub fn models(&self) -> PathBuf {
        self.home.path().join("wick/models")
    }

    /// The model is in the library, whole, and nothing else is in its folder; then it is deleted, and nothing is left.
    pub async fn is_there_whole_and_alone(&self) {
        let id = self.hub.file(REPOSITORY, FILE).unwrap().sha256;
        let models = self.json(&["list", "--json"]).await;
        assert_eq!(models["models"][0]["id"], *id);
        assert_eq!(models["models"][0]["availability"], "available");
        assert_eq!(models["models"][0]["origin"]["repository"], REPOSITORY);
        let verified = self.json(&["verify", "tiny", "--json"]).await;
        assert_eq!(verified["verified"]["outcome"], "whole");
        assert_eq!(self.files(), [format!("{id}.gguf")]);
        self.json(&["rm", "tiny", "--json"]).await;
        assert_eq!(self.files(), Vec::<String>::new());
    }

    /// All files below the folder of models.
    pub fn files(&self) -> Vec<String> {
        let mut folders = vec![self.models()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => files.push(entry.file_name().into_string().unwrap()),
                }
            }
        }
        files
    }
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
