//! Why a template could not be rendered.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The template refuses the conversation, or does what cannot be done.
    Error(String),
    /// It uses more than it may: another try would, too.
    Budget(&'static str),
}

impl Failure {
    pub fn error(reason: impl Into<String>) -> Self {
        Self::Error(reason.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(reason) => f.write_str(reason),
            Self::Budget(reason) => f.write_str(reason),
        }
    }
}
