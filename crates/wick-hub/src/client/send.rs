//! One request: redirects are followed by hand, so that each hop is looked at before it is asked.

use std::{error::Error as _, io, ops::Range, time::Instant};

use reqwest::{
    Response, StatusCode,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION, RANGE,
    },
};
use url::Url;

use super::Hub;
use crate::{Error, Refusal, RepoId, Result, endpoint, error::shown};

/// Renamed repository, other case, small file or signed address: four in a row, and as many to spare.
const MOST_REDIRECTS: usize = 8;

/// What is asked for.
pub(crate) struct Question<'a> {
    pub url: Url,
    /// Whom it concerns, for what an error says.
    pub repo: Option<&'a RepoId>,
    pub range: Option<Range<u64>>,
    /// An `ETag` of what is here already.
    pub known: Option<&'a str>,
}

/// An answer that is no error: 200, 206, 304 or 416.
pub(crate) struct Answer {
    pub response: Response,
    /// Headers of each redirect before, in their order.
    pub redirects: Vec<HeaderMap>,
}

impl<'a> Question<'a> {
    pub(crate) fn new(url: Url) -> Self {
        Self {
            url,
            repo: None,
            range: None,
            known: None,
        }
    }

    pub(crate) fn about(url: Url, repo: &'a RepoId) -> Self {
        Self {
            repo: Some(repo),
            ..Self::new(url)
        }
    }
}

impl Hub {
    /// Asks, follows redirects, and turns what the server refuses into an error.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let mut url = question.url.clone();
        if self.0.asks_nobody {
            let reason = "nobody is to be asked".into();
            return Err(Error::Offline {
                host: host(&url),
                reason,
            });
        }
        endpoint::check(&url).map_err(|refusal| Error::refused(url.as_str(), refusal))?;
        let mut redirects = Vec::new();
        loop {
            let response = self.ask_once(&url, question).await?;
            let status = response.status();
            let is_answer = [
                StatusCode::OK,
                StatusCode::PARTIAL_CONTENT,
                StatusCode::NOT_MODIFIED,
                StatusCode::RANGE_NOT_SATISFIABLE,
            ];
            if is_answer.contains(&status) {
                return Ok(Answer {
                    response,
                    redirects,
                });
            }
            if !status.is_redirection() {
                return Err(self.failure(question, response).await);
            }
            if redirects.len() == MOST_REDIRECTS {
                return Err(Error::refused(
                    &without_query(&question.url),
                    Refusal::Redirects,
                ));
            }
            let next = next_address(&url, response.headers())?;
            redirects.push(response.headers().clone());
            url = next;
        }
    }

    async fn ask_once(&self, url: &Url, question: &Question<'_>) -> Result<Response> {
        let options = &self.0.options;
        let mut request = self
            .0
            .client
            .get(url.clone())
            .header(ACCEPT_ENCODING, "identity");
        if let Some(token) = options
            .token
            .as_ref()
            .filter(|_| options.endpoint.is_origin_of(url))
        {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
                .map_err(|_| Error::refused("the access token", Refusal::Token))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(range) = &question.range {
            let last = range.end.saturating_sub(1);
            request = request.header(RANGE, format!("bytes={}-{last}", range.start));
        }
        if let Some(known) = question.known {
            request = request.header(IF_NONE_MATCH, known);
        }
        let begun = Instant::now();
        match tokio::time::timeout(options.timeouts.first_byte, request.send()).await {
            Ok(answer) => answer.map_err(|error| from_reqwest(url, &error)),
            Err(_) => Err(Error::TimedOut {
                host: host(url),
                waited: begun.elapsed(),
            }),
        }
    }
}

fn next_address(from: &Url, headers: &HeaderMap) -> Result<Url> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| from.join(location).ok());
    let mut next = next.ok_or_else(|| Error::BadAnswer {
        host: host(from),
        reason: "a redirect without an address".into(),
    })?;
    next.set_fragment(None);
    match endpoint::check_redirect(from, &next) {
        Ok(()) => Ok(next),
        Err(refusal) => Err(Error::refused(&without_query(&next), refusal)),
    }
}

/// An address that may be shown: what follows the path signs for somebody.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Fails where there can be no password.
    url.set_password(None).ok();
    url.set_username("").ok();
    url.into()
}

/// Host and port, as errors name a server.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// What went wrong on the way.
pub(crate) fn from_reqwest(url: &Url, error: &reqwest::Error) -> Error {
    let (host, reason) = (host(url), reason(error));
    match error {
        _ if is_about_encryption(error) => Error::Encryption { host, reason },
        _ if error.is_builder() => Error::refused(&without_query(url), Refusal::Address),
        _ if error.is_connect() => Error::Offline { host, reason },
        _ => Error::Interrupted { host, reason },
    }
}

/// The innermost cause: the outer ones repeat the address.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut innermost = error.source();
    while let Some(next) = innermost.and_then(|error| error.source()) {
        innermost = Some(next);
    }
    match innermost {
        Some(cause) => shown(&cause.to_string()),
        None if error.is_timeout() => "timed out".into(),
        None => "the request failed".into(),
    }
}

fn is_about_encryption(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}
