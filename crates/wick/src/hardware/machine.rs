//! What the application does with the machine: look at it, measure it, and keep how predictions held.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use wick_engine::{
    calibration::{Calibration, CalibrationRequest, Correction},
    estimate::{ModelShape, Plan},
    process::protocol::{DeviceChoice, MemoryUse, ModelInfo, ReplyStats},
    source::Checkpoint,
};

use super::{Figures, HardwareProfile, Measurement, inspect, ledger};
use crate::{AppError, AppEvent, Error, Result, Wick, runtime::LoadTarget, store::now_ms};

/// Most memory that a measurement takes, and the share of what is free.
const MOST_BYTES: u64 = 3 << 30;
const SHARE: u64 = 2;

/// What was measured of a machine, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct KeptCalibration {
    /// The machine's fingerprint then.
    pub fingerprint: String,
    /// The Wick that measured it: kernels become faster.
    pub wick_version: String,
    /// When.
    pub measured_at_ms: i64,
    /// The figures.
    pub figures: Calibration,
}

/// The machine as it is, and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct HardwareReport {
    /// What it is.
    pub profile: HardwareProfile,
    /// Changes when the machine does.
    pub fingerprint: String,
    /// What was measured of it; `None` where it was not.
    pub calibration: Option<KeptCalibration>,
    /// Whether it is to be measured: it never was, or a newer Wick has come since.
    pub needs_calibration: bool,
}

/// How a measurement of the machine goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum CalibrationState {
    /// It runs.
    Running {
        /// 0 to 1.
        fraction: f32,
    },
    /// It is done, and kept.
    Finished,
    /// It ended early; what was measured before still holds.
    Failed {
        /// Why: that it was cancelled, for one.
        error: AppError,
    },
}

/// What the application remembers of the machine while it runs.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// As it was when somebody last looked.
    profile: Mutex<Option<HardwareProfile>>,
    cancel: Notify,
    /// The model that was loaded last, by its id.
    shape: Mutex<Option<(String, Arc<ModelShape>)>>,
    /// Whether it has not answered yet: what it keeps of conversations comes on top later.
    is_fresh: AtomicBool,
}

impl Machine {
    /// A reply begins: whether it is the first since its model was loaded.
    pub fn takes_first_reply(&self) -> bool {
        self.is_fresh.swap(false, Ordering::Relaxed)
    }

    /// What a model consists of, by its header.
    pub fn shape(&self, target: &LoadTarget) -> Option<Arc<ModelShape>> {
        let mut known = self.shape.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((id, shape)) if *id == target.model_id => Some(shape.clone()),
            _ => {
                let shape = Checkpoint::open(&target.path).and_then(|model| model.shape());
                let shape = Arc::new(shape.ok()?);
                *known = Some((target.model_id.clone(), shape.clone()));
                Some(shape)
            }
        }
    }

    fn profile(&self) -> MutexGuard<'_, Option<HardwareProfile>> {
        self.profile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fingerprint(&self) -> Option<String> {
        self.profile().as_ref().map(HardwareProfile::fingerprint)
    }
}

impl Wick {
    /// Looks at the machine. Takes a moment: drivers are asked in a process of their own.
    pub async fn hardware(&self) -> Result<HardwareReport> {
        let profile = inspect(&self.models_path(), self.runtime.command()).await;
        self.machine.profile().replace(profile.clone());
        self.report(profile)
    }

    /// The machine as it was when somebody last looked, with what was measured since.
    pub(crate) async fn hardware_as_seen(&self) -> Result<HardwareReport> {
        let seen = self.machine.profile().clone();
        match seen {
            Some(profile) => self.report(profile),
            None => self.hardware().await,
        }
    }

    fn report(&self, profile: HardwareProfile) -> Result<HardwareReport> {
        let fingerprint = profile.fingerprint();
        let calibration = self.store.calibration(&fingerprint)?;
        let current = |kept: &KeptCalibration| {
            kept.wick_version == env!("CARGO_PKG_VERSION") && !kept.figures.products.is_empty()
        };
        Ok(HardwareReport {
            needs_calibration: !calibration.as_ref().is_some_and(current),
            profile,
            fingerprint,
            calibration,
        })
    }

    /// Measures the machine, in ten seconds at most, and keeps what it finds. `progress` hears fractions from 0 to 1.
    /// It waits for replies that run; one that begins stops it, and so does [`Wick::cancel_calibration`].
    pub async fn calibrate(&self, progress: impl FnMut(f32)) -> Result<KeptCalibration> {
        let kept = self.calibrate_where(|_| true, progress).await?;
        kept.ok_or(Error::Internal("a measurement was not made"))
    }

