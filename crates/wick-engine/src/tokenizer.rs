//! Text to tokens and back, by the vocabulary of a GGUF header or of a model folder. Control tokens are recognised by
//! this module alone, and only in the text of the chat template: what a person writes never becomes one.

mod hub;
mod pre;
mod scores;
mod special;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use tokenizers::{
    Model, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer, models::bpe::BPE, normalizers::unicode::NFC, pre_tokenizers::sequence::Sequence,
};

pub(crate) use hub::read_json;
use scores::Scores;
use special::{Special, Specials};
use vocabulary::{Kind, SpacePrefix, Vocabulary, Writing};

use crate::{Error, Result, chat_template::PromptPart, gguf::ValidatedGguf, reasoning};

/// How text without special tokens becomes tokens.
enum Encoder {
    /// Bytes as printable characters, words cut first.
    Words { cut: Box<Sequence>, bpe: Box<BPE> },
    /// `▁` for spaces, joined by merges.
    Merges { bpe: Box<BPE>, prefix: SpacePrefix },
    /// `▁` for spaces, joined by scores.
    Scores {
        scores: Box<Scores>,
        prefix: SpacePrefix,
    },
}

/// The tokenizer of a model.
pub struct Tokenizer {
    encoder: Encoder,
    tokens: Vec<String>,
    kinds: Vec<Kind>,
    specials: Specials,
    end_of_turn: HashSet<u32>,
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
    composed: bool,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tokens = self.tokens.len();
        f.debug_struct("Tokenizer")
            .field("tokens", &tokens)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// The tokenizer the header describes.
    pub fn from_gguf(gguf: &ValidatedGguf) -> Result<Self> {
        Self::new(Vocabulary::from_gguf(gguf)?)
    }

    /// The tokenizer of a model folder as the Hub ships it: `tokenizer.json`, and what `tokenizer_config.json` and
    /// `generation_config.json` say of its special tokens.
    pub fn from_hub_folder(folder: &Path) -> Result<Self> {
        Self::new(hub::vocabulary(folder)?)
    }

    fn new(vocabulary: Vocabulary) -> Result<Self> {
        let v = vocabulary.checked()?;
        let ids = v.text_ids();
        let encoder = match v.writing {
            Writing::SentencePiece {
                prefix,
                by_scores: true,
            } => {
                let bytes = v.byte_ids(&ids)?;
                let text = |(_, id): &(&String, u32)| v.kinds[*id as usize] != Kind::Byte;
                let tokens = ids.iter().map(|(token, id)| (token, *id)).filter(text);
                let scored = tokens.map(|(token, id)| (token.clone(), (id, v.scores[id as usize])));
                let scores = Box::new(Scores::new(scored.collect(), bytes));
                Encoder::Scores { scores, prefix }
            }
            Writing::SentencePiece {
                prefix,
                by_scores: false,
            } => {
                v.byte_ids(&ids)?;
                let bpe = Box::new(bpe(&v, ids, true)?);
                Encoder::Merges { bpe, prefix }
            }
            Writing::Bytes(rules) => {
                let cut = rules
                    .words()
                    .map_err(|error| v.unsupported(error.to_string()))?;
                let (cut, bpe) = (Box::new(cut), Box::new(bpe(&v, ids, false)?));
                Encoder::Words { cut, bpe }
            }
        };
        let strips = v
            .strips
            .iter()
            .map(|(id, before, behind)| (*id, (*before, *behind)));
        let strips: HashMap<u32, (bool, bool)> = strips.collect();
        let mut specials = Specials::default();
        for (id, (token, kind)) in v.tokens.iter().zip(&v.kinds).enumerate() {
            let id = id as u32;
            if matches!(kind, Kind::Control | Kind::UserDefined) {
                let (lstrip, rstrip) = strips.get(&id).copied().unwrap_or_default();
                let control = *kind == Kind::Control;
                specials.add(
                    token,
                    Special {
                        id,
                        control,
                        lstrip,
                        rstrip,
                    },
                );
            }
        }
        Ok(Self {
            encoder,
            specials,
            end_of_turn: v.end_of_turn.into_iter().collect(),
            add_bos: v.add_bos,
            composed: v.composed,
            bos: v.bos,
            eos: v.eos,
            tokens: v.tokens,
            kinds: v.kinds,
        })
    }

    /// Tokens of a text in which nothing is a control token. Characters for which a byte-level
    /// vocabulary has no bytes (rare control characters) have no tokens.
    pub fn encode_text(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.encode(text, std::slice::from_ref(&(0..text.len())), &mut ids)?;
        Ok(ids)
    }

    /// Tokens of a text that stands by itself, begun as the vocabulary wants it.
    pub fn encode_document(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids: Vec<u32> = self.bos_of_document().into_iter().collect();
        ids.extend(self.encode_text(text)?);
        Ok(ids)
    }

    /// The token that begins every text, where the vocabulary wants one.
    pub fn bos_of_document(&self) -> Option<u32> {
        self.bos.filter(|_| self.add_bos)
    }

