//! What a model takes and how fast it is, from its header alone: pure functions of a [`ModelShape`], how it would be
//! loaded, and what was measured of a machine.
//!
//! Every number is checked on its way: a header that asks for the impossible gets an error, never a wrapped sum.

mod memory;
mod mixture;
mod planned;
mod shape;
mod speed;
mod verdict;

use serde::{Deserialize, Serialize};

pub use memory::{Memory, MemoryBytes};
pub use mixture::Mixture;
pub use planned::{Dimensions, ExpertDimensions};
pub use shape::{ModelShape, Role, TensorGroup};
pub use speed::{FIRST_PROMPT_TOKENS, Range, Rates, Speed};
pub use verdict::{
    MemoryVerdict, READING_TOKENS_PER_SECOND, SpeedVerdict, USABLE_TOKENS_PER_SECOND, Verdict,
};

use crate::process::protocol::CacheType;

/// How a model would be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Tokens of context.
    pub context_length: u32,
    /// How keys and values are kept.
    pub cache_type: CacheType,
    /// Layers that a graphics processor computes, the output counted as the last; the rest is the processor's.
    pub gpu_layers: u32,
}

impl Plan {
    /// All on the processor, with the usual cache.
    pub fn on_processor(context_length: u32) -> Self {
        Self {
            context_length,
            cache_type: CacheType::default(),
            gpu_layers: 0,
        }
    }
}
