//! `wick pull` as a person or a script runs it, against a stand-in for the Hub: stopped, killed and gone on with.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{env, path::PathBuf, process::Output, process::Stdio, sync::OnceLock};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use stand_in_hub::{Behaviour, Content, Place, Repository, Rule, StandInHub};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use wick_engine::testkit::tiny_model;

const MIB: u64 = 1 << 20;
const REPOSITORY: &str = "ann/Tiny-1B-GGUF";
const FILE: &str = "Tiny-1B-Q4_0.gguf";
/// What a killed process may cost.
const MOST_AGAIN: u64 = 4 * MIB;

/// A small model in a large file: what follows the weights is nobody's.
fn gguf(bytes: u64) -> Vec<u8> {
    let mut file = tiny_model("llama").writer().unwrap().bytes();
    let rest = bytes - file.len() as u64;
    file.extend_from_slice(&Content::seeded(7, rest).read(0..rest));
    file
}

/// A server, and a user with a home and Wick's data in it.
struct House {
    hub: StandInHub,
    home: tempfile::TempDir,
}

impl House {
    async fn with(bytes: u64) -> Self {
        static FILES: OnceLock<Vec<(u64, Vec<u8>)>> = OnceLock::new();
        let files = FILES.get_or_init(|| [4, 16, 64].map(|n| (n * MIB, gguf(n * MIB))).into());
        let file = files.iter().find(|(size, _)| *size == bytes).unwrap();
        let hub = StandInHub::start().await.unwrap();
        let content = Content::bytes(file.1.clone());
        hub.add(Repository::new(REPOSITORY).file(FILE, content));
        let home = tempfile::tempdir().unwrap();
        Self { hub, home }
    }

