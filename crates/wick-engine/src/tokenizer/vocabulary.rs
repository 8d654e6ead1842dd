//! A vocabulary, wherever it comes from: its tokens, what each is for, whether it holds together. This file reads it
//! from a GGUF header, `hub.rs` from a model folder.

use std::collections::HashSet;

use tokenizers::models::bpe::Vocab;

use crate::{Error, Result, gguf::ValidatedGguf};

use super::pre::{self, Rules};

/// Longest ordinary token: longer ones only cost memory.
const MAX_TOKEN_BYTES: usize = 4096;

/// Tokens with these names end a turn, whatever the file calls end of sequence.
const END_OF_TURN: [&str; 18] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<｜end▁of▁sentence｜>",
    "</s>",
    "<eos>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<turn|>",
];

/// Names that begin or end somebody's turn and do not look it.
const TURNS: [&str; 8] = [
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[INST]",
    "[/INST]",
];

/// What a token is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    #[default]
    Normal,
    /// Structure of the prompt; only templates write it.
    Control,
    /// Text that is matched before all else.
    UserDefined,
    /// A byte, as `<0x0A>`.
    Byte,
    /// Nothing that text may become.
    Unused,
}

/// Where a SentencePiece vocabulary puts a space that the text does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpacePrefix {
    Never,
    /// In front of the text, and after each special token.
    Always,
    /// In front of the text, where it does not begin with one.
    MissingFirst,
    /// In front of the text and after each special token, where there is none.
    MissingAlways,
}

