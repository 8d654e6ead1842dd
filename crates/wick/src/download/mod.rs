//! The queue of downloads: what is fetched from the Hub, in which order, and how it stands. It goes on when Wick is
//! started again.

mod types;

pub use types::{Download, DownloadRequest, DownloadState};