    /// Tokens of a prompt: control tokens are those the template wrote, never those in a content.
    pub fn encode_prompt(&self, parts: &[PromptPart]) -> Result<Vec<u32>> {
        let (mut ids, mut text, mut contents) = (Vec::new(), String::new(), Vec::new());
        for part in parts {
            let start = text.len();
            match part {
                PromptPart::Template(template) => text.push_str(template),
                PromptPart::Content(content) => {
                    text.push_str(content);
                    contents.push(start..text.len());
                }
            }
        }
        self.encode(&text, &contents, &mut ids)?;
        if let (true, Some(bos)) = (self.add_bos, self.bos)
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// Bytes a token adds to the text; none for control tokens and numbers that are no token. Marks of reasoning
    /// count as text, whatever the vocabulary calls them.
    pub fn token_bytes(&self, id: u32) -> Vec<u8> {
        let Some(token) = self.tokens.get(id as usize) else {
            return Vec::new();
        };
        let bytes = matches!(self.encoder, Encoder::Words { .. });
        match self.kinds[id as usize] {
            Kind::Normal if bytes => token
                .chars()
                .map(pre::char_to_byte)
                .collect::<Option<_>>()
                .unwrap_or_else(|| token.as_bytes().to_vec()),
            Kind::Byte => token
                .strip_prefix("<0x")
                .and_then(|hex| hex.strip_suffix('>'))
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                .into_iter()
                .collect(),
            Kind::UserDefined if bytes => token.clone().into_bytes(),
            Kind::Normal | Kind::UserDefined => token.replace('▁', " ").into_bytes(),
            Kind::Control if reasoning::is_mark(token) => token.clone().into_bytes(),
            Kind::Control | Kind::Unused => Vec::new(),
        }
    }

    /// Whether the model ends its turn with this token.
    pub fn is_end_of_turn(&self, id: u32) -> bool {
        self.end_of_turn.contains(&id)
    }

    /// Text of the token that begins a sequence; empty where there is none.
    pub fn bos_text(&self) -> &str {
        self.text_of(self.bos)
    }

    /// Text of the token that ends a sequence; empty where there is none.
    pub fn eos_text(&self) -> &str {
        self.text_of(self.eos)
    }

    /// Whether the same numbers are the same tokens in both.
    pub fn has_the_tokens_of(&self, other: &Self) -> bool {
        self.tokens == other.tokens
    }

    /// Number of tokens.
    pub fn vocabulary_size(&self) -> usize {
        self.tokens.len()
    }

    /// Whether one token, that is matched as a whole, has this text.
    pub(crate) fn has_special(&self, text: &str) -> bool {
        self.specials
            .next(text, 0, &[])
            .is_some_and(|found| found.range == (0..text.len()))
    }

    fn text_of(&self, id: Option<u32>) -> &str {
        id.and_then(|id| self.tokens.get(id as usize))
            .map_or("", String::as_str)
    }

    /// Appends the tokens of a text, of which some stretches are not the template's.
    fn encode(&self, text: &str, contents: &[Range<usize>], ids: &mut Vec<u32>) -> Result<()> {
        let mut at = 0;
        while let Some(found) = self.specials.next(text, at, contents) {
            let mut before = &text[at..found.range.start];
            if found.token.lstrip {
                before = before.trim_end();
            }
            self.encode_run(before, at == 0, ids)?;
            ids.push(found.token.id);
            at = found.range.end;
            if found.token.rstrip {
                at = text.len() - text[at..].trim_start().len();
            }
        }
        self.encode_run(&text[at..], at == 0, ids)
    }

    /// Appends the tokens of text without special tokens.
    fn encode_run(&self, text: &str, first: bool, ids: &mut Vec<u32>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let spaces = |text: &str, prefix: SpacePrefix| {
            let missing = !text.starts_with([' ', '▁']);
            let prefixed = match prefix {
                SpacePrefix::Never => false,
                SpacePrefix::Always => true,
                SpacePrefix::MissingFirst => missing && first,
                SpacePrefix::MissingAlways => missing,
            };
            format!("{}{text}", if prefixed { " " } else { "" }).replace(' ', "▁")
        };
        let encode = || -> tokenizers::Result<Vec<u32>> {
            let text = self.compose(text)?;
            match &self.encoder {
                Encoder::Words { cut, bpe } => {
                    let mut pieces = PreTokenizedString::from(text.as_ref());
                    cut.pre_tokenize(&mut pieces)?;
                    pieces.tokenize(|word| bpe.tokenize(word.get()))?;
                    let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
                    let tokens = splits
                        .into_iter()
                        .filter_map(|(.., tokens)| tokens.as_ref());
                    Ok(tokens.flatten().map(|token| token.id).collect())
                }
                Encoder::Merges { bpe, prefix } => {
                    let tokens = bpe.tokenize(&spaces(&text, *prefix))?;
                    Ok(tokens.iter().map(|token| token.id).collect())
                }
                Encoder::Scores { scores, prefix } => {
                    let mut ids = Vec::new();
                    scores.encode(&spaces(&text, *prefix), &mut ids);
                    Ok(ids)
                }
            }
        };
        let panicked = |_| Error::Panicked {
            reason: "the tokenizer panicked".to_owned(),
        };
        let failed = |error: tokenizers::Error| Error::Compute {
            reason: error.to_string(),
        };
        let encoded = catch_unwind(AssertUnwindSafe(encode)).map_err(panicked)?;
        let encoded = encoded.map_err(failed)?;
        ids.extend(encoded);
        Ok(())
    }

    fn compose<'t>(&self, text: &'t str) -> tokenizers::Result<Cow<'t, str>> {
        if !self.composed || text.is_ascii() {
            return Ok(text.into());
        }
        let mut normalized = NormalizedString::from(text);
        NFC.normalize(&mut normalized)?;
        Ok(normalized.get().to_owned().into())
    }
}

/// Merges that join what `ids` names.
fn bpe(v: &Vocabulary, ids: tokenizers::models::bpe::Vocab, byte_fallback: bool) -> Result<BPE> {
    let merges = v.checked_merges(&ids)?;
    let build = AssertUnwindSafe(|| {
        BPE::builder()
            .vocab_and_merges(ids, merges)
            .byte_fallback(byte_fallback)
            .ignore_merges(v.whole_words_first)
            .cache_capacity(0)
            .build()
    });
    catch_unwind(build)
        .map_err(|_| v.unsupported("it cannot be built"))?
        .map_err(|error| v.unsupported(error.to_string()))
}
