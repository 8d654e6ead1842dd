//! A model at a level on a machine: where it is computed, what it takes there, how fast it is.

use wick_engine::{
    calibration::{Calibration, Correction},
    estimate::{Memory, MemoryVerdict, ModelShape, Plan, Rates, Speed, SpeedVerdict, Verdict},
    process::protocol::CacheType,
};

use super::{Estimate, Machine, Place, Prediction, Preferences, quality::quality};
use crate::{
    catalog::{CatalogEntry, CatalogFile},
    hardware::{Gpu, GpuKind},
};

/// Fewer tokens of context are no conversation.
const SHORTEST_CONTEXT: u32 = 2048;
/// What a shorter context costs: half of it a fifth of what the answers are worth.
const CONTEXT_COUNTS: f64 = 0.35;
/// Of a graphics card's memory, what stays free for what it shows.
const SCREEN_BYTES: u64 = 300_000_000;
/// Rate of the slowest graphics cards that have memory enough for models.
const SLOW_CARD_BYTES_PER_SECOND: f64 = 160e9;

/// One of them.
pub(super) struct Candidate<'a> {
    pub entry: &'a CatalogEntry,
    pub file: &'a CatalogFile,
    pub placed: Placed<'a>,
    pub quality: f64,
}

/// A model somewhere on a machine.
pub(super) struct Placed<'a> {
    pub plan: Plan,
    pub gpu: Option<&'a Gpu>,
    pub memory: Memory,
    /// As it was measured or, to choose by, as it is assumed.
    pub speed: Option<Speed>,
    pub verdict: MemoryVerdict,
}

/// What candidates of one machine have in common.
pub(super) struct Bounds<'a> {
    pub machine: &'a Machine<'a>,
    pub gpu: Option<&'a Gpu>,
    pub calibration: &'a Calibration,
    pub leave_free_bytes: u64,
    pub context_length: u32,
}

impl<'a> Bounds<'a> {
    pub(super) fn new(
        machine: &'a Machine<'a>,
        calibration: &'a Calibration,
        preferences: &Preferences,
    ) -> Self {
        let usual = machine.usual_free_bytes();
        Self {
            gpu: machine.gpu(),
            leave_free_bytes: preferences.leave_free_bytes.unwrap_or(usual),
            context_length: preferences.context_length.max(1),
            machine,
            calibration,
        }
    }

