//! Text to tokens and back, from the vocabulary in the GGUF header. Control tokens are recognised by this
//! module alone, and only in the text of the chat template: what a person writes never becomes one.

mod pre;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::tokenizer::{
    Model, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use vocabulary::{Vocabulary, token_type};

use crate::{Error, Result, chat_template::PromptPart, gguf::ValidatedGguf};

/// Names of the tokens that end a turn, whatever the header calls end of sequence.
const END_OF_TURN: [&str; 8] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|end_of_text|>",
    "<|eom_id|>",
];

/// How a vocabulary writes text.
enum Scheme {
    /// Bytes as printable characters, words cut first.
    Bytes(Box<Sequence>),
    /// `▁` for spaces, bytes only where there is no token.
    SentencePiece { space_prefix: bool },
}

/// The tokenizer of a model.
pub struct Tokenizer {
    bpe: BPE,
    scheme: Scheme,
    tokens: Vec<String>,
    types: Vec<i32>,
    /// Control and user-defined tokens by their first byte, longest first.
    special: HashMap<u8, Vec<(String, u32)>>,
    end_of_turn: HashSet<u32>,
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
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

    fn new(vocabulary: Vocabulary) -> Result<Self> {
        vocabulary.check()?;
        let v = &vocabulary;
        let sentence_piece = match v.model.as_str() {
            "gpt2" => false,
            "llama" => true,
            "" => return Err(v.unsupported("the file does not name its tokenizer")),
            _ => return Err(v.unsupported("Wick knows gpt2 and llama")),
        };
        let mut ids = Vocab::default();
        for (id, token) in v.tokens.iter().enumerate() {
            if v.is_text(id) || (sentence_piece && v.type_of(id) == token_type::BYTE) {
                // Of tokens with the same text the first is taken; the others still decode.
                ids.entry(token.clone()).or_insert(id as u32);
            }
        }
        if sentence_piece && (0..=255u8).any(|b| !ids.contains_key(&format!("<0x{b:02X}>"))) {
            return Err(v.unsupported("it has no token for some bytes"));
        }
        let (merges, scheme, whole_words_first) = if sentence_piece {
            let space_prefix = v.add_space_prefix.unwrap_or(true);
            (
                v.derived_merges(&ids)?,
                Scheme::SentencePiece { space_prefix },
                false,
            )
        } else {
            let rules = pre::rules(&v.pre)
                .ok_or_else(|| v.unsupported("Wick does not know how it cuts text into words"))?
                .map_err(|reason| v.unsupported(reason))?;
            (
                v.listed_merges(&ids)?,
                Scheme::Bytes(Box::new(rules.words)),
                rules.whole_words_first,
            )
        };
        let build = AssertUnwindSafe(|| {
            BPE::builder()
                .vocab_and_merges(ids, merges)
                .byte_fallback(sentence_piece)
                .ignore_merges(whole_words_first)
                .cache_capacity(0)
                .build()
        });
        let bpe = catch_unwind(build)
            .map_err(|_| v.unsupported("it cannot be built"))?
            .map_err(|error| v.unsupported(error.to_string()))?;

        let mut special: HashMap<u8, Vec<(String, u32)>> = HashMap::new();
        let mut end_of_turn: HashSet<u32> = v.eos.into_iter().chain(v.eot).collect();
        for (id, token) in v.tokens.iter().enumerate() {
            let parsed = matches!(
                v.type_of(id),
                token_type::CONTROL | token_type::USER_DEFINED
            );
            if let (true, Some(&first)) = (parsed, token.as_bytes().first()) {
                special
                    .entry(first)
                    .or_default()
                    .push((token.clone(), id as u32));
                if END_OF_TURN.contains(&token.as_str()) {
                    end_of_turn.insert(id as u32);
                }
            }
        }
        for same_start in special.values_mut() {
            same_start.sort_by_key(|(token, id)| (Reverse(token.len()), *id));
        }
        Ok(Self {
            bpe,
            scheme,
            special,
            end_of_turn,
            add_bos: v.add_bos.unwrap_or(sentence_piece),
            bos: v.bos,
            eos: v.eos,
            tokens: vocabulary.tokens,
            types: vocabulary.types,
        })
    }

    /// Tokens of a text in which nothing is a control token. Characters for which a byte-level
    /// vocabulary has no bytes (rare control characters) have no tokens.
    pub fn encode_text(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.encode_run(text, &mut ids)?;
        Ok(ids)
    }

