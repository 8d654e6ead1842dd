//! How fast a model reads and writes, from the bytes and products of a token and what was measured of the machine.

use serde::{Deserialize, Serialize};
use wick_kernels::Path;

use super::{ModelShape, Plan, Role, TensorGroup};
use crate::{
    calibration::{Calibration, Correction},
    generate::LONGEST_PASS,
    kv_cache::LayerShape,
    process::protocol::CacheType,
};

/// A prompt of usual length: the time to its first token is told.
pub const FIRST_PROMPT_TOKENS: u32 = 500;

/// How far reality may lie from a prediction that nothing has corrected yet, and from one that was.
const UNCERTAINTY: f64 = 0.25;
const CORRECTED_UNCERTAINTY: f64 = 0.1;
/// On a graphics processor nothing was measured but its memory's clock.
const DEVICE_UNCERTAINTY: f64 = 0.4;
/// Of its memory's rate, what products of one token reach there.
const DEVICE_EFFICIENCY: f64 = 0.6;
/// Multiplications and additions of a prompt there, for each byte its memory could move.
const DEVICE_MACS_PER_BYTE: f64 = 10.0;
/// Starting the operations of a layer there.
const DEVICE_LAYER_SECONDS: f64 = 150e-6;
/// Beside products and attention, a prompt's numbers pass through memory so often.
const PASSES_OVER_ACTIVATIONS: f64 = 4.0;

/// Of what attention computes while a token is written, this share does not hide behind what it reads.
const EXPOSED: f64 = 0.75;
/// Precise products cost so many times as much: two products, activations that are quantized twice, and the matrices of
/// a model so small are less than those that were measured.
const PRECISE: f64 = 3.0;

/// Passes that are reckoned one by one.
const MOST_PASSES: u32 = 256;

/// What is known of the speed of a machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates<'a> {
    /// What was measured of the processor.
    pub calibration: Option<&'a Calibration>,
    /// Rate at which the graphics processor reads its memory.
    pub gpu_bytes_per_second: Option<f64>,
    /// What earlier replies say of predictions for this kind of model.
    pub correction: Option<&'a Correction>,
}

/// A figure, and between which it is expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Range {
    /// At least.
    pub low: f64,
    /// Most likely.
    pub expected: f64,
    /// At most.
    pub high: f64,
}

/// How fast a model is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Speed {
    /// Tokens of a prompt read in a second: of a usual one; at least with a full context, at most from its beginning.
    pub prefill_tokens_per_second: Range,
    /// Tokens written in a second, after a usual prompt; at least with a full context, at most from its beginning.
    pub decode_tokens_per_second: Range,
    /// Seconds until a reply to a prompt of [`FIRST_PROMPT_TOKENS`] begins.
    pub time_to_first_token_seconds: Range,
}

impl ModelShape {
    /// How fast the model is; `None` where what it would be computed with was not measured.
    pub fn speed(&self, plan: &Plan, rates: &Rates<'_>) -> Option<Speed> {
        let context = plan.context_length.max(1);
        let usual = FIRST_PROMPT_TOKENS.min(context);
        let uncertainty = match rates.correction {
            Some(_) => CORRECTED_UNCERTAINTY,
            None if plan.gpu_layers > 0 => DEVICE_UNCERTAINTY,
            None => UNCERTAINTY,
        };
        let range = |slowest: f64, expected: f64, fastest: f64| Range {
            low: slowest.min(expected) * (1.0 - uncertainty),
            expected,
            high: fastest.max(expected) * (1.0 + uncertainty),
        };
        let prefill = |tokens: u32| self.prefill_tokens_per_second(plan, rates, 0, tokens);
        let decode = |position: u32| self.decode_tokens_per_second(plan, rates, position);
        let prefill = range(
            prefill(context)?,
            prefill(usual)?,
            prefill(1.max(usual / 4))?,
        );
        let decode = range(decode(context)?, decode(usual)?, decode(0)?);
        let seconds = |prefill: f64, decode: f64| f64::from(usual) / prefill + 1.0 / decode;
        Some(Speed {
            time_to_first_token_seconds: Range {
                low: seconds(prefill.expected, decode.expected) * (1.0 - uncertainty),
                expected: seconds(prefill.expected, decode.expected),
                high: seconds(prefill.expected, decode.expected) * (1.0 + uncertainty),
            },
            prefill_tokens_per_second: prefill,
            decode_tokens_per_second: decode,
        })
    }

