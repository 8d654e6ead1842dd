//! Conversations with tiny models of every family, through the public API.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

mod tiny;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tiny::{ModelFile, ask, generate, message, request};
use wick_engine::{
    Error,
    decoder::{Decoder, LoadedModel},
    generate::Progress,
    gguf::TensorType,
    inspect,
    process::protocol::{Role, StopReason},
    sampling::SamplingParams,
    testkit::{GgufWriter, tiny_model},
};

const FAMILIES: [&str; 3] = ["llama", "qwen2", "qwen3"];

/// A hundred tokens, none a control token.
fn prompt() -> Vec<u32> {
    (0..100).map(|n| n * 37 % 290).collect()
}

/// Logits after `tokens`, read so many at a time.
fn logits(model: &Arc<LoadedModel>, tokens: &[u32], at_once: usize) -> Vec<f32> {
    let mut decoder = Decoder::new(model);
    let mut logits = Vec::new();
    for chunk in tokens.chunks(at_once) {
        logits = decoder.prefill(chunk).unwrap().to_vec();
    }
    assert_eq!(decoder.position(), tokens.len());
    logits
}

#[track_caller]
fn assert_close(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len());
    let difference = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    let largest = difference.fold(0.0, f32::max);
    assert!(largest < 1e-3, "{what}: off by {largest}");
}

#[test]
fn logits_do_not_depend_on_how_many_tokens_are_read_at_a_time() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let model = file.model();
        let at_once = logits(&model, &prompt(), 100);
        assert_eq!(at_once.len(), 300);
        assert!(at_once.iter().any(|logit| logit.abs() > 0.5));
        for size in [1, 7, 64, 99] {
            let parts = logits(&model, &prompt(), size);
            assert_close(&at_once, &parts, &format!("{family}, {size} at a time"));
        }
    }
}

#[test]
fn several_tokens_may_follow_single_ones() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let model = file.model();
        let tokens = prompt();
        let at_once = logits(&model, &tokens, 100);
        let mut decoder = Decoder::new(&model);
        decoder.prefill(&tokens[..30]).unwrap();
        decoder.decode(tokens[30]).unwrap();
        decoder.prefill(&tokens[31..80]).unwrap();
        decoder.decode(tokens[80]).unwrap();
        let mixed = decoder.prefill(&tokens[81..]).unwrap();
        assert_close(&at_once, &mixed, family);
    }
}

#[test]
fn the_order_of_tokens_matters() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let model = file.model();
        let mut other = prompt();
        other.swap(10, 50);
        let (a, b) = (logits(&model, &prompt(), 100), logits(&model, &other, 100));
        let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-2;
        assert!(a.iter().zip(&b).any(differs), "{family}");
    }
}

#[test]
fn what_is_read_after_going_back_is_as_if_read_at_first() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let model = file.model();
        let tokens = prompt();
        let fresh = logits(&model, &tokens, 100);
        let mut decoder = Decoder::new(&model);
        decoder.prefill(&tokens[..60]).unwrap();
        decoder.prefill(&[1, 2, 3]).unwrap();
        decoder.decode(4).unwrap();
        let kept = decoder.truncate(60);
        assert!(kept <= 60);
        assert_eq!(decoder.position(), kept);
        let again = decoder.prefill(&tokens[kept..]).unwrap();
        assert_close(&fresh, &again, family);
        // Nothing is forgotten where there is nothing to go back by.
        assert_eq!(decoder.truncate(100), 100);
    }
}

#[test]
fn quantized_weights_answer_as_the_values_they_stand_for() {
    for stored_as in [
        TensorType::Q4_0,
        TensorType::Q4_1,
        TensorType::Q5_0,
        TensorType::Q5_1,
        TensorType::Q8_0,
    ] {
        let quantized = ModelFile::of(&tiny_model("llama").stored_as(stored_as));
        let plain = ModelFile::of(&tiny_model("llama").rounded_to(stored_as));
        let info = inspect(&quantized.path).unwrap();
        assert_eq!(info.quantization, stored_as.name());
        for size in [1, 100] {
            let found = logits(&quantized.model(), &prompt(), size);
            let wanted = logits(&plain.model(), &prompt(), size);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let norms = (dot(&found, &found) * dot(&wanted, &wanted)).sqrt();
            let cosine = dot(&found, &wanted) / norms;
            println!("{stored_as}, {size} at a time: {cosine}");
            assert!(cosine > 0.995, "{stored_as}, {size} at a time: {cosine}");
        }
    }
}

