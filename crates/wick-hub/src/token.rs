//! The access token: read, never shown.

use std::{fmt, str::FromStr};

use crate::{Error, Refusal};

/// Longest token taken for one; those of the Hub have about 40 bytes.
const LONGEST: usize = 512;

/// An access token. It goes to the endpoint's origin and nowhere else, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token itself, for a header or a keyring.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let is_token =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        match is_token {
            true => Ok(Self(text.to_owned())),
            // What was typed may be a secret all the same.
            false => Err(Error::refused("the access token", Refusal::Token)),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token: Token = " hf_secret\n".parse().unwrap();
        assert_eq!(token.reveal(), "hf_secret");
        assert_eq!(format!("{token:?}"), "Token(…)");
        let error = "hf secret\r\nHost: x".parse::<Token>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert!("".parse::<Token>().is_err() && "x".repeat(513).parse::<Token>().is_err());
    }
}
