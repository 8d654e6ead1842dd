//! The engine's side of the pipes. Replies are written on a worker thread, those that run at the same time in the same
//! passes; what else takes long waits until no reply is running. Cancelling and reporting are answered at once by the
//! reader.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use super::protocol::{
    BenchRequest, BenchRun, Event, GenerateRequest, LoadOptions, MAX_LINE_BYTES, ModelInfo,
    PROTOCOL_VERSION, PerplexityRequest, PerplexityRun, Request, RequestId,
};
use crate::{
    Error, Result,
    calibration::{self, Calibration, CalibrationRequest},
    generate::{Progress, ReplyEvent, Session},
    memory,
};

/// What answers the requests: the real engine, or a scripted one in tests of what stands above.
pub trait Backend: Send + 'static {
    /// Loads a model in place of the one before.
    fn load(
        &mut self,
        path: &Path,
        options: &LoadOptions,
        progress: &mut dyn FnMut(f32),
    ) -> Result<ModelInfo>;

    /// Begins to answer a conversation; [`Backend::step`] writes it.
    fn begin(
        &mut self,
        id: RequestId,
        request: GenerateRequest,
        cancel: Arc<AtomicBool>,
    ) -> Result<()>;

    /// Brings every reply that was begun on by one step.
    fn step(&mut self, tell: &mut dyn FnMut(RequestId, ReplyEvent));

    /// Measures the model once.
    fn measure(&mut self, request: &BenchRequest, cancel: &AtomicBool) -> Result<BenchRun>;

    /// Measures how well the model predicts a text.
    fn perplexity(
        &mut self,
        request: &PerplexityRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(&PerplexityRun),
    ) -> Result<PerplexityRun>;

    /// Measures the machine.
    fn calibrate(
        &mut self,
        request: &CalibrationRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Calibration>;

    /// Puts on disk what is kept for another day.
    fn save(&mut self);

    /// Forgets what was read in a conversation.
    fn forget(&mut self, conversation: &str);

    /// Threads it computes with.
    fn threads(&self) -> u32;
}

/// The real engine.
#[derive(Default)]
struct Engine {
    session: Option<Session>,
}

impl Engine {
    fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or(Error::NoModelLoaded)
    }
}

impl Backend for Engine {
    fn load(
        &mut self,
        path: &Path,
        options: &LoadOptions,
        progress: &mut dyn FnMut(f32),
    ) -> Result<ModelInfo> {
        // First give back what the old one holds.
        self.session = None;
        let session = Session::load(path, options, progress)?;
        Ok(self.session.insert(session).info().clone())
    }

    fn begin(
        &mut self,
        id: RequestId,
        request: GenerateRequest,
        cancel: Arc<AtomicBool>,
    ) -> Result<()> {
        self.session()?.begin(id, request, cancel)
    }

    fn step(&mut self, tell: &mut dyn FnMut(RequestId, ReplyEvent)) {
        if let Some(session) = &mut self.session {
            session.step(tell);
        }
    }

    fn measure(&mut self, request: &BenchRequest, cancel: &AtomicBool) -> Result<BenchRun> {
        self.session()?.measure(request, cancel)
    }

    fn perplexity(
        &mut self,
        request: &PerplexityRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(&PerplexityRun),
    ) -> Result<PerplexityRun> {
        self.session()?.perplexity(request, cancel, progress)
    }

