//! Memory: what there is, what is free, and what this program may have of it.

use super::{
    cgroup::Limits,
    profile::{Memory, MemoryLimit, Pressure},
    root::{self, Root},
};

/// No machine has more; what says so is wrong.
const MOST_BYTES: u64 = 1 << 50;

/// Memory as Linux tells. What is nonsense counts as none, and the notes say so.
pub fn read(root: &Root, limits: &Limits, notes: &mut Vec<String>) -> Memory {
    let text = root.text("proc/meminfo").unwrap_or_default();
    let mut told = |name: &str| {
        let value = root::field(&text, name);
        let bytes = value.and_then(bytes);
        if bytes.is_none() {
            let found = value.map_or("missing".into(), |value| format!("{value:?}"));
            notes.push(format!("{name} of /proc/meminfo is {found}"));
        }
        bytes
    };
    let total = told("MemTotal").unwrap_or(0);
    let available = told("MemAvailable").unwrap_or_else(|| {
        // Kernels before 3.14 do not tell; and what is nonsense is better made up for than believed.
        let parts = ["MemFree", "Buffers", "Cached"].map(|name| root::field(&text, name));
        let parts = parts.into_iter().flatten().filter_map(bytes);
        parts.fold(0, u64::saturating_add)
    });
    let swap = |name| root::field(&text, name).and_then(bytes).unwrap_or(0);
    let (swap_total, swap_free) = (swap("SwapTotal"), swap("SwapFree"));
    Memory {
        host_bytes: total,
        swap_total_bytes: swap_total,
        swap_free_bytes: swap_free.min(swap_total),
        pressure: root
            .text("proc/pressure/memory")
            .as_deref()
            .and_then(pressure),
        ..Memory::default()
    }
    .limited(total, available, limits, notes)
}

/// Memory as `sysinfo` tells, where there is no `/proc`.
#[cfg_attr(target_os = "linux", allow(dead_code))]
pub fn read_elsewhere(notes: &mut Vec<String>) -> Memory {
    let mut memory = Memory::default();
    match sysinfo::System::new() {
        Ok(mut system) => {
            system.refresh_memory();
            memory.host_bytes = system.total_memory();
            memory.swap_total_bytes = system.total_swap();
            memory.swap_free_bytes = system.free_swap().min(system.total_swap());
            let (total, available) = (system.total_memory(), system.available_memory());
            memory.limited(total, available, &Limits::default(), notes)
        }
        Err(error) => {
            notes.push(format!("the system does not tell its memory: {error}"));
            memory
        }
    }
}

impl Memory {
    /// Narrowed to what this program may have.
    fn limited(
        mut self,
        total: u64,
        available: u64,
        limits: &Limits,
        notes: &mut Vec<String>,
    ) -> Self {
        let narrows = |limit: &MemoryLimit| limit.bytes < total || total == 0;
        self.limit = limits.memory.clone().filter(narrows);
        self.total_bytes = self.limit.as_ref().map_or(total, |limit| limit.bytes);
        let left = limits.memory_left_bytes.unwrap_or(u64::MAX);
        self.available_bytes = available.min(left).min(self.total_bytes);
        if let Some(limit) = &self.limit
            && limit.bytes == 0
        {
            notes.push(format!("{} allows no memory at all", limit.set_by));
        } else if total > 0 && self.available_bytes == 0 {
            notes.push("no memory is free".into());
        }
        self
    }
}

/// `24683912 kB`
fn bytes(value: &str) -> Option<u64> {
    let kib: u64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024).filter(|bytes| *bytes <= MOST_BYTES)
}

/// Two lines such as `some avg10=0.00 avg60=0.45 avg300=0.42 total=2007000`.
fn pressure(text: &str) -> Option<Pressure> {
    let percent = |kind: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
        let value = line
            .split(' ')
            .find_map(|part| part.strip_prefix("avg10="))?;
        let percent: f64 = value.parse().ok()?;
        percent.is_finite().then(|| percent.clamp(0.0, 100.0))
    };
    Some(Pressure {
        some_percent: percent("some")?,
        full_percent: percent("full")?,
    })
}
