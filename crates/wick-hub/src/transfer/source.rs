//! What a transfer asks for: ranges of files. The Hub answers; in tests, also a server without a network and with a
//! clock of its own.

use std::{future::Future, ops::Range};

use bytes::Bytes;

use super::TransferSpec;
use crate::{Body, FileFacts, Hub, RangeAnswer, RemoteFile, Result};

/// Who has the files.
pub(super) trait Source: Sync {
    type Body: Chunks + Send;

    fn get_range(
        &self,
        spec: &TransferSpec,
        file: &RemoteFile,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Answer<Self::Body>>> + Send;
}

/// Bytes on their way.
pub(super) trait Chunks {
    /// The next bytes, none at the end. It waits no longer than it should.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>>> + Send;
}

/// The answer to a question for a range.
pub(super) enum Answer<B> {
    /// Bytes from here on.
    Bytes { from: From, told: Told, body: B },
    /// The file ends before the range begins.
    BeyondTheEnd { told: Told },
}

/// Where bytes begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// Where they were asked for.
    Asked,
    /// At the file's beginning, whatever was asked for.
    Beginning,
}

/// What was said of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The size of the file, or of what came instead.
    pub total: Option<u64>,
    pub facts: FileFacts,
}

impl Source for Hub {
    type Body = Body;

    async fn get_range(
        &self,
        spec: &TransferSpec,
        file: &RemoteFile,
        range: Range<u64>,
    ) -> Result<Answer<Body>> {
        let asked = self.get_range(&spec.repo, &spec.commit, &file.path, range);
        let (from, body) = match asked.await? {
            RangeAnswer::Part(body) => (From::Asked, body),
            RangeAnswer::Whole(body) => (From::Beginning, body),
            RangeAnswer::BeyondTheEnd { total, facts } => {
                let told = Told { total, facts };
                return Ok(Answer::BeyondTheEnd { told });
            }
        };
        let told = Told {
            total: body.total,
            facts: body.facts.clone(),
        };
        Ok(Answer::Bytes { from, told, body })
    }
}

impl Chunks for Body {
    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        Body::chunk(self).await
    }
}
