//! A process that is killed without warning while it transfers, again and again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{env, fs, path::Path, process::Stdio};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use stand_in_hub::{Behaviour, Content, Place, Repository, Rule, StandInHub, seeds};
use tokio::process::{Child, Command};
use wick_hub::{
    FileCheck, Hub, HubOptions, RemoteFile, Transfer, TransferSpec,
    transfer::{Limits, Opened},
};

/// For each transfer.
const KILLS: usize = 5;
const REPOSITORY: &str = "ann/tiny";
const WEIGHTS: &str = "tiny-Q4_0.gguf";
/// What a killed process may cost.
const MOST_AGAIN: u64 = 4 << 20;
/// In the environment of the process that is to be killed: the address of the server.
const ENDPOINT: &str = "WICK_KILL_ENDPOINT";
/// And the rest of what it has to know.
const FOLDER: &str = "WICK_KILL_FOLDER";
const FILE: &str = "WICK_KILL_FILE";

/// The process: this test again, with an environment that makes it transfer.
fn spawn(server: &StandInHub, folder: &Path) -> Child {
    let file = server.file(REPOSITORY, WEIGHTS).unwrap();
    let commit = server.commit(REPOSITORY).unwrap();
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_process_loses_little_and_leaves_nothing",
        ])
        .env(ENDPOINT, server.endpoint())
        .env(FOLDER, folder)
        .env(FILE, format!("{commit} {} {}", file.size, file.sha256))
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn spec(commit: &str, size: &str, sha256: &str) -> TransferSpec {
    TransferSpec {
        repo: REPOSITORY.parse().unwrap(),
        commit: commit.parse().unwrap(),
        files: vec![RemoteFile {
            path: WEIGHTS.parse().unwrap(),
            size: size.parse().unwrap(),
            check: FileCheck::Sha256(sha256.parse().unwrap()),
        }],
    }
}

/// What a killed process left that the next one need not fetch.
fn kept_bytes(server: &StandInHub, folder: &Path) -> u64 {
    let file = server.file(REPOSITORY, WEIGHTS).unwrap();
    let commit = server.commit(REPOSITORY).unwrap();
    let spec = spec(&commit, &file.size.to_string(), &file.sha256);
    match Transfer::open(folder, spec).unwrap().opened() {
        Opened::Resumed { kept_bytes } => kept_bytes,
        Opened::New => 0,
        Opened::Restarted => panic!("it forgot what it fetched"),
    }
}

async fn transfer(endpoint: &str) {
    let (folder, file) = (env::var(FOLDER).unwrap(), env::var(FILE).unwrap());
    let file: Vec<&str> = file.split(' ').collect();
    let hub = Hub::new(HubOptions::new(endpoint.parse().unwrap())).unwrap();
    let transfer = Transfer::open(Path::new(&folder), spec(file[0], file[1], file[2])).unwrap();
    let done = transfer.run(&hub, &Limits::default(), |_| {}).await;
    done.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_little_and_leaves_nothing() {
    if let Ok(endpoint) = env::var(ENDPOINT) {
        return transfer(&endpoint).await;
    }
    let is_long = env::var_os("WICK_LONG").is_some();
    let bytes: u64 = if is_long { 64 << 20 } else { 16 << 20 };
    let (mut killed, mut again, mut worst) = (0u64, 0, 0);
    for number in seeds(1, 60) {
        let server = StandInHub::start().await.unwrap();
        let content = Content::seeded(number, bytes);
        server.add(Repository::new(REPOSITORY).file(WEIGHTS, content.clone()));
        // A network is slower than the machine behind it; otherwise what counts as sent still lies with the system.
        let slow = Behaviour::Slow {
            pause_ms: 1,
            bytes: 32 * 1024,
        };
        server.misbehave(Rule::at(Place::Bytes, slow));
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("partial");
        let mut random = StdRng::seed_from_u64(number);
        let mut moments: Vec<u64> = (0..KILLS).map(|_| random.random_range(0..bytes)).collect();
        moments.sort_unstable();
        let mut kept = 0;
        for moment in moments {
            let before = server.sent_bytes();
            let mut child = spawn(&server, &folder);
            // Counted in bytes that went out: the file is not whole before all of it did.
            server.sent_at_least(moment).await;
            child.start_kill().unwrap();
            child.wait().await.unwrap();
            killed += 1;
            let now = kept_bytes(&server, &folder);
            let lost = (server.sent_bytes() - before).saturating_sub(now - kept);
            assert!(lost <= MOST_AGAIN, "{lost} bytes to be fetched again");
            (kept, again, worst) = (now, again + lost, lost.max(worst));
        }
        let status = spawn(&server, &folder).wait().await.unwrap();
        assert!(status.success());
        let found = fs::read(folder.join("0.part")).unwrap();
        assert!(found == content.read(0..bytes), "a wrong file");
        Transfer::discard(&folder).unwrap();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
    println!(
        "killed {killed} times; {} bytes to be fetched again on average, {worst} at the worst",
        again / killed
    );
}
