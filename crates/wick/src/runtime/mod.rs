//! The engine the application talks to: at most one process, started when it is needed, ended to free its memory.

mod process;

use std::{path::PathBuf, sync::Arc};

use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use wick_engine::{
    calibration::{Calibration, CalibrationRequest},
    process::protocol::{
        BenchRequest, DeviceChoice, Event, GenerateRequest, LoadOptions, MemoryUse, ModelInfo,
        PerplexityRequest, Request,
    },
};

pub(crate) use process::describe_status;
pub use process::{Answers, EngineCommand, EngineProcess};

use crate::{AppError, EngineStatus, Error, Result};

/// A model to have loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadTarget {
    /// Its id in the library.
    pub model_id: String,
    /// Its file.
    pub path: PathBuf,
    /// How to load it.
    pub options: LoadOptions,
    /// Threads to compute with; `None` takes the number of physical cores.
    pub threads: Option<u32>,
}

/// What loading told.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// The model.
    pub model: ModelInfo,
    /// From the request to ready.
    pub load_ms: u64,
    /// Memory of the process once loaded.
    pub memory: MemoryUse,
    /// Whether it was loaded for this and not before.
    pub is_new: bool,
}

impl LoadTarget {
    /// Threads it computes with.
    pub fn threads(&self) -> u32 {
        self.threads.unwrap_or_else(|| physical_cores() as u32)
    }

    /// The same, computed there.
    pub fn on(mut self, device: DeviceChoice) -> Self {
        self.options.device = device;
        self
    }
}

#[derive(Debug)]
struct Loaded {
    process: Arc<EngineProcess>,
    target: LoadTarget,
    report: LoadReport,
}

type Slot = Arc<RwLock<Option<Loaded>>>;

/// Owner of the engine process.
///
/// A request holds the slot's read lock for as long as it runs, so that another model is loaded only once
/// the running replies have ended.
#[derive(Debug)]
pub struct Runtime {
    command: EngineCommand,
    slot: Slot,
    status: watch::Sender<EngineStatus>,
}

impl Runtime {
    /// No process yet.
    pub fn new(command: EngineCommand) -> Self {
        Self {
            command,
            slot: Slot::default(),
            status: watch::Sender::new(EngineStatus::Idle),
        }
    }

    /// What the engine is doing, now and whenever it changes.
    pub fn status(&self) -> watch::Receiver<EngineStatus> {
        self.status.subscribe()
    }

    /// Id of the process that has a model loaded.
    pub fn pid(&self) -> Option<u32> {
        self.slot.try_read().ok()?.as_ref()?.process.pid()
    }

    /// Where the model that is loaded is computed, if it is this one and loaded in the same way otherwise.
    pub async fn device_of(&self, target: &LoadTarget) -> Option<DeviceChoice> {
        let slot = self.slot.read().await;
        let device = slot.as_ref()?.target.options.device;
        ready(&slot, &target.clone().on(device)).map(|_| device)
    }

    /// Has the model loaded: at once where it is, else in a new process. `progress` hears fractions from 0 to 1.
    pub async fn load(
        &self,
        target: &LoadTarget,
        mut progress: impl FnMut(f32),
    ) -> Result<LoadReport> {
        if let Some(report) = ready(&*self.slot.read().await, target) {
            return Ok(report);
        }
        let mut slot = self.slot.write().await;
        if let Some(report) = ready(&slot, target) {
            return Ok(report);
        }
        // A new process for each model: what the old one held is truly free before the new one grows.
        if let Some(old) = slot.take() {
            old.process.end().await;
        }
        let model_id = target.model_id.clone();
        self.status.send_replace(EngineStatus::Loading {
            model_id: model_id.clone(),
            fraction: 0.0,
        });
        let loaded = self
            .load_in_new_process(target, |fraction| {
                self.status.send_replace(EngineStatus::Loading {
                    model_id: model_id.clone(),
                    fraction,
                });
                progress(fraction);
            })
            .await;
        match loaded {
            Ok((process, report)) => {
                self.status.send_replace(EngineStatus::Ready {
                    model_id,
                    memory: report.memory,
                });
                self.watch_for_end(process.clone(), target.model_id.clone());
                *slot = Some(Loaded {
                    process,
                    target: target.clone(),
                    report: LoadReport {
                        is_new: false,
                        ..report.clone()
                    },
                });
                Ok(report)
            }
            Err(error) => {
                self.status.send_replace(match &error {
                    Error::EngineCrashed { .. } | Error::EngineStart { .. } => {
                        EngineStatus::Crashed {
                            model_id: Some(model_id),
                            error: AppError::from(&error),
                        }
                    }
                    _ => EngineStatus::Idle,
                });
                Err(error)
            }
        }
    }

    async fn load_in_new_process(
        &self,
        target: &LoadTarget,
        mut progress: impl FnMut(f32),
    ) -> Result<(Arc<EngineProcess>, LoadReport)> {
        let threads = target.threads();
        let process = EngineProcess::start(&self.command, threads as usize).await?;
        let process = Arc::new(process);
        let mut answers = process.ask(|id| Request::Load {
            id,
            path: target.path.clone(),
            options: LoadOptions {
                threads: Some(threads),
                ..target.options.clone()
            },
        });
        loop {
            match answers.next().await? {
                Event::Loading { fraction, .. } => progress(fraction),
                Event::Loaded {
                    model,
                    load_ms,
                    memory,
                    ..
                } => {
                    let report = LoadReport {
                        model,
                        load_ms,
                        memory,
                        is_new: true,
                    };
                    return Ok((process, report));
                }
                _ => {
                    return Err(Error::Internal(
                        "the engine answered a load with something else",
                    ));
                }
            }
        }
    }

