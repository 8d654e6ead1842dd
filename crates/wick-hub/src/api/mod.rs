//! Questions about models: each a page of JSON or text, capped, kept on disk, and read with tolerance.

mod card;
mod first_bytes;
mod lenient;
mod model;
mod search;
mod tree;
mod who;

use std::time::Instant;

use reqwest::{
    StatusCode,
    header::{ETAG, LINK},
};
use url::Url;

use crate::{
    Error, Hub, RepoId, Result,
    client::{Question, collect, header_text, host},
    pages::{Page, Pages, Told, now_ms},
};

pub use model::{Gating, ModelInfo, ModelSummary};
pub use search::{NextPage, SearchPage, SearchQuery, Sort};
pub use tree::TreeFile;

/// Most bytes of a page: chat templates in a search come to a tenth of it.
const MOST_PAGE_BYTES: u64 = 8 << 20;
/// Longest question for a next page.
const LONGEST_NEXT: usize = 4096;
/// For so long a page is as good as new.
const NEW_MS: i64 = 60_000;

/// How long a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// What belongs to a commit does not change.
    Forever,
    /// The server is asked whether it still holds.
    AMinute,
}

/// What a page said, when, and what to ask for the one after it.
struct Answered<T> {
    value: T,
    at_ms: i64,
    next: Option<String>,
}

impl Hub {
    /// Asks for a page, unless one is kept that holds.
    async fn page<T>(
        &self,
        url: Url,
        repo: Option<&RepoId>,
        holds: Holds,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Answered<T>> {
        let pages = self.pages();
        let question = self.question_for_pages(&url);
        let kept = read_kept(pages.clone(), question.clone()).await;
        // A page that cannot be read was kept by another Wick, or damaged.
        let kept = kept.and_then(|page| Some((read(&page.body).ok()?, page)));
        let holds_still = |page: &Page| {
            let age = now_ms() - page.told.at_ms;
            self.asks_nobody() || holds == Holds::Forever || (0..NEW_MS).contains(&age)
        };
        let (etag, kept) = match kept {
            Some((value, page)) if holds_still(&page) => return Ok(answered(value, page.told)),
            Some((value, page)) => (page.told.etag.clone(), Some((value, page))),
            None => (None, None),
        };
        let host = host(&url);
        if self.asks_nobody() {
            return Err(Error::Offline {
                host,
                reason: "no page of it is kept".into(),
            });
        }
        self.pace().turn().await?;
        let asked = Question {
            repo,
            known: etag.as_deref(),
            ..Question::new(url)
        };
        let answer = self.ask(&asked).await.inspect_err(|error| {
            if let Error::RateLimited { retry_after } = error {
                self.pace().close(Instant::now(), *retry_after);
            }
        })?;
        let response = answer.response;
        let (value, page) = match (response.status(), kept) {
            (StatusCode::NOT_MODIFIED, Some((value, mut page))) => {
                page.told.at_ms = now_ms();
                (value, page)
            }
            (StatusCode::OK, _) => {
                let headers = response.headers();
                let etag = header_text(headers, ETAG.as_str()).map(str::to_owned);
                let next = header_text(headers, LINK.as_str()).and_then(next_of);
                let body = collect(self, response, MOST_PAGE_BYTES).await?;
                let value = read(&body).map_err(|reason| Error::BadAnswer { host, reason })?;
                let bytes = body.len() as u64;
                (
                    value,
                    Page {
                        told: Told {
                            at_ms: now_ms(),
                            etag,
                            next,
                            bytes,
                        },
                        body,
                    },
                )
            }
            (status, _) => {
                let reason = format!("status {}", status.as_u16());
                return Err(Error::BadAnswer { host, reason });
            }
        };
        let told = page.told.clone();
        if let Some(pages) = pages {
            // Nothing is lost with a page that cannot be kept.
            let write = move || pages.write(&question, &page).ok();
            tokio::task::spawn_blocking(write).await.ok();
        }
        Ok(answered(value, told))
    }

    /// What one is told depends on who asks.
    fn question_for_pages(&self, url: &Url) -> String {
        format!(
            "{} {url}",
            if self.is_signed_in() {
                "signed in"
            } else {
                "nobody"
            }
        )
    }
}

fn answered<T>(value: T, told: Told) -> Answered<T> {
    Answered {
        value,
        at_ms: told.at_ms,
        next: told.next,
    }
}

async fn read_kept(pages: Option<Pages>, question: String) -> Option<Page> {
    let pages = pages?;
    tokio::task::spawn_blocking(move || pages.read(&question))
        .await
        .ok()?
}

/// Of `<https://…/api/models?cursor=…>; rel="next"` the query only: where to ask is not the server's to say.
fn next_of(link: &str) -> Option<String> {
    let links = link.split(", <").map(|link| link.trim_start_matches('<'));
    let next = links.filter_map(|link| link.split_once('>'));
    let (url, _) = next
        .into_iter()
        .find(|(_, rest)| rest.contains("rel=\"next\""))?;
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next()?;
    let is_query = query.len() <= LONGEST_NEXT && query.bytes().all(|b| b.is_ascii_graphic());
    is_query.then(|| query.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_link_only_the_query_is_taken() {
        let link = r#"<https://evil.example/api/models?cursor=abc%3D&limit=30>; rel="next""#;
        assert_eq!(next_of(link).as_deref(), Some("cursor=abc%3D&limit=30"));
        let two = r#"<https://a/?x=1>; rel="prev", <https://a/?x=3#f>; rel="next""#;
        assert_eq!(next_of(two).as_deref(), Some("x=3"));
        for none in [
            "",
            "<https://a/>; rel=\"next\"",
            "<https://a/?x=1>; rel=\"last\"",
            "<a?b c>; rel=\"next\"",
        ] {
            assert_eq!(next_of(none), None, "{none}");
        }
        assert_eq!(
            next_of(&format!("<https://a/?{}>; rel=\"next\"", "x".repeat(5000))),
            None
        );
    }
}
