//! What all connections share.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    behaviour::{Behaviour, Place, Rule},
    record::Record,
    repository::{File, Repository},
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub hub: SocketAddr,
    pub cdn: SocketAddr,
    /// Bytes of files that went out since the start.
    pub sent: watch::Sender<u64>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub repositories: Vec<Repository>,
    /// Old id → new id.
    pub renames: BTreeMap<String, String>,
    /// Token → user.
    pub tokens: BTreeMap<String, String>,
    pub rules: Vec<Rule>,
    pub records: Vec<Record>,
    /// Entries on a page of the tree.
    pub tree_page: usize,
}

impl Shared {
    pub fn new(hub: SocketAddr, cdn: SocketAddr) -> Self {
        Self {
            hub,
            cdn,
            sent: watch::Sender::new(0),
            inner: Mutex::new(Inner {
                repositories: Vec::new(),
                renames: BTreeMap::new(),
                tokens: BTreeMap::new(),
                rules: Vec::new(),
                records: Vec::new(),
                tree_page: 1000,
            }),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that panicked while it held the lock has failed already.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub fn repository(&self, id: &str) -> Option<&Repository> {
        self.repositories.iter().find(|known| known.id == id)
    }

    pub fn repository_mut(&mut self, id: &str) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|known| known.id == id)
    }

    /// Where a renamed repository is now, or one whose name is written in another case.
    pub fn moved_to(&self, id: &str) -> Option<String> {
        let other_case = |known: &&Repository| known.id.eq_ignore_ascii_case(id);
        let renamed = self.renames.get(id).cloned();
        renamed.or_else(|| Some(self.repositories.iter().find(other_case)?.id.clone()))
    }

    /// The file the CDN knows by this name, with its repository.
    pub fn by_xet_hash(&self, hash: &str) -> Option<(&Repository, &File)> {
        let files = self.repositories.iter().flat_map(|repository| {
            let files = repository.revisions.iter().flat_map(|each| &each.files);
            files.map(move |file| (repository, file))
        });
        files.into_iter().find(|(_, file)| file.xet_hash == hash)
    }

    pub fn behaviour(&mut self, place: Option<Place>, paths: &[&str]) -> Option<Behaviour> {
        self.rules.iter_mut().find_map(|rule| {
            let takes = rule.takes(place, paths);
            takes.then(|| rule.behaviour.clone())
        })
    }
}
