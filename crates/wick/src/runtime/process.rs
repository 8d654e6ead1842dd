//! One engine process: its pipes, the requests it has not answered yet, and how it ended.

use std::{
    collections::{HashMap, VecDeque},
    ffi::OsString,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{mpsc, watch},
};
use wick_engine::process::protocol::{Event, MAX_LINE_BYTES, PROTOCOL_VERSION, Request, RequestId};

use crate::{Error, Result, child::ENGINE_ARGUMENT};

/// How to start the engine: in the shipped programs, the program itself with `--engine`.
#[derive(Debug, Clone)]
pub struct EngineCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl EngineCommand {
    /// Starts `program` with `arguments`.
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
        }
    }

    /// Starts the running program once more, with `--engine`.
    pub fn this_program() -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| Error::EngineStart {
            reason: error.to_string(),
        })?;
        Ok(Self::new(program, [ENGINE_ARGUMENT]))
    }

    /// The same program with other arguments.
    pub fn with_arguments<A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::new(&self.program, arguments)
    }

    /// The process to start, in a group of its own: Ctrl-C in a terminal is for the program, which then stops the
    /// reply.
    pub(crate) fn process(&self) -> Command {
        let mut process = Command::new(&self.program);
        #[cfg(unix)]
        process.process_group(0);
        #[cfg(windows)]
        process.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
        process.args(&self.arguments);
        process
    }
}

#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// How long an engine that is to end may take to keep what it has read.
const LONGEST_FAREWELL: std::time::Duration = std::time::Duration::from_secs(10);

/// Lines of the engine's standard error that are kept to explain a crash.
const KEPT_STDERR_LINES: usize = 8;

type Waiting = Arc<Mutex<HashMap<RequestId, mpsc::UnboundedSender<Event>>>>;

/// A running engine. Dropping it kills the process.
#[derive(Debug)]
pub struct EngineProcess {
    pid: Option<u32>,
    requests: mpsc::UnboundedSender<Request>,
    waiting: Waiting,
    next_id: AtomicU64,
    /// `None` while it runs, then how it ended.
    ended: watch::Receiver<Option<String>>,
    kill: mpsc::Sender<()>,
    /// Set when it is ended on purpose: what it was doing was then cancelled, and did not fail.
    dismissed: AtomicBool,
    /// Set when it said that it panicked, and so is about to end.
    panicked: AtomicBool,
}

impl EngineProcess {
    /// Starts the process and waits for its first line.
    ///
    /// It computes with `threads` threads: the tensor library and its matrix products read the number from the
    /// environment, once.
    pub async fn start(command: &EngineCommand, threads: usize) -> Result<Self> {
        let failed = |reason: String| Error::EngineStart { reason };
        let mut child = command
            .process()
            .env("CANDLE_NUM_THREADS", threads.to_string())
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", command.program.display())))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::Internal("the engine has no pipes"));
        };
        let pid = child.id();
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let listener = tokio::spawn(keep_last_lines(stderr, last_words.clone()));

        let mut lines = BufReader::new(stdout);
        match read_event(&mut lines).await {
            Ok(Some(Event::Hello { protocol, .. })) if protocol == PROTOCOL_VERSION => {}
            Ok(Some(other)) => return Err(failed(format!("it began with {other:?}"))),
            Ok(None) | Err(_) => {
                let status = child.wait().await;
                listener.await.ok();
                return Err(failed(describe_end(status.ok(), &last_words)));
            }
        }

        let waiting = Waiting::default();
        let (requests, outgoing) = mpsc::unbounded_channel();
        let (kill, killed) = mpsc::channel(1);
        let (tell_ended, ended) = watch::channel(None);
        tokio::spawn(write_requests(stdin, outgoing));
        tokio::spawn({
            let waiting = waiting.clone();
            async move {
                let reason = attend(&mut child, lines, killed, &waiting).await;
                child.start_kill().ok();
                let status = child.wait().await.ok();
                listener.await.ok();
                let reason = reason.unwrap_or_else(|| describe_end(status, &last_words));
                tell_ended.send_replace(Some(reason));
                // Dropping the senders wakes everybody who waits for an answer.
                lock(&waiting).clear();
            }
        });
        Ok(Self {
            pid,
            requests,
            waiting,
            next_id: AtomicU64::new(1),
            ended,
            kill,
            dismissed: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
        })
    }

    /// Id of the process.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Whether it can be given work.
    pub fn works(&self) -> bool {
        self.ended().is_none() && !self.panicked.load(Ordering::Relaxed)
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    /// Resolves with how it ended.
    pub async fn wait_for_end(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "its caretaker ended".into(),
        }
    }

    /// Sends what `request` makes of a fresh id; the answers arrive at the returned [`Answers`].
    pub fn ask(self: &Arc<Self>, request: impl FnOnce(RequestId) -> Request) -> Answers {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, events) = mpsc::unbounded_channel();
        lock(&self.waiting).insert(id, sender);
        if self.ended().is_some() {
            lock(&self.waiting).clear();
        }
        // A closed pipe shows as the end of the process.
        self.requests.send(request(id)).ok();
        Answers {
            id,
            events,
            process: self.clone(),
        }
    }

    /// Ends the process and gives its memory back. Replies that run are stopped, and what was read is kept on disk
    /// first, where the model was loaded to keep it.
    pub async fn end(self: &Arc<Self>) {
        if self.works() {
            let running: Vec<RequestId> = lock(&self.waiting).keys().copied().collect();
            for id in running {
                self.requests.send(Request::Cancel { id }).ok();
            }
            let mut saved = self.ask(|id| Request::Save { id });
            tokio::time::timeout(LONGEST_FAREWELL, saved.next())
                .await
                .ok();
        }
        self.dismissed.store(true, Ordering::Relaxed);
        self.kill.try_send(()).ok();
        self.wait_for_end().await;
    }
}

