//! The Hugging Face Hub, and any server that answers as it does.
//!
//! [`Hub`] asks for models, their files and their pages, and for stretches of a file. This is the only code of Wick that
//! opens connections. It knows no database, no engine and no window. Whatever a server says is a stranger's text: names
//! are labels and become paths only through the newtypes here, sizes are capped, and the token goes to one origin only.
//!
//! ```
//! use wick_hub::{Endpoint, Hub, HubOptions, RemotePath, RepoId};
//!
//! # fn main() -> wick_hub::Result<()> {
//! let hub = Hub::new(HubOptions::new(Endpoint::default()))?;
//! let repo: RepoId = "Qwen/Qwen3-0.6B-GGUF".parse()?;
//! assert_eq!(hub.page_of(&repo).as_str(), "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF");
//! assert!("../../etc/passwd".parse::<RemotePath>().is_err());
//! # Ok(())
//! # }
//! ```

mod api;
mod client;
mod endpoint;
mod error;
mod file;
mod hash;
mod names;
mod pace;
mod pages;
mod sets;
pub mod shared;
mod token;
pub mod transfer;

pub use api::{Gating, ModelInfo, ModelSummary, NextPage, SearchPage, SearchQuery, Sort, TreeFile};
pub use bytes::Bytes;
pub use client::{Body, FileFacts, Hub, HubOptions, Proxy, RangeAnswer, Timeouts};
pub use endpoint::Endpoint;
pub use error::{Access, Error, Refusal, Result, Wanted};
pub use file::{FileCheck, FileKind, RemoteFile};
pub use hash::{CommitHash, Sha1Hex, Sha256Hex};
pub use names::{RemotePath, RepoId};
pub use sets::{FileSet, SetKind, sets};
pub use token::Token;
pub use transfer::{Transfer, TransferSpec, VerifiedFile};
