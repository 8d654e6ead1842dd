//! The vocabulary of a model folder. Its JSON is read by a schema that names what Wick knows and refuses the rest, so
//! that nothing in it reaches the tokenizers crate unchecked.

use std::{collections::HashMap, io::Read, path::Path};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{
    pre,
    vocabulary::{Kind, SpacePrefix, Vocabulary, Writing, unsupported},
};
use crate::{Error, Result};

/// Largest `tokenizer.json`.
const MAX_BYTES: u64 = 64 << 20;
/// What the vocabulary is called in errors.
const NAME: &str = "tokenizer.json";

#[derive(Deserialize)]
struct TokenizerJson {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Json>,
    pre_tokenizer: Option<Json>,
    post_processor: Option<Json>,
    model: Model,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    dropout: Option<f32>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    bos_token: Option<Named>,
    eos_token: Option<Named>,
    add_bos_token: Option<bool>,
}

/// A token by its text, or as an object that has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Text(String),
    Token { content: String },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GenerationConfig {
    eos_token_id: Option<Ids>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Many(Vec<u32>),
}

pub(super) fn vocabulary(folder: &Path) -> Result<Vocabulary> {
    let json: TokenizerJson = match read_json(&folder.join(NAME))? {
        Some(json) => json,
        None => return Err(unsupported(NAME, "the folder has none")),
    };
    let config: TokenizerConfig =
        read_json(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
    let generation: GenerationConfig =
        read_json(&folder.join("generation_config.json"))?.unwrap_or_default();
    json.vocabulary(config, generation)
}

/// A JSON file of a model folder; nothing where there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let read = |error: std::io::Error| Error::read(path, &error);
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(read)?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    let malformed = |offset: u64, reason: String| Error::Malformed {
        offset,
        field: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        reason,
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(malformed(
            MAX_BYTES,
            format!("it has more than {MAX_BYTES} bytes"),
        ));
    }
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|error| {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let before: usize = lines
            .take(error.line().saturating_sub(1))
            .map(<[u8]>::len)
            .sum();
        malformed((before + error.column()) as u64, error.to_string())
    })
}

fn refused(reason: impl Into<String>) -> Error {
    unsupported(NAME, reason)
}