    /// Measures the machine where it was not yet, where it has changed since, or where Wick has.
    pub async fn calibrate_if_needed(&self) -> Result<()> {
        let needed = |report: &HardwareReport| report.needs_calibration;
        self.calibrate_where(needed, |_| {}).await.map(drop)
    }

    async fn calibrate_where(
        &self,
        wanted: impl Fn(&HardwareReport) -> bool,
        mut progress: impl FnMut(f32),
    ) -> Result<Option<KeptCalibration>> {
        let announce = |state| self.announce(AppEvent::Calibration { state });
        let cancelled = self.machine.cancel.notified();
        let measured = async {
            let report = self.hardware().await?;
            if !wanted(&report) {
                return Ok(None);
            }
            let request = self.calibration_request(&report.profile);
            let figures = self.runtime.calibrate(request, |fraction| {
                progress(fraction);
                announce(CalibrationState::Running { fraction });
            });
            let kept = KeptCalibration {
                fingerprint: report.fingerprint,
                wick_version: env!("CARGO_PKG_VERSION").into(),
                figures: figures.await?,
                measured_at_ms: now_ms(),
            };
            self.store.save_calibration(&kept)?;
            Ok(Some(kept))
        };
        let measured = tokio::select! {
            measured = measured => measured,
            () = cancelled => Err(Error::Cancelled),
        };
        match &measured {
            Ok(None) => {}
            Ok(Some(_)) => announce(CalibrationState::Finished),
            Err(error) => announce(CalibrationState::Failed {
                error: error.into(),
            }),
        }
        measured
    }

    fn calibration_request(&self, profile: &HardwareProfile) -> CalibrationRequest {
        let processor = &profile.processor;
        CalibrationRequest {
            memory_bytes: (profile.memory.available_bytes / SHARE).min(MOST_BYTES),
            thread_counts: vec![processor.performance_cores, processor.physical_cores],
            models_folder: Some(self.models_path()),
        }
    }

    /// Stops the measurement under way.
    pub fn cancel_calibration(&self) {
        self.machine.cancel.notify_waiters();
    }

    /// Threads with which this machine is fastest, once that was measured.
    pub(crate) fn best_threads(&self) -> Option<u32> {
        let kept = match self.machine.fingerprint() {
            Some(fingerprint) => self.store.calibration(&fingerprint),
            // Before anybody looked, it is most likely the machine of last time.
            None => self.store.newest_calibration(),
        };
        let threads = kept.ok()??.figures.threads;
        let usable = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        Some(threads.clamp(1, usable))
    }

    /// By how much predictions were wrong on this machine.
    pub async fn corrections(&self) -> Result<Vec<Correction>> {
        Ok(ledger::corrections(&self.measurements().await?))
    }

    /// The ledger of this machine, newest first.
    pub async fn measurements(&self) -> Result<Vec<Measurement>> {
        self.store.measurements(&self.fingerprint().await?)
    }

    async fn fingerprint(&self) -> Result<String> {
        Ok(self.hardware_as_seen().await?.fingerprint)
    }

    /// Puts a load, or a reply with its figures, into the ledger, once somebody has looked at the machine. What cannot
    /// be kept there is no reason to fail anything.
    pub(crate) fn note(
        &self,
        target: &LoadTarget,
        model: &ModelInfo,
        stats: Option<&ReplyStats>,
        memory: MemoryUse,
    ) {
        if stats.is_none() {
            self.machine.is_fresh.store(true, Ordering::Relaxed);
        }
        // Predictions in the ledger are those for the processor; what a graphics processor does would correct them wrongly.
        if target.options.device != DeviceChoice::Cpu {
            return;
        }
        let measured = Figures::measured(stats, memory);
        let Some(fingerprint) = self.machine.fingerprint().filter(|_| !measured.is_empty()) else {
            return;
        };
        let context_length = stats.map_or(model.context_length, |stats| stats.context_length);
        let plan = Plan {
            context_length,
            cache_type: target.options.cache_type,
            gpu_layers: 0,
        };
        // Speeds were measured with one number of threads.
        let calibration = self.store.calibration(&fingerprint).ok().flatten();
        let calibration = calibration.filter(|kept| kept.figures.threads == target.threads());
        let calibration = calibration.map(|kept| kept.figures);
        let shape = self.machine.shape(target);
        let predicted =
            |shape: Arc<ModelShape>| Figures::predicted(&shape, &plan, calibration.as_ref(), stats);
        let entry = Measurement {
            measured_at_ms: now_ms(),
            fingerprint,
            model_id: target.model_id.clone(),
            architecture: model.architecture.clone(),
            quantization: model.quantization.clone(),
            context_length,
            used_tokens: stats.map_or(0, ledger::used_tokens),
            threads: target.threads(),
            cache_type: target.options.cache_type,
            predicted: shape.map_or(Figures::default(), predicted),
            measured,
        };
        self.store.add_measurement(&entry).ok();
    }
}
