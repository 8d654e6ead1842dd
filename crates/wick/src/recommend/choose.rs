//! The choice.

use wick_engine::{
    estimate::{
        MemoryVerdict, Mixture, ModelShape, READING_TOKENS_PER_SECOND, USABLE_TOKENS_PER_SECOND,
    },
    process::protocol::CacheType,
};

use super::{
    Estimate, Kind, Machine, Prediction, Prefer, Preferences, Recommendation,
    candidate::{Bounds, Candidate, Placed},
    reasons::reasons,
};
use crate::catalog::{Catalog, CatalogEntry, CatalogFile, Class, Thinking};

/// A gain of less than this share is not worth a larger file of the same model.
const WORTH: f64 = 0.03;
/// What is offered as faster is so many times as fast, and what is offered as smarter so many times as good.
const FASTER: f64 = 1.5;
const SMARTER: f64 = 1.2;
/// Slower than this nobody waits, however good the answer.
const SLOWEST: f64 = 1.5;

/// Models of the catalog for a machine: the best, and where there are such a faster and a smarter one. None where no
/// model fits.
pub fn recommend(
    machine: &Machine<'_>,
    catalog: &Catalog,
    preferences: &Preferences,
) -> Vec<Recommendation> {
    let assumed = machine.assumed_calibration();
    let calibration = machine.calibration.unwrap_or(&assumed);
    let bounds = Bounds::new(machine, calibration, preferences);
    let wanted = catalog.entries.iter().filter(|e| is_wanted(e, preferences));
    let candidates = wanted.flat_map(|entry| {
        let files = entry.files.iter();
        let files = files.filter(|file| is_level_for(entry, file.level));
        files.flat_map(|file| bounds.candidates(entry, file))
    });
    let candidates: Vec<Candidate<'_>> = candidates.collect();
    let with = |verdict| -> Vec<&Candidate<'_>> {
        let fitting = candidates.iter().filter(|c| c.placed.verdict == verdict);
        fitting.collect()
    };
    let mut fitting = with(MemoryVerdict::FitsWell);
    if fitting.is_empty() {
        fitting = with(MemoryVerdict::Tight);
    }
    let Some(best) = best_of(&fitting, preferences.prefer) else {
        return Vec::new();
    };
    let others = || fitting.iter().filter(|c| c.entry.id != best.entry.id);
    let faster = others()
        .filter(|c| c.placed.rate() > 0.0 && c.placed.rate() >= FASTER * best.placed.rate())
        .filter(|c| c.quality < best.quality);
    let smarter = || others().filter(|c| c.quality >= SMARTER * best.quality);
    let at_least = |rate: f64| smallest_of_the_best(smarter().filter(|c| c.placed.rate() >= rate));
    let smarter = at_least(USABLE_TOKENS_PER_SECOND).or_else(|| at_least(SLOWEST));
    let told = |kind, chosen: Option<&Candidate<'_>>| {
        let chosen = chosen?;
        let is_measured = machine.calibration.is_some();
        Some(Recommendation {
            kind,
            reasons: reasons(kind, chosen, best, &bounds, is_measured),
            prediction: chosen.prediction(is_measured)?,
        })
    };
    let recommended = [
        told(Kind::Best, Some(best)),
        told(Kind::Faster, smallest_of_the_best(faster)),
        told(Kind::Smarter, smarter),
    ];
    recommended.into_iter().flatten().collect()
}

/// What every model of the catalog would take and how fast it would be, each at the level that suits it best.
pub fn predictions(
    machine: &Machine<'_>,
    catalog: &Catalog,
    preferences: &Preferences,
) -> Vec<Prediction> {
    predicted(machine, catalog, preferences, |entry| {
        let mut files = entry.files.iter();
        files
            .find(|file| is_level_for(entry, file.level))
            .into_iter()
            .collect()
    })
}

/// The same for every file of every model.
pub fn levels(
    machine: &Machine<'_>,
    catalog: &Catalog,
    preferences: &Preferences,
) -> Vec<Prediction> {
    predicted(machine, catalog, preferences, |entry| {
        entry.files.iter().collect()
    })
}

