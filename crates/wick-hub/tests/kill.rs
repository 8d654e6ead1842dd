//! A process that is killed without warning while it transfers, again and again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{env, fs, path::Path, process::Stdio};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use stand_in_hub::{Content, Repository, StandInHub};
use tokio::process::{Child, Command};
use wick_hub::{FileCheck, Hub, HubOptions, RemoteFile, Transfer, TransferSpec, transfer::Limits};

const REPOSITORY: &str = "ann/tiny";
const WEIGHTS: &str = "tiny-Q4_0.gguf";
/// What a killed process may cost.
const MOST_AGAIN: u64 = 4 << 20;
/// In the environment of the process that is to be killed: the address of the server.
const ENDPOINT: &str = "WICK_KILL_ENDPOINT";
/// And the rest of what it has to know.
const FOLDER: &str = "WICK_KILL_FOLDER";
const FILE: &str = "WICK_KILL_FILE";

struct Plan {
    bytes: u64,
    transfers: u64,
    kills: usize,
}

fn plan() -> Plan {
    match env::var_os("WICK_LONG") {
        Some(_) => Plan {
            bytes: 64 << 20,
            transfers: 60,
            kills: 5,
        },
        None => Plan {
            bytes: 16 << 20,
            transfers: 1,
            kills: 4,
        },
    }
}

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

async fn transfer(endpoint: &str) {
    let (folder, file) = (env::var(FOLDER).unwrap(), env::var(FILE).unwrap());
    let file: Vec<&str> = file.split(' ').collect();
    let spec = TransferSpec {
        repo: REPOSITORY.parse().unwrap(),
        commit: file[0].parse().unwrap(),
        files: vec![RemoteFile {
            path: WEIGHTS.parse().unwrap(),
            size: file[1].parse().unwrap(),
            check: FileCheck::Sha256(file[2].parse().unwrap()),
        }],
    };
    let hub = Hub::new(HubOptions::new(endpoint.parse().unwrap())).unwrap();
    let transfer = Transfer::open(Path::new(&folder), spec).unwrap();
    transfer
        .run(&hub, &Limits::default(), |_| {})
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_little_and_leaves_nothing() {
    if let Ok(endpoint) = env::var(ENDPOINT) {
        return transfer(&endpoint).await;
    }
    let plan = plan();
    let (mut killed, mut again, mut worst) = (0u64, 0, 0);
    for number in 0..plan.transfers {
        let server = StandInHub::start().await.unwrap();
        let content = Content::seeded(number, plan.bytes);
        server.add(Repository::new(REPOSITORY).file(WEIGHTS, content.clone()));
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("partial");
        let mut random = StdRng::seed_from_u64(number);
        let mut moments: Vec<u64> = (0..plan.kills)
            .map(|_| random.random_range(0..plan.bytes))
            .collect();
        moments.sort_unstable();
        // Counted in bytes that went out: the file is not whole before all of it did.
        for moment in moments {
            let mut child = spawn(&server, &folder);
            server.sent_at_least(moment).await;
            child.start_kill().unwrap();
            child.wait().await.unwrap();
            killed += 1;
        }
        let status = spawn(&server, &folder).wait().await.unwrap();
        assert!(status.success());
        let found = fs::read(folder.join("0.part")).unwrap();
        assert!(found == content.read(0..plan.bytes), "a wrong file");
        let more = server.sent_bytes() - plan.bytes;
        assert!(
            more <= plan.kills as u64 * MOST_AGAIN,
            "{more} bytes came again"
        );
        again += more;
        worst = worst.max(more / plan.kills as u64);
        Transfer::discard(&folder).unwrap();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
    println!(
        "killed {killed} times; {} bytes again for each, {worst} at the worst",
        again / killed
    );
}
