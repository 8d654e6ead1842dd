//! The vocabulary in the GGUF header: what it says, whether it holds together, and its merges.

use std::collections::HashSet;

use tokenizers::models::bpe::Vocab;

use crate::{Error, Result, gguf::ValidatedGguf};

/// `tokenizer.ggml.token_type`.
pub(super) mod token_type {
    pub const NORMAL: i32 = 1;
    pub const CONTROL: i32 = 3;
    pub const USER_DEFINED: i32 = 4;
    pub const BYTE: i32 = 6;
}

/// Longest ordinary token of a SentencePiece vocabulary, whose merges have to be derived.
const MAX_TOKEN_BYTES: usize = 1024;

/// What the header says about the tokenizer.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    pub model: String,
    pub pre: String,
    pub tokens: Vec<String>,
    pub merges: Vec<String>,
    pub scores: Vec<f32>,
    pub types: Vec<i32>,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub eot: Option<u32>,
    pub add_bos: Option<bool>,
    pub add_space_prefix: Option<bool>,
}

impl Vocabulary {
    pub fn from_gguf(gguf: &ValidatedGguf) -> Result<Self> {
        let metadata = gguf.metadata();
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let text = |name: &str| metadata.str(&key(name));
        let texts = |name: &str| metadata.strings(&key(name));
        Ok(Self {
            model: text("model")?.unwrap_or_default().to_owned(),
            pre: text("pre")?.unwrap_or("default").to_owned(),
            tokens: texts("tokens")?.unwrap_or_default().to_vec(),
            merges: texts("merges")?.unwrap_or_default().to_vec(),
            scores: metadata.f32s(&key("scores"))?.unwrap_or_default().to_vec(),
            types: metadata.i32s(&key("token_type"))?.unwrap_or_default(),
            bos: metadata.u32(&key("bos_token_id"))?,
            eos: metadata.u32(&key("eos_token_id"))?,
            eot: metadata.u32(&key("eot_token_id"))?,
            add_bos: metadata.bool(&key("add_bos_token"))?,
            add_space_prefix: metadata.bool(&key("add_space_prefix"))?,
        })
    }

    pub fn unsupported(&self, reason: impl Into<String>) -> Error {
        let tokenizer = match self.model.as_str() {
            "gpt2" => format!("{}/{}", self.model, self.pre),
            model => model.to_owned(),
        };
        Error::UnsupportedTokenizer {
            tokenizer,
            reason: reason.into(),
        }
    }

    pub fn type_of(&self, id: usize) -> i32 {
        self.types.get(id).copied().unwrap_or(token_type::NORMAL)
    }

    /// Tokens that ordinary text may become: no control tokens, no padding, and of the user-defined
    /// tokens only those that are no markup (runs of spaces or line breaks, most often).
    pub fn is_text(&self, id: usize) -> bool {
        match self.type_of(id) {
            token_type::NORMAL => !self.tokens[id].is_empty(),
            token_type::USER_DEFINED => {
                let token = &self.tokens[id];
                !token.is_empty() && !token.contains(['<', '>', '[', ']', '|'])
            }
            _ => false,
        }
    }

    pub fn check(&self) -> Result<()> {
        let count = self.tokens.len();
        if count == 0 {
            return Err(self.unsupported("the file has no list of tokens"));
        }
        if u32::try_from(count).is_err() {
            return Err(self.unsupported("there are too many tokens"));
        }
        if !self.types.is_empty() && self.types.len() != count {
            let types = self.types.len();
            return Err(self.unsupported(format!("{count} tokens have {types} token types")));
        }
        for (name, id) in [("bos", self.bos), ("eos", self.eos), ("eot", self.eot)] {
            if id.is_some_and(|id| id as usize >= count) {
                return Err(self.unsupported(format!("the {name} token is none of the {count}")));
            }
        }
        Ok(())
    }

    /// Merges as the header lists them.
    pub fn listed_merges(&self, ids: &Vocab) -> Result<Vec<(String, String)>> {
        if self.merges.is_empty() {
            return Err(self.unsupported("the file has no merges"));
        }
        let mut seen = HashSet::with_capacity(self.merges.len());
        let mut merges = Vec::with_capacity(self.merges.len());
        for merge in &self.merges {
            let bad = |why: &str| self.unsupported(format!("the merge \"{merge}\" {why}"));
            let (a, b) = merge
                .split_once(' ')
                .filter(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains(' '))
                .ok_or_else(|| bad("is not a pair"))?;
            if ![a, b, &format!("{a}{b}")]
                .iter()
                .all(|part| ids.contains_key(*part))
            {
                return Err(bad("uses a token the vocabulary does not have"));
            }
            if seen.insert(merge) {
                merges.push((a.to_owned(), b.to_owned()));
            }
        }
        Ok(merges)
    }

    /// Merges of a SentencePiece vocabulary: every way to make a token of two others, best score first.
    pub fn derived_merges(&self, ids: &Vocab) -> Result<Vec<(String, String)>> {
        let (count, scores) = (self.tokens.len(), self.scores.len());
        if scores != count {
            return Err(self.unsupported(format!("{count} tokens have {scores} scores")));
        }
        if self.scores.iter().any(|score| score.is_nan()) {
            return Err(self.unsupported("a score is not a number"));
        }
        let mut order: Vec<usize> = (0..count).filter(|&id| self.is_text(id)).collect();
        if let Some(&id) = order
            .iter()
            .find(|&&id| self.tokens[id].len() > MAX_TOKEN_BYTES)
        {
            return Err(self.unsupported(format!("the token {id} is too long")));
        }
        order.sort_by(|&a, &b| self.scores[b].total_cmp(&self.scores[a]).then(a.cmp(&b)));
        let mut merges = Vec::with_capacity(2 * count);
        let mut seen = HashSet::with_capacity(count);
        for token in order.into_iter().map(|id| self.tokens[id].as_str()) {
            if !seen.insert(token) {
                continue;
            }
            for (at, _) in token.char_indices().skip(1) {
                let (a, b) = token.split_at(at);
                let known = |part: &str| {
                    ids.get(part)
                        .is_some_and(|&id| self.type_of(id as usize) != token_type::BYTE)
                };
                if known(a) && known(b) {
                    merges.push((a.to_owned(), b.to_owned()));
                }
            }
        }
        Ok(merges)
    }
}
