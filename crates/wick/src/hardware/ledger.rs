//! The ledger: what was predicted of each load and reply beside what was measured, and what that says of the next
//! prediction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wick_engine::{
    calibration::{Calibration, Correction},
    estimate::{ModelShape, Plan, Rates},
    process::protocol::{CacheType, MemoryUse, ReplyStats},
};

/// An entry of the ledger. Predictions in it are those from before any correction, or corrections would be corrected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Measurement {
    /// When.
    pub measured_at_ms: i64,
    /// On which machine.
    pub fingerprint: String,
    /// The model's id in the library.
    pub model_id: String,
    /// Its family.
    pub architecture: String,
    /// How most of its weights are stored.
    pub quantization: String,
    /// Tokens of context it was loaded with.
    pub context_length: u32,
    /// Of those, tokens in use in the end: 0 for a load. Memory grows with them, so predictions are for as many.
    pub used_tokens: u32,
    /// Threads it computed with.
    pub threads: u32,
    /// How keys and values were kept.
    pub cache_type: CacheType,
    /// What was predicted.
    pub predicted: Figures,
    /// What came of it.
    pub measured: Figures,
}

/// Figures of a load or a reply; `None` where there is none, or none that means something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Figures {
    /// Most memory that the engine's process took.
    pub peak_memory_bytes: Option<u64>,
    /// Tokens read a second.
    pub prefill_tokens_per_second: Option<f64>,
    /// Tokens written a second, each in a pass of its own.
    pub decode_tokens_per_second: Option<f64>,
}

/// Fewer tokens read or written say more of the clock than of the machine.
const FEWEST_READ: u32 = 64;
const FEWEST_WRITTEN: u32 = 16;

/// Of the tokens of a reply, one in so many may be guessed.
const MOST_GUESSED: u32 = 8;

/// Entries that a correction is made of, the newest: a machine that was busy for a while is forgotten.
const NEWEST: usize = 9;

/// A prediction that is wrong by more than this was made for something else.
const WORST: f64 = 8.0;

impl Figures {
    /// What a load showed, or a reply with its figures.
    pub fn measured(stats: Option<&ReplyStats>, memory: MemoryUse) -> Self {
        let peak = Some(memory.peak_bytes).filter(|bytes| *bytes > 0);
        let Some(stats) = stats else {
            return Self {
                peak_memory_bytes: peak,
                ..Self::default()
            };
        };
        let told = |rate: f64| (rate.is_finite() && rate > 0.0).then_some(rate);
        let read = stats.prompt_tokens.saturating_sub(stats.reused_tokens);
        // A guess that was right saved a pass; a pass that checks many takes longer than one for a token.
        let passes = stats.reply_tokens.saturating_sub(stats.accepted_tokens);
        let share = f64::from(passes) / f64::from(stats.reply_tokens.max(1));
        let is_plain = stats.drafted_tokens <= stats.reply_tokens / MOST_GUESSED;
        let prefill = told(stats.prefill_tokens_per_second.into());
        let decode = told(f64::from(stats.decode_tokens_per_second) * share);
        Self {
            peak_memory_bytes: peak,
            prefill_tokens_per_second: prefill.filter(|_| read >= FEWEST_READ),
            decode_tokens_per_second: decode.filter(|_| passes >= FEWEST_WRITTEN && is_plain),
        }
    }

    /// What is predicted of a load, or of a reply of so many tokens. Speeds are where the machine was measured.
    pub fn predicted(
        shape: &ModelShape,
        plan: &Plan,
        calibration: Option<&Calibration>,
        stats: Option<&ReplyStats>,
    ) -> Self {
        let memory = shape.memory_at(plan, stats.map_or(0, used_tokens)).ok();
        let rates = Rates {
            calibration,
            ..Rates::default()
        };
        let prefill = |stats: &ReplyStats| {
            let read = stats
                .prompt_tokens
                .saturating_sub(stats.reused_tokens)
                .max(1);
            shape.prefill_tokens_per_second(plan, &rates, stats.reused_tokens, read)
        };
        // In the middle of the reply.
        let decode = |stats: &ReplyStats| {
            let position = stats.prompt_tokens.saturating_add(stats.reply_tokens / 2);
            shape.decode_tokens_per_second(plan, &rates, position)
        };
        Self {
            peak_memory_bytes: memory.map(|memory| memory.memory_bytes.total),
            prefill_tokens_per_second: stats.and_then(prefill),
            decode_tokens_per_second: stats.and_then(decode),
        }
    }

    /// Whether it tells anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Tokens of the context that a reply leaves in use.
pub(super) fn used_tokens(stats: &ReplyStats) -> u32 {
    stats.prompt_tokens.saturating_add(stats.reply_tokens)
}

/// By how much predictions were wrong, for each kind of model in the entries, which are those of one machine, newest
/// first.
pub fn corrections(entries: &[Measurement]) -> Vec<Correction> {
    let mut kinds = BTreeMap::<(&str, &str), Vec<&Measurement>>::new();
    for entry in entries {
        let kind = (entry.architecture.as_str(), entry.quantization.as_str());
        kinds.entry(kind).or_default().push(entry);
    }
    let corrections = kinds
        .into_iter()
        .map(|((architecture, quantization), entries)| {
            let ratios = |figure: fn(&Figures) -> Option<f64>| -> Vec<f64> {
                let ratio = |entry: &&Measurement| {
                    let (measured, predicted) =
                        (figure(&entry.measured)?, figure(&entry.predicted)?);
                    Some(measured / predicted).filter(|ratio| (1.0 / WORST..=WORST).contains(ratio))
                };
                entries.iter().filter_map(ratio).take(NEWEST).collect()
            };
            let memory = ratios(|figures| figures.peak_memory_bytes.map(|bytes| bytes as f64));
            let prefill = ratios(|figures| figures.prefill_tokens_per_second);
            let decode = ratios(|figures| figures.decode_tokens_per_second);
            let samples = memory.len().max(prefill.len()).max(decode.len()) as u32;
            Correction {
                architecture: architecture.to_owned(),
                quantization: quantization.to_owned(),
                memory: cautiously(memory.iter().copied().reduce(f64::max).unwrap_or(1.0)),
                prefill: median(prefill),
                decode: median(decode),
                samples,
            }
        });
    corrections
        .filter(|correction| correction.samples > 0)
        .collect()
}

/// Memory that is not there ends the engine, so that less than was predicted is believed by a quarter: what was not
/// touched this time may be the next.
fn cautiously(ratio: f64) -> f64 {
    match ratio < 1.0 {
        true => (3.0 + ratio) / 4.0,
        false => ratio,
    }
}

/// 1 where there is nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    match (values.get(last / 2), values.get(last.div_ceil(2))) {
        (Some(below), Some(above)) => (below + above) / 2.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wick_engine::process::protocol::StopReason;

