//! Memory of this process, as the system counts it.

use crate::process::protocol::MemoryUse;

/// Resident memory now and at its highest; zeros where the system does not tell.
pub fn measure() -> MemoryUse {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        MemoryUse {
            resident_bytes: field(&status, "VmRSS:"),
            peak_bytes: field(&status, "VmHWM:"),
        }
    }
    #[cfg(not(target_os = "linux"))]
    MemoryUse::default()
}

/// A line such as `VmRSS:     1234 kB`, in bytes.
#[cfg(target_os = "linux")]
fn field(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn this_process_takes_memory() {
        let memory = super::measure();
        assert!(0 < memory.resident_bytes && memory.resident_bytes <= memory.peak_bytes);
    }
}