impl TokenizerJson {
    fn vocabulary(
        self,
        config: TokenizerConfig,
        generation: GenerationConfig,
    ) -> Result<Vocabulary> {
        let model = &self.model;
        if let Some(kind) = model.kind.as_deref().filter(|kind| *kind != "BPE") {
            return Err(refused(format!("its model is {kind}; Wick knows BPE")));
        }
        for (name, given) in [
            (
                "a prefix of subwords",
                model.continuing_subword_prefix.as_deref(),
            ),
            ("a suffix of words", model.end_of_word_suffix.as_deref()),
        ] {
            if given.is_some_and(|text| !text.is_empty()) {
                return Err(refused(format!("it uses {name}")));
            }
        }
        if model.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(refused("it drops merges at random"));
        }
        let normalizer = normalizer(self.normalizer.as_ref())?;
        let writing = self.writing(&normalizer)?;
        let (tokens, kinds, strips) = self.tokens()?;
        let id = |named: &Option<Named>| match named {
            None => Ok(None),
            Some(Named::Text(text) | Named::Token { content: text }) => {
                let id = tokens.iter().position(|token| token == text);
                let unknown = || {
                    refused(format!(
                        "the special token {text:?} is not in the vocabulary"
                    ))
                };
                id.map(|id| Some(id as u32)).ok_or_else(unknown)
            }
        };
        let bos = id(&config.bos_token)?;
        let merges = self.model.merges.iter().map(|merge| match merge {
            Merge::Pair(a, b) => Ok((a.clone(), b.clone())),
            Merge::Line(line) => match line.split_once(' ') {
                Some((a, b)) => Ok((a.to_owned(), b.to_owned())),
                None => Err(refused(format!("the merge {line:?} is not a pair"))),
            },
        });
        Ok(Vocabulary {
            name: NAME.to_owned(),
            writing,
            merges: merges.collect::<Result<_>>()?,
            scores: Vec::new(),
            whole_words_first: self.model.ignore_merges,
            composed: normalizer.composed,
            eos: id(&config.eos_token)?,
            end_of_turn: match generation.eos_token_id {
                None => Vec::new(),
                Some(Ids::One(id)) => vec![id],
                Some(Ids::Many(ids)) => ids,
            },
            // What a prompt begins with stands in the file twice; the post-processor is what transformers follows.
            add_bos: match config.add_bos_token {
                Some(add) => add,
                None => self
                    .post_processor
                    .as_ref()
                    .is_some_and(|step| begins_with(step, &tokens, bos)),
            },
            bos,
            tokens,
            kinds,
            strips,
        })
    }

    /// How text is written, from the steps that bring it into the vocabulary's form.
    fn writing(&self, normalizer: &Normalizer) -> Result<Writing> {
        let steps = flattened(self.pre_tokenizer.as_ref(), "pretokenizers")?;
        let kinds: Vec<&str> = steps.iter().map(|step| kind_of(step)).collect();
        if self.model.byte_fallback {
            let prefix = match (normalizer.spaces, normalizer.prefixed, kinds.as_slice()) {
                (true, true, []) => SpacePrefix::Always,
                (true, false, []) => SpacePrefix::Never,
                // Spaces are gone by then, so that nothing is cut.
                (true, false, ["Split"]) if pattern_of(steps[0]) == Some((" ", false)) => {
                    SpacePrefix::Never
                }
                (false, false, ["Metaspace"]) => metaspace(steps[0])?,
                _ => {
                    return Err(refused(format!(
                        "Wick does not know how it cuts text: {kinds:?}"
                    )));
                }
            };
            return Ok(Writing::SentencePiece {
                prefix,
                by_scores: false,
            });
        }
        if normalizer.spaces || normalizer.prefixed {
            return Err(refused(
                "it replaces spaces and has no bytes to fall back on",
            ));
        }
        let flag =
            |step: &Json, name: &str| step.get(name).and_then(Json::as_bool).unwrap_or(false);
        let mut patterns = Vec::new();
        for step in steps {
            match kind_of(step) {
                "Digits" if flag(step, "individual_digits") => patterns.push(None),
                "Split" if keeps_everything(step) => match pattern_of(step) {
                    Some((pattern, true)) => patterns.push(Some(pattern)),
                    _ => return Err(refused("it splits text at a string")),
                },
                "ByteLevel" if flag(step, "add_prefix_space") => {
                    return Err(refused("it puts a space before the text"));
                }
                // Absent, it means yes.
                "ByteLevel" if step.get("use_regex").and_then(Json::as_bool) != Some(false) => {
                    patterns.push(Some(pre::BYTE_LEVEL));
                }
                "ByteLevel" => {}
                kind => {
                    return Err(refused(format!(
                        "Wick does not know how it cuts text: {kind}"
                    )));
                }
            }
        }
        if kinds.last() != Some(&"ByteLevel") {
            return Err(refused(
                "its vocabulary is neither one of bytes nor falls back on them",
            ));
        }
        let rules = pre::by_steps(&patterns);
        let unknown = || {
            let shown: String = patterns
                .iter()
                .flatten()
                .flat_map(|p| p.chars().take(60))
                .collect();
            refused(format!(
                "Wick does not know how it cuts text into words: {shown}"
            ))
        };
        rules.map(Writing::Bytes).ok_or_else(unknown)
    }

    /// The tokens by their numbers, what each is for, and which take blanks away.
    #[allow(clippy::type_complexity, reason = "three columns of one table")]
    fn tokens(&self) -> Result<(Vec<String>, Vec<Kind>, Vec<(u32, bool, bool)>)> {
        let added = self
            .added_tokens
            .iter()
            .map(|token| (&token.content, token.id));
        let all = self
            .model
            .vocab
            .iter()
            .map(|(token, id)| (token, *id))
            .chain(added);
        // Numbers beyond these leave gaps: each is checked to be taken, so a huge one cannot ask for memory.
        let most = self.model.vocab.len() + self.added_tokens.len();
        let mut tokens: Vec<Option<String>> = vec![None; most];
        for (token, id) in all {
            match tokens.get_mut(id as usize) {
                Some(place @ None) => *place = Some(token.clone()),
                Some(Some(known)) if known == token => {}
                Some(Some(known)) => {
                    return Err(refused(format!(
                        "{known:?} and {token:?} are both number {id}"
                    )));
                }
                None => {
                    return Err(refused(format!(
                        "the numbers leave gaps before {id}, {token:?}"
                    )));
                }
            }
        }
        // Added tokens that are in the vocabulary, too, leave places free at the end.
        while matches!(tokens.last(), Some(None)) {
            tokens.pop();
        }
        let gap = tokens.iter().position(Option::is_none);
        if let Some(gap) = gap {
            return Err(refused(format!("there is no token {gap}")));
        }
        let tokens: Vec<String> = tokens.into_iter().flatten().collect();
        let byte = |token: &str| {
            let hex = token
                .strip_prefix("<0x")
                .and_then(|rest| rest.strip_suffix('>'));
            hex.is_some_and(|hex| hex.len() == 2 && u8::from_str_radix(hex, 16).is_ok())
        };
        let kind = |token: &String| match self.model.byte_fallback && byte(token) {
            true => Kind::Byte,
            false if self.model.unk_token.as_ref() == Some(token) => Kind::Unused,
            false => Kind::Normal,
        };
        let mut kinds: Vec<Kind> = tokens.iter().map(kind).collect();
        let mut strips = Vec::new();
        for token in &self.added_tokens {
            if token.single_word {
                return Err(refused(format!(
                    "{:?} is a token between words only",
                    token.content
                )));
            }
            kinds[token.id as usize] = match token.special {
                true => Kind::Control,
                false => Kind::UserDefined,
            };
            if token.lstrip || token.rstrip {
                strips.push((token.id, token.lstrip, token.rstrip));
            }
        }
        Ok((tokens, kinds, strips))
    }
}

