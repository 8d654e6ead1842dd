//! Why, in plain words.

use wick_engine::estimate::{
    MemoryVerdict, Mixture, READING_TOKENS_PER_SECOND, USABLE_TOKENS_PER_SECOND,
};

use super::{
    Kind,
    candidate::{Bounds, Candidate},
};
use crate::{
    catalog::Class,
    hardware::{Gpu, GpuKind},
};

/// A sentence for each reason.
pub(super) fn reasons(
    kind: Kind,
    chosen: &Candidate<'_>,
    best: &Candidate<'_>,
    bounds: &Bounds<'_>,
    is_measured: bool,
) -> Vec<String> {
    let mut reasons = vec![match kind {
        Kind::Best => for_best(chosen, bounds),
        Kind::Faster => {
            let times = chosen.placed.rate() / best.placed.rate();
            match times.is_finite() {
                true => format!(
                    "Writes {} times as fast as {}, and knows less.",
                    decimal(times),
                    best.entry.name
                ),
                false => format!("Writes faster than {}, and knows less.", best.entry.name),
            }
        }
        Kind::Smarter => match chosen.placed.rate() >= READING_TOKENS_PER_SECOND {
            true => format!("Answers better than {}, and slower.", best.entry.name),
            false => format!(
                "Answers better than {}, more slowly than you read.",
                best.entry.name
            ),
        },
    }];
    reasons.push(for_level(chosen));
    reasons.push(for_memory(chosen, bounds));
    if chosen.placed.plan.context_length < bounds.context_length {
        let length = chosen.placed.plan.context_length;
        reasons.push(match length < chosen.entry.dimensions.context_length {
            true => format!("Its context is {length} tokens: more does not fit."),
            false => format!("Its context is {length} tokens: it was trained for no more."),
        });
    }
    if let Some(gpu) = chosen.placed.gpu {
        reasons.push(for_gpu(gpu));
    } else if !is_measured {
        reasons.push("Chosen for a slow processor: this machine has not been measured yet.".into());
    }
    reasons
}

fn for_best(chosen: &Candidate<'_>, bounds: &Bounds<'_>) -> String {
    let left = gigabytes(bounds.leave_free_bytes);
    let room = match chosen.placed.verdict {
        MemoryVerdict::FitsWell => format!("and leaves {left} for your other programs"),
        _ => format!("though it leaves less than {left} for your other programs"),
    };
    match chosen.placed.rate() {
        rate if rate >= READING_TOKENS_PER_SECOND => {
            format!("The best model that answers faster than you read {room}.")
        }
        rate if rate >= USABLE_TOKENS_PER_SECOND => {
            format!("The best model that answers without a long wait {room}.")
        }
        _ => format!("The fastest model there is for this machine {room}."),
    }
}

fn for_level(chosen: &Candidate<'_>) -> String {
    match (chosen.entry.class(), chosen.file.level) {
        (_, Mixture::Ternary) => "Trained with three-valued weights: nothing is lost.".into(),
        (Class::Micro, _) => "At eight bits: models this small lose most from quantization.".into(),
        (_, level) if level.bits() < 5.0 => {
            "At four bits: more weights are worth more than more bits.".into()
        }
        (_, level) => format!(
            "At {}: memory and speed allow more than four bits.",
            level.name()
        ),
    }
}

fn for_memory(chosen: &Candidate<'_>, bounds: &Bounds<'_>) -> String {
    let available = bounds.machine.profile.memory.available_bytes;
    let memory = &chosen.placed.memory;
    let own = memory.memory_bytes.total;
    let takes = match (chosen.placed.gpu, memory.vram_bytes) {
        (Some(gpu), Some(vram)) if gpu.kind == GpuKind::Discrete => {
            let free = gigabytes(gpu.memory_free_bytes.unwrap_or(0));
            let vram = gigabytes(vram.total);
            return format!(
                "Takes {vram} of the {free} that are free on the graphics card, and {} beside.",
                gigabytes(own)
            );
        }
        (_, Some(vram)) => own.saturating_add(vram.total),
        _ => own,
    };
    format!(
        "Takes {} of the {} that are free, with {} tokens of context.",
        gigabytes(takes),
        gigabytes(available),
        chosen.placed.plan.context_length
    )
}

fn for_gpu(gpu: &Gpu) -> String {
    let name = &gpu.name;
    match gpu.memory_bytes_per_second {
        Some(_) => format!("Computed by {name}: its speed follows from its memory's rate."),
        None => format!("Computed by {name}: its speed is that of the slowest of its kind."),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn decimal(number: f64) -> String {
    format!("{number:.1}")
}
