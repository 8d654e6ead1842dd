//! How a vocabulary wants text cut into words before byte pairs are merged, by `tokenizer.ggml.pre`; and
//! the alphabet in which byte-level vocabularies write bytes.

use tokenizers::pre_tokenizers::{
    PreTokenizerWrapper,
    byte_level::ByteLevel,
    digits::Digits,
    sequence::Sequence,
    split::{Split, SplitPattern},
};
use tokenizers::tokenizer::SplitDelimiterBehavior;

const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How a kind of byte-level vocabulary is applied.
pub(super) struct Rules {
    /// Cuts text into words and writes them in the byte alphabet.
    pub words: Sequence,
    /// A word that is a token is taken whole, whatever the merges say.
    pub whole_words_first: bool,
}

/// The rules for a value of `tokenizer.ggml.pre`; `None` where Wick does not know it.
pub(super) fn rules(pre: &str) -> Option<Result<Rules, String>> {
    let (pattern, whole_words_first) = match pre {
        "smollm" | "gpt-2" | "gpt2" | "default" => (None, false),
        "llama-bpe" | "llama3" | "llama-v3" => (Some(LLAMA_3), true),
        "qwen2" => (Some(QWEN_2), false),
        "tekken" => (Some(TEKKEN), true),
        "gpt-4o" => (Some(GPT_4O), false),
        _ => return None,
    };
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    if pre == "smollm" {
        steps.push(Digits::new(true).into());
    }
    if let Some(pattern) = pattern {
        let pattern = SplitPattern::Regex(pattern.to_owned());
        match Split::new(pattern, SplitDelimiterBehavior::Isolated, false) {
            Ok(split) => steps.push(split.into()),
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    steps.push(ByteLevel::new(false, false, pattern.is_none()).into());
    Some(Ok(Rules {
        words: Sequence::new(steps),
        whole_words_first,
    }))
}

/// The character that stands for a byte in a byte-level vocabulary.
#[cfg(test)]
pub(super) fn byte_to_char(byte: u8) -> char {
    (0..=0x143)
        .filter_map(char::from_u32)
        .find(|&c| char_to_byte(c) == Some(byte))
        .expect("every byte has a character")
}

/// The byte a character stands for in a byte-level vocabulary: printable Latin-1 stands for itself, and
/// the other bytes, in their order, are the characters from U+0100 on.
pub(super) fn char_to_byte(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match code {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => code,
        0x100..=0x120 => code - 0x100,        // 0x00..=0x20
        0x121..=0x142 => code - 0x121 + 0x7F, // 0x7F..=0xA0
        0x143 => 0xAD,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenizers::tokenizer::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    fn words(pre: &str, text: &str) -> Vec<String> {
        let mut pieces = PreTokenizedString::from(text);
        let rules = rules(pre).unwrap().unwrap();
        rules.words.pre_tokenize(&mut pieces).unwrap();
        pieces
            .get_splits(OffsetReferential::Original, OffsetType::Byte)
            .into_iter()
            .map(|(word, ..)| word.to_owned())
            .collect()
    }

    #[test]
    fn known_rules_cut_as_their_models_do() {
        assert_eq!(words("gpt-2", "it's 2024"), ["it", "'s", "Ġ2024"]);
        assert_eq!(words("smollm", "a 12"), ["a", "Ġ", "1", "2"]);
        assert_eq!(
            words("llama-bpe", "IT'S 12345"),
            ["IT", "'S", "Ġ", "123", "45"]
        );
        assert_eq!(
            words("qwen2", "x=12\n\n y"),
            ["x", "=", "1", "2", "ĊĊ", "Ġy"]
        );
        assert_eq!(words("tekken", "aB c/\n"), ["a", "B", "Ġc", "/Ċ"]);
        assert_eq!(words("gpt-4o", "You'RE 1234"), ["You'RE", "Ġ", "123", "4"]);
        assert!(rules("something-new").is_none());
    }

    #[test]
    fn the_byte_alphabet_is_a_bijection() {
        let all: std::collections::HashSet<_> = (0..=255).map(byte_to_char).collect();
        assert_eq!(all.len(), 256);
        assert_eq!(
            [byte_to_char(b' '), byte_to_char(b'\n'), byte_to_char(0xAD)],
            ['Ġ', 'Ċ', '\u{143}']
        );
    }
}