    /// Tokens of a text that stands by itself, begun as the vocabulary wants it.
    pub fn encode_document(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids: Vec<u32> = self.bos_of_document().into_iter().collect();
        self.encode_run(text, &mut ids)?;
        Ok(ids)
    }

    /// The token that begins every text, where the vocabulary wants one.
    pub fn bos_of_document(&self) -> Option<u32> {
        self.bos.filter(|_| self.add_bos)
    }

    /// Tokens of a prompt: control tokens are those the template wrote, never those in a content.
    pub fn encode_prompt(&self, parts: &[PromptPart]) -> Result<Vec<u32>> {
        let (mut ids, mut run) = (Vec::new(), String::new());
        for part in parts {
            let mut rest = match part {
                PromptPart::Content(text) => {
                    run.push_str(text);
                    continue;
                }
                PromptPart::Template(text) => text.as_str(),
            };
            while let Some((at, len, id)) = self.next_special(rest) {
                run.push_str(&rest[..at]);
                self.encode_run(&run, &mut ids)?;
                run.clear();
                ids.push(id);
                rest = &rest[at + len..];
            }
            run.push_str(rest);
        }
        self.encode_run(&run, &mut ids)?;
        if let (true, Some(bos)) = (self.add_bos, self.bos)
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// Bytes a token adds to the text; none for control tokens and numbers that are no token.
    pub fn token_bytes(&self, id: u32) -> Vec<u8> {
        let Some(token) = self.tokens.get(id as usize) else {
            return Vec::new();
        };
        let kind = self
            .types
            .get(id as usize)
            .copied()
            .unwrap_or(token_type::NORMAL);
        match (kind, &self.scheme) {
            (token_type::NORMAL, Scheme::Bytes(_)) => token
                .chars()
                .map(pre::char_to_byte)
                .collect::<Option<_>>()
                .unwrap_or_else(|| token.as_bytes().to_vec()),
            (token_type::BYTE, _) => token
                .strip_prefix("<0x")
                .and_then(|hex| hex.strip_suffix('>'))
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                .into_iter()
                .collect(),
            (token_type::NORMAL | token_type::USER_DEFINED, Scheme::SentencePiece { .. }) => {
                token.replace('▁', " ").into_bytes()
            }
            (token_type::USER_DEFINED, Scheme::Bytes(_)) => token.clone().into_bytes(),
            _ => Vec::new(),
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

    /// Texts of the control and user-defined tokens.
    pub(crate) fn special_texts(&self) -> impl Iterator<Item = &str> {
        self.special
            .values()
            .flatten()
            .map(|(text, _)| text.as_str())
    }

    fn text_of(&self, id: Option<u32>) -> &str {
        id.and_then(|id| self.tokens.get(id as usize))
            .map_or("", String::as_str)
    }

    /// The first special token in `text`, the longest there: where, how many bytes, which.
    fn next_special(&self, text: &str) -> Option<(usize, usize, u32)> {
        text.bytes().enumerate().find_map(|(at, first)| {
            let rest = &text.as_bytes()[at..];
            let fits = |(token, _): &&(String, u32)| rest.starts_with(token.as_bytes());
            let (token, id) = self.special.get(&first)?.iter().find(fits)?;
            Some((at, token.len(), *id))
        })
    }

    /// Appends the tokens of text without special tokens.
    fn encode_run(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let encode = || -> tokenizers::Result<Vec<u32>> {
            let Scheme::Bytes(words) = &self.scheme else {
                let prefixed = matches!(self.scheme, Scheme::SentencePiece { space_prefix: true });
                let text = format!("{}{text}", if prefixed { " " } else { "" }).replace(' ', "▁");
                return Ok(self
                    .bpe
                    .tokenize(&text)?
                    .iter()
                    .map(|token| token.id)
                    .collect());
            };
            let mut pieces = PreTokenizedString::from(text);
            words.pre_tokenize(&mut pieces)?;
            pieces.tokenize(|word| self.bpe.tokenize(word.get()))?;
            let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
            let tokens = splits
                .into_iter()
                .filter_map(|(.., tokens)| tokens.as_ref());
            Ok(tokens.flatten().map(|token| token.id).collect())
        };
        let failed = |reason: String| Error::Panicked { reason };
        let encoded = catch_unwind(AssertUnwindSafe(encode))
            .map_err(|_| failed("the tokenizer panicked".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        ids.extend(encoded);
        Ok(())
    }
}
