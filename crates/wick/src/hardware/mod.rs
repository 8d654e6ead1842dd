//! The machine: what it is, what was measured of it, and how predictions held.

mod gpu;
mod profile;

pub use gpu::{Gpu, GpuKind, GpuSearch, GpuVendor, LEAST_FREE_BYTES, Usability};
pub use profile::{Disk, HardwareProfile, Memory, MemoryLimit, Pressure, Processor};
