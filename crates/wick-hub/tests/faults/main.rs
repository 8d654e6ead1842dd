//! The network fault matrix: behaviours × seeds. Each run ends in the right files or in a clear error, which is gone on
//! with when the server behaves again; never in a wrong file, and never not at all.
//!
//! `WICK_LONG` asks for all seeds and prints what came of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod behaviours;
mod hostile;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use behaviours::{BEHAVIOURS, Ends, Fault};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use stand_in_hub::{Content, Repository, StandInHub, seeds};
use tokio::task::JoinSet;
use wick_hub::{
    FileCheck, Hub, HubOptions, Proxy, RemoteFile, Timeouts, Token, Transfer, TransferSpec,
    VerifiedFile,
    transfer::{Bandwidth, Error, Limits, Patience},
};

const REPOSITORY: &str = "ann/tiny";
const WEIGHTS: &str = "tiny-Q4_0.gguf";
const TOKENIZER: &str = "tokenizer.json";
/// Connections fail, at most so often in a row; so a run that asks more often than this goes round in circles.
const MOST_REQUESTS: usize = 600;
const MOST_FAILURES: u32 = 40;
/// Runs at the same time: most of them wait.
const AT_ONCE: usize = 8;

/// So many runs are a thorough test, over all behaviours.
const THOROUGH: u64 = 3000;

/// A server with two files, and a client that loses patience soon.
struct Setting {
    server: StandInHub,
    hub: Hub,
    limits: Limits,
}

impl Setting {
    async fn new(random: &mut StdRng) -> Self {
        let server = StandInHub::start().await.unwrap();
        let weights = Content::seeded(random.random(), random.random_range(1..1_400_000));
        let tokenizer = Content::seeded(random.random(), random.random_range(1..90_000));
        let repository = Repository::new(REPOSITORY);
        server.add(repository.file(WEIGHTS, weights).file(TOKENIZER, tokenizer));
        server.token("hf_secret", "ann");
        let mut options = HubOptions::new(server.endpoint().parse().unwrap());
        options.token = Some("hf_secret".parse::<Token>().unwrap());
        options.proxy = Proxy::None;
        options.timeouts = Timeouts {
            connect: Duration::from_secs(1),
            first_byte: Duration::from_millis(250),
            stall: Duration::from_millis(250),
        };
        let limits = Limits {
            bandwidth: Bandwidth::unlimited(),
            connections: random.random_range(1..5),
            patience: Patience {
                first_wait: Duration::from_millis(1),
                longest_wait: Duration::from_millis(5),
                most_failures: Some(MOST_FAILURES),
            },
        };
        Self {
            hub: Hub::new(options).unwrap(),
            server,
            limits,
        }
    }

    fn spec(&self) -> TransferSpec {
        let file = |path: &str, is_large: bool| {
            let file = self.server.file(REPOSITORY, path).unwrap();
            RemoteFile {
                path: path.parse().unwrap(),
                size: file.size,
                check: match is_large {
                    true => FileCheck::Sha256(file.sha256.parse().unwrap()),
                    false => FileCheck::GitSha1(file.oid.parse().unwrap()),
                },
            }
        };
        TransferSpec {
            repo: REPOSITORY.parse().unwrap(),
            commit: self.server.commit(REPOSITORY).unwrap().parse().unwrap(),
            files: vec![file(WEIGHTS, true), file(TOKENIZER, false)],
        }
    }

    async fn run(&self, folder: &Path, spec: &TransferSpec) -> Result<Vec<VerifiedFile>, Error> {
        let transfer = Transfer::open(folder, spec.clone()).unwrap();
        transfer.run(&self.hub, &self.limits, |_| {}).await
    }
}

