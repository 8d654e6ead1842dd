//! `wick pull` as a person or a script runs it, against a stand-in for the Hub: stopped, killed and gone on with.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::disallowed_macros,
    reason = "of a test somebody reads what it says"
)]

mod house;
mod killed;

use std::process::Stdio;

use house::{FILE, House, MIB, REPOSITORY, text};
use serde_json::Value;
use stand_in_hub::{Behaviour, Place, Rule};
use tokio::process::Command;

#[tokio::test]
async fn a_model_is_pulled_by_the_ways_people_write_it() {
    for what in [
        format!("{REPOSITORY}:Q4_0"),
        REPOSITORY.to_owned(),
        format!("https://huggingface.co/{REPOSITORY}/blob/main/{FILE}"),
    ] {
        let house = House::with(4 * MIB).await;
        let output = house.wick(&["pull", &what]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            text(&output.stdout).trim(),
            "Tiny 1B F32 is in the library."
        );
        // Again, it is there already.
        let sent = house.hub.sent_bytes();
        let output = house.wick(&["pull", &what]).await;
        assert!(output.status.success(), "{output:?}");
        assert!(house.hub.sent_bytes() - sent <= MIB, "only its header");
        house.is_there_whole_and_alone().await;
    }
}

#[tokio::test]
async fn what_cannot_be_pulled_is_said_in_words_and_by_an_exit_code() {
    let house = House::with(4 * MIB).await;
    let level = format!("{REPOSITORY}:Q9");
    for (what, code, said) in [
        ("Tiny", 8, "owner/name"),
        ("ann/nobody", 8, "not found"),
        (level.as_str(), 8, "it has Q4_0"),
        ("../../etc/passwd", 8, "owner/name"),
    ] {
        let output = house.wick(&["pull", what]).await;
        assert_eq!(output.status.code(), Some(code), "{what}: {output:?}");
        assert!(text(&output.stderr).contains(said), "{what}: {output:?}");
        assert!(output.stdout.is_empty(), "{what}");
    }
    // Nobody at all answers.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let mut offline = house.command(&["pull", REPOSITORY]);
    let output = offline.env("HF_ENDPOINT", endpoint).output().await.unwrap();
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert!(
        text(&output.stderr).contains("does not answer"),
        "{output:?}"
    );
}

#[tokio::test]
async fn events_are_lines_of_json() {
    let house = House::with(4 * MIB).await;
    let (mut child, mut lines) = house.pulling();
    let mut states = Vec::new();
    let mut last = Value::Null;
    while let Some(line) = lines.next_line().await.unwrap() {
        last = serde_json::from_str(&line).unwrap();
        if let Some(state) = last["download"]["status"]["state"].as_str() {
            states.push(state.to_owned());
        }
    }
    assert!(child.wait().await.unwrap().success());
    assert_eq!(last["model"]["info"]["name"], "Tiny 1B");
    // A state that lasts less than the pause between two lines has none; those told keep their order.
    let order = [
        "queued",
        "resolving",
        "downloading",
        "verifying",
        "settling",
        "finished",
    ];
    let place = |state: &String| order.iter().position(|known| known == state);
    assert!(
        states.iter().all(|state| place(state).is_some()),
        "{states:?}"
    );
    assert!(states.is_sorted_by_key(place), "{states:?}");
    assert!(states.contains(&"downloading".to_owned()), "{states:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_pauses_and_says_how_to_go_on() {
    let house = House::with(16 * MIB).await;
    let stall = Behaviour::StallAfter { bytes: 700_000 };
    // The first answer is the header.
    house.hub.misbehave(Rule::at(Place::Bytes, stall).skip(1));
    let what = format!("{REPOSITORY}:Q4_0");
    let child = house
        .command(&["pull", &what])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    house.hub.sent_at_least(3 * MIB).await;
    let pid = child.id().unwrap().to_string();
    let interrupt = Command::new("kill").args(["-INT", &pid]).status();
    assert!(interrupt.await.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains(&format!("wick pull {what}")), "{said}");

    house.hub.behave();
    house.hub.forget_requests();
    let output = house.wick(&["pull", &what]).await;
    assert!(output.status.success(), "{output:?}");
    let bytes = house.hub.requests().into_iter().filter(|one| one.at_cdn);
    let sent: u64 = bytes.map(|request| request.sent_bytes).sum();
    // What was on its way when it was interrupted is fetched again.
    assert!(sent < 16 * MIB, "{sent} bytes came after the pause");
    house.is_there_whole_and_alone().await;
}

#[tokio::test]
async fn two_that_pull_the_same_do_not_disturb_each_other() {
    let house = House::with(16 * MIB).await;
    let stall = Behaviour::StallAfter { bytes: 700_000 };
    house.hub.misbehave(Rule::at(Place::Bytes, stall).skip(1));
    let (mut first, _lines) = house.pulling();
    house.hub.sent_at_least(3 * MIB).await;
    let second = house.wick(&["pull", REPOSITORY]).await;
    assert_eq!(second.status.code(), Some(3), "{second:?}");
    assert!(text(&second.stderr).contains("another Wick"), "{second:?}");
    first.start_kill().unwrap();
    first.wait().await.unwrap();
    house.hub.behave();
    assert!(house.wick(&["pull", REPOSITORY]).await.status.success());
    house.is_there_whole_and_alone().await;
}
