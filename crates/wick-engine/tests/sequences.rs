//! Sequences that are kept, shared, batched, guessed at and stored: the text is always the one that a fresh sequence,
//! alone, token by token, would give.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

mod tiny;

use std::{collections::HashMap, fs, path::Path};

use tempfile::TempDir;
use tiny::{ModelFile, ask, generate, message, request};
use wick_engine::{
    Error,
    decoder::{Decoder, Reading, read},
    generate::{Progress, ReplyEvent, Session, forget_on_disk},
    process::protocol::{CacheType, GenerateRequest, KeepOnDisk, LoadOptions, Role},
    sampling::SamplingParams,
    testkit::tiny_model,
};

/// Plain attention, windows, and experts.
const REFERENCES: [&str; 4] = ["llama3", "gemma3", "phi3", "qwen3moe"];

const LONG: &str =
    "The candle burns and the wind is in the room. The candle burns, the wind is in the room.";

fn keep_in(folder: &TempDir) -> LoadOptions {
    keep_at_most(folder, 1 << 30)
}

fn keep_at_most(folder: &TempDir, max_bytes: u64) -> LoadOptions {
    LoadOptions {
        keep_on_disk: Some(KeepOnDisk {
            folder: folder.path().into(),
            model: "model".into(),
            max_bytes,
        }),
        ..LoadOptions::default()
    }
}

fn of_chat(chat: &str, request: GenerateRequest) -> GenerateRequest {
    GenerateRequest {
        conversation: Some(chat.into()),
        ..request
    }
}

fn files_in(folder: &TempDir) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder.path().join("model")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs replies at the same time to their ends.
fn together(session: &mut Session, requests: &[GenerateRequest]) -> Vec<String> {
    for (id, request) in requests.iter().enumerate() {
        let cancel = Default::default();
        session.begin(id as u64, request.clone(), cancel).unwrap();
    }
    let mut texts: HashMap<u64, String> = HashMap::new();
    while !session.is_idle() {
        session.step(&mut |id, event| match event {
            ReplyEvent::Progress(Progress::Text(more)) => {
                texts.entry(id).or_default().push_str(&more);
            }
            ReplyEvent::Progress(_) => {}
            ReplyEvent::Ended(result) => {
                result.unwrap();
            }
        });
    }
    let ids = 0..requests.len() as u64;
    ids.map(|id| texts.remove(&id).unwrap_or_default())
        .collect()
}

#[test]
fn sequences_read_in_one_pass_as_they_do_alone() {
    for name in REFERENCES {
        let model = ModelFile::reference(name).model();
        let tokens = |seed: u32, count: u32| -> Vec<u32> {
            (0..count).map(|n| (n * 37 + seed * 11) % 250).collect()
        };
        let pieces = [tokens(1, 90), tokens(2, 1), tokens(3, 17), tokens(4, 64)];
        let mut decoders: Vec<Decoder> = pieces.iter().map(|_| Decoder::new(&model)).collect();
        for _ in 0..2 {
            let alone: Vec<_> = decoders
                .iter()
                .zip(&pieces)
                .map(|(decoder, tokens)| decoder.fork().unwrap().prefill(tokens).unwrap())
                .collect();
            let readings = decoders.iter_mut().zip(&pieces);
            let readings = readings.map(|(decoder, tokens)| Reading {
                decoder,
                tokens,
                outputs: 1,
            });
            assert_eq!(read(readings.collect()).unwrap(), alone, "{name}");
        }
    }
}

#[test]
fn a_copy_and_its_original_go_separate_ways() {
    for name in REFERENCES {
        let model = ModelFile::reference(name).model();
        let mut one = Decoder::new(&model);
        one.prefill(&[5; 70]).unwrap();
        let mut other = one.fork().unwrap();
        one.prefill(&[7, 8, 9]).unwrap();
        let found = other.prefill(&[1, 2, 3]).unwrap();
        let mut fresh = Decoder::new(&model);
        fresh.prefill(&[5; 70]).unwrap();
        assert_eq!(found, fresh.prefill(&[1, 2, 3]).unwrap(), "{name}");
        let found = one.decode(4).unwrap();
        let mut fresh = Decoder::new(&model);
        fresh.prefill(&[5; 70]).unwrap();
        fresh.prefill(&[7, 8, 9]).unwrap();
        assert_eq!(found, fresh.decode(4).unwrap(), "{name}");
    }
}