/// How a vocabulary writes text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Writing {
    /// Bytes as printable characters; words are cut first, by these rules.
    Bytes(&'static Rules),
    /// `▁` for spaces, bytes where there is no token. Merges are listed, or follow from scores.
    SentencePiece {
        prefix: SpacePrefix,
        by_scores: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    /// What it is called in errors.
    pub name: String,
    pub writing: Writing,
    pub tokens: Vec<String>,
    pub kinds: Vec<Kind>,
    /// Blanks that a special token takes away: before, behind.
    pub strips: Vec<(u32, bool, bool)>,
    pub merges: Vec<(String, String)>,
    pub scores: Vec<f32>,
    pub whole_words_first: bool,
    /// Whether text is brought into Unicode's composed form first.
    pub composed: bool,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    /// Tokens that end a turn, as the file says.
    pub end_of_turn: Vec<u32>,
    pub add_bos: bool,
}

impl Vocabulary {
    pub fn from_gguf(gguf: &ValidatedGguf) -> Result<Self> {
        let metadata = gguf.metadata();
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let text = |name: &str| metadata.str(&key(name));
        let id = |name: &str| metadata.u32(&key(name));
        let flag = |name: &str| metadata.bool(&key(name));
        let (model, pre) = (
            text("model")?.unwrap_or_default(),
            text("pre")?.unwrap_or("default"),
        );
        let name = match model {
            "gpt2" => format!("gpt2/{pre}"),
            model => model.to_owned(),
        };
        let tokens = metadata
            .strings(&key("tokens"))?
            .unwrap_or_default()
            .to_vec();
        let (writing, fallback) = match model {
            "gpt2" => {
                let reason = "Wick does not know how it cuts text into words";
                let rules = pre::by_name(pre).ok_or_else(|| unsupported(&name, reason))?;
                (Writing::Bytes(rules), (None, None, rules.add_bos))
            }
            "llama" => {
                let prefix = match flag("add_space_prefix")? {
                    Some(false) => SpacePrefix::Never,
                    _ => SpacePrefix::Always,
                };
                let writing = Writing::SentencePiece {
                    prefix,
                    by_scores: true,
                };
                let usual = |id: u32| (tokens.len() > id as usize).then_some(id);
                (writing, (usual(1), usual(2), true))
            }
            "" => return Err(unsupported(&name, "the file does not name its tokenizer")),
            _ => return Err(unsupported(&name, "Wick knows gpt2 and llama")),
        };
        // The header's reader has seen to it that there is a type for each token, or none at all.
        let types = metadata.i32s(&key("token_type"))?.unwrap_or_default();
        let kind = |number: &i32| match number {
            1 => Kind::Normal,
            3 => Kind::Control,
            4 => Kind::UserDefined,
            6 => Kind::Byte,
            _ => Kind::Unused,
        };
        let mut kinds: Vec<Kind> = types.iter().map(kind).collect();
        kinds.resize(tokens.len(), Kind::Normal);
        let split = |merge: &String| match merge.char_indices().skip(1).find(|(_, c)| *c == ' ') {
            Some((at, _)) => Ok((merge[..at].to_owned(), merge[at + 1..].to_owned())),
            None => Err(unsupported(
                &name,
                format!("the merge \"{merge}\" is not a pair"),
            )),
        };
        let merges = match writing {
            Writing::Bytes(_) => metadata.strings(&key("merges"))?.unwrap_or_default(),
            Writing::SentencePiece { .. } => &[],
        };
        let merges = merges.iter().map(split).collect::<Result<_>>()?;
        let mut vocabulary = Self {
            merges,
            scores: metadata.f32s(&key("scores"))?.unwrap_or_default().to_vec(),
            whole_words_first: matches!(writing, Writing::Bytes(rules) if rules.whole_words_first),
            composed: false,
            bos: id("bos_token_id")?.or(fallback.0),
            eos: id("eos_token_id")?.or(fallback.1),
            end_of_turn: [id("eot_token_id")?, id("eom_token_id")?]
                .into_iter()
                .flatten()
                .collect(),
            add_bos: flag("add_bos_token")?.unwrap_or(fallback.2),
            strips: Vec::new(),
            name,
            writing,
            tokens,
            kinds,
        };
        if model == "llama" {
            // They are matched in the text as it is; older files write their spaces as the vocabulary does.
            for (token, kind) in vocabulary.tokens.iter_mut().zip(&vocabulary.kinds) {
                if *kind == Kind::UserDefined {
                    *token = token.replace('▁', " ");
                }
            }
        }
        // Phi-3's special tokens take the line break behind them, which the format has no field for.
        let model_name = metadata
            .str("general.name")?
            .unwrap_or_default()
            .to_lowercase();
        if model == "llama" && (model_name.contains("phi-3") || model_name.contains("phi3")) {
            vocabulary.strip_like_phi_3();
        }
        Ok(vocabulary)
    }

    fn strip_like_phi_3(&mut self) {
        let keeps = ["<unk>", "<s>", "<|endoftext|>"];
        let tokens = self.tokens.iter().zip(&self.kinds).enumerate();
        let special = tokens.filter(|(_, (token, kind))| {
            matches!(kind, Kind::Control | Kind::UserDefined) && !keeps.contains(&token.as_str())
        });
        self.strips = special.map(|(id, _)| (id as u32, false, true)).collect();
    }

    pub fn unsupported(&self, reason: impl Into<String>) -> Error {
        unsupported(&self.name, reason)
    }

    /// Corrects kinds that a file gets wrong, and checks that everything refers to something. What follows relies on it.
    pub fn checked(mut self) -> Result<Self> {
        let count = self.tokens.len();
        if count == 0 {
            return Err(self.unsupported("there is no list of tokens"));
        }
        if u32::try_from(count).is_err() {
            return Err(self.unsupported("there are too many tokens"));
        }
        let named = [("bos", self.bos), ("eos", self.eos)];
        let ends = self.end_of_turn.iter().map(|id| ("eot", Some(*id)));
        for (name, id) in named.into_iter().chain(ends) {
            if id.is_some_and(|id| id as usize >= count) {
                return Err(self.unsupported(format!("the {name} token is none of the {count}")));
            }
        }
        for (token, kind) in self.tokens.iter().zip(&mut self.kinds) {
            let structure = (token.len() > 4 && token.starts_with("<|") && token.ends_with("|>"))
                || (token.starts_with("<｜") && token.ends_with("｜>"))
                || (*kind == Kind::UserDefined && TURNS.contains(&token.as_str()));
            if structure && matches!(kind, Kind::Normal | Kind::UserDefined) {
                *kind = Kind::Control;
            }
            if *kind == Kind::Normal && token.is_empty() {
                *kind = Kind::Unused;
            }
        }
        if let Some(id) = self
            .tokens
            .iter()
            .position(|token| token.len() > MAX_TOKEN_BYTES)
        {
            return Err(self.unsupported(format!("the token {id} is too long")));
        }
        for (id, token) in self.tokens.iter().enumerate() {
            let special = matches!(self.kinds[id], Kind::Control | Kind::UserDefined);
            if special && END_OF_TURN.contains(&token.as_str()) {
                self.end_of_turn.push(id as u32);
            }
        }
        self.end_of_turn.extend(self.eos);
        if let Writing::SentencePiece {
            by_scores: true, ..
        } = self.writing
        {
            let scores = self.scores.len();
            if scores != count {
                return Err(self.unsupported(format!("{count} tokens have {scores} scores")));
            }
            if self.scores.iter().any(|score| !score.is_finite()) {
                return Err(self.unsupported("a score is not a number"));
            }
        }
        Ok(self)
    }

    /// Tokens that text may become by merging, and those for bytes. Of tokens with the same text the first is taken;
    /// the others still decode.
    pub fn text_ids(&self) -> Vocab {
        let mut ids = Vocab::default();
        for (id, token) in self.tokens.iter().enumerate() {
            if matches!(
                self.kinds[id],
                Kind::Normal | Kind::UserDefined | Kind::Byte
            ) {
                ids.entry(token.clone()).or_insert(id as u32);
            }
        }
        ids
    }

    /// The tokens for bytes of a SentencePiece vocabulary.
    pub fn byte_ids(&self, ids: &Vocab) -> Result<[u32; 256]> {
        let mut bytes = [0; 256];
        for (byte, id) in bytes.iter_mut().enumerate() {
            let token = ids.get(&format!("<0x{byte:02X}>"));
            *id = *token.ok_or_else(|| self.unsupported("it has no token for some bytes"))?;
        }
        Ok(bytes)
    }

    /// The merges, each once. All are of tokens there are; those that would make a control token are left out.
    pub fn checked_merges(&self, ids: &Vocab) -> Result<Vec<(String, String)>> {
        if self.merges.is_empty() {
            return Err(self.unsupported("there are no merges"));
        }
        let all: HashSet<&str> = self.tokens.iter().map(String::as_str).collect();
        let mut seen = HashSet::with_capacity(self.merges.len());
        let mut merges = Vec::with_capacity(self.merges.len());
        let mut whole = String::new();
        for merge @ (a, b) in &self.merges {
            whole.clear();
            whole.push_str(a);
            whole.push_str(b);
            let parts = [a.as_str(), b, &whole];
            if a.is_empty() || b.is_empty() || !parts.iter().all(|part| all.contains(part)) {
                let reason =
                    format!("the merge \"{a} {b}\" uses a token the vocabulary does not have");
                return Err(self.unsupported(reason));
            }
            if parts.iter().all(|part| ids.contains_key(*part)) && seen.insert(merge) {
                merges.push(merge.clone());
            }
        }
        Ok(merges)
    }
}

pub(super) fn unsupported(name: &str, reason: impl Into<String>) -> Error {
    Error::UnsupportedTokenizer {
        tokenizer: name.to_owned(),
        reason: reason.into(),
    }
}
