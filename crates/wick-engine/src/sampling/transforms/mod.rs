//! Each step of the sampling chain on its own. The first ones change logits, the others candidates.

mod dry;
mod logit_bias;
mod min_p;
mod mirostat;
mod penalties;
mod temperature;
mod top_p;
mod typical;
mod xtc;

pub(super) use dry::{DryScratch, dry};
pub(super) use logit_bias::add_bias;
pub(super) use min_p::keep_min_p;
pub(super) use mirostat::Mirostat;
pub(super) use penalties::penalize;
pub(super) use temperature::{dynamic_temperature, soften};
pub(super) use top_p::keep_top_p;
pub(super) use typical::keep_typical;
pub(super) use xtc::exclude_top_choices;
