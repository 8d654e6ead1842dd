//! What the server remembers of each request.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

use crate::behaviour::Place;

/// A request and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Whether the CDN had it, not the Hub.
    pub at_cdn: bool,
    /// Where in a conversation it stands.
    pub place: Option<Place>,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub target: String,
    /// The repository and path of the file whose bytes it asks for.
    pub file: Option<String>,
    /// Its `Range`.
    pub range: Option<String>,
    /// Its `Authorization`.
    pub authorization: Option<String>,
    /// Its `Accept-Encoding`.
    pub accept_encoding: Option<String>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// The status of the answer, when there was one.
    pub status: Option<u16>,
    /// Whether a rule had it.
    pub misbehaved: bool,
    /// How many bytes of the body went out.
    pub sent_bytes: u64,
}

/// A request in progress.
#[derive(Debug)]
pub(crate) struct Record {
    pub request: Request,
    pub sent: Arc<AtomicU64>,
}

impl Record {
    pub fn snapshot(&self) -> Request {
        Request {
            sent_bytes: self.sent.load(Ordering::Relaxed),
            ..self.request.clone()
        }
    }
}
