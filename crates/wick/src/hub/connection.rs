//! The one client of the Hub, as the settings and the environment want it, made anew when they change.

use std::sync::{Mutex, PoisonError};

use wick_hub::{Endpoint, Hub, HubOptions, Proxy, Token, shared};

use super::{TokenPlace, tokens::Tokens};
use crate::{Error, Result, Wick};

/// The client, once there is one.
#[derive(Debug, Default)]
pub(crate) struct Connection(Mutex<Option<Connected>>);

#[derive(Debug, Clone)]
pub(super) struct Connected {
    pub hub: Hub,
    /// Where the token came from.
    pub token: Option<TokenPlace>,
    made_of: (Option<String>, Option<String>),
}

impl Connection {
    /// The next question makes a new client.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Wick {
    /// The client of the Hub.
    pub(crate) async fn hub(&self) -> Result<Hub> {
        Ok(self.connected().await?.hub)
    }

    pub(super) async fn connected(&self) -> Result<Connected> {
        let settings = self.settings();
        let made_of = (settings.hub_endpoint, settings.proxy);
        let lock = || {
            self.connection
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let current = lock().clone().filter(|known| known.made_of == made_of);
        if let Some(connected) = current {
            return Ok(connected);
        }
        let endpoint = endpoint(made_of.0.as_deref())?;
        let tokens = Tokens::of(&self.paths);
        let may_use_others = made_of.0.is_none();
        let asked = endpoint.clone();
        // The system's keyring may take its time.
        let found = tokio::task::spawn_blocking(move || token(&tokens, &asked, may_use_others));
        let found = found
            .await
            .map_err(|_| Error::Internal("reading the token ended early"))?;
        let (token, place) = found.unzip();
        let mut options = HubOptions::new(endpoint);
        options.token = token;
        options.proxy = match &made_of.1 {
            Some(proxy) => proxy.parse()?,
            None => Proxy::System,
        };
        options.pages = Some(self.paths.hub_pages());
        let connected = Connected {
            hub: Hub::new(options)?,
            token: place,
            made_of,
        };
        *lock() = Some(connected.clone());
        Ok(connected)
    }
}

/// The chosen endpoint, else the environment's, else the Hub's own.
fn endpoint(chosen: Option<&str>) -> Result<Endpoint> {
    let of_environment = || std::env::var("HF_ENDPOINT").ok();
    let text = chosen.map(str::to_owned).or_else(of_environment);
    Ok(match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => text.parse()?,
        None => Endpoint::default(),
    })
}

/// Wick's own token for the endpoint. Those of other programs were not given for an endpoint that only Wick knows.
fn token(
    tokens: &Tokens,
    endpoint: &Endpoint,
    may_use_others: bool,
) -> Option<(Token, TokenPlace)> {
    let of_environment = || Some((shared::token_of_environment()?, TokenPlace::Environment));
    let of_others = || Some((shared::token_of_file()?, TokenPlace::HuggingFace));
    let own = tokens.read(&endpoint.origin());
    let others = || of_environment().or_else(of_others);
    own.or_else(|| may_use_others.then(others).flatten())
}
