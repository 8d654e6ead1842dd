//! A server that answers as the Hugging Face Hub does, and misbehaves on demand: for tests.
//!
//! It listens on two ports of this machine, the Hub and its CDN, and serves [`Repository`]s whose files come from
//! memory, from a seed or from the disk. [`Rule`]s make it misbehave; every request is [recorded](Request).
//!
//! ```
//! # use stand_in_hub::*;
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let hub = StandInHub::start().await.unwrap();
//! hub.add(Repository::new("ann/tiny").file("tiny.gguf", Content::seeded(1, 1 << 20)));
//! hub.misbehave(Rule::at(Place::Bytes, Behaviour::CutAfter { bytes: 1000 }).times(1));
//! assert!(hub.endpoint().starts_with("http://127.0.0.1:"));
//! assert!(hub.requests().is_empty());
//! # });
//! ```

mod answer;
mod api;
mod behaviour;
mod content;
mod control;
mod misbehave;
mod record;
mod repository;
mod resolve;
mod seeds;
mod serve;
mod state;

pub use behaviour::{Behaviour, Place, Rule};
pub use content::Content;
pub use control::Script;
pub use record::Request;
pub use repository::{File, Gated, Repository};
pub use seeds::seeds;
pub use serve::StandInHub;
