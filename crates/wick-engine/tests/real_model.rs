//! A real model, where `WICK_TEST_MODEL` names its file: an instruct model that knows the capital of France.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use std::{path::Path, sync::Arc};

use wick_engine::{
    generate::{Progress, Session},
    process::protocol::{ChatMessage, GenerateRequest, LoadOptions, Role, StopReason},
    sampling::SamplingParams,
};

#[test]
fn knows_the_capital_of_france() {
    let Some(path) = std::env::var_os("WICK_TEST_MODEL") else {
        println!("skipped: WICK_TEST_MODEL names no model file");
        return;
    };
    let path = Path::new(&path);
    assert_eq!(
        wick_engine::inspect(path).map(|info| info.has_chat_template),
        Ok(true)
    );
    let mut session = Session::load(path, &LoadOptions::default(), &mut |_| {}).unwrap();
    let mut request = GenerateRequest {
        messages: vec![ChatMessage::new(
            Role::User,
            "What is the capital of France?",
        )],
        sampling: SamplingParams {
            temperature: 0.0,
            repetition_penalty: 1.0,
            ..Default::default()
        },
        max_tokens: Some(48),
        ..GenerateRequest::default()
    };
    let mut answer = |request: &GenerateRequest| {
        let mut text = String::new();
        let stats = session.generate(request, &Arc::default(), &mut |progress| {
            if let Progress::Text(more) = progress {
                text.push_str(&more);
            }
        });
        (text, stats.unwrap())
    };
    let (text, stats) = answer(&request);
    assert!(text.contains("Paris"), "{text:?}");
    assert!(!text.contains("<|"), "{text:?}");
    assert!(matches!(
        stats.stop_reason,
        StopReason::EndOfTurn | StopReason::MaxTokens
    ));
    assert_eq!(stats.reused_tokens, 0);

    for (role, content) in [
        (Role::Assistant, text.as_str()),
        (Role::User, "And of Italy?"),
    ] {
        request.messages.push(ChatMessage::new(role, content));
    }
    let (text, stats) = answer(&request);
    assert!(!text.trim().is_empty());
    assert!(stats.reused_tokens > 0, "{stats:?}");
}