    fn calibrate(
        &mut self,
        request: &CalibrationRequest,
        cancel: &AtomicBool,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Calibration> {
        calibration::measure(request, cancel, progress)
    }

    fn save(&mut self) {
        if let Some(session) = &mut self.session {
            session.save();
        }
    }

    fn forget(&mut self, conversation: &str) {
        if let Some(session) = &mut self.session {
            session.forget(conversation);
        }
    }

    fn threads(&self) -> u32 {
        self.session.as_ref().map_or(0, |session| session.threads())
    }
}

/// Answers over standard input and output with the real engine, until the application closes the pipe.
pub fn run_engine() -> io::Result<()> {
    serve(Engine::default(), io::stdin(), io::stdout())
}

type CancelFlags = Arc<Mutex<HashMap<RequestId, Arc<AtomicBool>>>>;

/// Answers until the input ends or the worker panics. Work still running when the input ends is told to stop and
/// not waited for: the process is about to end.
pub fn serve<B: Backend>(
    backend: B,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let output = Output(Arc::new(Mutex::new(output)));
    output.send(&Event::Hello {
        protocol: PROTOCOL_VERSION,
        version: env!("CARGO_PKG_VERSION").into(),
    });
    let flags = CancelFlags::default();
    let (queue, requests) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    thread::spawn({
        let (output, flags, end) = (output.clone(), flags.clone(), end.clone());
        move || {
            work(backend, &requests, &output, &flags);
            end.send(Ok(())).ok();
        }
    });
    thread::spawn(move || {
        let result = read_requests(input, &queue, &output, &flags);
        for flag in lock(&flags).values() {
            flag.store(true, Ordering::Relaxed);
        }
        end.send(result).ok();
    });
    ended.recv().unwrap_or(Ok(()))
}

fn read_requests<W: Write>(
    input: impl Read,
    queue: &mpsc::Sender<(Request, Arc<AtomicBool>)>,
    output: &Output<W>,
    flags: &CancelFlags,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input)
            .take(MAX_LINE_BYTES as u64)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(());
        }
        match serde_json::from_slice(&line)? {
            Request::Cancel { id } => {
                if let Some(flag) = lock(flags).get(&id) {
                    flag.store(true, Ordering::Relaxed);
                }
            }
            Request::Report { id } => output.send(&Event::Memory {
                id,
                memory: memory::measure(),
            }),
            request => {
                let flag = Arc::new(AtomicBool::new(false));
                lock(flags).insert(id_of(&request), flag.clone());
                if queue.send((request, flag)).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

fn id_of(request: &Request) -> RequestId {
    match request {
        Request::Load { id, .. }
        | Request::Generate { id, .. }
        | Request::Bench { id, .. }
        | Request::Perplexity { id, .. }
        | Request::Calibrate { id, .. }
        | Request::Save { id }
        | Request::Forget { id, .. }
        | Request::Cancel { id }
        | Request::Report { id } => *id,
    }
}

fn work<B: Backend, W: Write>(
    mut backend: B,
    requests: &mpsc::Receiver<(Request, Arc<AtomicBool>)>,
    output: &Output<W>,
    flags: &CancelFlags,
) {
    let mut replies: Vec<RequestId> = Vec::new();
    // A request that waits until no reply is running.
    let mut waiting = None;
    loop {
        while waiting.is_none() {
            let next = match replies.is_empty() {
                true => requests.recv().ok(),
                false => requests.try_recv().ok(),
            };
            match next {
                Some((Request::Generate { id, request }, cancel)) => {
                    let begun = guarded(|| backend.begin(id, *request, cancel));
                    match begun {
                        Ok(Ok(())) => replies.push(id),
                        Ok(Err(error)) => finish(id, Event::Failed { id, error }, output, flags),
                        Err(panic) => {
                            return give_up(&[&replies[..], &[id]].concat(), panic, output);
                        }
                    }
                }
                Some(other) => waiting = Some(other),
                None if replies.is_empty() => return,
                None => break,
            }
        }
        if replies.is_empty() {
            if let Some((request, cancel)) = waiting.take() {
                let id = id_of(&request);
                match guarded(|| answer(&mut backend, request, &cancel, output)) {
                    Ok(Ok(event)) => finish(id, event, output, flags),
                    Ok(Err(error)) => finish(id, Event::Failed { id, error }, output, flags),
                    Err(panic) => return give_up(&[id], panic, output),
                }
            }
            continue;
        }
        let mut ended = Vec::new();
        let stepped = guarded(|| {
            backend.step(&mut |id, event| match event {
                ReplyEvent::Progress(progress) => output.send(&event_of(id, progress)),
                ReplyEvent::Ended(Ok(stats)) => ended.push((id, Event::Finished { id, stats })),
                ReplyEvent::Ended(Err(error)) => ended.push((id, Event::Failed { id, error })),
            });
        });
        for (id, event) in ended {
            replies.retain(|running| *running != id);
            finish(id, event, output, flags);
        }
        if let Err(panic) = stepped {
            return give_up(&replies, panic, output);
        }
    }
}

/// Runs what may panic; the error is the panic's message.
fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| describe_panic(panic.as_ref()))
}

