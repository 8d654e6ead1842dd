//! Memory a model takes at its peak: while it is loaded, or with a full context, whichever is more. The formulas follow
//! what the engine does; the constants were measured (`wick bench --check-predictions`).

use serde::{Deserialize, Serialize};
use wick_kernels::{PAGE_TOKENS, PageLayout};

use super::{ModelShape, Plan, Role, TensorGroup, shape::sum};
use crate::{
    Result, generate::LONGEST_PASS, kv_cache::LayerShape, layers::HELD_ROWS,
    process::protocol::CacheType,
};

/// The program, its libraries and its threads.
const PROGRAM_BYTES: u64 = 20_000_000;
/// What the tokenizer takes, for each token.
const BYTES_OF_A_TOKEN: u64 = 313;
/// What it takes more while it is built, for each token, of which little is used again.
const BUILDING_BYTES_OF_A_TOKEN: u64 = 117;
/// Copies of a row of logits while a token is chosen, with what sorts them.
const ROWS_OF_LOGITS: u64 = 6;
/// What comes into memory with a row of the embedding: systems map 64 KiB to 2 MiB around it.
const MAPPED_AROUND_A_ROW: u64 = 1 << 20;
/// While the output is repacked, this share of it is there beside what it becomes.
const REPACKING_SHARE: u64 = 12;
/// Tables of scores that exist at a time where a graphics processor computes attention.
const SCORE_TABLES: u64 = 4;
/// What a driver takes of a graphics processor's memory for a program.
const DRIVER_BYTES: u64 = 512 << 20;
/// Tokens by which the cache on a graphics processor grows.
const DEVICE_STEP: u64 = 256;

/// Memory by what it is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct MemoryBytes {
    /// The weights.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub weights: u64,
    /// Keys and values of a full context.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub kv_cache: u64,
    /// Everything else: the program, the tokenizer, what a pass works on.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub work: u64,
    /// All of it.
    #[cfg_attr(feature = "bindings", ts(type = "number"))]
    pub total: u64,
}

/// Memory a model takes, by where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Memory {
    /// The machine's.
    pub memory_bytes: MemoryBytes,
    /// The graphics processor's, where it computes layers.
    pub vram_bytes: Option<MemoryBytes>,
}

impl MemoryBytes {
    fn new(weights: u64, kv_cache: u64, work: u64) -> Result<Self> {
        Ok(Self {
            weights,
            kv_cache,
            work,
            total: sum([weights, kv_cache, work])?,
        })
    }

    /// With `ratio` times as much for weights and work, as earlier loads were found to take. The pages of the cache are
    /// known to the byte: what was measured with a short context says nothing of those of a long one.
    fn corrected(self, ratio: f64) -> Self {
        let [weights, work] = [self.weights, self.work].map(|bytes| (bytes as f64 * ratio) as u64);
        Self {
            weights,
            work,
            total: weights.saturating_add(work).saturating_add(self.kv_cache),
            ..self
        }
    }
}

impl Memory {
    /// With what was learnt of models of this kind: measured by predicted.
    pub fn corrected(self, ratio: f64) -> Self {
        match ratio.is_finite() && (0.1..=10.0).contains(&ratio) {
            true => Self {
                memory_bytes: self.memory_bytes.corrected(ratio),
                ..self
            },
            false => self,
        }
    }
}

impl ModelShape {
    /// Memory at its peak, with a full context.
    pub fn memory(&self, plan: &Plan) -> Result<Memory> {
        self.memory_at(plan, plan.context_length)
    }

    /// Memory at its peak, where no more than `tokens` tokens of the context are ever in use.
    pub fn memory_at(&self, plan: &Plan, tokens: u32) -> Result<Memory> {
        let layers = self.layers.len() as u64;
        let on_device = u64::from(plan.gpu_layers).min(layers);
        let tokens = u64::from(tokens.min(plan.context_length));
        Ok(Memory {
            memory_bytes: self.on_host(plan, on_device, tokens)?,
            vram_bytes: match on_device {
                0 => None,
                _ => Some(self.on_device(plan, on_device, tokens)?),
            },
        })
    }

    /// Whether the output is computed by the graphics processor too.
    pub(super) fn is_output_on_device(&self, plan: &Plan) -> bool {
        u64::from(plan.gpu_layers) > self.layers.len() as u64
    }