/// What is done to text before it is cut.
#[derive(Default)]
struct Normalizer {
    composed: bool,
    /// Spaces become `▁`.
    spaces: bool,
    /// `▁` in front of each text.
    prefixed: bool,
}

fn normalizer(json: Option<&Json>) -> Result<Normalizer> {
    let mut known = Normalizer::default();
    for step in flattened(json, "normalizers")? {
        let text = |name: &str| step.get(name).and_then(Json::as_str);
        match kind_of(step) {
            "NFC" => known.composed = true,
            "Prepend" if text("prepend") == Some("▁") && !known.spaces => known.prefixed = true,
            "Replace" if pattern_of(step) == Some((" ", false)) && text("content") == Some("▁") =>
            {
                known.spaces = true;
            }
            kind => {
                return Err(refused(format!(
                    "Wick does not know how it normalizes text: {kind}"
                )));
            }
        }
    }
    Ok(known)
}

/// The steps of a pipeline, which may be one step, a `Sequence` of some, or none.
fn flattened<'j>(json: Option<&'j Json>, list: &str) -> Result<Vec<&'j Json>> {
    match json {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(step) if kind_of(step) == "Sequence" => {
            match step.get(list).and_then(Json::as_array) {
                Some(steps) if steps.len() <= 16 => Ok(steps.iter().collect()),
                _ => Err(refused("a sequence of steps has none, or too many")),
            }
        }
        Some(step) => Ok(vec![step]),
    }
}

fn kind_of(step: &Json) -> &str {
    step.get("type")
        .and_then(Json::as_str)
        .unwrap_or("without a type")
}

/// The pattern of a step, and whether it is a regular expression.
fn pattern_of(step: &Json) -> Option<(&str, bool)> {
    let pattern = step.get("pattern")?;
    let string = pattern.get("String").and_then(Json::as_str);
    match string {
        Some(string) => Some((string, false)),
        None => Some((pattern.get("Regex")?.as_str()?, true)),
    }
}

fn metaspace(step: &Json) -> Result<SpacePrefix> {
    let text = |name: &str| step.get(name).and_then(Json::as_str);
    let splits = step.get("split").and_then(Json::as_bool) != Some(false);
    match (text("replacement"), text("prepend_scheme"), splits) {
        (Some("▁"), Some("never"), false) => Ok(SpacePrefix::Never),
        (Some("▁"), Some("first"), false) => Ok(SpacePrefix::MissingFirst),
        (Some("▁"), Some("always"), false) => Ok(SpacePrefix::MissingAlways),
        _ => Err(refused("Wick does not know how its Metaspace cuts text")),
    }
}

/// Whether a split yields what its pattern finds, and what is between. Removing what a pattern does not find comes to
/// the same for the patterns there are, since they find every character.
fn keeps_everything(step: &Json) -> bool {
    let invert = step.get("invert").and_then(Json::as_bool);
    match step.get("behavior").and_then(Json::as_str) {
        Some("Isolated") => true,
        Some("Removed") => invert == Some(true),
        _ => false,
    }
}

/// Whether a post-processor puts the token `bos` before a text.
fn begins_with(step: &Json, tokens: &[String], bos: Option<u32>) -> bool {
    let bos = bos.and_then(|id| tokens.get(id as usize));
    match kind_of(step) {
        "Sequence" => {
            let steps = step.get("processors").and_then(Json::as_array);
            steps.is_some_and(|steps| {
                steps.iter().any(|step| {
                    kind_of(step) == "TemplateProcessing"
                        && first_special(step)
                            .is_some_and(|first| Some(first) == bos.map(String::as_str))
                })
            })
        }
        "TemplateProcessing" => {
            first_special(step).is_some_and(|first| Some(first) == bos.map(String::as_str))
        }
        _ => false,
    }
}

/// The special token that a template for single texts begins with.
fn first_special(step: &Json) -> Option<&str> {
    step.pointer("/single/0/SpecialToken/id")?.as_str()
}