/// The events that answer one request.
#[derive(Debug)]
pub struct Answers {
    id: RequestId,
    events: mpsc::UnboundedReceiver<Event>,
    process: Arc<EngineProcess>,
}

impl Answers {
    /// The next event; `Failed` arrives as an error, and so does the end of the process. Nothing is lost where the
    /// future is dropped before it is done.
    pub async fn next(&mut self) -> Result<Event> {
        match self.events.recv().await {
            Some(Event::Failed { error, .. }) => {
                if matches!(error, wick_engine::Error::Panicked { .. }) {
                    // It ends itself after a panic; until it has, it must not be taken for one that works.
                    self.process.panicked.store(true, Ordering::Relaxed);
                }
                Err(error.into())
            }
            Some(event) => Ok(event),
            None if self.process.dismissed.load(Ordering::Relaxed) => Err(Error::Cancelled),
            None => Err(Error::EngineCrashed {
                reason: self.process.wait_for_end().await,
            }),
        }
    }

    /// Asks the engine to stop working on the request; its last event still follows.
    pub fn cancel(&self) {
        self.process
            .requests
            .send(Request::Cancel { id: self.id })
            .ok();
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // Still listed: nobody will read the rest, so the engine need not write it.
        if lock(&self.process.waiting).remove(&self.id).is_some() {
            self.cancel();
        }
    }
}

/// Hands events to those who wait, until the process ends (`None`) or is ended (`Some(reason)`).
async fn attend(
    child: &mut Child,
    mut lines: BufReader<ChildStdout>,
    mut killed: mpsc::Receiver<()>,
    waiting: &Waiting,
) -> Option<String> {
    loop {
        tokio::select! {
            _ = killed.recv() => {
                child.start_kill().ok();
                return Some("it was ended".into());
            }
            event = read_event(&mut lines) => match event {
                Ok(Some(event)) => deliver(event, waiting),
                Ok(None) => return None,
                Err(error) => return Some(format!("it wrote something Wick does not understand: {error}")),
            }
        }
    }
}

fn deliver(event: Event, waiting: &Waiting) {
    let (id, last) = match &event {
        Event::Hello { .. } => return,
        Event::Loading { id, .. }
        | Event::Reading { id, .. }
        | Event::Text { id, .. }
        | Event::Reasoning { id, .. }
        | Event::Token { id, .. }
        | Event::BenchRun { id, .. }
        | Event::PerplexityRun { id, .. }
        | Event::Calibrating { id, .. } => (*id, false),
        Event::Loaded { id, .. }
        | Event::Finished { id, .. }
        | Event::BenchFinished { id, .. }
        | Event::PerplexityFinished { id, .. }
        | Event::Calibrated { id, .. }
        | Event::Done { id }
        | Event::Memory { id, .. }
        | Event::Failed { id, .. } => (*id, true),
    };
    let mut waiting = lock(waiting);
    if let Some(sender) = waiting.get(&id) {
        sender.send(event).ok();
    }
    if last {
        waiting.remove(&id);
    }
}

async fn read_event(lines: &mut BufReader<ChildStdout>) -> std::io::Result<Option<Event>> {
    let mut line = Vec::new();
    let limit = MAX_LINE_BYTES as u64;
    let read = lines.take(limit).read_until(b'\n', &mut line).await?;
    match read {
        0 => Ok(None),
        _ => Ok(Some(serde_json::from_slice(&line)?)),
    }
}

async fn write_requests(mut stdin: ChildStdin, mut requests: mpsc::UnboundedReceiver<Request>) {
    while let Some(request) = requests.recv().await {
        let Ok(mut line) = serde_json::to_vec(&request) else {
            continue;
        };
        line.push(b'\n');
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

async fn keep_last_lines(stderr: tokio::process::ChildStderr, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut lines).take(4096).read_until(b'\n', &mut line).await {
        let mut kept = lock(&kept);
        if kept.len() == KEPT_STDERR_LINES {
            kept.pop_front();
        }
        kept.push_back(String::from_utf8_lossy(&line).trim().to_owned());
        line.clear();
    }
}

fn describe_end(
    status: Option<std::process::ExitStatus>,
    last_words: &Mutex<VecDeque<String>>,
) -> String {
    let how = match status {
        Some(status) => describe_status(status),
        None => "it ended".into(),
    };
    let words = lock(last_words);
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|line| !line.is_empty())
        .collect();
    match words.is_empty() {
        true => how,
        false => format!("{how}: {}", words.join(" / ")),
    }
}

/// How a process ended, in words.
#[cfg(unix)]
pub(crate) fn describe_status(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        // The kernel's answer to a machine without memory.
        Some(9) => "the system killed it, most often because memory ran out".into(),
        Some(4) => "this processor lacks an instruction it needs".into(),
        Some(6) => "it aborted".into(),
        Some(11 | 7) => "it read memory that is not there".into(),
        Some(signal) => format!("signal {signal}"),
        None => status.to_string(),
    }
}

/// How a process ended, in words.
#[cfg(not(unix))]
pub(crate) fn describe_status(status: std::process::ExitStatus) -> String {
    status.to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
