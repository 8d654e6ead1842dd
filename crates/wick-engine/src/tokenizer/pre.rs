//! How byte-level vocabularies want text cut into words before byte pairs are merged, by the names that GGUF files
//! use for it (`tokenizer.ggml.pre`), or by the rules that a tokenizer.json spells out.

use tokenizers::pre_tokenizers::{
    PreTokenizerWrapper,
    byte_level::ByteLevel,
    digits::Digits,
    sequence::Sequence,
    split::{Split, SplitPattern},
};
use tokenizers::tokenizer::SplitDelimiterBehavior;

/// A step of cutting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// What a pattern finds, and what is between.
    Split(&'static str),
    /// Each digit.
    Digits,
}

/// How a kind of vocabulary cuts text, and how it is applied.
#[derive(Debug)]
pub(super) struct Rules {
    /// `tokenizer.ggml.pre`: the first name is the usual one.
    pub names: &'static [&'static str],
    pub steps: &'static [Step],
    /// A word that is a token is taken whole, whatever the merges say.
    pub whole_words_first: bool,
    /// Whether a prompt begins with the token for it where the file does not say.
    pub add_bos: bool,
}

use Step::{Digits as EachDigit, Split as Cut};

const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN_35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT_2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// Words, with a space before them; marks of sentences stand apart.
const SENTENCES: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";
const THREE_DIGITS: &str = r"\p{N}{1,3}";
const CJK: &str = r"[一-龥぀-ゟ゠-ヿ]+";
const DEEPSEEK_3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;
/// Letters of the scripts that have cases. Those that composing would change are written by their numbers.
const DEEPSEEK_LETTERS: &str = "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u{1F7D}ᾀ-ᾴᾶ-ᾼ\u{1FBE}ῂ-ῄῆ-ῌῐ-\u{1FD3}ῖ-\u{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u{2126}ℨ\u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";

const ALL: [Rules; 19] = [
    Rules {
        names: &[
            "llama-bpe",
            "llama3",
            "llama-v3",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2",
        ],
        steps: &[Cut(LLAMA_3)],
        whole_words_first: true,
        add_bos: true,
    },
    Rules {
        names: &["smaug-bpe", "dbrx", "chatglm-bpe", "glm4"],
        ..plain(&[Cut(LLAMA_3)])
    },
    Rules {
        names: &[
            "qwen2",
            "deepseek-r1-qwen",
            "stablelm2",
            "megrez",
            "hunyuan",
            "solar-open",
            "grok-2",
            "kormo",
            "f2llmv2",
        ],
        ..plain(&[Cut(QWEN_2)])
    },
    Rules {
        names: &["qwen35"],
        ..plain(&[Cut(QWEN_35)])
    },
    Rules {
        names: &["tekken"],
        steps: &[Cut(TEKKEN)],
        whole_words_first: true,
        add_bos: true,
    },
    Rules {
        names: &["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"],
        ..plain(&[Cut(GPT_4O)])
    },
    Rules {
        names: &[
            "gpt-2",
            "gpt2",
            "phi-2",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4",
            "mellum",
            "gigachat",
            "a.x-4.0",
        ],
        ..plain(&[Cut(GPT_2)])
    },
    Rules {
        names: &[
            "smollm",
            "starcoder",
            "refact",
            "command-r",
            "codeshell",
            "exaone",
            "minerva-7b",
            "mellum2",
        ],
        ..plain(&[EachDigit, Cut(GPT_2)])
    },
    Rules {
        names: &["deepseek-llm"],
        ..plain(&[
            Cut(r"[\r\n]"),
            Cut(DEEPSEEK_LETTERS),
            Cut(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
            Cut(r"\s+$"),
            Cut("[一-龥ࠀ-一가-퟿]+"),
            Cut(r"\p{N}+"),
        ])
    },
    Rules {
        names: &["deepseek-coder"],
        ..plain(&[
            Cut(r"[\r\n]"),
            Cut(r"\s?\p{L}+"),
            Cut(r"\s?\p{P}+"),
            Cut("[一-龥ࠀ-一가-퟿]+"),
            Cut(r"\p{N}"),
        ])
    },
    Rules {
        names: &["deepseek-v3", "hunyuan-dense", "joyai-llm"],
        ..plain(&[Cut(THREE_DIGITS), Cut(CJK), Cut(DEEPSEEK_3)])
    },
    Rules {
        names: &["falcon"],
        ..plain(&[
            Cut(r"[\p{P}\$\+<=>\^~\|`]+"),
            Cut(GPT_2),
            Cut("[0-9][0-9][0-9]"),
        ])
    },
    Rules {
        names: &["default"],
        ..plain(&[
            Cut(r"[\p{P}\$\+<=>\^~\|]+"),
            Cut(GPT_2),
            Cut(r"\p{N}+"),
            Cut("[0-9][0-9][0-9]"),
        ])
    },
    Rules {
        names: &["seed-coder"],
        ..plain(&[Cut(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+",
        )])
    },
    Rules {
        names: &["bailingmoe", "bailingmoe2", "llada-moe"],
        ..plain(&[Cut(
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        )])
    },
    Rules {
        names: &["minicpm5"],
        whole_words_first: true,
        ..plain(&[
            Cut(THREE_DIGITS),
            Cut(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            ),
        ])
    },
    Rules {
        names: &["exaone-moe"],
        ..plain(&[Cut(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+",
        )])
    },
    Rules {
        names: &["bloom", "poro-chat", "gpt3-finnish"],
        ..plain(&[Cut(SENTENCES)])
    },
    Rules {
        names: &["viking"],
        ..plain(&[Cut(SENTENCES), Cut(r"\p{N}")])
    },
];

const fn plain(steps: &'static [Step]) -> Rules {
    Rules {
        names: &[],
        steps,
        whole_words_first: false,
        add_bos: false,
    }
}

/// The rules for a value of `tokenizer.ggml.pre`; `None` where Wick does not know it.
pub(super) fn by_name(pre: &str) -> Option<&'static Rules> {
    ALL.iter().find(|rules| rules.names.contains(&pre))
}