#[test]
fn a_second_turn_reuses_the_first_and_answers_as_a_fresh_session() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let mut session = file.session();
        let mut messages = vec![message(Role::User, "Tell me of the sea.")];
        let (reply, first) = generate(&mut session, &request(&messages, 2)).unwrap();
        assert_eq!(first.reused_tokens, 0);
        messages.push(message(Role::Assistant, &reply));
        messages.push(message(Role::User, "And of the land?"));
        let (again, second) = generate(&mut session, &request(&messages, 24)).unwrap();
        // The last token written was not read.
        assert_eq!(second.reused_tokens, first.prompt_tokens + 1, "{family}");
        let (fresh, stats) = generate(&mut file.session(), &request(&messages, 24)).unwrap();
        assert_eq!((again, stats.reused_tokens), (fresh, 0), "{family}");
        assert_eq!(stats.prompt_tokens, second.prompt_tokens);
    }
}

#[test]
fn another_conversation_is_answered_as_by_a_fresh_session() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let mut session = file.session();
        generate(
            &mut session,
            &ask("Something long about nothing at all.", 8),
        )
        .unwrap();
        let other = ask("Something else.", 16);
        let (found, _) = generate(&mut session, &other).unwrap();
        let (fresh, _) = generate(&mut file.session(), &other).unwrap();
        assert_eq!(found, fresh, "{family}");
    }
}

#[test]
fn the_same_question_again_has_the_same_answer() {
    for family in FAMILIES {
        let mut session = ModelFile::of(&tiny_model(family)).session();
        let (first, _) = generate(&mut session, &ask("Once more?", 16)).unwrap();
        let (second, _) = generate(&mut session, &ask("Once more?", 16)).unwrap();
        assert_eq!(first, second, "{family}");
        assert!(first.len() >= 16, "{first:?}");
    }
}

#[test]
fn a_cancelled_reply_leaves_the_session_usable() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family));
        let mut session = file.session();
        let question = ask("Do you hear me?", 20);
        let cancel = Arc::new(AtomicBool::new(false));
        let mut pieces = 0;
        let stats = session.generate(&question, &cancel, &mut |progress| {
            if matches!(progress, Progress::Text(_)) {
                pieces += 1;
                cancel.store(pieces == 3, Ordering::Relaxed);
            }
        });
        let stats = stats.unwrap();
        assert_eq!(
            (stats.stop_reason, stats.reply_tokens),
            (StopReason::Cancelled, 3)
        );

        let before = session.generate(&question, &Arc::new(AtomicBool::new(true)), &mut |_| {});
        let before = before.unwrap();
        assert_eq!(
            (before.stop_reason, before.reply_tokens),
            (StopReason::Cancelled, 0)
        );

        let (found, _) = generate(&mut session, &question).unwrap();
        let (fresh, _) = generate(&mut file.session(), &question).unwrap();
        assert_eq!(found, fresh, "{family}");
    }
}

#[test]
fn reading_is_told_up_to_the_whole_prompt() {
    let mut session = ModelFile::of(&tiny_model("llama")).session();
    let mut seen = Vec::new();
    let question = ask(&"many words ".repeat(20), 1);
    session
        .generate(&question, &Arc::default(), &mut |progress| {
            if let Progress::Reading {
                processed, total, ..
            } = progress
            {
                seen.push((processed, total));
            }
        })
        .unwrap();
    let total = seen[0].1;
    assert!(total > 128);
    assert_eq!(seen.first(), Some(&(0, total)));
    assert_eq!(seen.last(), Some(&(total, total)));
    assert!(seen.len() > 2 && seen.is_sorted());
}

#[test]
fn the_oldest_turns_leave_a_conversation_that_does_not_fit() {
    let file = ModelFile::of(&tiny_model("llama").context_length(256));
    let mut messages = vec![message(Role::System, "Be brief.")];
    for turn in 0..8 {
        messages.push(message(
            Role::User,
            &format!("Question {turn}, quite a long one."),
        ));
        messages.push(message(Role::Assistant, &format!("Answer {turn}.")));
    }
    messages.push(message(Role::User, "The last question."));
    let (found, stats) = generate(&mut file.session(), &request(&messages, 8)).unwrap();
    let dropped = stats.dropped_messages as usize;
    assert!(
        dropped > 0 && dropped < 16 && dropped.is_multiple_of(2),
        "{stats:?}"
    );
    assert!(stats.prompt_tokens <= 248);
    messages.drain(1..=dropped);
    let (fresh, left) = generate(&mut file.session(), &request(&messages, 8)).unwrap();
    assert_eq!(found, fresh);
    assert_eq!(
        (left.dropped_messages, left.prompt_tokens),
        (0, stats.prompt_tokens)
    );
}

#[test]
fn a_message_too_long_by_itself_is_refused_with_its_size() {
    let mut session = ModelFile::of(&tiny_model("qwen2").context_length(64)).session();
    let long = [
        message(Role::User, "Before."),
        message(Role::Assistant, "Yes."),
        message(Role::User, &"x".repeat(200)),
    ];
    match generate(&mut session, &request(&long, 4)) {
        Err(Error::PromptTooLong { needed, available }) => {
            assert!(needed > 200);
            assert_eq!(available, 60);
        }
        other => panic!("{other:?}"),
    }
    assert!(generate(&mut session, &ask("Short.", 4)).is_ok());
}

