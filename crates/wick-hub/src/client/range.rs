//! A stretch of a file: what the transfer and the reading of headers are made of.

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap},
};

use super::{
    Hub,
    answer::header_text,
    chunks::Chunks,
    send::{Answer, Question, host},
};
use crate::{CommitHash, Error, Refusal, RemotePath, RepoId, Result, Sha256Hex};

/// What a server says to a question for a range.
#[derive(Debug)]
pub enum RangeAnswer {
    /// The range (206): exactly from where it was asked for, and no longer.
    Part(Body),
    /// The whole file from its beginning (200): the server knows no ranges.
    Whole(Body),
    /// The file ends before the range begins (416).
    BeyondTheEnd {
        /// The size of the file, where it is told.
        total: Option<u64>,
        /// What was said of the file on the way.
        facts: FileFacts,
    },
}

/// What the Hub says of a file before it sends the reader elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFacts {
    /// The commit that was answered from.
    pub commit: Option<CommitHash>,
    /// Its sha256, of a large file.
    pub sha256: Option<Sha256Hex>,
    /// Its size, of a large file.
    pub size: Option<u64>,
    /// The `ETag` that came with the bytes: not always there, and of a large file not its sha256.
    pub etag: Option<String>,
}

/// Bytes on their way.
#[derive(Debug)]
pub struct Body {
    /// Where in the file they begin.
    pub start: u64,
    /// The size of the whole file, where it is told.
    pub total: Option<u64>,
    /// What was said of the file on the way.
    pub facts: FileFacts,
    chunks: Chunks,
}

impl Hub {
    /// Asks for a range of a file, which must be of a kind that is ever fetched.
    pub async fn get_range(
        &self,
        repo: &RepoId,
        commit: &CommitHash,
        path: &RemotePath,
        range: Range<u64>,
    ) -> Result<RangeAnswer> {
        if path.kind().is_none() {
            return Err(Error::refused(path.as_str(), Refusal::Kind));
        }
        let resolve = [repo.owner(), repo.name(), "resolve", commit.as_str()];
        let url = self.endpoint().at(resolve.into_iter().chain(path.parts()));
        let question = Question {
            range: Some(range.clone()),
            ..Question::about(url, repo)
        };
        let answer = self.ask(&question).await?;
        let url = answer.response.url().clone();
        read(answer, &range, self.0.options.timeouts.stall).map_err(|reason| Error::BadAnswer {
            host: host(&url),
            reason: reason.into(),
        })
    }
}

fn read(answer: Answer, asked: &Range<u64>, stall: Duration) -> Result<RangeAnswer, &'static str> {
    let headers = answer.response.headers();
    let facts = facts(&answer.redirects, headers);
    let encoding = header_text(headers, CONTENT_ENCODING.as_str()).unwrap_or("identity");
    if encoding != "identity" {
        return Err("its bytes are compressed, though that was not asked for");
    }
    let told = header_text(headers, CONTENT_RANGE.as_str());
    let (start, left, total) = match answer.response.status() {
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let total = told.and_then(|told| told.strip_prefix("bytes */")?.parse().ok());
            return Ok(RangeAnswer::BeyondTheEnd { total, facts });
        }
        StatusCode::PARTIAL_CONTENT => {
            let told = told
                .and_then(content_range)
                .ok_or("a part that does not say of what")?;
            let end = asked.end.min(told.total.unwrap_or(u64::MAX));
            if told.range != (asked.start..end) {
                return Err("another part of the file than was asked for");
            }
            (asked.start, Some(end - asked.start), told.total)
        }
        StatusCode::OK => {
            let length = answer.response.content_length();
            (0, length, length)
        }
        _ => return Err("no part of a file"),
    };
    let is_part = answer.response.status() == StatusCode::PARTIAL_CONTENT;
    let body = Body {
        start,
        total,
        facts,
        chunks: Chunks::new(answer.response, left, stall),
    };
    Ok(match is_part {
        true => RangeAnswer::Part(body),
        false => RangeAnswer::Whole(body),
    })
}

fn facts(redirects: &[HeaderMap], last: &HeaderMap) -> FileFacts {
    let hops = || redirects.iter().chain([last]);
    let first = |name| hops().find_map(|headers| header_text(headers, name));
    FileFacts {
        commit: first("x-repo-commit").and_then(|text| text.parse().ok()),
        sha256: first("x-linked-etag").and_then(|text| text.trim_matches('"').parse().ok()),
        size: first("x-linked-size").and_then(|text| text.parse().ok()),
        etag: header_text(last, ETAG.as_str()).map(str::to_owned),
    }
}

struct ContentRange {
    range: Range<u64>,
    total: Option<u64>,
}

/// `bytes 0-15/3560416288`, or `*` where the size is unknown.
fn content_range(text: &str) -> Option<ContentRange> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let total = match total {
        "*" => None,
        total => Some(total.parse::<u64>().ok()?),
    };
    let end = last.checked_add(1)?;
    let is_inside = first < end && total.is_none_or(|total| end <= total);
    is_inside.then_some(ContentRange {
        range: first..end,
        total,
    })
}

impl Body {
    /// The next bytes; none at the end. An end that comes too early or too late is an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.chunks.next().await
    }

    /// Bytes still to come, where their number is known.
    pub fn left(&self) -> Option<u64> {
        self.chunks.left()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_what_it_is_part_of() {
        let told = content_range("bytes 0-15/3560416288").unwrap();
        assert_eq!((told.range, told.total), (0..16, Some(3560416288)));
        assert_eq!(content_range("bytes 4-4/*").unwrap().total, None);
        for bad in [
            "bytes 0-15/8",
            "bytes 5-4/9",
            "0-15/16",
            "bytes -1-2/3",
            "bytes 0-18446744073709551615/*",
            "bytes 0-1",
            "bytes a-b/c",
        ] {
            assert!(content_range(bad).is_none(), "{bad}");
        }
    }
}