    fn command(&self, arguments: &[&str]) -> Command {
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

    async fn wick(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.wick(arguments).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Begins to pull, and gives what it says line by line.
    fn pulling(&self) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = self
            .command(&["pull", &format!("{REPOSITORY}:q4_0"), "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    fn models(&self) -> PathBuf {
        self.home.path().join("wick/models")
    }

    /// The model is in the library, whole, and nothing else is in its folder; then it is deleted, and nothing is left.
    async fn is_there_whole_and_alone(&self) {
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
    fn files(&self) -> Vec<String> {
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

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_model_is_pulled_by_the_ways_people_write_it() {
    for what in [
        format!("{REPOSITORY}:Q4_0"),
        REPOSITORY.to_owned(),
        format!("https://huggingface.co/{REPOSITORY}/blob/main/{FILE}"),
    ] {
        let house = House::with(4 * MIB).await;
        let output = house.wick(&["pull", &what]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            text(&output.stdout).trim(),
            "Tiny 1B F32 is in the library."
        );
        // Again, it is there already.
        let sent = house.hub.sent_bytes();
        let output = house.wick(&["pull", &what]).await;
        assert!(output.status.success(), "{output:?}");
        assert!(house.hub.sent_bytes() - sent <= MIB, "only its header");
        house.is_there_whole_and_alone().await;
    }
}

#[tokio::test]
async fn what_cannot_be_pulled_is_said_in_words_and_by_an_exit_code() {
    let house = House::with(4 * MIB).await;
    let level = format!("{REPOSITORY}:Q9");
    for (what, code, said) in [
        ("Tiny", 8, "owner/name"),
        ("ann/nobody", 8, "not found"),
        (level.as_str(), 8, "it has Q4_0"),
        ("../../etc/passwd", 8, "owner/name"),
    ] {
        let output = house.wick(&["pull", what]).await;
        assert_eq!(output.status.code(), Some(code), "{what}: {output:?}");
        assert!(text(&output.stderr).contains(said), "{what}: {output:?}");
        assert!(output.stdout.is_empty(), "{what}");
    }
    // Nobody at all answers.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let mut offline = house.command(&["pull", REPOSITORY]);
    let output = offline.env("HF_ENDPOINT", endpoint).output().await.unwrap();
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert!(
        text(&output.stderr).contains("does not answer"),
        "{output:?}"
    );
}

#[tokio::test]
async fn events_are_lines_of_json() {
    let house = House::with(4 * MIB).await;
    let (mut child, mut lines) = house.pulling();
    let mut states = Vec::new();
    let mut last = Value::Null;
    while let Some(line) = lines.next_line().await.unwrap() {
        last = serde_json::from_str(&line).unwrap();
        if let Some(state) = last["download"]["status"]["state"].as_str() {
            states.push(state.to_owned());
        }
    }
    assert!(child.wait().await.unwrap().success());
    assert_eq!(last["model"]["info"]["name"], "Tiny 1B");
    // A state that lasts less than the pause between two lines has none; those told keep their order.
    let order = ["queued", "resolving", "downloading", "verifying", "settling", "finished"];
    let place = |state: &String| order.iter().position(|known| known == state);
    assert!(states.iter().all(|state| place(state).is_some()), "{states:?}");
    assert!(states.is_sorted_by_key(place), "{states:?}");
    assert!(states.contains(&"downloading".to_owned()), "{states:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_pauses_and_says_how_to_go_on() {
    let house = House::with(16 * MIB).await;
    let stall = Behaviour::StallAfter { bytes: 700_000 };
    // The first answer is the header.
    house.hub.misbehave(Rule::at(Place::Bytes, stall).skip(1));
    let what = format!("{REPOSITORY}:Q4_0");
    let child = house
        .command(&["pull", &what])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    house.hub.sent_at_least(3 * MIB).await;
    let pid = child.id().unwrap().to_string();
    let interrupt = Command::new("kill").args(["-INT", &pid]).status();
    assert!(interrupt.await.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains(&format!("wick pull {what}")), "{said}");

    house.hub.behave();
    house.hub.forget_requests();
    let output = house.wick(&["pull", &what]).await;
    assert!(output.status.success(), "{output:?}");
    let bytes = house.hub.requests().into_iter().filter(|one| one.at_cdn);
    let sent: u64 = bytes.map(|request| request.sent_bytes).sum();
    // What was on its way when it was interrupted is fetched again.
    assert!(sent < 16 * MIB, "{sent} bytes came after the pause");
    house.is_there_whole_and_alone().await;
}

#[tokio::test]
async fn two_that_pull_the_same_do_not_disturb_each_other() {
    let house = House::with(16 * MIB).await;
    let stall = Behaviour::StallAfter { bytes: 700_000 };
    house.hub.misbehave(Rule::at(Place::Bytes, stall).skip(1));
    let (mut first, _lines) = house.pulling();
    house.hub.sent_at_least(3 * MIB).await;
    let second = house.wick(&["pull", REPOSITORY]).await;
    assert_eq!(second.status.code(), Some(3), "{second:?}");
    assert!(text(&second.stderr).contains("another Wick"), "{second:?}");
    first.start_kill().unwrap();
    first.wait().await.unwrap();
    house.hub.behave();
    assert!(house.wick(&["pull", REPOSITORY]).await.status.success());
    house.is_there_whole_and_alone().await;
}

/// How often, and how much.
struct Long {
    bytes: u64,
    pulls: u64,
    kills: u64,
}

fn long() -> Long {
    match env::var_os("WICK_LONG") {
        Some(_) => Long {
            bytes: 64 * MIB,
            pulls: 60,
            kills: 5,
        },
        None => Long {
            bytes: 16 * MIB,
            pulls: 1,
            kills: 4,
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_loses_little_and_leaves_nothing() {
    let plan = long();
    let (mut killed, mut worst) = (0, 0);
    for number in 0..plan.pulls {
        let house = House::with(plan.bytes).await;
        let mut random = StdRng::seed_from_u64(number);
        let header = MIB;
        let mut moments: Vec<u64> = (1..plan.kills)
            .map(|_| random.random_range(0..header + plan.bytes))
            .collect();
        moments.sort_unstable();
        for moment in &moments {
            let (mut child, _lines) = house.pulling();
            house.hub.sent_at_least(*moment).await;
            child.start_kill().unwrap();
            child.wait().await.unwrap();
            killed += 1;
        }
        // And once when all bytes are here.
        let (mut child, mut lines) = house.pulling();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(r#""state":"verifying""#) {
                break;
            }
        }
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        killed += 1;
        let output = house.wick(&["pull", REPOSITORY]).await;
        assert!(output.status.success(), "{output:?}");
        let more = house.hub.sent_bytes() - plan.bytes - header;
        let each = more / plan.kills;
        assert!(each <= MOST_AGAIN, "{more} bytes came again");
        worst = worst.max(each);
        house.is_there_whole_and_alone().await;
    }
    println!("{killed} kills; at most {worst} bytes came again for each of a pull's");
}