    /// Tokens written in a second where `position` tokens were read before.
    pub fn decode_tokens_per_second(
        &self,
        plan: &Plan,
        rates: &Rates<'_>,
        position: u32,
    ) -> Option<f64> {
        let seconds = self.pass_seconds(plan, rates, position, 1)?;
        as_rate(
            1.0,
            seconds,
            rates.correction.map(|correction| correction.decode),
        )
    }

    /// Tokens read in a second, of the `tokens` after the first `position`.
    pub fn prefill_tokens_per_second(
        &self,
        plan: &Plan,
        rates: &Rates<'_>,
        position: u32,
        tokens: u32,
    ) -> Option<f64> {
        // Of a very long prompt several passes at once: what begins a pass is then nothing.
        let longest = (LONGEST_PASS as u32).max(tokens / MOST_PASSES);
        let mut seconds = 0.0;
        let mut read = 0;
        while read < tokens {
            let pass = (tokens - read).min(longest);
            seconds += self.pass_seconds(plan, rates, position.saturating_add(read), pass)?;
            read += pass;
        }
        let ratio = rates.correction.map(|correction| correction.prefill);
        as_rate(f64::from(tokens), seconds, ratio)
    }

    /// Whether the processor computes its quantized products twice, once for what rounding leaves.
    pub(super) fn is_precise(&self) -> bool {
        crate::layers::is_computed_precisely(self.parameters)
    }

    /// Seconds of one pass of `tokens` tokens, where `position` were read before.
    fn pass_seconds(
        &self,
        plan: &Plan,
        rates: &Rates<'_>,
        position: u32,
        tokens: u32,
    ) -> Option<f64> {
        let layers = self.layers.len() as u32;
        let on_device = plan.gpu_layers.min(layers);
        let is_output_on_device = self.is_output_on_device(plan);
        let host = match on_device == layers && is_output_on_device {
            true => None,
            false => Some(Host::new(rates.calibration?, self.is_precise())),
        };
        let device = match on_device {
            0 => None,
            _ => Some(rates.gpu_bytes_per_second?),
        };
        let device_share = f64::from(on_device) / f64::from(layers.max(1));
        let mut seconds = 0.0;
        for group in &self.tensors {
            let share = match group.role {
                Role::Embedding | Role::Vector => continue,
                Role::Output => f64::from(is_output_on_device),
                Role::Layer | Role::Experts => device_share,
            };
            // Of a prompt only the last token's logits are asked for.
            let rows = if group.role == Role::Output {
                1
            } else {
                tokens
            };
            if let Some(host) = &host {
                seconds += (1.0 - share) * host.product_seconds(group, rows);
            }
            if let Some(rate) = device {
                seconds += share * device_product_seconds(group, rate, rows);
            }
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let seen = seen_by(layer, position, tokens);
            let is_here = index as u32 >= on_device;
            match (&host, device) {
                (Some(host), _) if is_here => {
                    let width = (self.heads * layer.head_dim as u64) as f64;
                    let calibration = host.calibration;
                    let macs = 2.0 * width * seen;
                    let compute = |rate| calibration.attention_seconds(layer.head_dim, macs, rate);
                    seconds += match tokens {
                        1 => {
                            let bytes = cached_token_bytes(layer, plan.cache_type) * seen;
                            let read = bytes / calibration.cache_bytes_per_second;
                            read + EXPOSED * compute(|rate| rate.decode_macs_per_second)
                        }
                        _ => compute(|rate| rate.prefill_macs_per_second),
                    };
                    seconds += calibration.layer_seconds(self.embedding);
                    let activations = 4.0 * (self.embedding + self.feed_forward) as f64;
                    let moved = activations * PASSES_OVER_ACTIVATIONS * f64::from(tokens - 1);
                    seconds += moved / host.memory;
                }
                (_, Some(rate)) => {
                    let bytes = cached_token_bytes(layer, plan.cache_type) * seen;
                    seconds += bytes / (rate * DEVICE_EFFICIENCY) + DEVICE_LAYER_SECONDS;
                }
                _ => {}
            }
        }
        Some(seconds)
    }
}

