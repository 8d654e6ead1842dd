//! Whole conversations over a real engine process that answers by a script.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{path::Path, sync::Arc};

use tokio::sync::mpsc;
use wick::{
    EngineCommand, EngineStatus, ErrorCode, Paths, Wick,
    chat::{Message, MessageStatus, ReplyEvent, SendReceipt, SendRequest},
};
use wick_engine::process::protocol::{ModelInfo, StopReason};

struct House {
    folder: tempfile::TempDir,
    wick: Arc<Wick>,
}

/// Puts a file the scripted engine loads into the models folder; its database row comes with it.
fn add_model(folder: &Path, content: &str) {
    let id = "a".repeat(64);
    std::fs::create_dir_all(folder.join("models")).unwrap();
    std::fs::write(folder.join(format!("models/{id}.gguf")), content).unwrap();
    let info = ModelInfo {
        name: "Scripted".into(),
        architecture: "scripted".into(),
        quantization: "F32".into(),
        parameters: 1,
        trained_context_length: 4096,
        context_length: 4096,
        has_chat_template: true,
    };
    let database = rusqlite::Connection::open(folder.join("wick.db")).unwrap();
    let row = (
        id,
        serde_json::to_string(&info).unwrap(),
        content.len() as i64,
    );
    database
        .execute(
            "INSERT INTO models (id, info, size_bytes, added_at_ms) VALUES (?1, ?2, ?3, 0)",
            row,
        )
        .unwrap();
}

fn open(folder: &Path) -> Arc<Wick> {
    let engine = EngineCommand::new(env!("CARGO_BIN_EXE_scripted-engine"), ["--engine"]);
    Wick::open(Paths::at(folder), engine).unwrap().0
}

fn house_with(content: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    add_model(folder.path(), content);
    House { folder, wick }
}

fn house() -> House {
    house_with("scripted")
}

type Events = mpsc::UnboundedReceiver<ReplyEvent>;

impl House {
    fn send(
        &self,
        chat_id: Option<i64>,
        parent_id: Option<i64>,
        text: &str,
    ) -> (SendReceipt, Events) {
        let (sender, events) = mpsc::unbounded_channel();
        let request = SendRequest {
            chat_id,
            parent_id,
            text: text.into(),
        };
        let receipt = self.wick.send(request, move |event| {
            sender.send(event).ok();
        });
        (receipt.unwrap(), events)
    }

    async fn ask(&self, text: &str) -> (SendReceipt, Message) {
        let (receipt, events) = self.send(None, None, text);
        (receipt, finished(events).await)
    }
}

async fn finished(mut events: Events) -> Message {
    while let Some(event) = events.recv().await {
        if let ReplyEvent::Finished { message } = event {
            return message;
        }
    }
    panic!("the events ended without `Finished`");
}

async fn first_text(events: &mut Events) {
    while let Some(event) = events.recv().await {
        if matches!(event, ReplyEvent::Text { .. }) {
            return;
        }
    }
    panic!("the events ended without text");
}

#[tokio::test]
async fn a_message_is_on_disk_before_it_is_answered_and_the_reply_after() {
    let house = house();
    let (receipt, events) = house.send(None, None, "Hello there");
    let chat = open(house.folder.path())
        .open_chat(receipt.chat.id)
        .unwrap();
    assert_eq!(chat.messages[0].content, "Hello there");
    assert_eq!(chat.summary.title, "Hello there");

    let reply = finished(events).await;
    assert_eq!(reply.content, "You said: Hello there");
    assert_eq!(reply.status, MessageStatus::Complete);
    assert_eq!(reply.model_name.as_deref(), Some("Scripted"));
    assert_eq!(
        reply.stats.as_ref().unwrap().stop_reason,
        StopReason::EndOfTurn
    );
    let chat = open(house.folder.path())
        .open_chat(receipt.chat.id)
        .unwrap();
    assert_eq!(chat.messages[1], reply);
    assert_eq!(chat.active_leaf_id, Some(reply.id));
}