#[test]
fn replies_written_at_the_same_time_are_those_written_one_by_one() {
    for name in REFERENCES {
        let file = ModelFile::reference(name);
        let requests: Vec<GenerateRequest> = (0..5)
            .map(|n| GenerateRequest {
                sampling: SamplingParams {
                    temperature: if n % 2 == 0 { 0.0 } else { 1.0 },
                    seed: Some(n),
                    ..SamplingParams::default()
                },
                ..ask(&format!("{LONG} Question {n}."), 10 + 7 * n)
            })
            .collect();
        let found = together(&mut file.session(), &requests);
        for (request, found) in requests.iter().zip(found) {
            let (alone, _) = generate(&mut file.session(), request).unwrap();
            assert_eq!(found, alone, "{name}");
        }
    }
}

#[test]
fn another_try_and_an_edit_read_only_what_differs() {
    for name in REFERENCES {
        let file = ModelFile::reference(name);
        let mut session = file.session();
        let question = ask(LONG, 40);
        let (first, _) = generate(&mut session, &question).unwrap();
        let (again, stats) = generate(&mut session, &question).unwrap();
        assert_eq!(first, again, "{name}");
        assert_eq!(stats.reused_tokens, stats.prompt_tokens - 1, "{name}");

        let edited = ask(&LONG.replace("wind is in the room.", "sea."), 24);
        let (found, _) = generate(&mut session, &edited).unwrap();
        let (fresh, _) = generate(&mut file.session(), &edited).unwrap();
        assert_eq!(found, fresh, "{name}");

        // The branch that was left is still there.
        let (again, stats) = generate(&mut session, &question).unwrap();
        assert_eq!(first, again, "{name}");
        assert_eq!(stats.reused_tokens, stats.prompt_tokens - 1, "{name}");
    }
}

#[test]
fn a_chat_goes_on_from_disk_as_if_it_had_never_been_left() {
    for name in REFERENCES {
        for cache_type in [CacheType::F16, CacheType::F32, CacheType::Q8_0] {
            let file = ModelFile::reference(name);
            let folder = tempfile::tempdir().unwrap();
            let options = LoadOptions {
                cache_type,
                ..keep_in(&folder)
            };
            let mut messages = vec![message(Role::User, LONG)];
            let question = of_chat("chat1", request(&messages, 30));
            let mut session = file.session_with(options.clone());
            let (reply, _) = generate(&mut session, &question).unwrap();
            messages.push(message(Role::Assistant, &reply));
            messages.push(message(Role::User, "And then?"));
            let question = of_chat("chat1", request(&messages, 30));
            drop(session);
            assert!(!files_in(&folder).is_empty());

            let mut session = file.session_with(options.clone());
            let (found, stats) = generate(&mut session, &question).unwrap();
            assert!(stats.reused_tokens > 64, "{name}: {stats:?}");
            let mut never_left = file.session_with(LoadOptions {
                cache_type,
                ..LoadOptions::default()
            });
            generate(&mut never_left, &request(&messages[..1], 30)).unwrap();
            let (kept, _) = generate(&mut never_left, &request(&messages, 30)).unwrap();
            assert_eq!(found, kept, "{name} {cache_type:?}");
        }
    }
}

#[test]
fn a_chat_that_was_left_is_on_disk_before_the_model_goes() {
    let file = ModelFile::of(&tiny_model("llama"));
    let folder = tempfile::tempdir().unwrap();
    let mut session = file.session_with(keep_in(&folder));
    generate(&mut session, &of_chat("chat1", ask(LONG, 4))).unwrap();
    generate(
        &mut session,
        &of_chat("chat2", ask("Something else entirely.", 4)),
    )
    .unwrap();
    session.save();
    let names: Vec<String> = files_in(&folder)
        .iter()
        .map(|file| file.file_name().unwrap().display().to_string())
        .collect();
    assert!(
        names.iter().any(|name| name.starts_with("chat1-")),
        "{names:?}"
    );
}

#[test]
fn what_is_damaged_on_disk_is_read_anew_and_deleted() {
    let file = ModelFile::of(&tiny_model("qwen3"));
    let question = of_chat("chat1", ask(LONG, 8));
    let (fresh, _) = generate(&mut file.session(), &question).unwrap();
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 5] = [
        ("cut short", |bytes| bytes.truncate(bytes.len() / 2)),
        ("a bit flipped at the end", |bytes| {
            let last = bytes.len() - 20;
            bytes[last] ^= 1;
        }),
        ("another start", |bytes| bytes[0] = b'x'),
        ("a long head", |bytes| bytes[8..12].fill(0xFF)),
        ("more at the end", |bytes| bytes.extend_from_slice(&[0; 64])),
    ];
    for (what, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        generate(&mut file.session_with(keep_in(&folder)), &question).unwrap();
        let [path] = &files_in(&folder)[..] else {
            panic!("{:?}", files_in(&folder));
        };
        let mut bytes = fs::read(path).unwrap();
        damage(&mut bytes);
        fs::write(path, bytes).unwrap();
        let mut session = file.session_with(keep_in(&folder));
        let (found, stats) = generate(&mut session, &question).unwrap();
        assert_eq!((found, stats.reused_tokens), (fresh.clone(), 0), "{what}");
    }
}

