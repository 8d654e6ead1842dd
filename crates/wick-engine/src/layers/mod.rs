//! What the model families are built of. Each layer has two ways to compute, chosen once when the model is loaded:
//! on the host with Wick's kernels, or on any device with candle's operations.

mod attention;
mod embedding;
mod experts;
mod host;
mod linear;
mod mlp;
mod norm;
mod precise;
mod rope;
mod rows;
mod transformer;
mod weights;

use std::sync::Arc;

use candle_core::Device;

pub use attention::{Attention, AttentionWeights};
pub use embedding::Embedding;
pub(crate) use embedding::HELD_ROWS;
pub use experts::{Experts, ExpertsShape};
pub use host::Host;
pub use linear::Linear;
pub use mlp::GatedMlp;
pub use norm::RmsNorm;
pub(crate) use precise::is_computed_precisely;
pub use rope::{Rope, RopeScaling};
pub use rows::{HostRows, Numbers, Rows};
pub use transformer::{Block, FeedForward, Transformer};
pub use weights::Weights;
pub use wick_kernels::{Activation, RopeStyle};

/// Where and how the layers compute.
#[derive(Clone)]
pub enum Compute {
    /// On the processor, with Wick's kernels.
    Host(Arc<Host>),
    /// With candle's operations, on a GPU or, to check the kernels against, on the processor.
    Candle(Device),
}

impl Compute {
    /// The device that tensors between the layers live on.
    pub fn device(&self) -> &Device {
        match self {
            Self::Host(_) => &Device::Cpu,
            Self::Candle(device) => device,
        }
    }

    /// Threads it takes on the processor.
    pub fn threads(&self) -> u32 {
        match self {
            Self::Host(host) => host.threads().count() as u32,
            Self::Candle(_) => 1,
        }
    }
}
