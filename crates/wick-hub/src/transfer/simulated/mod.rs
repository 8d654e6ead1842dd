//! Tests of the engine on a server without a network and a clock that only moves when everybody waits: thirty seconds
//! of silence take no time, and a run that hangs is one that has not ended after a simulated year.

mod faults;
mod full_disk;
mod ways;

use std::{
    collections::VecDeque,
    ops::Range,
    path::Path,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use tokio::time::{sleep, timeout};

use super::{
    source::{Answer, Chunks, From, Source, Told},
    *,
};
use crate::{FileCheck, FileFacts};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const PATIENCE: Duration = Duration::from_secs(30);
const PIECE_BYTES: usize = 50_000;

/// What a server does with one question.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Right,
    Offline,
    Silent,
    Limited(u64),
    Failing,
    Expired,
    Odd,
    Beyond,
    /// The whole file instead of the range.
    Whole,
    /// The whole file without its size.
    Unsized,
    /// A page instead of the file.
    Page,
    /// So many bytes, then the end of the connection.
    Cut(usize),
    /// So many bytes, then silence.
    Stall(usize),
    /// So many bytes, then an end as if that were all.
    Short(usize),
    /// One wrong bit.
    Flip(usize),
    Garbage,
    Changed,
    Gone,
}

/// Files and what happens to those who ask for them.
struct Server {
    files: Vec<(RemoteFile, Vec<u8>)>,
    state: Mutex<ServerState>,
}

#[derive(Default)]
struct ServerState {
    /// Answers to come; right ones when there are no more.
    script: VecDeque<Act>,
    /// What is done when there is no script.
    usual: Option<Act>,
    asked: Vec<Range<u64>>,
}

struct Pieces {
    pieces: VecDeque<Bytes>,
    end: Act,
}

impl Chunks for Pieces {
    async fn chunk(&mut self) -> crate::Result<Option<Bytes>> {
        // So that connections take turns.
        sleep(Duration::from_millis(1)).await;
        match (self.pieces.pop_front(), self.end) {
            (Some(piece), _) => Ok(Some(piece)),
            (None, Act::Cut(_)) => Err(interrupted()),
            (None, Act::Stall(_)) => {
                sleep(PATIENCE).await;
                Err(timed_out())
            }
            (None, _) => Ok(None),
        }
    }
}

impl Source for Server {
    type Body = Pieces;

    async fn get_range(
        &self,
        _: &TransferSpec,
        file: &RemoteFile,
        range: Range<u64>,
    ) -> crate::Result<Answer<Pieces>> {
        let act = {
            let mut state = self.lock();
            state.asked.push(range.clone());
            let usual = state.usual.unwrap_or(Act::Right);
            state.script.pop_front().unwrap_or(usual)
        };
        sleep(Duration::from_millis(1)).await;
        let (_, bytes) = self.files.iter().find(|(known, _)| known == file).unwrap();
        let host = || "hub".to_owned();
        let mut told = Told {
            total: Some(file.size),
            facts: FileFacts::default(),
        };
        let mut from = From::Asked;
        let mut sent = bytes[range.start as usize..range.end as usize].to_vec();
        match act {
            Act::Right => {}
            Act::Offline => {
                let reason = "no route".into();
                return Err(crate::Error::Offline {
                    host: host(),
                    reason,
                });
            }
            Act::Silent => {
                sleep(PATIENCE).await;
                return Err(timed_out());
            }
            Act::Limited(seconds) => {
                let retry_after = Duration::from_secs(seconds);
                return Err(crate::Error::RateLimited { retry_after });
            }
            Act::Failing => {
                return Err(crate::Error::Server {
                    host: host(),
                    status: 503,
                    retry_after: None,
                });
            }
            Act::Expired => {
                return Err(crate::Error::ExpiredAddress {
                    host: host(),
                    status: 403,
                });
            }
            Act::Odd => {
                let reason = "another part".into();
                return Err(crate::Error::BadAnswer {
                    host: host(),
                    reason,
                });
            }
            Act::Gone => {
                return Err(crate::Error::NotFoundOrPrivate {
                    name: "ann/tiny".into(),
                    signed_in: false,
                });
            }
            Act::Beyond => return Ok(Answer::BeyondTheEnd { told }),
            Act::Whole => (from, sent) = (From::Beginning, bytes.clone()),
            Act::Unsized => (from, sent, told.total) = (From::Beginning, bytes.clone(), None),
            Act::Page => (from, sent, told.total) = (From::Beginning, vec![60; 99], Some(99)),
            Act::Cut(length) | Act::Stall(length) | Act::Short(length) => sent.truncate(length),
            Act::Flip(at) => {
                let at = at % sent.len();
                sent[at] ^= 1;
            }
            Act::Garbage => sent.fill(7),
            Act::Changed => told.facts.sha256 = Some("0".repeat(64).parse().unwrap()),
        }
        let body = Pieces {
            pieces: sent
                .chunks(PIECE_BYTES)
                .map(Bytes::copy_from_slice)
                .collect(),
            end: act,
        };
        Ok(Answer::Bytes { from, told, body })
    }
}

