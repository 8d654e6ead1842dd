//! Answers: bytes with ranges, JSON, and the Hub's errors.

use std::ops::Range;

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use futures_util::stream;
use serde_json::Value;

use crate::{content::Content, repository::Repository};

const PIECE_BYTES: u64 = 64 * 1024;

/// Which bytes of a file an answer holds; handed on to whoever changes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub start: u64,
}

/// A file's bytes: whole, or the range asked for.
pub(crate) fn bytes(content: &Content, kind: &str, etag: &str, asked: &HeaderMap) -> Response {
    let size = content.size();
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, format!("\"{etag}\""));
    let asked = asked
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let (answer, range) = match asked.and_then(|text| parse_range(text, size)) {
        None => (answer, 0..size),
        Some(range) if range.is_empty() => {
            let answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"));
            return built(answer.body(Body::empty()));
        }
        Some(range) => {
            let said = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            let partial = answer.status(StatusCode::PARTIAL_CONTENT);
            (partial.header(header::CONTENT_RANGE, said), range)
        }
    };
    let length = range.end - range.start;
    let mut response = built(
        answer
            .header(header::CONTENT_LENGTH, length)
            .body(stream_of(content.clone(), range.clone())),
    );
    response
        .extensions_mut()
        .insert(Span { start: range.start });
    response
}

fn stream_of(content: Content, range: Range<u64>) -> Body {
    Body::from_stream(stream::unfold(range, move |left| {
        let content = content.clone();
        async move {
            let end = left.end.min(left.start + PIECE_BYTES);
            (!left.is_empty()).then(|| {
                let piece = content.read(left.start..end);
                (Ok::<_, std::convert::Infallible>(piece), end..left.end)
            })
        }
    }))
}

/// One range in bytes; empty when it begins behind the end. What is not understood is ignored, as servers do.
fn parse_range(text: &str, size: u64) -> Option<Range<u64>> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let start: u64 = start.parse().ok()?;
    let end = match end {
        "" => size,
        end => end.parse::<u64>().ok()?.saturating_add(1).min(size),
    };
    Some(start.min(end)..end)
}

pub(crate) fn json(value: &Value) -> Response {
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::ETAG, "W/\"a-b\"");
    built(answer.body(Body::from(value.to_string())))
}

pub(crate) fn redirect(status: StatusCode, location: &str) -> Response {
    let answer = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(header::LOCATION, location);
    let text = format!("{}. Redirecting to {location}", status.as_str());
    built(answer.body(Body::from(text)))
}

/// Where an error is said: `/api` answers in JSON, files in plain text.
#[derive(Clone, Copy)]
pub(crate) enum Said {
    Json,
    Text,
}

pub(crate) fn error(said: Said, status: u16, code: Option<&str>, message: &str) -> Response {
    let mut answer = Response::builder().status(status);
    if let Some(code) = code {
        answer = answer
            .header("x-error-code", code)
            .header("x-error-message", message);
    }
    if status == 401 {
        let realm = "Bearer realm=\"Authentication required\", charset=\"UTF-8\"";
        answer = answer.header(header::WWW_AUTHENTICATE, realm);
    }
    built(match said {
        Said::Json => answer
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::from(
                serde_json::json!({ "error": message }).to_string(),
            )),
        Said::Text => answer
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Body::from(message.to_owned())),
    })
}

/// A repository that is not there, or not for this user. The Hub does not say which.
pub(crate) fn missing(said: Said, user: Option<&str>) -> Response {
    match user {
        None => error(said, 401, None, "Invalid username or password."),
        Some(_) => error(said, 404, Some("RepoNotFound"), "Repository not found"),
    }
}

/// The answer to who may not read the files; the gate stands before everything behind it.
pub(crate) fn refusal(repository: &Repository, user: Option<&str>, said: Said) -> Option<Response> {
    let admitted = |user: &str| repository.admitted.iter().any(|known| known == user);
    let is_admitted = user.is_some_and(admitted);
    if repository.private && !is_admitted {
        return Some(missing(said, user));
    }
    if repository.disabled {
        let message = "Access to this resource is disabled.";
        return Some(error(said, 403, None, message));
    }
    if repository.gated == crate::Gated::No || is_admitted {
        return None;
    }
    let id = &repository.id;
    let awaits = |user: &str| repository.pending.iter().any(|known| known == user);
    let (status, message) = match user {
        None => (
            401,
            format!(
                "Access to model {id} is restricted. You must have access to it and be authenticated to access it. Please log in."
            ),
        ),
        Some(user) if awaits(user) => (
            403,
            format!(
                "Your request to access model {id} is awaiting a review from the repo authors."
            ),
        ),
        Some(_) => (
            403,
            format!(
                "Access to model {id} is restricted and you are not in the authorized list. Visit https://huggingface.co/{id} to ask for access."
            ),
        ),
    };
    Some(error(said, status, Some("GatedRepo"), &message))
}

/// A finished answer, with its length where that is known.
pub(crate) fn built(answer: Result<Response, axum::http::Error>) -> Response {
    let mut answer = answer.expect("headers of an answer are printable");
    if let Some(length) = answer.body().size_hint().exact() {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    answer
}