/// One run and, after an error, another with a server that behaves. Returns what the first came to.
async fn one(fault: &Fault, seed: u64) -> &'static str {
    let context = format!("{} with seed {seed}", fault.name);
    let mut random = StdRng::seed_from_u64(seed);
    let setting = Setting::new(&mut random).await;
    let spec = setting.spec();
    let right: Vec<Content> = [WEIGHTS, TOKENIZER]
        .map(|path| setting.server.file(REPOSITORY, path).unwrap().content)
        .into();
    (fault.arrange)(&setting.server, &mut random);

    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("partial");
    let (ended, verified) = match setting.run(&folder, &spec).await {
        Ok(verified) => {
            assert!(fault.ends != Ends::Error, "{context}: no error");
            ("a verified file", verified)
        }
        Err(error) => {
            assert!(fault.ends != Ends::Whole, "{context}: {error}");
            let name = name_of(&error, &context);
            setting.server.behave();
            for (file, content) in spec.files.iter().zip(&right) {
                let path = file.path.as_str();
                setting.server.overwrite(REPOSITORY, path, content.clone());
            }
            let again = setting.run(&folder, &spec).await;
            (
                name,
                again.unwrap_or_else(|error| panic!("{context}, again: {error}")),
            )
        }
    };
    for (verified, content) in verified.iter().zip(&right) {
        let found = fs::read(&verified.local).unwrap();
        assert!(
            found == content.read(0..content.size()),
            "{context}: a wrong file"
        );
    }
    assert_nothing_else(outside.path(), &context);
    let requests = setting.server.requests();
    assert!(
        requests.len() < MOST_REQUESTS,
        "{context}: {}",
        requests.len()
    );
    let leak = requests
        .iter()
        .find(|request| request.at_cdn && request.authorization.is_some());
    assert!(leak.is_none(), "{context}: the token went to another host");
    ended
}

/// Errors that say what is wrong. Any other is a failure of the test.
fn name_of(error: &Error, context: &str) -> &'static str {
    match error {
        Error::Hub(error) => match error {
            wick_hub::Error::Offline { .. } => "offline",
            wick_hub::Error::TimedOut { .. } => "timed out",
            wick_hub::Error::Interrupted { .. } => "interrupted",
            wick_hub::Error::BadAnswer { .. } => "an odd answer",
            wick_hub::Error::ExpiredAddress { .. } => "a refused address",
            wick_hub::Error::Server { .. } => "a failing server",
            wick_hub::Error::RateLimited { .. } => "asked too often",
            wick_hub::Error::Refused { .. } => "refused",
            wick_hub::Error::NotFound { .. } => "not found",
            wick_hub::Error::NotFoundOrPrivate { .. } => "not found or private",
            wick_hub::Error::Gated { .. } => "gated",
            wick_hub::Error::Disabled { .. } => "disabled",
            error => panic!("{context}: {error}"),
        },
        Error::Changed { .. } => "changed on the server",
        Error::Corrupt { .. } => "damaged",
        error => panic!("{context}: {error}"),
    }
}

/// Only the transfer's own files, under its own names, are where it was told to work.
fn assert_nothing_else(outside: &Path, context: &str) {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(outside), ["partial"], "{context}");
    let folder = outside.join("partial");
    assert_eq!(
        names(&folder),
        ["0.part", "1.part", "journal", "lock"],
        "{context}"
    );
    Transfer::discard(&folder).unwrap();
    assert!(names(outside).is_empty(), "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_ends_in_the_right_files_or_in_a_clear_error() {
    assert!(BEHAVIOURS.len() >= 60, "{}", BEHAVIOURS.len());
    let seeds = seeds(1, THOROUGH.div_ceil(BEHAVIOURS.len() as u64));
    let mut left = BEHAVIOURS
        .iter()
        .flat_map(|fault| seeds.clone().map(move |seed| (fault, seed)));
    let mut running = JoinSet::new();
    let mut totals = BTreeMap::<&str, u32>::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((fault, seed)) = left.next()
        {
            running.spawn(one(fault, seed));
        }
        match running.join_next().await {
            Some(Ok(ended)) => *totals.entry(ended).or_default() += 1,
            Some(Err(_)) => *totals.entry("a failed test").or_default() += 1,
            None => break,
        }
    }
    let runs: u32 = totals.values().sum();
    println!("{} behaviours, {runs} runs: {totals:?}", BEHAVIOURS.len());
    assert_eq!(totals.get("a failed test"), None, "of {runs}");
    assert_eq!(runs as usize, BEHAVIOURS.len() * seeds.clone().count());
}
