//! Signing in: an access token, tried before it is kept.

use wick_hub::{Hub, Token};

use super::{HubAccount, tokens::Tokens};
use crate::{Error, Result, Wick};

impl Wick {
    /// In whose name the Hub is asked. The token itself is never told.
    pub async fn hub_account(&self) -> Result<HubAccount> {
        let connected = self.connected().await?;
        let place = match connected.token {
            Some(place) => place,
            None => {
                let tokens = Tokens::of(&self.paths);
                let place = tokio::task::spawn_blocking(move || tokens.usual_place()).await;
                place.map_err(|_| Error::Internal("asking for a keyring ended early"))?
            }
        };
        Ok(HubAccount {
            has_token: connected.token.is_some(),
            kept_in: place,
            endpoint: connected.hub.endpoint().as_str().to_owned(),
        })
    }

    /// Keeps an access token for the current endpoint, or forgets it. One that the endpoint does not take is refused;
    /// one that cannot be tried because nobody answers is kept.
    pub async fn hub_set_token(&self, token: Option<&str>) -> Result<HubAccount> {
        let token: Option<Token> = token.map(str::parse).transpose()?;
        let hub = self.hub().await?;
        if let Some(token) = &token {
            try_token(&hub, token).await?;
        }
        let (tokens, origin) = (Tokens::of(&self.paths), hub.endpoint().origin());
        let write = move || tokens.write(&origin, token.as_ref());
        let written = tokio::task::spawn_blocking(write).await;
        written.map_err(|_| Error::Internal("keeping the token ended early"))??;
        // What one account was told is not for the next.
        hub.forget_pages();
        self.connection.forget();
        self.hub_account().await
    }
}

async fn try_token(hub: &Hub, token: &Token) -> Result<()> {
    let refused = || Error::TokenRefused {
        endpoint: hub.endpoint().as_str().to_owned(),
    };
    match hub.with_token(token.clone()).who_am_i().await {
        Ok(_) => Ok(()),
        Err(error) if error.is_retryable() => Ok(()),
        Err(wick_hub::Error::NotFoundOrPrivate { .. }) => Err(refused()),
        // A mirror may not know the question.
        Err(wick_hub::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
