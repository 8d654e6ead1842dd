//! What the Hub's refusals mean.

use std::time::Duration;

use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use super::{
    Hub,
    send::{Question, host},
};
use crate::{Access, Error, Wanted, error::shown};

/// Bytes of an error's text that are looked at.
const MOST_TEXT: usize = 2048;
/// Where the server does not say how long.
const USUAL_WAIT: Duration = Duration::from_secs(60);
/// No server has a say over more.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl Hub {
    /// The error that a refusal stands for.
    pub(super) async fn failure(&self, question: &Question<'_>, response: Response) -> Error {
        let url = response.url().clone();
        let status = response.status();
        let headers = response.headers().clone();
        let is_hub = self.endpoint().is_origin_of(&url);
        let host = host(&url);
        match status {
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited {
                retry_after: retry_after(&headers).unwrap_or(USUAL_WAIT),
            },
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Error::Server {
                    host,
                    status: status.as_u16(),
                    retry_after: retry_after(&headers),
                }
            }
            // Hosts of the bytes know addresses with a signature and a time; the Hub gives a new one.
            _ if !is_hub => Error::ExpiredAddress {
                host,
                status: status.as_u16(),
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                let message = match header_text(&headers, "x-error-message") {
                    Some(message) => message.to_owned(),
                    None => beginning(response).await,
                };
                self.refusal(
                    question,
                    status,
                    header_text(&headers, "x-error-code"),
                    &message,
                )
            }
            _ => Error::BadAnswer {
                host,
                reason: format!("status {}", status.as_u16()),
            },
        }
    }

    fn refusal(
        &self,
        question: &Question<'_>,
        status: StatusCode,
        code: Option<&str>,
        message: &str,
    ) -> Error {
        let name = match question.repo {
            Some(repo) => repo.to_string(),
            None => shown(question.url.path()),
        };
        let not_found = |what| Error::NotFound {
            what,
            name: name.clone(),
        };
        match (code, question.repo) {
            (Some("GatedRepo"), Some(repo)) => Error::Gated {
                repo: repo.clone(),
                url: self.page_of(repo),
                access: match status {
                    StatusCode::UNAUTHORIZED => Access::SignIn,
                    _ if message.contains("awaiting a review") => Access::AwaitsReview,
                    _ => Access::Terms,
                },
            },
            (Some("RepoNotFound"), _) => match self.is_signed_in() {
                true => not_found(Wanted::Repository),
                false => Error::NotFoundOrPrivate {
                    name,
                    signed_in: false,
                },
            },
            (Some("RevisionNotFound"), _) => not_found(Wanted::Revision),
            (Some("EntryNotFound"), _) => Error::NotFound {
                what: Wanted::File,
                name: shown(question.url.path().trim_start_matches('/')),
            },
            _ if status == StatusCode::FORBIDDEN && message.contains("is disabled") => {
                Error::Disabled { name }
            }
            _ if status == StatusCode::NOT_FOUND => not_found(match question.repo {
                Some(_) => Wanted::Repository,
                None => Wanted::Page,
            }),
            _ => Error::NotFoundOrPrivate {
                name,
                signed_in: self.is_signed_in(),
            },
        }
    }
}

/// `RateLimit: "api";r=0;t=55` is answered a second after its end; else `Retry-After`, in seconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let limit = header_text(headers, "ratelimit").and_then(|text| {
        let fields = || text.split(';').map(str::trim);
        let is_used_up = fields().any(|field| field == "r=0");
        let left = fields().find_map(|field| field.strip_prefix("t=")?.parse::<u64>().ok());
        left.filter(|_| is_used_up)
            .map(|left| left.saturating_add(1))
    });
    let told = || {
        header_text(headers, RETRY_AFTER.as_str())?
            .trim()
            .parse::<u64>()
            .ok()
    };
    let wait = Duration::from_secs(limit.or_else(told)?);
    Some(wait.min(LONGEST_WAIT))
}

pub(crate) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// The beginning of an error's text, as far as it comes in one piece.
async fn beginning(mut response: Response) -> String {
    let waited = tokio::time::timeout(Duration::from_secs(5), response.chunk()).await;
    let bytes = waited
        .ok()
        .and_then(Result::ok)
        .flatten()
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_TEXT)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_wait_is_what_the_server_says_and_a_second() {
        let wait = |fields: &[(&'static str, &str)]| {
            retry_after(&headers(fields)).map(|wait| wait.as_secs())
        };
        assert_eq!(
            wait(&[("ratelimit", r#""api";r=0;t=55"#), ("retry-after", "7")]),
            Some(56)
        );
        assert_eq!(
            wait(&[("ratelimit", r#""api";r=3;t=55"#), ("retry-after", "7")]),
            Some(7)
        );
        assert_eq!(wait(&[("retry-after", "99999999999")]), Some(3600));
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        assert_eq!(
            wait(&[("ratelimit", "\"api\";r=0;t=18446744073709551615")]),
            Some(3600)
        );
    }
}