#[test]
fn what_another_model_has_read_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let question = of_chat("chat1", ask(LONG, 8));
    let one = ModelFile::of(&tiny_model("qwen3"));
    generate(&mut one.session_with(keep_in(&folder)), &question).unwrap();
    let other = ModelFile::of(&tiny_model("llama"));
    let mut session = other.session_with(keep_in(&folder));
    let (found, stats) = generate(&mut session, &question).unwrap();
    let (fresh, _) = generate(&mut other.session(), &question).unwrap();
    assert_eq!((found, stats.reused_tokens), (fresh, 0));
}

#[test]
fn the_disk_holds_no_more_than_it_may() {
    let file = ModelFile::of(&tiny_model("llama"));
    let folder = tempfile::tempdir().unwrap();
    let mut session = file.session_with(keep_at_most(&folder, 60_000));
    for chat in 0..8 {
        let question = ask(&format!("Number {chat}. {LONG}"), 4);
        generate(&mut session, &of_chat(&format!("chat{chat}"), question)).unwrap();
    }
    session.save();
    let sizes = files_in(&folder).into_iter();
    let sizes: Vec<u64> = sizes
        .map(|path| fs::metadata(path).unwrap().len())
        .collect();
    assert!(
        !sizes.is_empty() && sizes.iter().sum::<u64>() <= 60_000,
        "{sizes:?}"
    );
    let newest = files_in(&folder);
    assert!(
        newest
            .iter()
            .any(|path| path.display().to_string().contains("chat7-"))
    );
}

#[test]
fn a_forgotten_conversation_is_nowhere() {
    let file = ModelFile::of(&tiny_model("llama"));
    let folder = tempfile::tempdir().unwrap();
    let mut session = file.session_with(keep_in(&folder));
    for chat in ["chat1", "chat12"] {
        let question = ask(&format!("{chat}: {LONG}"), 4);
        generate(&mut session, &of_chat(chat, question)).unwrap();
    }
    session.forget("chat1");
    drop(session);
    let names = files_in(&folder);
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].display().to_string().contains("chat12-"));
    forget_on_disk(folder.path(), "chat12");
    assert!(files_in(&folder).is_empty());
    forget_on_disk(Path::new("/nowhere/at/all"), "chat1");
}

#[test]
fn guesses_change_nothing_in_what_is_written() {
    let mut guessed = 0;
    for name in REFERENCES {
        let file = ModelFile::reference(name);
        for temperature in [0.0, 0.3] {
            let plain = GenerateRequest {
                no_drafts: true,
                sampling: SamplingParams {
                    temperature,
                    seed: Some(7),
                    repetition_penalty: 1.0,
                    ..SamplingParams::default()
                },
                ..ask(LONG, 120)
            };
            let (wanted, stats) = generate(&mut file.session(), &plain).unwrap();
            assert_eq!(stats.drafted_tokens, 0);
            let with_lookup = GenerateRequest {
                no_drafts: false,
                ..plain.clone()
            };
            let (found, stats) = generate(&mut file.session(), &with_lookup).unwrap();
            assert_eq!(found, wanted, "{name} at {temperature}, from the text");
            guessed += stats.drafted_tokens;
            let mut session = file.session_with(LoadOptions {
                draft_model: Some(file.path.clone()),
                ..LoadOptions::default()
            });
            let (found, stats) = generate(&mut session, &with_lookup).unwrap();
            assert_eq!(found, wanted, "{name} at {temperature}, from a model");
            guessed += stats.drafted_tokens;
            if temperature == 0.0 && stats.drafted_tokens > 0 {
                // The same model guesses itself.
                assert!(stats.accepted_tokens > 0, "{stats:?}");
            }
        }
    }
    assert!(guessed > 0);
}

#[test]
fn a_draft_model_of_another_vocabulary_is_refused() {
    let file = ModelFile::of(&tiny_model("llama"));
    let options = LoadOptions {
        draft_model: Some(ModelFile::reference("qwen3").path),
        ..LoadOptions::default()
    };
    let found = Session::load(&file.path, &options, &mut |_| {});
    assert_eq!(found.err(), Some(Error::OtherVocabulary));
}
