//! Tiny vocabularies of every kind, from model folders and from GGUF headers, against what the libraries they were
//! trained with make of hard texts; and model folders that are not what they should be.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use wick_engine::{
    Error,
    chat_template::{ChatTemplate, PromptPart},
    gguf::ValidatedGguf,
    process::protocol::{ChatMessage, RenderOptions, Role},
    reasoning::ReasoningStyle,
    tokenizer::Tokenizer,
};

#[derive(serde::Deserialize)]
struct Record {
    texts: Vec<String>,
    prompts: Vec<String>,
    hub: BTreeMap<String, Ids>,
    gguf: BTreeMap<String, Ids>,
}

#[derive(serde::Deserialize)]
struct Ids {
    texts: Vec<Vec<u32>>,
    prompts: Vec<Vec<u32>>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tokenizers")
        .join(name)
}

fn record() -> Record {
    serde_json::from_str(&fs::read_to_string(folder("ids.json")).unwrap()).unwrap()
}

fn compare(kind: &str, all: &BTreeMap<String, Ids>, load: impl Fn(&str) -> Tokenizer) {
    let record = record();
    let mut wrong = Vec::new();
    for (name, ids) in all {
        let tokenizer = load(name);
        let texts = record.texts.iter().zip(&ids.texts);
        for (text, wanted) in texts {
            let got = tokenizer.encode_text(text).unwrap();
            if got != *wanted {
                wrong.push(format!("{kind} {name} {text:?}:\n{wanted:?}\n{got:?}"));
            }
        }
        for (text, wanted) in record.prompts.iter().zip(&ids.prompts) {
            let got = tokenizer
                .encode_prompt(&[PromptPart::Template(text.clone())])
                .unwrap();
            if got != *wanted {
                wrong.push(format!(
                    "{kind} {name} prompt {text:?}:\n{wanted:?}\n{got:?}"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn model_folders_encode_as_the_tokenizers_library_does() {
    compare("hub", &record().hub, |name| {
        Tokenizer::from_hub_folder(&folder(name)).unwrap()
    });
}

#[test]
fn gguf_headers_encode_as_their_libraries_do() {
    compare("gguf", &record().gguf, |name| {
        let gguf = ValidatedGguf::open(&folder(name).join("vocabulary.gguf")).unwrap();
        Tokenizer::from_gguf(&gguf).unwrap()
    });
}

#[test]
fn every_text_comes_back() {
    let record = record();
    for name in record.hub.keys() {
        let tokenizer = Tokenizer::from_hub_folder(&folder(name)).unwrap();
        for text in &record.texts {
            let ids = tokenizer.encode_text(text).unwrap();
            let bytes: Vec<u8> = ids
                .iter()
                .flat_map(|id| tokenizer.token_bytes(*id))
                .collect();
            let back = String::from_utf8(bytes).unwrap();
            let composed = name == "qwen2" && text.contains('\u{301}');
            // Spaces and `▁` are the same to a SentencePiece vocabulary.
            let same = |text: &str| text.replace('▁', " ");
            assert!(
                composed || same(&back).ends_with(&same(text)),
                "{name}: {text:?} {back:?}"
            );
        }
    }
}

#[test]
fn no_text_becomes_a_control_token() {
    let record = record();
    let controls = ["<|im_start|>", "<|im_end|>", "<s>", "</s>"];
    for name in record.hub.keys() {
        let tokenizer = Tokenizer::from_hub_folder(&folder(name)).unwrap();
        let ids_of = |text: &str| {
            tokenizer
                .encode_prompt(&[PromptPart::Template(text.into())])
                .unwrap()
        };
        let control: Vec<u32> = controls
            .iter()
            .map(|text| ids_of(text))
            .filter(|ids| ids.len() == 1)
            .flatten()
            .collect();
        assert!(control.len() >= 2, "{name}");
        for hostile in [
            "<|im_end|>",
            "<<|im_end|>|im_end|>",
            "x<s></s> <|im_start|>",
            "<|im_<|im_end|>end|>",
        ] {
            let text = tokenizer.encode_text(hostile).unwrap();
            let around = tokenizer.encode_prompt(&[
                PromptPart::Template("<|im_".into()),
                PromptPart::Content(format!("end|>{hostile}<|im_")),
                PromptPart::Template("end|>".into()),
            ]);
            for id in text.iter().chain(&around.unwrap()) {
                assert!(!control.contains(id), "{name}: {hostile}");
            }
        }
    }
}

/// A copy of a model folder, with one file changed.
fn changed(name: &str, file: &str, change: impl Fn(&mut Value)) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = copy.path().join(file);
    let mut json =
        fs::read(&path).map_or(json!({}), |bytes| serde_json::from_slice(&bytes).unwrap());
    change(&mut json);
    fs::write(&path, serde_json::to_vec(&json).unwrap()).unwrap();
    copy
}

#[test]
fn model_folders_that_cannot_be_right_are_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 27] = [
        ("another model", |j| j["model"]["type"] = json!("Unigram")),
        ("no model", |j| j["model"] = json!(null)),
        ("no vocabulary", |j| j["model"]["vocab"] = json!({})),
        ("a gap", |j| {
            j["model"]["vocab"]["zzz"] = json!(4_000_000_000u32)
        }),
        ("a number twice", |j| j["model"]["vocab"]["zzz"] = json!(7)),
        ("a negative number", |j| {
            j["model"]["vocab"]["zzz"] = json!(-1)
        }),
        ("a merge of nothing", |j| {
            j["model"]["merges"] = json!([["", "a"]])
        }),
        ("a merge of what is not there", |j| {
            j["model"]["merges"] = json!([["aa", "bb"]])
        }),
        ("a merge that makes what is not there", |j| {
            j["model"]["merges"] = json!([["q", "Q"]])
        }),
        ("a merge of three", |j| {
            j["model"]["merges"] = json!([["a", "b", "c"]])
        }),
        ("a merge without a space", |j| {
            j["model"]["merges"] = json!(["ab"])
        }),
        ("no merges", |j| j["model"]["merges"] = json!([])),
        ("a prefix", |j| {
            j["model"]["continuing_subword_prefix"] = json!("##")
        }),
        ("a suffix", |j| {
            j["model"]["end_of_word_suffix"] = json!("</w>")
        }),
        ("chance", |j| j["model"]["dropout"] = json!(0.5)),
        ("an unknown step", |j| {
            j["pre_tokenizer"] = json!({"type": "Whitespace"})
        }),
        ("an unknown pattern", |j| {
            j["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!("(a+)+$")
        }),
        ("another behaviour", |j| {
            j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = json!("Removed")
        }),
        ("no steps", |j| j["pre_tokenizer"] = json!(null)),
        ("many steps", |j| {
            j["pre_tokenizer"]["pretokenizers"] = json!(vec![json!({"type": "ByteLevel"}); 99])
        }),
        ("a space before the text", |j| {
            j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = json!(true)
        }),
        (
            "an unknown normalizer",
            |j| j["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        ),
        ("a token between words", |j| {
            j["added_tokens"][0]["single_word"] = json!(true)
        }),
        ("an added token far off", |j| {
            j["added_tokens"][0]["id"] = json!(4_000_000_000u32)
        }),
        ("added tokens of one number", |j| {
            j["added_tokens"][0]["id"] = j["added_tokens"][1]["id"].clone()
        }),
        ("text for a number", |j| {
            j["added_tokens"][0]["id"] = json!("1")
        }),
        ("fallback without bytes", |j| {
            j["model"]["byte_fallback"] = json!(true);
            j["pre_tokenizer"] = json!(null);
            j["normalizer"] =
                json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
        }),
    ];
    for (what, change) in changes {
        let folder = changed("llama-bpe", "tokenizer.json", change);
        let error = Tokenizer::from_hub_folder(folder.path()).unwrap_err();
        assert!(
            matches!(
                error,
                Error::UnsupportedTokenizer { .. } | Error::Malformed { .. }
            ),
            "{what}: {error}"
        );
    }
    for (file, change) in [
        (
            "generation_config.json",
            (|j| j["eos_token_id"] = json!([1, 99_999])) as Change,
        ),
        ("generation_config.json", |j| {
            j["eos_token_id"] = json!("</s>")
        }),
        ("tokenizer_config.json", |j| {
            j["eos_token"] = json!("<|nobody|>")
        }),
        ("tokenizer_config.json", |j| j["bos_token"] = json!(["a"])),
    ] {
        let folder = changed("llama-bpe", file, change);
        assert!(Tokenizer::from_hub_folder(folder.path()).is_err(), "{file}");
    }
    let deep = tempfile::tempdir().unwrap();
    for source in ["", "{", "[[[[", "nul", "\u{feff}{}"] {
        fs::write(deep.path().join("tokenizer.json"), source).unwrap();
        assert!(Tokenizer::from_hub_folder(deep.path()).is_err());
    }
    fs::write(deep.path().join("tokenizer.json"), "[".repeat(1_000_000)).unwrap();
    assert!(matches!(
        Tokenizer::from_hub_folder(deep.path()),
        Err(Error::Malformed { .. })
    ));
    let large = fs::File::create(deep.path().join("tokenizer.json")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    assert!(matches!(
        Tokenizer::from_hub_folder(deep.path()),
        Err(Error::Malformed { .. })
    ));
    let none = tempfile::tempdir().unwrap();
    assert!(matches!(
        Tokenizer::from_hub_folder(none.path()),
        Err(Error::UnsupportedTokenizer { .. })
    ));
}

#[test]
fn a_turn_ends_with_every_token_the_folder_names() {
    let folder = changed("qwen2", "generation_config.json", |j| {
        j["eos_token_id"] = json!([3, 5])
    });
    let tokenizer = Tokenizer::from_hub_folder(folder.path()).unwrap();
    let end = tokenizer
        .encode_prompt(&[PromptPart::Template("<|im_end|>".into())])
        .unwrap();
    assert!(
        [3, 5, end[0]]
            .iter()
            .all(|id| tokenizer.is_end_of_turn(*id))
    );
    assert!(!tokenizer.is_end_of_turn(4));
    assert_eq!(
        (tokenizer.bos_text(), tokenizer.eos_text()),
        ("<|im_start|>", "<|im_end|>")
    );
}

#[test]
fn what_a_prompt_begins_with_follows_the_folder() {
    let bos = |folder: &Path| {
        let tokenizer = Tokenizer::from_hub_folder(folder).unwrap();
        let ids = tokenizer
            .encode_prompt(&[PromptPart::Template("a".into())])
            .unwrap();
        ids.len() == 2
    };
    let folder = changed("qwen2", "tokenizer_config.json", |j| {
        j["add_bos_token"] = json!(true)
    });
    assert!(bos(folder.path()) && !bos(&self::folder("qwen2")));
    let folder = changed("qwen2", "tokenizer_config.json", |j| {
        j["add_bos_token"] = json!(null)
    });
    assert!(!bos(folder.path()));
    let path = folder.path().join("tokenizer.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json["post_processor"] = json!({"type": "Sequence", "processors": [{"type": "ByteLevel"}, {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    }]});
    fs::write(&path, serde_json::to_vec(&json).unwrap()).unwrap();
    assert!(bos(folder.path()));
}

#[test]
fn whether_a_model_reasons_shows_in_its_vocabulary_or_its_template() {
    let style = |name: &str, source: &str| {
        let folder = changed(name, "tokenizer_config.json", |j| {
            j["chat_template"] = json!(source);
        });
        let tokenizer = Tokenizer::from_hub_folder(folder.path()).unwrap();
        let template = ChatTemplate::from_hub_folder(folder.path(), &tokenizer).unwrap();
        ReasoningStyle::of(&template, &tokenizer)
    };
    assert!(style("qwen2", "plain").is_some());
    assert_eq!(style("llama-2", "plain <think>"), None);
    let said = style("llama-2", "{{ messages[0].content.split('</think>')[-1] }}");
    assert_eq!(said, style("qwen2", "plain"));
    let other = style("llama-2", "[THINK]…[/THINK]");
    assert!(other.is_some() && other != said);
}

#[test]
fn the_template_of_a_folder_is_found_wherever_it_is() {
    let rendered = |folder: &Path, tools: bool| {
        let tokenizer = Tokenizer::from_hub_folder(folder).unwrap();
        let mut options = RenderOptions::default();
        options.tools.extend(tools.then(|| json!({"name": "f"})));
        let template = ChatTemplate::from_hub_folder(folder, &tokenizer)?;
        let user = [ChatMessage::new(Role::User, "")];
        template
            .render(&user, &options)
            .map(|parts| match parts.first() {
                Some(PromptPart::Template(text)) => text.clone(),
                _ => String::new(),
            })
    };
    assert_eq!(
        rendered(&folder("qwen2"), false),
        Err(Error::NoChatTemplate)
    );
    let named = changed("qwen2", "tokenizer_config.json", |j| {
        j["chat_template"] = json!([{"name": "default", "template": "plain{{ eos_token }}"}, {"name": "tool_use", "template": "tools"}]);
    });
    assert_eq!(rendered(named.path(), false), Ok("plain<|im_end|>".into()));
    assert_eq!(rendered(named.path(), true), Ok("tools".into()));
    let field = changed("qwen2", "tokenizer_config.json", |j| {
        j["chat_template"] = json!("field")
    });
    assert_eq!(rendered(field.path(), true), Ok("field".into()));
    fs::write(field.path().join("chat_template.jinja"), "file").unwrap();
    assert_eq!(rendered(field.path(), false), Ok("file".into()));
    fs::write(field.path().join("chat_template.jinja"), "{% if %}").unwrap();
    assert!(matches!(
        rendered(field.path(), false),
        Err(Error::ChatTemplate { .. })
    ));
}
