//! The bytes of an answer as they come: counted, and not waited for without end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Response;

use super::{
    Hub,
    send::{from_reqwest, host},
};
use crate::{Error, Result};

/// Less than this in [`super::Timeouts::stall`] is a connection that stands still.
const STALLED_BYTES: u64 = 1024;

/// A body on its way.
#[derive(Debug)]
pub(super) struct Chunks {
    response: Response,
    /// Bytes still to come, where their number is known.
    left: Option<u64>,
    stall: Duration,
    /// How long was waited for fewer than [`STALLED_BYTES`]; the time of the one who reads does not count.
    waited: Duration,
    come: u64,
}

impl Chunks {
    pub(super) fn new(response: Response, left: Option<u64>, stall: Duration) -> Self {
        Self {
            response,
            left,
            stall,
            waited: Duration::ZERO,
            come: 0,
        }
    }

    /// The next bytes; none at the end. An end that comes too early or too late is an error.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let url = self.response.url().clone();
        let begun = Instant::now();
        let patience = self.stall.saturating_sub(self.waited);
        let Ok(chunk) = tokio::time::timeout(patience, self.response.chunk()).await else {
            let (host, waited) = (host(&url), self.stall);
            return Err(Error::TimedOut { host, waited });
        };
        let chunk = chunk.map_err(|error| from_reqwest(&url, &error))?;
        let length = chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        match (&chunk, self.left) {
            (None, Some(left)) if left > 0 => {
                let reason = format!("{left} bytes are missing");
                let host = host(&url);
                return Err(Error::Interrupted { host, reason });
            }
            (_, Some(left)) if length > left => {
                let reason = "more bytes than it said".into();
                let host = host(&url);
                return Err(Error::BadAnswer { host, reason });
            }
            _ => {}
        }
        self.left = self.left.map(|left| left - length);
        self.come += length;
        self.waited += begun.elapsed();
        if self.come >= STALLED_BYTES {
            (self.waited, self.come) = (Duration::ZERO, 0);
        }
        Ok(chunk)
    }

    pub(super) fn left(&self) -> Option<u64> {
        self.left
    }
}

/// All of a body that is not longer than `limit`.
pub(crate) async fn collect(hub: &Hub, response: Response, limit: u64) -> Result<Vec<u8>> {
    let host = host(response.url());
    let length = response.content_length();
    let too_large = || Error::TooLarge {
        host: host.clone(),
        limit,
    };
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut chunks = Chunks::new(response, length, hub.0.options.timeouts.stall);
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        if body.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
