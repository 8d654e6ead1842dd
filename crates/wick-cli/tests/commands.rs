//! The built program as a person or a script runs it, with the real model where the tests are given one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::disallowed_macros,
    reason = "of a test somebody reads what it says"
)]

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wick"));
        command
            .args(arguments)
            .env("WICK_DATA_DIR", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn wick(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn real_model() -> Option<PathBuf> {
    let file = std::env::var_os("WICK_TEST_MODEL").map(Into::into);
    if file.is_none() {
        println!("skipped: WICK_TEST_MODEL names no model");
    }
    file
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn it_tells_its_version() {
    let output = House::new().wick(&["--version"]);
    assert_eq!(
        text(&output.stdout).trim(),
        concat!("wick ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn failures_have_exit_codes_and_say_what_to_do() {
    let house = House::new();
    let page = house.folder.path().join("page.gguf");
    std::fs::write(&page, "<html>").unwrap();
    let page = page.to_str().unwrap();
    for (arguments, code, said) in [
        (&["run", "hello"][..], 7, "wick import"),
        (&["import", "/nowhere/model.gguf"], 3, "cannot read"),
        (&["import", page], 4, ".gguf"),
        (&["run", "--model", page, "hello"], 4, "not a GGUF file"),
        (&["run", "--model", "unknown", "hello"], 7, "wick list"),
        (&["run", "--temperature", "9", "hello"], 2, "temperature"),
        (&["run", " "], 2, "empty"),
        (&["check", page], 4, "not a GGUF file"),
        (&["check", "/nowhere/model.gguf"], 3, "cannot read"),
        (&["frobnicate"], 2, "frobnicate"),
    ] {
        let output = house.wick(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        assert!(
            text(&output.stderr).contains(said),
            "{arguments:?}: {output:?}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let output = house.wick(&["run", "--json", "hello"]);
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["error"]["code"], "no_model");
}

#[test]
fn a_model_is_checked_without_being_loaded() {
    let house = House::new();
    let file = house.folder.path().join("tiny.gguf");
    let model = wick_engine::testkit::tiny_model("qwen2").writer().unwrap();
    std::fs::write(&file, model.bytes()).unwrap();
    let file = file.to_str().unwrap();
    let output = house.wick(&["check", file]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        text(&output.stdout).contains("Wick can run it."),
        "{output:?}"
    );

    let output = house.wick(&[
        "check",
        file,
        "--context",
        "100",
        "--cache-type",
        "q8_0",
        "--json",
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["canRun"], true);
    assert_eq!(report["contextLength"], 100);
    let memory = &report["memory_bytes"];
    let parts = ["weights", "kv_cache", "work"].map(|part| memory[part].as_u64().unwrap());
    assert_eq!(memory["total"].as_u64(), Some(parts.iter().sum()));
    assert_eq!(report["vram_bytes"], Value::Null);
    // Nothing was measured yet.
    assert_eq!(report["decode_tokens_per_second"], Value::Null);
    assert_eq!(report["prefill_tokens_per_second"], Value::Null);
    assert_eq!(report["verdict"]["memory"]["fit"], "fits_well");
    assert_eq!(report["verdict"]["speed"], Value::Null);
    assert_eq!(report["cacheType"], "q8_0");

    let other = house.folder.path().join("other.gguf");
    let model = wick_engine::testkit::tiny_model("starcoder2")
        .writer()
        .unwrap();
    std::fs::write(&other, model.bytes()).unwrap();
    let output = house.wick(&["check", other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(text(&output.stdout).contains("starcoder2"), "{output:?}");
}

#[test]
fn another_machine_is_told_what_to_run_and_why() {
    let house = House::new();
    let machine = ["--ram", "16GB", "--bandwidth", "50GB/s", "--cores", "8"];
    let output = house.wick(&[&["recommend", "--json"], &machine[..]].concat());
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let best = &answer["recommendations"][0];
    assert_eq!(best["kind"], "best");
    let prediction = &best["prediction"];
    assert!(prediction["memory_bytes"]["total"].as_u64().unwrap() < 12_000_000_000);
    let rate = &prediction["decode_tokens_per_second"];
    assert!(rate["low"].as_f64() < rate["high"].as_f64(), "{rate}");
    assert_eq!(prediction["verdict"]["speed"], "faster_than_reading");
    assert!(best["reasons"].as_array().unwrap().len() >= 3);

    let card = [
        "--vram",
        "12GB",
        "--vram-bandwidth",
        "360GB/s",
        "--prefer",
        "speed",
    ];
    let output = house.wick(&[&["recommend"], &machine[..], &card[..]].concat());
    let text = text(&output.stdout);
    assert!(
        text.contains("graphics card") && text.contains("download"),
        "{text}"
    );

    let wishes = ["--language", "sv", "--reasoning", "--licence", "apache-2.0"];
    let output = house.wick(&[&["recommend"], &machine[..], &wishes[..]].concat());
    assert!(
        self::text(&output.stdout).contains("Thinking"),
        "{output:?}"
    );
    let output = house.wick(&["recommend", "--ram", "100MB"]);
    assert!(
        self::text(&output.stdout).contains("No model"),
        "{output:?}"
    );
    for wrong in [
        ["--ram", "much"],
        ["--vram", "8GB"],
        ["--bandwidth", "0GB/s"],
    ] {
        let output = house.wick(&[&["recommend"], &wrong[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn the_machine_is_shown_and_graphics_are_looked_for_in_a_process_of_its_own() {
    let house = House::new();
    let output = house.wick(&["hardware", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let profile = &report["profile"];
    let available = profile["memory"]["availableBytes"].as_u64().unwrap();
    assert!(available <= profile["memory"]["totalBytes"].as_u64().unwrap());
    assert_eq!(profile["gpuSearch"]["failure"], Value::Null, "{profile}");
    assert!(profile["disk"]["freeBytes"].is_number());
    assert_eq!(report["calibration"], Value::Null);
    let output = house.wick(&["hardware"]);
    assert!(text(&output.stdout).contains("wick hardware --measure"));
    let output = house.wick(&["--probe-gpus"]);
    for line in text(&output.stdout).lines() {
        let found: Value = serde_json::from_str(line).unwrap();
        assert!(found["gpus"].is_array() && found["asked"].is_array());
    }
}

#[test]
fn this_machine_is_told_what_to_run_before_it_was_measured() {
    let output = House::new().wick(&["recommend"]);
    assert!(output.status.success(), "{output:?}");
    let told = text(&output.stdout);
    assert!(
        told.contains("wick hardware --measure") || told.contains("No model"),
        "{told}"
    );
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let house = House::new();
    let file = house.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = house
        .command(&["list"])
        .env("WICK_DATA_DIR", &file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(text(&output.stderr).contains("WICK_DATA_DIR"));
}

#[test]
fn a_model_is_imported_listed_and_answers() {
    let Some(file) = real_model() else { return };
    let house = House::new();
    let output = house.wick(&["import", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let listed: Value = serde_json::from_slice(&house.wick(&["list", "--json"]).stdout).unwrap();
    assert_eq!(listed["models"][0]["info"]["quantization"], "Q4_1");

    let question = "What is the capital of France?";
    let output = house.wick(&["run", "--temperature", "0", "--max-tokens", "24", question]);
    assert!(text(&output.stdout).contains("Paris"), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");

    let mut child = house
        .command(&[
            "run",
            "--temperature",
            "0",
            "--max-tokens",
            "24",
            "--json",
            "--model",
            "smollm2",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(question.as_bytes())
        .unwrap();
    let piped: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(piped["reply"].as_str(), Some(text(&output.stdout).trim()));
    assert!(piped["stats"]["replyTokens"].as_u64() > Some(0));
}

#[test]
fn a_measurement_prints_one_object_with_its_figures() {
    let Some(file) = real_model() else { return };
    let arguments = ["bench", "--model", file.to_str().unwrap(), "--json"];
    let sizes = ["-p", "8", "-n", "2", "--repetitions", "2", "--threads", "1"];
    let output = House::new().wick(&[&arguments[..], &sizes].concat());
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in ["prefill_tokens_per_second", "decode_tokens_per_second"] {
        assert!(figures[key].as_f64().unwrap() > 0.0, "{figures}");
    }
    assert!(
        figures["peak_memory_bytes"].as_u64().unwrap() > 98_362_432,
        "{figures}"
    );
    assert!(figures["load_ms"].is_u64());
    assert_eq!(figures["threads"], 1);
    assert_eq!(figures["repetitions"], 2);
    let spread = &figures["spread"]["decode"];
    assert!(spread["min"].as_f64() <= spread["max"].as_f64());
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_reply_and_keeps_what_was_written() {
    let Some(file) = real_model() else { return };
    let house = House::new();
    let mut child = house
        .command(&[
            "run",
            "--model",
            file.to_str().unwrap(),
            "Count from one to one thousand.",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0];
    stdout.read_exact(&mut first).unwrap();
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn it_ends_quietly_where_nobody_reads_what_it_says() {
    let house = House::new();
    for (arguments, is_failure) in [
        (&["list", "--json"][..], false),
        (&["folder"], false),
        (&["recommend"], false),
        (&["run", "hello"], true),
    ] {
        let mut command = house.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Neither end is read by anybody.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = match is_failure {
            false => command.stdout(writer).output().unwrap(),
            true => command.stderr(writer).output().unwrap(),
        };
        assert_eq!(output.status.code(), Some(141), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}