/// The last event of a request.
fn finish<W: Write>(id: RequestId, event: Event, output: &Output<W>, flags: &CancelFlags) {
    lock(flags).remove(&id);
    output.send(&event);
}

/// After a panic: whatever the engine was in the middle of is not to be trusted, and the application starts a new one.
fn give_up<W: Write>(running: &[RequestId], reason: String, output: &Output<W>) {
    for &id in running {
        let reason = reason.clone();
        output.send(&Event::Failed {
            id,
            error: Error::Panicked { reason },
        });
    }
}

fn event_of(id: RequestId, progress: Progress) -> Event {
    match progress {
        Progress::Text(text) => Event::Text { id, text },
        Progress::Reasoning(text) => Event::Reasoning { id, text },
        Progress::Token(token) => Event::Token { id, token },
        Progress::Reading {
            processed,
            total,
            reused,
            dropped_messages,
        } => Event::Reading {
            id,
            processed,
            total,
            reused,
            dropped_messages,
        },
    }
}

fn answer<W: Write>(
    backend: &mut impl Backend,
    request: Request,
    cancel: &AtomicBool,
    output: &Output<W>,
) -> Result<Event> {
    match request {
        Request::Load { id, path, options } => {
            let began = Instant::now();
            let model = backend.load(&path, &options, &mut |fraction| {
                output.send(&Event::Loading { id, fraction });
            })?;
            Ok(Event::Loaded {
                id,
                model,
                load_ms: began.elapsed().as_millis() as u64,
                memory: memory::measure(),
            })
        }
        Request::Bench { id, request } => {
            // The first one warms the caches and is not counted.
            backend.measure(&request, cancel)?;
            for _ in 0..request.repetitions {
                let run = backend.measure(&request, cancel)?;
                output.send(&Event::BenchRun { id, run });
            }
            Ok(Event::BenchFinished {
                id,
                memory: memory::measure(),
                threads: backend.threads(),
            })
        }
        Request::Perplexity { id, request } => {
            let run = backend.perplexity(&request, cancel, &mut |run| {
                output.send(&Event::PerplexityRun { id, run: *run });
            })?;
            Ok(Event::PerplexityFinished { id, run })
        }
        Request::Calibrate { id, request } => {
            let calibration = backend.calibrate(&request, cancel, &mut |fraction| {
                output.send(&Event::Calibrating { id, fraction });
            })?;
            Ok(Event::Calibrated { id, calibration })
        }
        Request::Save { id } => {
            backend.save();
            Ok(Event::Done { id })
        }
        Request::Forget { id, conversation } => {
            backend.forget(&conversation);
            Ok(Event::Done { id })
        }
        // Answered elsewhere.
        Request::Generate { .. } | Request::Cancel { .. } | Request::Report { .. } => {
            Err(Error::NoModelLoaded)
        }
    }
}

fn describe_panic(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}

/// The pipe to the application: one event a line.
struct Output<W>(Arc<Mutex<W>>);

impl<W> Clone for Output<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Write> Output<W> {
    /// Sends the event. A pipe that is closed shows at the other pipe's end too, which ends the process.
    fn send(&self, event: &Event) {
        if let Ok(mut line) = serde_json::to_vec(event) {
            line.push(b'\n');
            let mut output = lock(&self.0);
            output.write_all(&line).and_then(|()| output.flush()).ok();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
