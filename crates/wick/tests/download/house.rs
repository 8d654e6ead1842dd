//! A user, a server, and Wick between them.

use std::{path::Path, sync::Arc};

use stand_in_hub::{Behaviour, Content, Place, Repository, Rule, StandInHub};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use wick::{
    EngineCommand, ErrorCode, Paths, SettingsPatch, Wick,
    download::{Download, DownloadRequest, DownloadState},
    library::{Availability, LibraryModel, VerifyOutcome},
};
use wick_engine::testkit::tiny_model;

pub const MIB: usize = 1 << 20;
/// Less than a connection asks for at once.
pub const STALL: u64 = 700_000;
pub const REPOSITORY: &str = "ann/Tiny-1B-GGUF";
pub const FILE: &str = "Tiny-1B-Q4_0.gguf";

/// A small model in a file of so many bytes: what follows the weights is nobody's.
pub fn gguf(architecture: &str, bytes: usize) -> Vec<u8> {
    let mut file = tiny_model(architecture).writer().unwrap().bytes();
    let mut seed = 1u32;
    while file.len() < bytes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        file.extend_from_slice(&seed.to_le_bytes());
    }
    file
}

pub struct House {
    pub hub: StandInHub,
    folder: TempDir,
    pub wick: Arc<Wick>,
    queue: Option<JoinHandle<()>>,
}

impl House {
    pub async fn new() -> Self {
        let hub = StandInHub::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let wick = open(folder.path());
        let patch = SettingsPatch {
            hub_endpoint: Some(Some(hub.endpoint())),
            ..SettingsPatch::default()
        };
        wick.update_settings(patch).unwrap();
        Self {
            hub,
            folder,
            wick,
            queue: None,
        }
    }

    /// With a repository of one file.
    pub async fn with(bytes: usize) -> Self {
        let house = Self::new().await;
        house.add(REPOSITORY, FILE, gguf("llama", bytes));
        house
    }

    /// With a download that has come some way and then stalls.
    pub async fn midway() -> (Self, i64) {
        let mut house = Self::with(12 * MIB).await;
        house.run_queue();
        house.stall_after(FILE, STALL);
        let id = house.start(REPOSITORY, FILE);
        house
            .until(id, |download| download.done_bytes >= MIB as u64)
            .await;
        (house, id)
    }

    pub fn add(&self, repository: &str, file: &str, bytes: Vec<u8>) {
        let repository = Repository::new(repository).file(file, Content::bytes(bytes));
        self.hub.add(repository);
    }

    /// As the window does when it opens.
    pub fn run_queue(&mut self) {
        let queue = tokio::spawn(self.wick.clone().run_downloads());
        if let Some(before) = self.queue.replace(queue) {
            before.abort();
        }
    }

    /// As if Wick had been closed and opened again.
    pub async fn restart(&mut self) {
        self.wick.hold_downloads().await;
        if let Some(queue) = self.queue.take() {
            queue.abort();
        }
        self.wick = open(self.folder.path());
    }

    pub fn start(&self, repository: &str, file: &str) -> i64 {
        let request = DownloadRequest {
            repository: repository.into(),
            revision: None,
            file: file.into(),
        };
        self.wick.start_download(&request).unwrap().id
    }

    pub fn download(&self, id: i64) -> Option<Download> {
        let downloads = self.wick.downloads().unwrap();
        downloads.into_iter().find(|download| download.id == id)
    }

    /// Waits until one download is as it should be.
    pub async fn until(&self, id: i64, is_so: impl Fn(&Download) -> bool) -> Download {
        let mut events = self.wick.events();
        loop {
            match self.download(id) {
                Some(download) if is_so(&download) => return download,
                _ => drop(events.recv().await),
            }
        }
    }

    pub async fn until_ended(&self, id: i64) -> DownloadState {
        let ended = |download: &Download| {
            matches!(
                download.status,
                DownloadState::Finished { .. } | DownloadState::Failed { .. }
            )
        };
        self.until(id, ended).await.status
    }

    pub async fn until_finished(&self, id: i64) -> LibraryModel {
        let DownloadState::Finished { model_id } = self.until_ended(id).await else {
            panic!("{:?}", self.download(id));
        };
        let models = self.wick.models().unwrap();
        let model = models
            .into_iter()
            .find(|model| model.id == model_id)
            .unwrap();
        assert_eq!(model.availability, Availability::Available);
        let verified = self.wick.verify_model(&model.id, |_| {}).unwrap();
        assert_eq!(verified, VerifyOutcome::Whole);
        wick_engine::inspect(&self.wick.model_file(&model.id).unwrap()).unwrap();
        model
    }

    pub async fn until_failed(&self, id: i64) -> ErrorCode {
        let DownloadState::Failed { error } = self.until_ended(id).await else {
            panic!("{:?}", self.download(id));
        };
        error.code
    }

    /// Bytes of files that were sent since requests were forgotten.
    pub fn sent_bytes(&self) -> u64 {
        let requests = self.hub.requests();
        let of_bytes = requests
            .iter()
            .filter(|one| one.place == Some(Place::Bytes));
        of_bytes.map(|request| request.sent_bytes).sum()
    }

    /// What lies in the folder of models, and in that of what is not whole.
    pub fn names(&self) -> (Vec<String>, Vec<String>) {
        let models = self.wick.paths().models();
        let mut kept = names_in(&models);
        kept.retain(|name| name != ".partial");
        (kept, names_in(&models.join(".partial")))
    }

    /// Lets bytes stop after so many of an answer, until the Hub behaves again.
    pub fn stall_after(&self, path: &str, bytes: u64) {
        let rule = Rule::at(Place::Bytes, Behaviour::StallAfter { bytes });
        // The first of them is the header, read before the rest.
        self.hub.misbehave(rule.path(path).skip(1));
    }
}

fn open(folder: &Path) -> Arc<Wick> {
    let engine = EngineCommand::new("none", ["--engine"]);
    Wick::open(Paths::at(folder), engine).unwrap().0
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