#[test]
fn nothing_to_answer_is_refused() {
    let mut session = ModelFile::of(&tiny_model("llama")).session();
    let blank = [message(Role::User, "Hello."), message(Role::User, " \n\t ")];
    for messages in [&[][..], &blank] {
        let found = generate(&mut session, &request(messages, 4)).map(|_| ());
        assert_eq!(found, Err(Error::EmptyPrompt));
    }
}

#[test]
fn a_reply_ends_at_its_limit() {
    let mut session = ModelFile::of(&tiny_model("llama")).session();
    for limit in [1, 5] {
        let (_, stats) = generate(&mut session, &ask("Go on.", limit)).unwrap();
        assert_eq!(
            (stats.stop_reason, stats.reply_tokens),
            (StopReason::MaxTokens, limit)
        );
    }
}

#[test]
fn a_reply_ends_before_a_stop_text() {
    let mut session = ModelFile::of(&tiny_model("llama")).session();
    let mut question = ask("Go on.", 40);
    let (whole, _) = generate(&mut session, &question).unwrap();
    let stop = whole[10..13].to_owned();
    let before = &whole[..whole.find(&stop).unwrap()];
    question.stop = vec!["never written \u{1F56F}".into(), stop];
    let (found, stats) = generate(&mut session, &question).unwrap();
    assert_eq!(
        (found.as_str(), stats.stop_reason),
        (before, StopReason::StopText)
    );
}

#[test]
fn a_reply_without_limit_ends_with_the_context() {
    for family in FAMILIES {
        let mut session = ModelFile::of(&tiny_model(family).context_length(64)).session();
        let mut question = ask("Go on.", 1);
        question.max_tokens = None;
        let (_, stats) = generate(&mut session, &question).unwrap();
        assert_eq!(stats.stop_reason, StopReason::ContextFull, "{family}");
        // The last one is written and not read.
        assert_eq!(stats.prompt_tokens + stats.reply_tokens, 65, "{family}");
    }
}

#[test]
fn a_seed_gives_the_same_reply_again() {
    let mut session = ModelFile::of(&tiny_model("qwen2")).session();
    let mut say = |seed| {
        let mut question = ask("Surprise me.", 24);
        question.sampling = SamplingParams {
            temperature: 1.5,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: Some(seed),
            ..Default::default()
        };
        generate(&mut session, &question).unwrap().0
    };
    let first = say(1);
    assert_eq!(first, say(1));
    assert_ne!(first, say(2));
}

#[test]
fn weights_that_are_no_numbers_are_told() {
    for family in FAMILIES {
        let mut session = ModelFile::of(&tiny_model(family).damaged()).session();
        for _ in 0..2 {
            let found = generate(&mut session, &ask("Hello.", 4)).map(|_| ());
            assert_eq!(found, Err(Error::NotANumber), "{family}");
        }
    }
}

#[test]
fn a_header_says_what_the_model_is() {
    for family in FAMILIES {
        let file = ModelFile::of(&tiny_model(family).stored_as(TensorType::Q8_0));
        let info = inspect(&file.path).unwrap();
        assert_eq!(
            (info.name.as_str(), info.architecture.as_str()),
            ("Tiny", family)
        );
        assert_eq!(
            (info.context_length, info.quantization.as_str()),
            (512, "Q8_0")
        );
        assert_eq!(file.session().info(), &info);
    }
}

#[test]
fn a_family_that_cannot_be_run_is_refused_by_name() {
    let refused = |writer: &GgufWriter| match inspect(&ModelFile::write(writer).path) {
        Err(Error::UnsupportedArchitecture {
            architecture,
            supported,
        }) => {
            assert!(supported.contains("llama, qwen2, qwen3"), "{supported}");
            architecture
        }
        other => panic!("{other:?}"),
    };
    for name in ["gemma2", "olmo2", "deepseek2"] {
        assert_eq!(refused(&tiny_model(name).writer().unwrap()), name);
    }
    let mut scaled = tiny_model("llama").writer().unwrap();
    scaled.string("llama.rope.scaling.type", "yarn");
    assert!(refused(&scaled).contains("yarn"));
    let mut experts = tiny_model("llama").writer().unwrap();
    experts.u32("llama.expert_count", 8);
    assert!(refused(&experts).contains("Mixtral"));
}

#[test]
fn a_file_without_a_chat_template_is_refused_and_says_so() {
    let mut bytes = tiny_model("llama").writer().unwrap().bytes();
    let key = b"tokenizer.chat_template";
    let at = bytes.windows(key.len()).position(|window| window == key);
    bytes[at.unwrap() + key.len() - 1] = b'x';
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("base.gguf");
    fs::write(&path, bytes).unwrap();
    assert_eq!(inspect(&path), Err(Error::NoChatTemplate));
}
