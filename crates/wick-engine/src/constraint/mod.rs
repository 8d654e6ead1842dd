//! Output held to a format: before each token, which tokens may come next so that the whole text is JSON of a schema,
//! matches a regular expression, or belongs to a grammar.
//!
//! ```
//! # use wick_engine::{constraint::{Constraint, ConstraintFactory}, gguf::ValidatedGguf, tokenizer::Tokenizer};
//! # use wick_engine::testkit::tiny_model;
//! # let file = tempfile::NamedTempFile::new().unwrap();
//! # std::fs::write(file.path(), tiny_model("llama").writer()?.bytes()).unwrap();
//! # let tokenizer = Tokenizer::from_gguf(&ValidatedGguf::open(file.path())?)?;
//! let factory = ConstraintFactory::new(&tokenizer)?;
//! let mut state = factory.start(&Constraint::Regex("ye(s|ah)".into()))?;
//! for letter in ["y", "e", "s"] {
//!     let token = tokenizer.encode_text(letter)?[0];
//!     assert!(state.mask()?.allows(token));
//!     state.accept(token)?;
//! }
//! assert!(state.is_finished());
//! # Ok::<(), wick_engine::Error>(())
//! ```

mod factory;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use factory::ConstraintFactory;
use llguidance::{Matcher, api::TopLevelGrammar};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Error, Result, sampling::TokenMask};

/// Most bytes of a schema, written as JSON.
const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// Most bytes of a grammar.
const MAX_GRAMMAR_BYTES: usize = 32 << 10;
/// Most bytes of a regular expression.
const MAX_REGEX_BYTES: usize = 16 << 10;
/// Longest error that is passed on.
const MAX_REASON_CHARS: usize = 400;

/// White space between the parts of JSON: nothing, a space, or line breaks and indentation. Without an end to it, a
/// small model at a loss writes nothing else.
const JSON_WHITE_SPACE: &str = r" |\n{1,2}[ \t]{0,32}";

/// What a reply must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Constraint {
    /// Any JSON value.
    Json,
    /// JSON that a schema describes. A keyword that cannot be followed is refused.
    JsonSchema(Value),
    /// Text that this regular expression (of Rust's syntax) matches as a whole.
    Regex(String),
    /// Text of a context-free grammar in llguidance's variant of Lark; the rule `start` is the whole text.
    Grammar(String),
}

impl Constraint {
    /// The grammar for llguidance, within bounds.
    fn grammar(&self) -> Result<TopLevelGrammar> {
        match self {
            Self::Json => Ok(json_grammar(json!({}))),
            Self::JsonSchema(schema) => {
                check_size("schema", schema.to_string().len(), MAX_SCHEMA_BYTES)?;
                match schema {
                    Value::Bool(true) => Ok(json_grammar(json!({}))),
                    Value::Object(_) => Ok(json_grammar(schema.clone())),
                    _ => Err(invalid("a schema is an object or true")),
                }
            }
            Self::Regex(regex) => {
                check_size("regular expression", regex.len(), MAX_REGEX_BYTES)?;
                if regex.is_empty() {
                    return Err(invalid("the regular expression is empty"));
                }
                let backslashes = regex.bytes().rev().take_while(|byte| *byte == b'\\');
                if backslashes.count() % 2 == 1 {
                    return Err(invalid("the regular expression ends in a backslash"));
                }
                Ok(TopLevelGrammar::from_regex(regex))
            }
            Self::Grammar(grammar) => {
                check_size("grammar", grammar.len(), MAX_GRAMMAR_BYTES)?;
                Ok(TopLevelGrammar::from_lark(grammar.clone()))
            }
        }
    }
}

/// How far a text has come under its constraint. A clone goes on from the same place.
#[derive(Clone)]
pub struct ConstraintState {
    matcher: Matcher,
    end_of_turn: Arc<[u32]>,
    /// The end token was accepted.
    ended: bool,
    /// The mask for the next token, until one is accepted.
    mask: Option<TokenMask>,
}

impl std::fmt::Debug for ConstraintState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConstraintState")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl ConstraintState {
    /// The tokens that may come next. Tokens that end the turn are among them where the text may end here, and alone
    /// where it must.
    pub fn mask(&mut self) -> Result<&TokenMask> {
        let mask = match self.mask.take() {
            Some(mask) => mask,
            None => {
                let allowed = self.matcher.compute_mask_or_eos().map_err(failed)?;
                TokenMask::from_words(allowed.into())
            }
        };
        Ok(self.mask.insert(mask))
    }

    /// Goes on by a token that the mask allowed. After another one the state is of no use.
    pub fn accept(&mut self, token: u32) -> Result<()> {
        self.mask = None;
        if self.ended {
            return Err(invalid("nothing may follow the end"));
        }
        if !self.end_of_turn.contains(&token) {
            return self.matcher.consume_token(token).map_err(failed);
        }
        let may_end = self.matcher.is_stopped() || self.matcher.is_accepting().map_err(failed)?;
        if !may_end || self.matcher.is_error() {
            return Err(invalid("the text may not end here"));
        }
        self.ended = true;
        Ok(())
    }

    /// Takes the last `count` accepted tokens back.
    pub fn rollback(&mut self, count: usize) -> Result<()> {
        self.mask = None;
        let ends = usize::from(self.ended && count > 0);
        self.ended &= ends == 0;
        self.matcher.rollback(count - ends).map_err(failed)
    }

    /// Whether the text is complete and nothing but the end of the turn can follow. Where more could follow, it is
    /// finished once an end token was accepted.
    pub fn is_finished(&self) -> bool {
        self.ended || self.matcher.is_stopped() && !self.matcher.is_error()
    }
}

fn json_grammar(mut schema: Value) -> TopLevelGrammar {
    if let Some(schema) = schema.as_object_mut() {
        // Options of llguidance, which a schema may bring itself.
        schema
            .entry("x-guidance")
            .or_insert(json!({ "whitespace_pattern": JSON_WHITE_SPACE }));
    }
    TopLevelGrammar::from_json_schema(schema)
}

fn check_size(what: &str, bytes: usize, most: usize) -> Result<()> {
    match bytes <= most {
        true => Ok(()),
        false => Err(invalid(format!(
            "the {what} has {bytes} bytes; {most} are the most"
        ))),
    }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidConstraint {
        reason: reason.into(),
    }
}

/// What llguidance said, without its traces.
fn failed(error: impl std::fmt::Display) -> Error {
    let text = error.to_string();
    let text = text.split("\n<").next().unwrap_or_default().trim();
    invalid(text.chars().take(MAX_REASON_CHARS).collect::<String>())
}
