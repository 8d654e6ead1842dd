//! Graphics processors, and whether Wick can compute with them: the judgement, on data that others read.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A graphics processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Gpu {
    /// As its driver names it, else by vendor and number.
    pub name: String,
    /// Who made it.
    pub vendor: GpuVendor,
    /// Whether it has memory of its own.
    pub kind: GpuKind,
    /// Memory it can compute in; `None` where nothing tells.
    pub memory_total_bytes: Option<u64>,
    /// Of that, what is free now.
    pub memory_free_bytes: Option<u64>,
    /// Rate at which it can read its memory, by its clock and the width of its bus.
    pub memory_bytes_per_second: Option<f64>,
    /// What its cores can do, as CUDA counts: `8.9`.
    pub compute_capability: Option<String>,
    /// Version of its driver.
    pub driver: Option<String>,
    /// Whether Wick can compute with it, or why not.
    pub usability: Usability,
}

/// Who made a graphics processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[allow(missing_docs, reason = "the names are the vendors' own")]
pub enum GpuVendor {
    Nvidia,
    Amd,
    Intel,
    Apple,
    Other,
}

/// Whose memory a graphics processor computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum GpuKind {
    /// Its own, beside the machine's.
    Discrete,
    /// A part of the machine's that is set apart for it, or borrowed.
    Integrated,
    /// The machine's, as fast as the processor reads it or faster. It must not be counted twice.
    Unified,
    /// Nothing tells.
    Unknown,
}

/// Whether Wick can compute with a graphics processor, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Usability {
    /// It can.
    Usable,
    /// This Wick was built without what it takes: `CUDA`, `Metal`.
    NotBuiltFor {
        /// What is missing in it.
        backend: String,
    },
    /// A library that comes with the driver is not there.
    LibraryMissing {
        /// Its file.
        library: String,
    },
    /// The driver is too old.
    DriverTooOld {
        /// What it supports.
        found: String,
        /// The least that is needed.
        needed: String,
    },
    /// The graphics processor itself is too old.
    TooOld {
        /// Its compute capability.
        found: String,
        /// The least that is needed.
        needed: String,
    },
    /// Other programs hold its memory.
    NotEnoughFreeMemory {
        /// What is free now.
        free_bytes: u64,
        /// The least that is worth using it for.
        needed_bytes: u64,
    },
    /// An environment variable hides it from programs.
    Hidden {
        /// The variable.
        variable: String,
    },
    /// Wick does not compute with this vendor's.
    VendorNotSupported,
    /// The driver answered with an error.
    DriverFailed {
        /// What it said.
        reason: String,
    },
}

/// The least free memory that a graphics processor is worth using with: a small model and what a driver takes itself.
pub const LEAST_FREE_BYTES: u64 = 1 << 30;

impl Usability {
    /// Whether Wick can compute with it.
    pub fn is_usable(&self) -> bool {
        *self == Self::Usable
    }

    /// What the person can do about it; empty where it is usable or nothing helps.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Usable | Self::TooOld { .. } => "",
            Self::NotBuiltFor { .. } => "Use a build of Wick for this graphics processor.",
            Self::LibraryMissing { .. } => "Install the vendor's driver, then start Wick again.",
            Self::DriverTooOld { .. } => "Update the driver.",
            Self::NotEnoughFreeMemory { .. } => {
                "Close programs that use the graphics processor, and look again."
            }
            Self::Hidden { .. } => "Unset the variable and start Wick again.",
            Self::VendorNotSupported => "Models run on the processor.",
            Self::DriverFailed { .. } => "Restart the machine, or install the driver anew.",
        }
    }
}

/// Why it cannot be used, in one sentence.
impl fmt::Display for Usability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gb = |bytes: &u64| *bytes as f64 / 1e9;
        match self {
            Self::Usable => write!(f, "usable"),
            Self::NotBuiltFor { backend } => write!(f, "this Wick was built without {backend}"),
            Self::LibraryMissing { library } => write!(f, "{library} is not installed"),
            Self::DriverTooOld { found, needed } => {
                write!(f, "its driver supports {found}; {needed} is needed")
            }
            Self::TooOld { found, needed } => {
                write!(f, "it is of compute capability {found}; {needed} is needed")
            }
            Self::NotEnoughFreeMemory {
                free_bytes,
                needed_bytes,
            } => write!(
                f,
                "{:.1} GB of its memory are free; {:.1} GB are needed",
                gb(free_bytes),
                gb(needed_bytes)
            ),
            Self::Hidden { variable } => write!(f, "{variable} hides it"),
            Self::VendorNotSupported => write!(f, "Wick does not compute with this vendor's"),
            Self::DriverFailed { reason } => write!(f, "its driver failed: {reason}"),
        }
    }
}

/// How graphics processors were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct GpuSearch {
    /// What was asked: `NVML`, `Metal`, `sysfs`.
    pub asked: Vec<String>,
    /// Why the search broke off, where it did: a driver that crashes or hangs.
    pub failure: Option<String>,
}
