//! [`Hub`]: one client for one endpoint, and the rules that every request keeps.

mod answer;
mod chunks;
mod range;
mod send;

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use url::Url;

use crate::{Endpoint, Error, Refusal, RepoId, Result, Token, pace::Pace, pages::Pages};

pub(crate) use answer::header_text;
pub(crate) use chunks::collect;
pub use range::{Body, FileFacts, RangeAnswer};
pub(crate) use send::{Question, host};

/// The Hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    client: reqwest::Client,
    options: HubOptions,
    pages: Option<Pages>,
    pace: Arc<Pace>,
    asks_nobody: bool,
}

/// How to reach the Hub.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Who asks; nobody in particular without.
    pub token: Option<Token>,
    /// The way there.
    pub proxy: Proxy,
    /// What Wick calls itself.
    pub user_agent: String,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// Where pages are kept; nowhere without.
    pub pages: Option<PathBuf>,
}

/// The way to the Hub.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// What the system and the environment say.
    #[default]
    System,
    /// Straight.
    None,
    /// Through this one: `http`, `https` or `socks5`.
    At(Url),
}

/// How long is waited. There is no limit on the time that a whole file takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins, with each redirect anew.
    pub first_byte: Duration,
    /// For a kilobyte of a body.
    pub stall: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            stall: Duration::from_secs(30),
        }
    }
}

impl HubOptions {
    /// Nobody in particular, by the system's way.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            token: None,
            proxy: Proxy::System,
            user_agent: concat!("wick/", env!("CARGO_PKG_VERSION")).into(),
            timeouts: Timeouts::default(),
            pages: None,
        }
    }
}

impl Hub {
    /// A client; it asks nothing yet.
    pub fn new(options: HubOptions) -> Result<Self> {
        // The first to ask in this process decides; ring either way.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let builder = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        let builder = match &options.proxy {
            // What runs on this machine needs no stranger in between.
            _ if options.endpoint.is_loopback() => builder.no_proxy(),
            Proxy::System => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::At(url) => {
                let proxy = reqwest::Proxy::all(url.as_str());
                builder.proxy(proxy.map_err(|_| Error::refused("the proxy", Refusal::Proxy))?)
            }
        };
        let client = builder.build().map_err(|error| Error::Encryption {
            host: options.endpoint.as_str().into(),
            reason: send::reason(&error),
        })?;
        Ok(Self(Arc::new(Inner {
            client,
            pages: options.pages.as_deref().map(Pages::at),
            options,
            pace: Arc::default(),
            asks_nobody: false,
        })))
    }

    /// The same that asks nobody: it answers with pages that were kept, however old they are.
    pub fn kept(&self) -> Self {
        Self(Arc::new(Inner {
            asks_nobody: true,
            ..(*self.0).clone()
        }))
    }

    /// The same that asks anew, whatever it was told before.
    pub fn anew(&self) -> Self {
        Self(Arc::new(Inner {
            pages: None,
            ..(*self.0).clone()
        }))
    }

    /// The same in another's name. What it is told is not kept.
    pub fn with_token(&self, token: Token) -> Self {
        let mut inner = (*self.0).clone();
        inner.options.token = Some(token);
        inner.pages = None;
        Self(Arc::new(inner))
    }

    /// Forgets all pages that were kept: somebody else is told other things.
    pub fn forget_pages(&self) {
        if let Some(pages) = &self.0.pages {
            pages.clear();
        }
    }

    /// The page of a repository, for people.
    pub fn page_of(&self, repo: &RepoId) -> Url {
        self.endpoint().page_of(repo)
    }

    /// Where this Hub is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.options.endpoint
    }

    pub(crate) fn pages(&self) -> Option<Pages> {
        self.0.pages.clone()
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    /// Whether it answers with kept pages only.
    pub fn asks_nobody(&self) -> bool {
        self.0.asks_nobody
    }

    /// Whether it is asked in somebody's name.
    pub fn is_signed_in(&self) -> bool {
        self.0.options.token.is_some()
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// Empty is none.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::None);
        }
        // Proxies have passwords, so the text is not shown again.
        let refused = || Error::refused("the proxy", Refusal::Proxy);
        let url = Url::parse(text).map_err(|_| refused())?;
        let is_proxy = ["http", "https", "socks5", "socks5h"].contains(&url.scheme());
        match is_proxy && url.host().is_some() {
            true => Ok(Self::At(url)),
            false => Err(refused()),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::None => f.write_str("None"),
            Self::At(url) => write!(f, "At({})", url.host_str().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hub").field(&self.0.options).finish()
    }
}