    fn entry(quantization: &str, predicted: Figures, measured: Figures) -> Measurement {
        Measurement {
            measured_at_ms: 1,
            fingerprint: "f".into(),
            model_id: "m".into(),
            architecture: "qwen3".into(),
            quantization: quantization.into(),
            context_length: 8192,
            used_tokens: 500,
            threads: 4,
            cache_type: CacheType::F16,
            predicted,
            measured,
        }
    }

    fn decode(rate: f64) -> Figures {
        Figures {
            decode_tokens_per_second: Some(rate),
            ..Figures::default()
        }
    }

    fn stats() -> ReplyStats {
        ReplyStats {
            stop_reason: StopReason::EndOfTurn,
            prompt_tokens: 600,
            reused_tokens: 100,
            reply_tokens: 200,
            time_to_first_token_ms: 1,
            prefill_tokens_per_second: 250.0,
            decode_tokens_per_second: 20.0,
            context_length: 8192,
            dropped_messages: 0,
            drafted_tokens: 25,
            accepted_tokens: 20,
        }
    }

    #[test]
    fn a_reply_counts_passes_and_leaves_out_what_is_too_short() {
        let memory = |peak_bytes| MemoryUse {
            resident_bytes: 1,
            peak_bytes,
        };
        let figures = Figures::measured(Some(&stats()), memory(7));
        assert_eq!(figures.prefill_tokens_per_second, Some(250.0));
        assert_eq!(figures.decode_tokens_per_second, Some(18.0));
        assert_eq!(figures.peak_memory_bytes, Some(7));
        let short = ReplyStats {
            reused_tokens: 599,
            reply_tokens: 8,
            accepted_tokens: 0,
            ..stats()
        };
        assert!(Figures::measured(Some(&short), memory(0)).is_empty());
        let guessed = ReplyStats {
            drafted_tokens: 180,
            accepted_tokens: 100,
            ..stats()
        };
        let figures = Figures::measured(Some(&guessed), memory(0));
        assert_eq!(figures.decode_tokens_per_second, None);
        let nonsense = ReplyStats {
            prefill_tokens_per_second: f32::NAN,
            decode_tokens_per_second: f32::INFINITY,
            ..stats()
        };
        assert!(Figures::measured(Some(&nonsense), memory(0)).is_empty());
        let load = Figures::measured(None, memory(9));
        assert_eq!(load.peak_memory_bytes, Some(9));
    }

    #[test]
    fn kinds_of_models_are_corrected_apart() {
        let memory = |bytes| Figures {
            peak_memory_bytes: Some(bytes),
            ..Figures::default()
        };
        let entries = [
            entry("Q4_K_M", decode(10.0), decode(12.0)),
            entry("Q4_K_M", decode(10.0), decode(8.0)),
            entry("Q4_K_M", decode(10.0), decode(11.0)),
            entry("Q8_0", memory(100), memory(90)),
            entry("Q8_0", memory(100), memory(103)),
            entry("Q8_0", memory(100), memory(95)),
            entry("Q6_K", memory(100), memory(90)),
            entry("F16", Figures::default(), memory(5)),
        ];
        let corrections = corrections(&entries);
        assert_eq!(corrections.len(), 3, "{corrections:?}");
        let q4 = Correction::of(&corrections, "qwen3", "Q4_K_M").unwrap();
        assert_eq!(
            (q4.memory, q4.prefill, q4.decode, q4.samples),
            (1.0, 1.0, 1.1, 3)
        );
        let q8 = Correction::of(&corrections, "qwen3", "Q8_0").unwrap();
        assert_eq!((q8.memory, q8.decode, q8.samples), (1.03, 1.0, 3));
        let q6 = Correction::of(&corrections, "qwen3", "Q6_K").unwrap();
        assert_eq!(q6.memory, 0.975);
        assert_eq!(Correction::of(&corrections, "qwen3", "F16"), None);
    }

    #[test]
    fn only_the_newest_entries_count_and_nonsense_does_not() {
        let mut entries = vec![
            entry("Q8_0", decode(0.0), decode(5.0)),
            entry("Q8_0", decode(f64::NAN), decode(5.0)),
            entry("Q8_0", decode(-1.0), decode(5.0)),
            entry("Q8_0", decode(1.0), decode(1e12)),
        ];
        entries.extend(vec![entry("Q8_0", decode(10.0), decode(20.0)); NEWEST]);
        entries.extend(vec![entry("Q8_0", decode(10.0), decode(5.0)); 100]);
        let corrections = corrections(&entries);
        assert_eq!(
            (corrections[0].decode, corrections[0].samples),
            (2.0, NEWEST as u32)
        );
    }
}
