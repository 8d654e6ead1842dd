//! Whose token it is.

use serde::Deserialize;

use super::lenient::label;
use crate::{
    Error, Hub, Result,
    client::{Question, collect, host},
};

const MOST_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
struct Who {
    name: String,
}

impl Hub {
    /// The account that the token belongs to. An error that is not retryable means that the Hub does not take it.
    pub async fn who_am_i(&self) -> Result<String> {
        let url = self.endpoint().at(["api", "whoami-v2"]);
        let host = host(&url);
        self.pace().turn().await?;
        let answer = self.ask(&Question::new(url)).await?;
        let body = collect(self, answer.response, MOST_BYTES).await?;
        let who: Who = serde_json::from_slice(&body).map_err(|error| Error::BadAnswer {
            host,
            reason: error.to_string(),
        })?;
        Ok(label(&who.name, 100))
    }
}