    fn on_host(&self, plan: &Plan, on_device: u64, tokens: u64) -> Result<MemoryBytes> {
        let layers = self.layers.len() as u64;
        let is_output_here = !self.is_output_on_device(plan);
        let here = |bytes: u64| share(bytes, layers - on_device, layers);
        let is_counted_as_output =
            |group: &TensorGroup| group.is_float && self.is_output_tied && is_output_here;
        let (mut weights, mut embedding, mut read_once) = (0u64, 0u64, 0u64);
        for group in &self.tensors {
            let held = match group.is_float {
                true => group.bytes,
                false => group.repacked_bytes.saturating_add(group.made_bytes),
            };
            weights = sum([
                weights,
                match group.role {
                    Role::Layer | Role::Experts => here(held),
                    Role::Vector => held,
                    Role::Output if !is_output_here => 0,
                    // The same bytes as the embedding's, all of which are read for every token.
                    Role::Output if group.is_float && self.is_output_tied => group.bytes,
                    Role::Output => {
                        read_once = if group.is_float { 0 } else { group.bytes };
                        held
                    }
                    Role::Embedding if is_counted_as_output(group) => 0,
                    // Rows are read where they are stored, and what systems map around them is given back soon, unless
                    // all of it may be read in place.
                    Role::Embedding if group.is_float => {
                        embedding = group.bytes;
                        embedding
                    }
                    Role::Embedding => {
                        embedding = group.bytes.min(HELD_ROWS as u64 * MAPPED_AROUND_A_ROW);
                        embedding
                    }
                },
            ])?;
        }
        let cached = self.layers.iter().skip(on_device as usize);
        let kv_cache = sum(cached.map(|layer| cached_bytes(layer, plan.cache_type, tokens)))?;
        let base = sum([
            PROGRAM_BYTES,
            self.vocabulary.saturating_mul(BYTES_OF_A_TOKEN),
            self.rope_bytes(plan),
        ])?;
        let building = self.vocabulary.saturating_mul(BUILDING_BYTES_OF_A_TOKEN);
        let pass = match on_device < layers {
            true => self.pass_bytes(tokens),
            false => 0,
        };
        let logits = self.vocabulary.saturating_mul(4 * ROWS_OF_LOGITS);
        let run = sum([base, building, pass, logits])?;
        // The output is repacked last, out of a file that is given back piece by piece.
        let repacking = sum([read_once / REPACKING_SHARE, building])?;
        let loaded = sum([weights - embedding, base, repacking])?;
        let work = run.max(loaded.saturating_sub(sum([weights, kv_cache])?));
        MemoryBytes::new(weights, kv_cache, work)
    }

    fn on_device(&self, plan: &Plan, on_device: u64, tokens: u64) -> Result<MemoryBytes> {
        let layers = self.layers.len() as u64;
        let is_output_here = self.is_output_on_device(plan);
        let weights = sum(self.tensors.iter().map(|group| match group.role {
            Role::Layer | Role::Experts => share(group.device_bytes, on_device, layers),
            Role::Output if is_output_here => group.device_bytes,
            Role::Output | Role::Embedding | Role::Vector => 0,
        }))?;
        let number = match plan.cache_type {
            CacheType::F32 => 4,
            CacheType::F16 | CacheType::Q8_0 => 2,
        };
        let numbers = |layer: &LayerShape| {
            let width = (layer.kv_heads as u64).saturating_mul(layer.head_dim as u64);
            let tokens = tokens.next_multiple_of(DEVICE_STEP);
            width.saturating_mul(2).saturating_mul(tokens)
        };
        let cached = self.layers.iter().take(on_device as usize).map(numbers);
        let largest = cached.clone().max().unwrap_or(0);
        // A layer that grows is there twice for a moment.
        let cached = sum(cached.chain([largest]))?;
        let pass = tokens.min(LONGEST_PASS as u64);
        let scores = self.heads.saturating_mul(pass).saturating_mul(tokens);
        let work = sum([
            DRIVER_BYTES,
            self.rope_bytes(plan),
            self.pass_bytes(tokens),
            scores.saturating_mul(4 * SCORE_TABLES),
            // Keys and values of one layer in F32.
            largest.saturating_mul(4),
        ])?;
        MemoryBytes::new(weights, cached.saturating_mul(number), work)
    }

    /// Angles for every position, in one table or, where some layers see everything and some do not, two.
    fn rope_bytes(&self, plan: &Plan) -> u64 {
        let windowed = self.layers.iter().filter(|layer| layer.window.is_some());
        let windowed = windowed.count();
        let tables = 1 + u64::from(windowed > 0 && windowed < self.layers.len());
        let head_dim = self.layers.first().map_or(0, |layer| layer.head_dim as u64);
        let numbers = u64::from(plan.context_length).saturating_mul(head_dim);
        numbers.saturating_mul(4 * tables)
    }

    /// What the longest pass through a layer works on.
    fn pass_bytes(&self, tokens: u64) -> u64 {
        let (n, ff) = (self.embedding, self.feed_forward);
        let head_dim = self.layers.first().map_or(0, |layer| layer.head_dim as u64);
        let queries = self.heads.saturating_mul(head_dim);
        // What comes in, what is added to it, gate and up, their product; with the rounding error for all again, which is
        // quantized as well.
        let (numbers, times) = match self.is_precise() {
            true => (sum([5 * n, ff.saturating_mul(7)]), 2),
            false => (sum([3 * n, ff.saturating_mul(3)]), 1),
        };
        let numbers = numbers.unwrap_or(u64::MAX).max(queries.saturating_mul(4));
        // Quantized, a number takes a byte, and its block a few.
        let quantized = n.max(ff).max(queries).saturating_mul(2 * times);
        let each = numbers.saturating_mul(4).saturating_add(quantized);
        each.saturating_mul(tokens.min(LONGEST_PASS as u64))
    }
}

/// A share of something, as of `whole` layers.
fn share(bytes: u64, part: u64, whole: u64) -> u64 {
    (u128::from(bytes) * u128::from(part) / u128::from(whole.max(1))) as u64
}

/// Most that the pages of a layer take. A window moves on only after a whole pass was written.
fn cached_bytes(layer: &LayerShape, cache_type: CacheType, tokens: u64) -> u64 {
    let page = PageLayout {
        format: cache_type.into(),
        kv_heads: layer.kv_heads,
        head_dim: layer.head_dim,
    };
    let pages = |tokens: u64| tokens.div_ceil(PAGE_TOKENS as u64);
    // A window begins and ends within a page, and one page before it is held.
    let windowed = layer.window.map_or(u64::MAX, |window| {
        pages((window as u64).saturating_add(LONGEST_PASS as u64)) + 2
    });
    (page.bytes() as u64).saturating_mul(pages(tokens).min(windowed))
}