#[tokio::test]
async fn the_model_is_given_the_turns_before_and_the_system_prompt() {
    let house = house();
    let patch = serde_json::from_str(r#"{"systemPrompt":"Be brief."}"#).unwrap();
    house.wick.update_settings(patch).unwrap();
    let (receipt, reply) = house.ask("one").await;
    let (_, events) = house.send(Some(receipt.chat.id), Some(reply.id), "/turns");
    assert_eq!(finished(events).await.content, "4");
}

#[tokio::test]
async fn a_stopped_reply_keeps_what_was_written() {
    let house = house();
    let (receipt, mut events) = house.send(None, None, "/slow");
    first_text(&mut events).await;
    house.wick.stop(receipt.reply.id);
    let reply = finished(events).await;
    assert_eq!(reply.status, MessageStatus::Stopped);
    assert!(reply.content.starts_with("word"));
}

#[tokio::test]
async fn a_reply_is_saved_while_it_streams() {
    let house = house();
    let (receipt, mut events) = house.send(None, None, "/slow");
    let other = open(house.folder.path());
    // Every shown piece gives the saver another chance; the content grows from empty.
    loop {
        first_text(&mut events).await;
        let chat = other.open_chat(receipt.chat.id).unwrap();
        assert_eq!(chat.messages[1].status, MessageStatus::Streaming);
        if chat.messages[1].content.starts_with("word") {
            break;
        }
    }
    house.wick.stop(receipt.reply.id);
    finished(events).await;
}

#[tokio::test]
async fn a_crash_in_mid_reply_keeps_the_text_and_the_next_message_is_answered() {
    for text in ["/crash", "/panic"] {
        let house = house();
        let (receipt, reply) = house.ask(text).await;
        assert_eq!(reply.status, MessageStatus::Failed, "{text}");
        assert_eq!(reply.content, "half a reply", "{text}");
        assert_eq!(
            reply.error.as_ref().unwrap().code,
            ErrorCode::EngineCrashed,
            "{text}"
        );
        let (_, events) = house.send(Some(receipt.chat.id), Some(reply.id), "still there?");
        assert_eq!(
            finished(events).await.content,
            "You said: still there?",
            "{text}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_engine_is_told_of_and_replaced() {
    let house = house();
    let (receipt, mut events) = house.send(None, None, "/slow");
    first_text(&mut events).await;
    let engine = engine_of_this_test(&house);
    std::process::Command::new("kill")
        .args(["-9", &engine.to_string()])
        .status()
        .unwrap();
    let reply = finished(events).await;
    assert_eq!(reply.error.as_ref().unwrap().code, ErrorCode::EngineCrashed);
    assert!(reply.error.unwrap().message.contains("memory"));
    assert!(reply.content.starts_with("word"));
    let mut status = house.wick.runtime().status();
    let crashed = |status: &EngineStatus| matches!(status, EngineStatus::Crashed { .. });
    status.wait_for(crashed).await.unwrap();
    let (_, events) = house.send(Some(receipt.chat.id), Some(reply.id), "again");
    assert_eq!(finished(events).await.content, "You said: again");
}

#[cfg(unix)]
fn engine_of_this_test(house: &House) -> u32 {
    house.wick.runtime().pid().unwrap()
}

#[tokio::test]
async fn an_error_of_the_engine_fails_the_reply_alone() {
    let house = house();
    let (_, reply) = house.ask("/fail").await;
    assert_eq!(reply.error.unwrap().code, ErrorCode::NotANumber);
    assert_eq!(reply.content, "half a reply");
    let (_, reply) = house.ask("well?").await;
    assert_eq!(reply.status, MessageStatus::Complete);
}

#[tokio::test]
async fn a_model_that_does_not_load_says_why() {
    let house = house_with("refuse");
    let (_, reply) = house.ask("hello").await;
    assert_eq!(
        reply.error.unwrap().code,
        ErrorCode::UnsupportedArchitecture
    );
    assert_eq!(*house.wick.runtime().status().borrow(), EngineStatus::Idle);
}

#[tokio::test]
async fn an_engine_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let engine = EngineCommand::new("/nowhere/engine", ["--engine"]);
    let (wick, _) = Wick::open(Paths::at(folder.path()), engine).unwrap();
    add_model(folder.path(), "scripted");
    let house = House { folder, wick };
    let (_, reply) = house.ask("hello").await;
    assert_eq!(reply.error.unwrap().code, ErrorCode::EngineStartFailed);
}

#[tokio::test]
async fn a_new_reply_is_a_sibling_and_an_edit_a_branch() {
    let house = house();
    let (receipt, first) = house.ask("question").await;
    let (sender, events) = mpsc::unbounded_channel();
    let again = house.wick.regenerate(first.id, move |event| {
        sender.send(event).ok();
    });
    let second = finished(events).await;
    assert_eq!(again.unwrap().reply.parent_id, first.parent_id);
    assert_ne!(second.id, first.id);

    let (edited, events) = house.send(Some(receipt.chat.id), None, "edited question");
    finished(events).await;
    assert_eq!(edited.user_message.unwrap().parent_id, None);
    let chat = house.wick.open_chat(receipt.chat.id).unwrap();
    assert_eq!(chat.messages.len(), 5);
    house.wick.select_leaf(receipt.chat.id, first.id).unwrap();
    let chat = house.wick.open_chat(receipt.chat.id).unwrap();
    assert_eq!(chat.active_leaf_id, Some(first.id));
}

#[tokio::test]
async fn one_chat_writes_one_reply_at_a_time_and_another_chat_waits_its_turn() {
    let house = house();
    let (receipt, mut events) = house.send(None, None, "/slow");
    first_text(&mut events).await;
    let request = SendRequest {
        chat_id: Some(receipt.chat.id),
        parent_id: Some(receipt.reply.id),
        text: "me too".into(),
    };
    let error = house.wick.send(request, |_| {}).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Busy);
    let (_, other) = house.send(None, None, "other chat");
    house.wick.stop(receipt.reply.id);
    finished(events).await;
    assert_eq!(finished(other).await.content, "You said: other chat");
}

#[tokio::test]
async fn unloading_ends_the_process_and_the_reply_it_was_writing() {
    let house = house();
    let (_, mut events) = house.send(None, None, "/slow");
    first_text(&mut events).await;
    let unloading = house.wick.clone();
    tokio::spawn(async move { unloading.runtime().unload().await });
    let reply = finished(events).await;
    assert_eq!(reply.status, MessageStatus::Stopped);
    assert!(reply.content.starts_with("word"));
    let mut status = house.wick.runtime().status();
    status
        .wait_for(|status| *status == EngineStatus::Idle)
        .await
        .unwrap();
    assert_eq!(house.wick.runtime().pid(), None);
}

#[tokio::test]
async fn what_a_wick_that_died_was_writing_is_marked_and_kept() {
    let house = house();
    let (receipt, mut events) = house.send(None, None, "/slow");
    first_text(&mut events).await;
    let after = open(house.folder.path());
    after.mark_interrupted().unwrap();
    let chat = after.open_chat(receipt.chat.id).unwrap();
    assert_eq!(chat.messages[1].status, MessageStatus::Interrupted);
}

#[tokio::test]
async fn blank_messages_and_missing_models_are_refused_before_anything_is_saved() {
    let house = house();
    let blank = SendRequest {
        chat_id: None,
        parent_id: None,
        text: " \n ".into(),
    };
    assert_eq!(
        house.wick.send(blank, |_| {}).unwrap_err().code(),
        ErrorCode::EmptyMessage
    );
    let id = "a".repeat(64);
    std::fs::remove_file(house.wick.model_file(&id).unwrap()).unwrap();
    let patch = serde_json::from_str(&format!(r#"{{"modelId":"{id}"}}"#)).unwrap();
    house.wick.update_settings(patch).unwrap();
    let request = SendRequest {
        chat_id: None,
        parent_id: None,
        text: "hello".into(),
    };
    assert_eq!(
        house.wick.send(request, |_| {}).unwrap_err().code(),
        ErrorCode::ModelMissing
    );
    assert!(house.wick.chats(None).unwrap().is_empty());
}

#[tokio::test]
async fn chats_are_found_by_what_was_said_and_come_back_from_the_trash() {
    let house = house();
    let (first, _) = house.ask("bread at 100%").await;
    house.ask("lease").await;
    let titles = |query| -> Vec<String> {
        let found = house.wick.chats(Some(query)).unwrap();
        found.into_iter().map(|chat| chat.title).collect()
    };
    assert_eq!(titles(""), ["lease", "bread at 100%"]);
    assert_eq!(titles("SAID: LEASE"), ["lease"]);
    assert_eq!(titles("100%"), ["bread at 100%"]);
    assert_eq!(titles("_ead"), Vec::<String>::new());
    house.wick.delete_chat(first.chat.id).unwrap();
    assert_eq!(titles(""), ["lease"]);
    house.wick.restore_chat(first.chat.id).unwrap();
    assert_eq!(
        house
            .wick
            .rename_chat(first.chat.id, " Bread ")
            .unwrap()
            .title,
        "Bread"
    );
    assert_eq!(
        house.wick.open_chat(first.chat.id).unwrap().messages.len(),
        2
    );
}

#[tokio::test]
async fn drafts_are_kept_until_they_are_sent() {
    let house = house();
    house.wick.save_draft(None, "half a thou").unwrap();
    assert_eq!(
        open(house.folder.path()).new_draft().unwrap(),
        "half a thou"
    );
    let (receipt, reply) = house.ask("half a thought").await;
    assert_eq!(house.wick.new_draft().unwrap(), "");
    let id = receipt.chat.id;
    house.wick.save_draft(Some(id), "and").unwrap();
    assert_eq!(house.wick.open_chat(id).unwrap().draft, "and");
    let (_, events) = house.send(Some(id), Some(reply.id), "and more");
    finished(events).await;
    assert_eq!(house.wick.open_chat(id).unwrap().draft, "");
}

#[tokio::test]
async fn what_a_model_thinks_is_told_and_kept_apart_from_its_answer() {
    let house = house();
    let (receipt, mut events) = house.send(None, None, "/think");
    let (mut thought, mut said) = (String::new(), String::new());
    let reply = loop {
        match events.recv().await.unwrap() {
            ReplyEvent::Reasoning { text } => thought.push_str(&text),
            ReplyEvent::Text { text } => said.push_str(&text),
            ReplyEvent::Finished { message } => break message,
            _ => {}
        }
    };
    assert_eq!(
        (thought.as_str(), said.as_str()),
        ("First this, then that.", "So it is.")
    );
    assert_eq!((reply.reasoning, reply.content), (thought, said));
    let chat = open(house.folder.path())
        .open_chat(receipt.chat.id)
        .unwrap();
    assert_eq!(chat.messages[1].reasoning, "First this, then that.");
}