    /// Tells of a death that nobody asked for.
    fn watch_for_end(&self, process: Arc<EngineProcess>, model_id: String) {
        let (slot, status) = (self.slot.clone(), self.status.clone());
        tokio::spawn(async move {
            let reason = process.wait_for_end().await;
            let is_current = |slot: &Option<Loaded>| {
                slot.as_ref()
                    .is_some_and(|loaded| Arc::ptr_eq(&loaded.process, &process))
            };
            // Not the slot's process any more: it was ended on purpose.
            if is_current(&*slot.read().await) {
                let error = Error::EngineCrashed { reason };
                status.send_replace(EngineStatus::Crashed {
                    model_id: Some(model_id),
                    error: AppError::from(error),
                });
            }
        });
    }

    /// Measures the machine, in a process of its own that gives all memory back. No model works or loads meanwhile: each
    /// would make the other look slow.
    pub async fn calibrate(
        &self,
        request: CalibrationRequest,
        mut progress: impl FnMut(f32),
    ) -> Result<Calibration> {
        let _slot = self.slot.write().await;
        let process = Arc::new(EngineProcess::start(&self.command, physical_cores()).await?);
        let mut answers = process.ask(|id| Request::Calibrate { id, request });
        let measured = loop {
            match answers.next().await? {
                Event::Calibrating { fraction, .. } => progress(fraction),
                Event::Calibrated { calibration, .. } => break calibration,
                _ => {
                    return Err(Error::Internal(
                        "the engine answered a measurement with something else",
                    ));
                }
            }
        };
        process.end().await;
        Ok(measured)
    }

    /// How the engine is started.
    pub fn command(&self) -> &EngineCommand {
        &self.command
    }

    /// Starts answering a conversation with the model that is loaded.
    pub async fn generate(&self, request: GenerateRequest) -> Result<Work> {
        let request = Box::new(request);
        self.work(|id| Request::Generate { id, request }).await
    }

    /// Starts measuring the model that is loaded.
    pub async fn bench(&self, request: BenchRequest) -> Result<Work> {
        self.work(|id| Request::Bench { id, request }).await
    }

    /// Starts measuring how well the model that is loaded predicts a text.
    pub async fn perplexity(&self, request: PerplexityRequest) -> Result<Work> {
        self.work(|id| Request::Perplexity { id, request }).await
    }

    /// Has the engine forget what it has read of a conversation.
    pub fn forget(&self, conversation: &str) {
        // A model being loaded knows of none.
        if let Ok(slot) = self.slot.try_read()
            && let Some(loaded) = &*slot
        {
            loaded.process.ask(|id| Request::Forget {
                id,
                conversation: conversation.into(),
            });
        }
    }

    async fn work(&self, request: impl FnOnce(u64) -> Request) -> Result<Work> {
        let slot = self.slot.clone().read_owned().await;
        let loaded = slot.as_ref().ok_or(Error::NoModel)?;
        let model_id = loaded.target.model_id.clone();
        self.status.send_replace(EngineStatus::Generating {
            model_id: model_id.clone(),
        });
        Ok(Work {
            answers: loaded.process.ask(request),
            process: loaded.process.clone(),
            model_id,
            status: self.status.clone(),
            _slot: slot,
        })
    }

    /// Ends the process, running replies included.
    pub async fn unload(&self) {
        // Ending it first lets those who hold the slot finish.
        let process = self
            .slot
            .read()
            .await
            .as_ref()
            .map(|loaded| loaded.process.clone());
        if let Some(process) = process {
            process.end().await;
        }
        if let Some(old) = self.slot.write().await.take() {
            old.process.end().await;
        }
        self.status.send_replace(EngineStatus::Idle);
    }
}

/// Cores of this machine, those that are two threads of one counted once, and no more than this program may use.
pub fn physical_cores() -> usize {
    let usable = std::thread::available_parallelism().map_or(1, Into::into);
    sysinfo::System::physical_core_count().map_or(usable, |cores| cores.clamp(1, usable))
}

fn ready(slot: &Option<Loaded>, target: &LoadTarget) -> Option<LoadReport> {
    let loaded = slot.as_ref()?;
    let same = loaded.target == *target && loaded.process.works();
    same.then(|| loaded.report.clone())
}

/// A request at work in the engine.
#[derive(Debug)]
pub struct Work {
    answers: Answers,
    process: Arc<EngineProcess>,
    model_id: String,
    status: watch::Sender<EngineStatus>,
    _slot: OwnedRwLockReadGuard<Option<Loaded>>,
}

impl Work {
    /// The next event, or why there is none.
    pub async fn next(&mut self) -> Result<Event> {
        self.answers.next().await
    }

    /// Asks the engine to stop; the last event still follows.
    pub fn cancel(&self) {
        self.answers.cancel();
    }

    /// Asks what memory the engine takes now, and tells it to whoever follows the status too.
    pub async fn finish(self) -> Option<MemoryUse> {
        let mut answers = self.process.ask(|id| Request::Report { id });
        let Ok(Event::Memory { memory, .. }) = answers.next().await else {
            return None;
        };
        self.status.send_replace(EngineStatus::Ready {
            model_id: self.model_id,
            memory,
        });
        Some(memory)
    }
}
