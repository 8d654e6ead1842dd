//! `wick recommend`: which models a machine should run, and why.

use serde_json::json;
use wick::{
    Result,
    catalog::{Catalog, SizeSource},
    recommend::{
        Estimate, Kind, Machine, MadeUp, MadeUpGpu, Place, Preferences, Recommendation,
        recommend as choose,
    },
};
use wick_engine::estimate::{MemoryVerdict, Range, SpeedVerdict};

use super::library::megabytes;
use crate::arguments::{OtherMachine, RecommendOptions};

/// Prints what is recommended.
pub async fn recommend(options: &RecommendOptions, as_json: bool) -> Result<()> {
    let preferences = Preferences {
        leave_free_bytes: options.leave_free,
        prefer: options.prefer.into(),
        languages: options.language.clone(),
        reasoning: options.reasoning,
        licences: options.licence.clone(),
        context_length: options.context,
    };
    let recommended = match made_up(&options.other) {
        Some(machine) => for_another(&machine, &preferences),
        None => super::open()?.advise(&preferences).await?.recommendations,
    };
    match as_json {
        true => outln!("{}", json!({ "recommendations": recommended })),
        false if recommended.is_empty() => {
            outln!("No model of the catalog fits this machine and these wishes.");
        }
        false => recommended.iter().for_each(print),
    }
    Ok(())
}

fn made_up(other: &OtherMachine) -> Option<MadeUp> {
    Some(MadeUp {
        memory_bytes: other.ram?,
        available_bytes: other.free,
        bytes_per_second: other.bandwidth,
        cores: other.cores,
        gpu: other.vram.map(|vram| MadeUpGpu {
            memory_bytes: vram,
            free_bytes: vram,
            bytes_per_second: other.vram_bandwidth,
            is_unified: other.unified,
        }),
    })
}

fn for_another(machine: &MadeUp, preferences: &Preferences) -> Vec<Recommendation> {
    let (profile, calibration) = (machine.profile(), machine.calibration());
    let machine = Machine {
        profile: &profile,
        calibration: Some(&calibration),
        corrections: &[],
    };
    choose(&machine, Catalog::builtin(), preferences)
}

fn print(recommendation: &Recommendation) {
    let prediction = &recommendation.prediction;
    let kind = match recommendation.kind {
        Kind::Best => "best",
        Kind::Faster => "faster",
        Kind::Smarter => "smarter",
    };
    let (name, level) = (&prediction.name, prediction.level.name());
    outln!("{kind:<9}{name} at {level} ({})", prediction.class.name());
    for reason in &recommendation.reasons {
        outln!("         {reason}");
    }
    let estimate = &prediction.estimate;
    outln!("         memory   {}", memory_of(estimate));
    outln!("         speed    {}", speed_of(estimate));
    let download = prediction.download;
    let size = megabytes(download.bytes);
    let about = match download.source {
        SizeSource::Verified => "",
        SizeSource::Computed => "about ",
    };
    let (repository, file) = (&prediction.repository, &prediction.file);
    outln!("         download {about}{size}: {repository}, {file}");
    outln!();
}

/// The memory of an estimate, and whether it fits.
pub(super) fn memory_of(estimate: &Estimate) -> String {
    let bytes = estimate.memory.memory_bytes;
    let [total, weights, cache, work] =
        [bytes.total, bytes.weights, bytes.kv_cache, bytes.work].map(megabytes);
    let mut text = format!(
        "{total} with {} tokens: weights {weights}, cache {cache}, work {work}",
        estimate.context_length
    );
    if let (Place::Gpu { name }, Some(vram)) = (&estimate.place, estimate.memory.vram_bytes) {
        text += &format!("; {} on {name}", megabytes(vram.total));
    }
    text += &match estimate.verdict.memory {
        MemoryVerdict::FitsWell => "; fits well".to_owned(),
        MemoryVerdict::Tight => "; tight: little is left for other programs".to_owned(),
        MemoryVerdict::TooLarge { missing_bytes } => {
            format!("; too large by {}", megabytes(missing_bytes))
        }
    };
    text
}

/// The speeds of an estimate, or how to get them.
pub(super) fn speed_of(estimate: &Estimate) -> String {
    let (Some(prefill), Some(decode), Some(first)) = (
        estimate.prefill_tokens_per_second,
        estimate.decode_tokens_per_second,
        estimate.time_to_first_token_seconds,
    ) else {
        return "unknown: measure this machine with: wick hardware --measure".to_owned();
    };
    let range = |range: Range| {
        let digits = usize::from(range.expected < 10.0);
        let Range {
            low,
            expected,
            high,
        } = range;
        format!("{expected:.digits$} tokens/s ({low:.digits$} to {high:.digits$})")
    };
    let verdict = match estimate.verdict.speed {
        Some(SpeedVerdict::FasterThanReading) => "faster than you read",
        Some(SpeedVerdict::Usable) => "usable",
        Some(SpeedVerdict::Slow) => "slow",
        None => "unknown",
    };
    format!(
        "writes {}, reads {}; a reply to 500 tokens begins after {:.1} s; {verdict}",
        range(decode),
        range(prefill),
        first.expected
    )
}
