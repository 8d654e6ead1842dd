//! Memory a model takes: its weights, and the keys and values of a full context, layer by layer.

use serde::{Deserialize, Serialize};

use crate::{
    gguf::{Metadata, cross_check::HyperParameters},
    process::protocol::CacheType,
};

/// Memory a model takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryEstimate {
    /// Tokens of context it is for.
    pub context_length: u32,
    /// How keys and values are kept.
    pub cache_type: CacheType,
    /// Bytes of the weights.
    pub weights_bytes: u64,
    /// Bytes of the keys and values of a full context.
    pub kv_cache_bytes: u64,
    /// Both.
    pub total_bytes: u64,
}

/// Gemma 3's layers, where the header does not say: every sixth sees all.
const USUAL_PATTERN: u32 = 6;

pub(super) fn estimate(
    architecture: &str,
    metadata: &Metadata,
    weights_bytes: u64,
    context_length: u32,
    cache_type: CacheType,
) -> Option<MemoryEstimate> {
    let model = HyperParameters {
        architecture,
        metadata,
    };
    let (keys, values) = model.cached_numbers().ok().flatten()?;
    let number = |suffix: &str| {
        metadata
            .u32(&format!("{architecture}.{suffix}"))
            .ok()
            .flatten()
    };
    let layers = number("block_count")?;
    // Gemma's layers and Phi's keep no more than their window; of Gemma's, some see everything.
    let window = number("attention.sliding_window").filter(|window| *window > 0);
    let window = window
        .filter(|_| ["gemma3", "phi3"].contains(&architecture))
        .unwrap_or(u32::MAX);
    let pattern = match architecture {
        "gemma3" => number("attention.sliding_window_pattern").unwrap_or(USUAL_PATTERN),
        _ => u32::MAX,
    };
    let kv_cache_bytes = (0..layers)
        .map(|layer| {
            let sees_all = (layer + 1).is_multiple_of(pattern);
            let tokens = match sees_all {
                true => context_length,
                false => context_length.min(window),
            };
            u64::from(tokens) * (bytes_of(cache_type, keys) + bytes_of(cache_type, values))
        })
        .sum();
    Some(MemoryEstimate {
        context_length,
        cache_type,
        weights_bytes,
        kv_cache_bytes,
        total_bytes: weights_bytes + kv_cache_bytes,
    })
}

/// Bytes of so many numbers in the cache.
fn bytes_of(cache_type: CacheType, numbers: u64) -> u64 {
    match cache_type {
        CacheType::F32 => 4 * numbers,
        CacheType::F16 => 2 * numbers,
        // 34 bytes for 32 numbers.
        CacheType::Q8_0 => numbers.div_ceil(32) * 34,
    }
}
