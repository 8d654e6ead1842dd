//! The machine looked at, measured and remembered, over a real engine process that answers by a script.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{path::Path, sync::Arc};

use tokio::sync::mpsc;
use wick::{
    AppEvent, EngineCommand, ErrorCode, Paths, Wick,
    chat::{Message, ReplyEvent, SendRequest},
    hardware::CalibrationState,
};
use wick_engine::{process::protocol::ModelInfo, testkit::tiny_model};

fn open(folder: &Path) -> Arc<Wick> {
    let engine = EngineCommand::new(env!("CARGO_BIN_EXE_scripted-engine"), ["--engine"]);
    Wick::open(Paths::at(folder), engine).unwrap().0
}

fn database(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("wick.db")).unwrap()
}

/// A file that says nothing of itself: nothing can be predicted of it.
fn add_model(folder: &Path) {
    add_model_of(folder, b"scripted");
}

fn add_model_of(folder: &Path, content: &[u8]) {
    let id = "a".repeat(64);
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
    let info = serde_json::to_string(&info).unwrap();
    let row = (id, info, content.len() as i64);
    database(folder)
        .execute(
            "INSERT INTO models (id, info, size_bytes, added_at_ms) VALUES (?1, ?2, ?3, 0)",
            row,
        )
        .unwrap();
}

/// The scripted engine then measures until it is stopped.
fn make_slow(folder: &Path) {
    std::fs::write(folder.join("models/slow"), "").unwrap();
}

async fn reply(wick: &Arc<Wick>, text: &str) -> Message {
    let (sender, mut events) = mpsc::unbounded_channel();
    let request = SendRequest {
        chat_id: None,
        parent_id: None,
        text: text.into(),
    };
    wick.send(request, move |event| drop(sender.send(event)))
        .unwrap();
    loop {
        if let ReplyEvent::Finished { message } = events.recv().await.unwrap() {
            return message;
        }
    }
}

async fn until_running(events: &mut tokio::sync::broadcast::Receiver<AppEvent>) {
    loop {
        if let AppEvent::Calibration {
            state: CalibrationState::Running { .. },
        } = events.recv().await.unwrap()
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_machine_is_measured_once_and_again_when_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let report = wick.hardware().await.unwrap();
    assert!(report.needs_calibration && report.calibration.is_none());
    assert_eq!(report.profile.gpu_search.asked, ["script"]);

    let mut fractions = Vec::new();
    let kept = wick.calibrate(|fraction| fractions.push(fraction)).await;
    assert_eq!(fractions, [0.5, 1.0]);
    let kept = kept.unwrap();
    assert_eq!(kept.fingerprint, report.fingerprint);
    assert!(kept.measured_at_ms > 0);
    drop(wick);

    let wick = open(folder.path());
    wick.calibrate_if_needed().await.unwrap();
    let report = wick.hardware().await.unwrap();
    assert!(!report.needs_calibration);
    assert_eq!(report.calibration, Some(kept.clone()));

    for change in ["wick_version = '0.0.1'", "fingerprint = 'another machine'"] {
        let change = format!("UPDATE calibrations SET {change}");
        database(folder.path()).execute(&change, []).unwrap();
        assert!(wick.hardware().await.unwrap().needs_calibration, "{change}");
        wick.calibrate_if_needed().await.unwrap();
        assert!(!wick.hardware().await.unwrap().needs_calibration);
    }
}

#[tokio::test]
async fn figures_that_cannot_be_read_are_measured_again() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    wick.calibrate(|_| {}).await.unwrap();
    let nonsense = "UPDATE calibrations SET figures = '{\"threads\": -1}'";
    database(folder.path()).execute(nonsense, []).unwrap();
    let report = wick.hardware().await.unwrap();
    assert!(report.needs_calibration && report.calibration.is_none());
    wick.calibrate_if_needed().await.unwrap();
}

#[tokio::test]
async fn a_measurement_that_is_cancelled_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let kept = wick.calibrate(|_| {}).await.unwrap();
    make_slow(folder.path());
    let mut events = wick.events();
    let measuring = tokio::spawn({
        let wick = wick.clone();
        async move { wick.calibrate(|_| {}).await }
    });
    until_running(&mut events).await;
    wick.cancel_calibration();
    let error = measuring.await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    let report = wick.hardware().await.unwrap();
    assert_eq!(report.calibration, Some(kept));
    // Whoever watches is told how it ended.
    loop {
        if let AppEvent::Calibration {
            state: CalibrationState::Failed { error },
        } = events.recv().await.unwrap()
        {
            assert_eq!(error.code, ErrorCode::Cancelled);
            break;
        }
    }
}

#[tokio::test]
async fn a_reply_does_not_wait_for_a_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    add_model(folder.path());
    make_slow(folder.path());
    let mut events = wick.events();
    let measuring = tokio::spawn({
        let wick = wick.clone();
        async move { wick.calibrate_if_needed().await }
    });
    until_running(&mut events).await;
    assert_eq!(reply(&wick, "Hello").await.content, "You said: Hello");
    let error = measuring.await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[tokio::test]
async fn loads_and_replies_enter_the_ledger_and_short_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    add_model(folder.path());
    wick.calibrate(|_| {}).await.unwrap();
    reply(&wick, "/long 40").await;
    let entries = wick.measurements().await.unwrap();
    let written = &entries[0];
    assert_eq!(written.measured.decode_tokens_per_second, Some(1.0));
    assert_eq!(written.measured.prefill_tokens_per_second, None);
    assert_eq!(
        (written.architecture.as_str(), written.used_tokens),
        ("scripted", 41)
    );
    // As many as were measured to be best.
    assert_eq!((written.threads, written.context_length), (1, 4096));
    // Where the system tells a process's memory, loads are entries too.
    if cfg!(target_os = "linux") {
        assert_eq!(entries.len(), 2);
        assert!(entries[1].measured.peak_memory_bytes > Some(0));
        assert_eq!(entries[1].used_tokens, 0);
    }
    // Too short for its speed, and not the first to take memory.
    reply(&wick, "Hello").await;
    assert_eq!(wick.measurements().await.unwrap(), entries);
}

#[tokio::test]
async fn predictions_stand_beside_what_came_of_them_and_correct_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let wick = open(folder.path());
    let file = tiny_model("llama").writer().unwrap().bytes();
    add_model_of(folder.path(), &file);
    wick.calibrate(|_| {}).await.unwrap();
    assert_eq!(wick.corrections().await.unwrap(), []);
    reply(&wick, "/long 40").await;
    let entries = wick.measurements().await.unwrap();
    let predicted = entries[0].predicted;
    assert!(predicted.peak_memory_bytes > Some(0), "{entries:?}");
    assert!(
        predicted.decode_tokens_per_second > Some(0.0),
        "{entries:?}"
    );
    if cfg!(target_os = "linux") {
        let corrections = wick.corrections().await.unwrap();
        assert_eq!(corrections[0].architecture, "scripted");
        assert!(corrections[0].memory > 0.0 && corrections[0].samples > 0);
    }
}