fn interrupted() -> crate::Error {
    let (host, reason) = ("cdn".into(), "cut".into());
    crate::Error::Interrupted { host, reason }
}

fn timed_out() -> crate::Error {
    let (host, waited) = ("cdn".into(), PATIENCE);
    crate::Error::TimedOut { host, waited }
}

impl Server {
    /// With one file per size, in which no place looks like another.
    fn new(seed: u64, sizes: &[usize]) -> Self {
        let files = sizes.iter().zip(seed..).map(|(&size, seed)| {
            let mut bytes = vec![0; size];
            for (word, number) in bytes.chunks_mut(8).zip(seed << 32..) {
                let number: u64 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                word.copy_from_slice(&number.to_be_bytes()[..word.len()]);
            }
            let path = format!("part-{}.gguf", seed & 7);
            (remote(&path, &bytes), bytes)
        });
        Self {
            files: files.collect(),
            state: Mutex::default(),
        }
    }

    fn script(self, acts: &[Act]) -> Self {
        self.lock().script.extend(acts);
        self
    }

    fn usual(self, act: Act) -> Self {
        self.lock().usual = Some(act);
        self
    }

    fn spec(&self) -> TransferSpec {
        TransferSpec {
            repo: "ann/tiny".parse().unwrap(),
            commit: "c".repeat(40).parse().unwrap(),
            files: self.files.iter().map(|(file, _)| file.clone()).collect(),
        }
    }

    /// How many bytes were asked for.
    fn asked_bytes(&self) -> u64 {
        let asked = &self.lock().asked;
        asked.iter().map(|range| range.end - range.start).sum()
    }

    fn lock(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap()
    }
}

fn remote(path: &str, bytes: &[u8]) -> RemoteFile {
    let sha256: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    RemoteFile {
        path: path.parse().unwrap(),
        size: bytes.len() as u64,
        check: FileCheck::Sha256(sha256.parse().unwrap()),
    }
}

/// A transfer that is not stopped by how little space the machine of the test has.
fn open(folder: &Path, server: &Server) -> Transfer {
    Transfer::open(folder, server.spec()).unwrap()
}

async fn run(transfer: &Transfer, server: &Server) -> Result<Vec<VerifiedFile>> {
    run_with(transfer, server, &Limits::default()).await
}

async fn run_with(
    transfer: &Transfer,
    server: &Server,
    limits: &Limits,
) -> Result<Vec<VerifiedFile>> {
    let run = super::run::run(transfer, server, limits, |_| {});
    timeout(YEAR, run).await.expect("it hangs")
}

/// Whether all files are there, and right.
fn assert_whole(server: &Server, verified: &[VerifiedFile]) {
    assert_eq!(verified.len(), server.files.len());
    for ((file, bytes), verified) in server.files.iter().zip(verified) {
        assert_eq!(file.path, verified.label);
        assert!(fs::read(&verified.local).unwrap() == *bytes, "a wrong file");
        assert_eq!(file.check, FileCheck::Sha256(verified.sha256.clone()));
    }
}