/// A rate with what was learnt; `None` where it is no number one can use.
fn as_rate(tokens: f64, seconds: f64, ratio: Option<f64>) -> Option<f64> {
    let rate = tokens / seconds * ratio.unwrap_or(1.0);
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// The processor.
struct Host<'a> {
    calibration: &'a Calibration,
    /// Rate at which it reads memory with all the threads it computes with.
    memory: f64,
    is_precise: bool,
    /// Whether weights of sixteen bits were measured in pairs of BF16.
    rounds_to_bf16: bool,
}

impl<'a> Host<'a> {
    fn new(calibration: &'a Calibration, is_precise: bool) -> Self {
        let path = Path::ALL
            .iter()
            .find(|path| path.name() == calibration.simd);
        let rates = &calibration.memory_bytes_per_second;
        let threads = calibration.threads.max(1) as usize;
        let memory = rates.get(threads - 1).or(rates.last());
        Self {
            calibration,
            memory: memory.copied().unwrap_or(f64::NAN),
            is_precise,
            rounds_to_bf16: path.is_some_and(|path| path.rounds_to_bf16()),
        }
    }

    fn product_seconds(&self, group: &TensorGroup, tokens: u32) -> f64 {
        let products = &self.calibration.products;
        let own = products
            .iter()
            .find(|rate| rate.tensor_type == group.tensor_type);
        // A type that was not measured is taken to be no faster than the slowest that was.
        let slowest = |of: fn(&crate::calibration::ProductRate) -> f64| {
            products.iter().map(of).fold(f64::NAN, f64::min)
        };
        let decode = own.map_or_else(
            || slowest(|rate| rate.decode_bytes_per_second),
            |rate| rate.decode_bytes_per_second,
        );
        let prefill = own.map_or_else(
            || slowest(|rate| rate.prefill_macs_per_second),
            |rate| rate.prefill_macs_per_second,
        );
        // Computed precisely, quantized weights are multiplied twice, and those of sixteen bits in f32, half as fast.
        let is_slower = match group.is_float {
            true => self.rounds_to_bf16 && group.tensor_type != "F32",
            false => true,
        };
        let times = match self.is_precise && is_slower {
            true => PRECISE,
            false => 1.0,
        };
        let read = group.bytes_per_token as f64 / decode;
        // Few tokens cost what reading the weights costs.
        let multiplied = group.macs_per_token as f64 * times * f64::from(tokens) / prefill;
        match tokens {
            1 => read,
            _ => read.max(multiplied),
        }
    }
}

fn device_product_seconds(group: &TensorGroup, rate: f64, tokens: u32) -> f64 {
    let spread = group.device_bytes as f64 / (group.bytes as f64).max(1.0);
    let read = group.bytes_per_token as f64 * spread / (rate * DEVICE_EFFICIENCY);
    let macs = group.macs_per_token as f64 * f64::from(tokens);
    read.max(macs / (rate * DEVICE_MACS_PER_BYTE))
}

/// Positions that the tokens of a pass see in a layer, all together.
fn seen_by(layer: &LayerShape, position: u32, tokens: u32) -> f64 {
    let (first, tokens) = (f64::from(position), f64::from(tokens));
    let window = layer.window.map_or(f64::INFINITY, |window| window as f64);
    // The mean of what the first and the last one see.
    let (least, most) = ((first + 1.0).min(window), (first + tokens).min(window));
    (least + most) / 2.0 * tokens
}

/// Bytes of a position in a layer's cache.
fn cached_token_bytes(layer: &LayerShape, cache_type: CacheType) -> f64 {
    let numbers = 2.0 * layer.kv_heads as f64 * layer.head_dim as f64;
    numbers
        * match cache_type {
            CacheType::F32 => 4.0,
            CacheType::F16 => 2.0,
            CacheType::Q8_0 => 1.0625,
        }
}
