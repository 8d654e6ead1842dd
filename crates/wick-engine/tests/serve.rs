//! The engine's loop over pipes, with the scripted backend behind it.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use std::{
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write},
    thread::{self, JoinHandle},
};

use wick_engine::{
    Error,
    calibration::CalibrationRequest,
    process::{
        protocol::{
            BenchRequest, ChatMessage, Event, GenerateRequest, LoadOptions, MAX_LINE_BYTES,
            PROTOCOL_VERSION, Request, RequestId, Role, StopReason,
        },
        scripted::Scripted,
        serve,
    },
};

/// The application's side of a running loop that has said hello.
struct Client {
    to_engine: PipeWriter,
    from_engine: BufReader<PipeReader>,
    serving: JoinHandle<io::Result<()>>,
}

impl Client {
    fn start() -> Self {
        let (input, to_engine) = io::pipe().unwrap();
        let (from_engine, output) = io::pipe().unwrap();
        let mut client = Self {
            to_engine,
            from_engine: BufReader::new(from_engine),
            serving: thread::spawn(move || serve(Scripted::default(), input, output)),
        };
        match client.next() {
            Event::Hello { protocol, version } => {
                assert_eq!(protocol, PROTOCOL_VERSION);
                assert_eq!(version, env!("CARGO_PKG_VERSION"));
            }
            other => panic!("{other:?}"),
        }
        client
    }

    fn send(&mut self, request: &Request) {
        let mut line = serde_json::to_vec(request).unwrap();
        line.push(b'\n');
        self.to_engine.write_all(&line).unwrap();
    }

    fn ask(&mut self, id: RequestId, text: &str) {
        let message = ChatMessage::new(Role::User, text);
        let request = GenerateRequest {
            messages: vec![message],
            sampling: Default::default(),
            ..GenerateRequest::default()
        };
        let request = Box::new(request);
        self.send(&Request::Generate { id, request });
    }

    fn next(&mut self) -> Event {
        let mut line = String::new();
        self.from_engine.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Reads on to the first event that fits.
    fn until(&mut self, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next();
            if fits(&event) {
                return event;
            }
        }
    }

    fn until_text(&mut self, wanted: RequestId) {
        self.until(|event| matches!(event, Event::Text { id, .. } if *id == wanted));
    }

    fn until_finished(&mut self, wanted: RequestId) -> StopReason {
        match self.until(|event| matches!(event, Event::Finished { .. } | Event::Failed { .. })) {
            Event::Finished { id, stats } if id == wanted => stats.stop_reason,
            other => panic!("{other:?}"),
        }
    }

    /// Closes the engine's input, reads until the engine closes its output, and returns what serving came to.
    fn end(mut self) -> io::Result<()> {
        drop(self.to_engine);
        io::copy(&mut self.from_engine, &mut io::sink()).unwrap();
        self.serving.join().unwrap()
    }
}

#[test]
fn the_machine_is_measured_without_a_model_and_stops_when_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let mut client = Client::start();
    let request = CalibrationRequest {
        memory_bytes: 1,
        thread_counts: vec![1],
        models_folder: Some(directory.path().into()),
    };
    client.send(&Request::Calibrate {
        id: 1,
        request: request.clone(),
    });
    for fraction in [0.5, 1.0] {
        assert_eq!(client.next(), Event::Calibrating { id: 1, fraction });
    }
    assert!(matches!(client.next(), Event::Calibrated { id: 1, .. }));
    // With this file there the script measures on and on.
    std::fs::write(directory.path().join("slow"), "").unwrap();
    client.send(&Request::Calibrate { id: 2, request });
    client.until(|event| matches!(event, Event::Calibrating { id: 2, .. }));
    client.send(&Request::Cancel { id: 2 });
    let error = Error::Cancelled;
    assert_eq!(client.next(), Event::Failed { id: 2, error });
    client.end().unwrap();
}

#[test]
fn loads_tells_how_far_and_what() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    std::fs::write(&path, b"scripted").unwrap();
    let mut client = Client::start();
    let options = LoadOptions {
        context_length: Some(99),
        ..Default::default()
    };
    client.send(&Request::Load {
        id: 1,
        path: path.clone(),
        options: options.clone(),
    });
    for fraction in [0.5, 1.0] {
        assert_eq!(client.next(), Event::Loading { id: 1, fraction });
    }
    match client.next() {
        Event::Loaded { id, model, .. } => assert_eq!((id, model.context_length), (1, 99)),
        other => panic!("{other:?}"),
    }
    std::fs::write(&path, b"refuse").unwrap();
    client.send(&Request::Load {
        id: 2,
        path,
        options,
    });
    match client.next() {
        Event::Failed { id, error } => {
            assert_eq!(id, 2);
            assert!(matches!(error, Error::UnsupportedArchitecture { .. }));
        }
        other => panic!("{other:?}"),
    }
    client.end().unwrap();
}

