//! The queue of downloads: what is fetched from the Hub, in which order, and how it stands. It goes on when Wick is
//! started again.

mod ask;
mod partial;
mod plan;
mod queue;
mod run;
mod settle;
mod types;

/// The folder in that of models where what is not whole yet lies.
pub(crate) const PARTIAL: &str = ".partial";

pub use ask::Ask;
pub(crate) use plan::Plan;
pub(crate) use queue::Downloads;
pub use types::{Download, DownloadRequest, DownloadState};