    /// The file on the graphics processor, where there is one, and on the processor, each with the longest context that
    /// fits. None where the catalog says nothing that can be reckoned with.
    pub(super) fn candidates(
        &self,
        entry: &'a CatalogEntry,
        file: &'a CatalogFile,
    ) -> Vec<Candidate<'a>> {
        let Ok(shape) = entry.dimensions.at(file.level) else {
            return Vec::new();
        };
        let quality = quality(entry, &shape, file.level);
        let longest = self.context_length.min(shape.trained_context_length);
        let candidates = self.places().filter_map(|gpu| {
            let placed = self.with_longest_context(&shape, longest, gpu)?;
            let share = f64::from(placed.plan.context_length) / f64::from(longest);
            Some(Candidate {
                entry,
                file,
                quality: quality * share.powf(CONTEXT_COUNTS),
                placed,
            })
        });
        candidates.collect()
    }

    /// The graphics processor, where there is one that can be used, and the processor.
    pub(super) fn places(&self) -> impl Iterator<Item = Option<&'a Gpu>> {
        self.gpu.map(Some).into_iter().chain([None])
    }

    /// With the longest context that fits well, else that fits at all, else with all of it.
    fn with_longest_context(
        &self,
        shape: &ModelShape,
        longest: u32,
        gpu: Option<&'a Gpu>,
    ) -> Option<Placed<'a>> {
        let shorter = [longest / 2, longest / 4];
        let shorter = shorter
            .into_iter()
            .filter(|length| *length >= SHORTEST_CONTEXT);
        let mut best: Option<Placed<'a>> = None;
        for context_length in [longest].into_iter().chain(shorter) {
            let placed = self.placed(shape, context_length, CacheType::F16, gpu)?;
            if best.as_ref().is_none_or(|best| placed.fit() > best.fit()) {
                best = Some(placed);
            }
        }
        best
    }

    /// A model with this context, all of it in one place.
    pub(super) fn placed(
        &self,
        shape: &ModelShape,
        context_length: u32,
        cache_type: CacheType,
        gpu: Option<&'a Gpu>,
    ) -> Option<Placed<'a>> {
        let plan = Plan {
            context_length,
            cache_type,
            // The output counts as a layer.
            gpu_layers: gpu.map_or(0, |_| shape.layers.len() as u32 + 1),
        };
        let corrections = self.machine.corrections;
        let correction = Correction::of(corrections, &shape.architecture, &shape.quantization);
        // What was learnt, was learnt on the processor.
        let correction = correction.filter(|_| gpu.is_none());
        let memory = shape.memory(&plan).ok()?;
        let memory = correction.map_or(memory, |c| memory.corrected(c.memory));
        let rates = Rates {
            calibration: Some(self.calibration),
            gpu_bytes_per_second: gpu.map(|gpu| self.rate_of(gpu)),
            correction,
        };
        Some(Placed {
            verdict: self.verdict(&memory, gpu),
            speed: shape.speed(&plan, &rates),
            plan,
            gpu,
            memory,
        })
    }

    fn rate_of(&self, gpu: &Gpu) -> f64 {
        let told = gpu.memory_bytes_per_second;
        let told = told.filter(|rate| rate.is_finite() && *rate > 0.0);
        told.unwrap_or_else(|| match gpu.kind {
            GpuKind::Discrete => SLOW_CARD_BYTES_PER_SECOND,
            _ => {
                let rates = self.calibration.memory_bytes_per_second.iter();
                rates.copied().fold(0.0, f64::max)
            }
        })
    }

    fn verdict(&self, memory: &Memory, gpu: Option<&Gpu>) -> MemoryVerdict {
        let available = self.machine.profile.memory.available_bytes;
        let own = memory.memory_bytes.total;
        let (Some(gpu), Some(vram)) = (gpu, memory.vram_bytes) else {
            return MemoryVerdict::of(own, available, self.leave_free_bytes);
        };
        let free = gpu.memory_free_bytes.unwrap_or(0);
        let on_card = MemoryVerdict::of(vram.total, free, SCREEN_BYTES);
        // Memory that is shared with the processor is not there twice.
        let own = match gpu.kind {
            GpuKind::Discrete => own,
            _ => own.saturating_add(vram.total),
        };
        let of_machine = MemoryVerdict::of(own, available, self.leave_free_bytes);
        match (on_card, of_machine) {
            (MemoryVerdict::FitsWell, verdict) | (verdict, MemoryVerdict::FitsWell) => verdict,
            (
                MemoryVerdict::TooLarge { missing_bytes: a },
                MemoryVerdict::TooLarge { missing_bytes: b },
            ) => MemoryVerdict::TooLarge {
                missing_bytes: a.max(b),
            },
            (verdict @ MemoryVerdict::TooLarge { .. }, _) | (_, verdict) => verdict,
        }
    }
}

impl Placed<'_> {
    /// How well it fits: the more the better.
    pub(super) fn fit(&self) -> u8 {
        match self.verdict {
            MemoryVerdict::FitsWell => 2,
            MemoryVerdict::Tight => 1,
            MemoryVerdict::TooLarge { .. } => 0,
        }
    }

    /// The better place has the higher rank: what fits nowhere is told of the processor, whose memory is the larger.
    pub(super) fn rank(&self) -> (u8, bool) {
        let fit = self.fit();
        (fit, (fit > 0) == self.gpu.is_some())
    }

    /// Tokens written in a second.
    pub(super) fn rate(&self) -> f64 {
        let decode = self.speed.map(|speed| speed.decode_tokens_per_second);
        decode.map_or(0.0, |decode| decode.expected)
    }

    /// As others see it; speeds that are only assumed are left out.
    pub(super) fn estimate(&self, is_measured: bool) -> Estimate {
        let speed = self.speed.filter(|_| is_measured || self.gpu.is_some());
        Estimate {
            context_length: self.plan.context_length,
            place: match self.gpu {
                Some(gpu) => Place::Gpu {
                    name: gpu.name.clone(),
                },
                None => Place::Processor,
            },
            memory: self.memory,
            prefill_tokens_per_second: speed.map(|speed| speed.prefill_tokens_per_second),
            decode_tokens_per_second: speed.map(|speed| speed.decode_tokens_per_second),
            time_to_first_token_seconds: speed.map(|speed| speed.time_to_first_token_seconds),
            verdict: Verdict {
                memory: self.verdict,
                speed: speed.as_ref().map(SpeedVerdict::of),
            },
        }
    }
}

impl Candidate<'_> {
    /// As others see it.
    pub(super) fn prediction(&self, is_measured: bool) -> Option<Prediction> {
        Some(Prediction {
            model_id: self.entry.id.clone(),
            name: self.entry.name.clone(),
            class: self.entry.class(),
            level: self.file.level,
            repository: self.entry.repository.clone(),
            file: self.file.name.clone(),
            download: self.entry.size_of(self.file).ok()?,
            estimate: self.placed.estimate(is_measured),
        })
    }
}