#[test]
fn answers_in_the_order_asked() {
    let mut client = Client::start();
    client.ask(1, "hello");
    client.ask(2, "/fail");
    client.ask(3, "/long 2");
    let mut texts = Vec::new();
    let mut ends = Vec::new();
    while ends.len() < 3 {
        match client.next() {
            Event::Text { id, text } => texts.push((id, text)),
            Event::Finished { id, stats } => ends.push((id, Ok(stats.stop_reason))),
            Event::Failed { id, error } => ends.push((id, Err(error))),
            Event::Reading { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let texts: Vec<_> = texts
        .iter()
        .map(|(id, text)| (*id, text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            (1, "You said: "),
            (1, "hello"),
            (2, "half a reply"),
            (3, "word "),
            (3, "word ")
        ]
    );
    assert_eq!(
        ends,
        [
            (1, Ok(StopReason::EndOfTurn)),
            (2, Err(Error::NotANumber)),
            (3, Ok(StopReason::EndOfTurn))
        ]
    );
    client.end().unwrap();
}

#[test]
fn a_running_reply_is_cancelled() {
    let mut client = Client::start();
    client.ask(7, "/slow");
    client.until_text(7);
    client.send(&Request::Cancel { id: 7 });
    assert_eq!(client.until_finished(7), StopReason::Cancelled);
    client.ask(8, "still there?");
    assert_eq!(client.until_finished(8), StopReason::EndOfTurn);
    client.end().unwrap();
}

#[test]
fn a_waiting_reply_is_cancelled_and_the_running_one_is_not() {
    let mut client = Client::start();
    client.ask(1, "/slow");
    client.until_text(1);
    client.ask(2, "/slow");
    client.send(&Request::Cancel { id: 2 });
    // Answered in the order read: once this is there, the cancellation has been seen.
    client.send(&Request::Report { id: 3 });
    client.until(|event| matches!(event, Event::Memory { id: 3, .. }));
    client.until_text(1);
    client.send(&Request::Cancel { id: 1 });
    assert_eq!(client.until_finished(1), StopReason::Cancelled);
    // Not cancelled, it would go on for ever.
    assert_eq!(client.until_finished(2), StopReason::Cancelled);
    client.end().unwrap();
}

#[test]
fn cancelling_what_is_not_there_does_nothing() {
    let mut client = Client::start();
    client.send(&Request::Cancel { id: 1 });
    client.ask(1, "hello");
    assert_eq!(client.until_finished(1), StopReason::EndOfTurn);
    client.send(&Request::Cancel { id: 1 });
    client.ask(2, "hello");
    assert_eq!(client.until_finished(2), StopReason::EndOfTurn);
    client.end().unwrap();
}

#[test]
fn memory_is_reported_while_a_reply_is_written() {
    let mut client = Client::start();
    client.ask(1, "/slow");
    client.until_text(1);
    client.send(&Request::Report { id: 2 });
    let event = client.until(|event| !matches!(event, Event::Text { .. }));
    let Event::Memory { id: 2, memory } = event else {
        panic!("{event:?}");
    };
    if cfg!(target_os = "linux") {
        assert!(memory.resident_bytes > 0);
        assert!(memory.peak_bytes >= memory.resident_bytes);
    }
    client.until_text(1);
    client.send(&Request::Cancel { id: 1 });
    assert_eq!(client.until_finished(1), StopReason::Cancelled);
    client.end().unwrap();
}

#[test]
fn measures_as_often_as_asked() {
    let mut client = Client::start();
    client.send(&Request::Bench {
        id: 1,
        request: BenchRequest {
            prompt_tokens: 8,
            generated_tokens: 8,
            fill: false,
            depth: 0,
            sequences: 1,
            repetitions: 3,
        },
    });
    for _ in 0..3 {
        let event = client.next();
        assert!(matches!(event, Event::BenchRun { id: 1, .. }), "{event:?}");
    }
    let event = client.next();
    assert!(
        matches!(event, Event::BenchFinished { id: 1, .. }),
        "{event:?}"
    );
    client.end().unwrap();
}

#[test]
fn a_panic_is_told_and_ends_the_serving() {
    let mut client = Client::start();
    client.ask(1, "/panic");
    client.ask(2, "hello");
    client.until_text(1);
    assert_eq!(
        client.next(),
        Event::Failed {
            id: 1,
            error: Error::Panicked {
                reason: "as the script wants".into()
            }
        }
    );
    // Its input is still open.
    client.serving.join().unwrap().unwrap();
}

#[test]
fn a_line_that_does_not_parse_ends_the_serving() {
    for line in [
        "garbage\n",
        "\n",
        "{\"type\":\"dance\",\"id\":1}\n",
        "{\"type\":\"report\",\"id\":1,\"more\":true}\n",
        "{\"type\":\"report\",\"id\":-1}\n",
    ] {
        let mut client = Client::start();
        client.to_engine.write_all(line.as_bytes()).unwrap();
        // Its input is still open.
        assert!(client.serving.join().unwrap().is_err(), "{line:?}");
    }
}

#[test]
fn a_line_without_end_is_refused() {
    let mut client = Client::start();
    let line = [b"{\"type\":\"", vec![b'a'; MAX_LINE_BYTES].as_slice()].concat();
    // The pipe closes before all is written, or right after.
    client.to_engine.write_all(&line).ok();
    assert!(client.serving.join().unwrap().is_err());
}

#[test]
fn the_end_of_input_ends_a_running_reply() {
    let mut client = Client::start();
    client.ask(1, "/slow");
    client.until_text(1);
    // Returns once the engine has closed its output: the reply that would go on for ever has ended.
    client.end().unwrap();
}
