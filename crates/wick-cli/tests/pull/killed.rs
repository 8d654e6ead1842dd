//! A pull that is killed without warning, again and again: each time it loses little, and in the end the file is right
//! and nothing else is left.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use stand_in_hub::{Behaviour, Place, Rule, seeds};
use wick_hub::{FileCheck, RemoteFile, Transfer, TransferSpec, transfer::Opened};

use crate::house::{FILE, House, MIB, REPOSITORY};

/// What a killed process may cost.
const MOST_AGAIN: u64 = 4 * MIB;
/// The start of the file, which is read before anything is downloaded.
const HEADER: u64 = MIB;
/// For each pull; the last comes when all bytes are here.
const KILLS: usize = 5;

/// What a pull has lost by being killed.
#[derive(Default)]
struct Lost {
    kills: u64,
    total: u64,
    worst: u64,
}

impl Lost {
    fn note(&mut self, bytes: u64) {
        assert!(bytes <= MOST_AGAIN, "{bytes} bytes are to be fetched again");
        self.kills += 1;
        self.total += bytes;
        self.worst = self.worst.max(bytes);
    }
}

impl House {
    /// How much a killed pull left that the next one need not fetch.
    fn kept_bytes(&self) -> u64 {
        let file = self.hub.file(REPOSITORY, FILE).unwrap();
        let entries = std::fs::read_dir(self.models().join(".partial"));
        let mut paths = entries.into_iter().flatten().map(|one| one.unwrap().path());
        let Some(folder) = paths.find(|path| path.join("journal").exists()) else {
            // Not begun, or whole and already where the library takes it from.
            return match self.files().iter().any(|name| name.ends_with(".gguf")) {
                true => file.size,
                false => 0,
            };
        };
        let spec = TransferSpec {
            repo: REPOSITORY.parse().unwrap(),
            commit: self.hub.commit(REPOSITORY).unwrap().parse().unwrap(),
            files: vec![RemoteFile {
                path: FILE.parse().unwrap(),
                size: file.size,
                check: FileCheck::Sha256(file.sha256.parse().unwrap()),
            }],
        };
        match Transfer::open(&folder, spec).unwrap().opened() {
            Opened::Resumed { kept_bytes } => kept_bytes,
            opened => panic!("{opened:?}: it forgot what it fetched"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_loses_little_and_leaves_nothing() {
    let mut lost = Lost::default();
    let is_long = std::env::var_os("WICK_LONG").is_some();
    let bytes = if is_long { 64 * MIB } else { 16 * MIB };
    for seed in seeds(1, 60) {
        let house = House::with(bytes).await;
        // A network is slower than the machine behind it; otherwise what counts as sent still lies with the system.
        let slow = Behaviour::Slow {
            pause_ms: 1,
            bytes: 32 * 1024,
        };
        house.hub.misbehave(Rule::at(Place::Bytes, slow));
        let mut random = StdRng::seed_from_u64(seed);
        let mut moments: Vec<u64> = (1..KILLS)
            .map(|_| random.random_range(0..HEADER + bytes))
            .collect();
        moments.sort_unstable();
        let (mut sent, mut kept) = (HEADER, 0);
        for number in 0..KILLS {
            let (mut child, mut lines) = house.pulling();
            match moments.get(number) {
                Some(&moment) => house.hub.sent_at_least(moment).await,
                None => {
                    while let Some(line) = lines.next_line().await.unwrap() {
                        if line.contains(r#""state":"verifying""#) {
                            break;
                        }
                    }
                }
            }
            child.start_kill().unwrap();
            child.wait().await.unwrap();
            let now = (house.hub.sent_bytes().max(HEADER), house.kept_bytes());
            lost.note((now.0 - sent).saturating_sub(now.1 - kept));
            (sent, kept) = now;
        }
        let output = house.wick(&["pull", REPOSITORY]).await;
        assert!(output.status.success(), "{output:?}");
        let again = house.hub.sent_bytes() - bytes - HEADER;
        assert!(
            again <= KILLS as u64 * MOST_AGAIN,
            "{again} bytes came again"
        );
        house.is_there_whole_and_alone().await;
    }
    let average = lost.total / lost.kills;
    println!(
        "{} kills; {average} bytes to be fetched again on average, {} at the worst",
        lost.kills, lost.worst
    );
}
