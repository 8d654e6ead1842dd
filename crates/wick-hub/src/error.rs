//! What can go wrong between Wick and the Hub.

use std::time::Duration;

use url::Url;

use crate::RepoId;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Longest text of a stranger's that an error carries.
const LONGEST_SHOWN: usize = 120;

/// Any failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing answers: no network, no such host, nobody listening.
    #[error("{host} does not answer: {reason}")]
    Offline {
        /// Who was asked.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The connection stands, and nothing came for too long.
    #[error("{host} has sent nothing for {} seconds", waited.as_secs())]
    TimedOut {
        /// Who was asked.
        host: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The answer broke off.
    #[error("the connection to {host} broke off: {reason}")]
    Interrupted {
        /// Who was answering.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The host could not prove who it is, or encryption could not be set up.
    #[error("no encrypted connection to {host}: {reason}")]
    Encryption {
        /// Who was asked.
        host: String,
        /// Why.
        reason: String,
    },
    /// The Hub knows the name, and what was asked for is not there.
    #[error("{what} was not found: {name}")]
    NotFound {
        /// What was asked for.
        what: Wanted,
        /// Its name.
        name: String,
    },
    /// The Hub does not tell which: it says the same of all three.
    #[error("{name} was not found, is private, or needs sign-in")]
    NotFoundOrPrivate {
        /// What was asked for.
        name: String,
        /// Whether a token was sent.
        signed_in: bool,
    },
    /// Its publisher asks for something first.
    #[error("{}", gated(repo, url, *access))]
    Gated {
        /// Which repository.
        repo: RepoId,
        /// Where the terms are accepted.
        url: Url,
        /// What is missing.
        access: Access,
    },
    /// The Hub has taken the repository out of use.
    #[error("{name} is disabled")]
    Disabled {
        /// Which.
        name: String,
    },
    /// Asked too often.
    #[error("asked too often; the next answer is due in {} seconds", retry_after.as_secs())]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// An address for the bytes has expired: the file is to be asked for anew.
    #[error("{host} no longer serves this address (status {status})")]
    ExpiredAddress {
        /// Who was asked.
        host: String,
        /// Its answer.
        status: u16,
    },
    /// The server failed.
    #[error("{host} failed (status {status})")]
    Server {
        /// Who was asked.
        host: String,
        /// Its answer.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// An answer that no Hub gives.
    #[error("{host} answered what cannot be used: {reason}")]
    BadAnswer {
        /// Who answered.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer larger than any of its kind.
    #[error("{host} answered more than {limit} bytes")]
    TooLarge {
        /// Who answered.
        host: String,
        /// How much is read.
        limit: u64,
    },
    /// Something that Wick will not use.
    #[error("{what}: {refusal}")]
    Refused {
        /// The name or address.
        what: String,
        /// Why not.
        refusal: Refusal,
    },
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A repository.
    Repository,
    /// One of its revisions.
    Revision,
    /// One of its files.
    File,
    /// Something else.
    Page,
}

/// What is missing to a gated repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A token that the Hub takes.
    SignIn,
    /// The terms are not accepted.
    Terms,
    /// They are, and the publisher has not said yes yet.
    AwaitsReview,
}

/// Why something is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not `https`, and not this machine.
    #[error("not an encrypted address (https), and not this machine")]
    Unencrypted,
    /// No address of a server.
    #[error("not an address that can be asked")]
    Address,
    /// No name of a repository.
    #[error("not the name of a repository (owner/name)")]
    Repository,
    /// No path of a file.
    #[error("not a file name that can be used")]
    Path,
    /// No hash.
    #[error("not a hash")]
    Hash,
    /// No token.
    #[error("not an access token")]
    Token,
    /// No proxy.
    #[error("not the address of a proxy")]
    Proxy,
    /// A file of a kind that is never fetched.
    #[error("not a kind of file that is ever fetched")]
    Kind,
    /// A redirect that leads nowhere.
    #[error("redirected too often")]
    Redirects,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Repository => "the repository",
            Self::Revision => "the revision",
            Self::File => "the file",
            Self::Page => "the page",
        })
    }
}

fn gated(repo: &RepoId, url: &Url, access: Access) -> String {
    match access {
        Access::SignIn => format!(
            "{repo} asks for its terms to be accepted at {url}, and for an access token of the account that did"
        ),
        Access::Terms => format!("{repo} asks for its terms to be accepted at {url}"),
        Access::AwaitsReview => {
            format!("{repo} has not granted access yet; its authors decide at {url}")
        }
    }
}

impl Error {
    pub(crate) fn refused(what: &str, refusal: Refusal) -> Self {
        let what = shown(what);
        Self::Refused { what, refusal }
    }

    /// Whether the same question may be answered later, though nobody changes anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Offline { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::RateLimited { .. }
            | Self::ExpiredAddress { .. }
            | Self::Server { .. } => true,
            Self::Encryption { .. }
            | Self::NotFound { .. }
            | Self::NotFoundOrPrivate { .. }
            | Self::Gated { .. }
            | Self::Disabled { .. }
            | Self::BadAnswer { .. }
            | Self::TooLarge { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A stranger's text, short and on one line.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_SHOWN)
        .collect();
    if text.chars().count() > LONGEST_SHOWN {
        short.push('…');
    }
    short
}