/// The rules that cut in these steps, each a pattern or, where there is none, each digit.
pub(super) fn by_steps(steps: &[Option<&str>]) -> Option<&'static Rules> {
    let same = |known: &Step, step: &Option<&str>| match (known, step) {
        (Cut(known), Some(pattern)) => known == pattern,
        (EachDigit, None) => true,
        _ => false,
    };
    ALL.iter().find(|rules| {
        let pairs = rules.steps.iter().zip(steps);
        rules.steps.len() == steps.len() && pairs.into_iter().all(|(a, b)| same(a, b))
    })
}

/// The pattern of the `ByteLevel` step of a tokenizer.json that says `use_regex`.
pub(super) const BYTE_LEVEL: &str = GPT_2;

impl Rules {
    /// What cuts text into words and writes them in the byte alphabet.
    pub fn words(&self) -> tokenizers::Result<Sequence> {
        let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
        for step in self.steps {
            steps.push(match step {
                Step::Digits => Digits::new(true).into(),
                // The crate's own, faster than the same pattern.
                Step::Split(GPT_2) if self.steps.len() <= 2 => {
                    ByteLevel::new(false, false, true).into()
                }
                Step::Split(pattern) => {
                    let pattern = SplitPattern::Regex((*pattern).to_owned());
                    Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into()
                }
            });
        }
        if !matches!(steps.last(), Some(PreTokenizerWrapper::ByteLevel(_))) {
            steps.push(ByteLevel::new(false, false, false).into());
        }
        Ok(Sequence::new(steps))
    }
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
        let words = by_name(pre).unwrap().words().unwrap();
        words.pre_tokenize(&mut pieces).unwrap();
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
        assert_eq!(
            words("default", "a+=b 12345"),
            ["a", "+=", "b", "Ġ", "123", "45"]
        );
        assert_eq!(words("deepseek-v3", "1234 (ab"), ["123", "4", "Ġ(", "ab"]);
        assert_eq!(
            words("deepseek-llm", "a1\n b  "),
            ["a", "1", "Ċ", "Ġb", "ĠĠ"]
        );
        assert_eq!(words("falcon", "x`1234"), ["x", "`", "123", "4"]);
        assert!(by_name("something-new").is_none());
    }

    #[test]
    fn every_rule_can_be_built_and_loses_nothing() {
        let text =
            "Ab's 12345\r\n\n  \t日本語 한국어 é\u{301} \u{a0}x += 'RE 1½ 👩\u{200d}🚀 $5.00 \n";
        for rules in &ALL {
            let joined = words(rules.names[0], text).concat();
            let bytes: Vec<u8> = joined.chars().filter_map(char_to_byte).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), text, "{:?}", rules.names);
        }
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