fn predicted(
    machine: &Machine<'_>,
    catalog: &Catalog,
    preferences: &Preferences,
    files_of: impl Fn(&CatalogEntry) -> Vec<&CatalogFile>,
) -> Vec<Prediction> {
    let assumed = machine.assumed_calibration();
    let calibration = machine.calibration.unwrap_or(&assumed);
    let bounds = Bounds::new(machine, calibration, preferences);
    let entries = catalog.entries.iter();
    let files = entries.flat_map(|entry| files_of(entry).into_iter().map(move |f| (entry, f)));
    let predicted = files.filter_map(|(entry, file)| {
        let candidates = bounds.candidates(entry, file).into_iter().rev();
        let best = candidates.max_by_key(|c| c.placed.rank())?;
        best.prediction(machine.calibration.is_some())
    });
    predicted.collect()
}

/// What a model takes on a machine with a context of at most `context_length` tokens, where it fits best. `None` where
/// its header asks for more than any machine has.
pub fn estimate(
    machine: &Machine<'_>,
    shape: &ModelShape,
    context_length: u32,
    cache_type: CacheType,
    preferences: &Preferences,
) -> Option<Estimate> {
    let assumed = machine.assumed_calibration();
    let calibration = machine.calibration.unwrap_or(&assumed);
    let bounds = Bounds::new(machine, calibration, preferences);
    let places = bounds.places();
    let placed = places.filter_map(|gpu| bounds.placed(shape, context_length, cache_type, gpu));
    let best = placed.max_by_key(Placed::rank)?;
    Some(best.estimate(machine.calibration.is_some()))
}

fn is_wanted(entry: &CatalogEntry, preferences: &Preferences) -> bool {
    let speaks_all = preferences.languages.iter().all(|l| entry.speaks(l));
    let licences = &preferences.licences;
    let is_licensed = |licence: &String| licence.eq_ignore_ascii_case(&entry.licence);
    let thinks = match entry.thinking {
        Thinking::Never => !preferences.reasoning,
        Thinking::Can => true,
        Thinking::Always => preferences.reasoning,
    };
    speaks_all && thinks && (licences.is_empty() || licences.iter().any(is_licensed))
}

/// Small models lose most from quantization; others gain more from weights than from bits beyond four.
fn is_level_for(entry: &CatalogEntry, level: Mixture) -> bool {
    match (entry.class(), level) {
        (_, Mixture::Ternary) => true,
        (Class::Micro, level) => level == Mixture::Q8_0,
        (_, level) => level.bits() >= Mixture::Q4KM.bits() && level.bits() < 16.0,
    }
}

/// The best that is fast enough, or the fastest.
fn best_of<'c, 'a>(fitting: &[&'c Candidate<'a>], prefer: Prefer) -> Option<&'c Candidate<'a>> {
    let wanted = match prefer {
        Prefer::Speed => 2.0 * READING_TOKENS_PER_SECOND,
        Prefer::Balance => READING_TOKENS_PER_SECOND,
        Prefer::Quality => USABLE_TOKENS_PER_SECOND,
    };
    let rates = [wanted, READING_TOKENS_PER_SECOND, USABLE_TOKENS_PER_SECOND];
    let rates = rates.into_iter().filter(|rate| *rate <= wanted);
    let fast_enough = rates.map(|rate| {
        let candidates = fitting.iter().filter(|c| c.placed.rate() >= rate);
        smallest_of_the_best(candidates)
    });
    let fastest = || {
        let candidates = fitting.iter().copied();
        candidates.max_by(|a, b| a.placed.rate().total_cmp(&b.placed.rate()))
    };
    fast_enough.flatten().next().or_else(fastest)
}

/// The best, in the smallest of its files that is about as good.
fn smallest_of_the_best<'s, 'c: 's, 'a: 'c>(
    candidates: impl Iterator<Item = &'s &'c Candidate<'a>>,
) -> Option<&'c Candidate<'a>> {
    let candidates: Vec<&'c Candidate<'a>> = candidates.copied().collect();
    let best = candidates.iter().copied();
    let best = best.max_by(|a, b| a.quality.total_cmp(&b.quality))?;
    let as_good = candidates.into_iter().filter(|c| {
        c.entry.id == best.entry.id
            && c.placed.plan.context_length >= best.placed.plan.context_length
            && c.quality >= best.quality * (1.0 - WORTH)
    });
    as_good.min_by_key(|c| c.placed.memory.memory_bytes.total)
}
