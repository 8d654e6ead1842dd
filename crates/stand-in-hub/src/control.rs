//! Steering from outside: one JSON document, from a file at the start or by `POST /_control`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;

use crate::{
    answer,
    behaviour::Rule,
    repository::Repository,
    state::{Inner, Shared},
};

/// What to hold and how to behave. Everything is added to what there is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Repositories; one of a known id takes its place.
    pub repositories: Vec<Repository>,
    /// Old id → new id.
    pub renames: BTreeMap<String, String>,
    /// Token → user.
    pub tokens: BTreeMap<String, String>,
    /// How to misbehave.
    pub rules: Vec<Rule>,
    /// Forget the rules there were first.
    pub clear_rules: bool,
    /// Forget the requests there were.
    pub clear_requests: bool,
    /// Entries on a page of the tree.
    pub tree_page: Option<usize>,
}

impl Script {
    pub(crate) fn apply(self, inner: &mut Inner) {
        if self.clear_rules {
            inner.rules.clear();
        }
        if self.clear_requests {
            inner.records.clear();
        }
        for repository in self.repositories {
            inner.repositories.retain(|known| known.id != repository.id);
            inner.repositories.push(repository);
        }
        inner.renames.extend(self.renames);
        inner.tokens.extend(self.tokens);
        inner.rules.extend(self.rules);
        inner.tree_page = self.tree_page.unwrap_or(inner.tree_page);
    }
}

pub(crate) async fn steer(
    State(shared): State<Arc<Shared>>,
    Json(script): Json<Script>,
) -> Response {
    script.apply(&mut shared.lock());
    answer::json(&json!({}))
}

pub(crate) async fn report(State(shared): State<Arc<Shared>>) -> Response {
    let requests: Vec<_> = shared
        .lock()
        .records
        .iter()
        .map(|record| record.snapshot())
        .collect();
    answer::json(&json!({ "requests": requests }))
}
