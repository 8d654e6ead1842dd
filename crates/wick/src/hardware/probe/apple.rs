//! Apple's graphics processors share the machine's memory. How much of it they may work in, Metal decides.

use std::process::Command;

use super::Found;
use crate::hardware::{GpuKind, GpuVendor, root};

/// Asks the system.
pub(super) fn read() -> Vec<Found> {
    let names = [
        "machdep.cpu.brand_string",
        "hw.memsize",
        "iogpu.wired_limit_mb",
    ];
    let told = output(Command::new("/usr/sbin/sysctl").args(names));
    match apples(&told) {
        Some(found) => vec![found],
        // A Mac with Intel's processor.
        None => {
            let mut profiler = Command::new("/usr/sbin/system_profiler");
            others(&output(profiler.args(["SPDisplaysDataType", "-json"])))
        }
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output();
    output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into()
    })
}

/// The one in Apple's own processor.
fn apples(sysctl: &str) -> Option<Found> {
    let name = root::field(sysctl, "machdep.cpu.brand_string")?;
    let total = root::field(sysctl, "hw.memsize")?.parse().ok()?;
    let limit = root::field(sysctl, "iogpu.wired_limit_mb").and_then(|limit| limit.parse().ok());
    name.starts_with("Apple").then(|| Found {
        name: name.to_owned(),
        vendor: GpuVendor::Apple,
        kind: GpuKind::Unified,
        memory_total_bytes: Some(working_set(total, limit)),
        memory_free_bytes: None,
        driver: None,
        address: None,
    })
}

/// What Metal recommends as the most to work in: two thirds of a small memory, three quarters of one beyond 36 GB, or
/// the limit that the user has set.
fn working_set(total: u64, limit_mb: Option<u64>) -> u64 {
    let set = limit_mb.filter(|limit| *limit > 0);
    let set = set.and_then(|limit| limit.checked_mul(1 << 20));
    set.unwrap_or(match total {
        0..=38_654_705_664 => total / 3 * 2,
        _ => total / 4 * 3,
    })
    .min(total)
}

/// The names of other vendors' graphics processors.
fn others(json: &str) -> Vec<Found> {
    let told: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let displays = told["SPDisplaysDataType"].as_array();
    let found = displays.into_iter().flatten().filter_map(|display| {
        let name = display["sppci_model"].as_str()?.to_owned();
        let vendor = match name.split(' ').next() {
            Some("AMD" | "Radeon") => GpuVendor::Amd,
            Some("Intel") => GpuVendor::Intel,
            Some("NVIDIA") => GpuVendor::Nvidia,
            _ => GpuVendor::Other,
        };
        Some(Found {
            name,
            vendor,
            kind: match display["spdisplays_vram_shared"].is_string() {
                true => GpuKind::Integrated,
                false => GpuKind::Discrete,
            },
            memory_total_bytes: display["spdisplays_vram"].as_str().and_then(size),
            memory_free_bytes: None,
            driver: None,
            address: None,
        })
    });
    found.collect()
}

/// `8 GB`, `1536 MB`
fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let unit = match unit {
        "GB" => 1 << 30,
        "MB" => 1 << 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apple_processor_has_a_part_of_the_memory_for_graphics() {
        let told = |gigabytes: u64, limit: &str| {
            let total = gigabytes << 30;
            apples(&format!(
                "machdep.cpu.brand_string: Apple M3 Max\nhw.memsize: {total}\n{limit}\n"
            ))
            .and_then(|found| found.memory_total_bytes)
        };
        assert_eq!(told(24, "iogpu.wired_limit_mb: 0"), Some(16 << 30));
        assert_eq!(told(64, ""), Some(48 << 30));
        assert_eq!(told(64, "iogpu.wired_limit_mb: 57344"), Some(56 << 30));
        // More than there is cannot be worked in.
        assert_eq!(told(8, "iogpu.wired_limit_mb: 999999999"), Some(8 << 30));
        assert_eq!(told(0, "iogpu.wired_limit_mb: -1"), Some(0));
    }

    #[test]
    fn an_intel_mac_names_its_graphics() {
        let told = r#"{"SPDisplaysDataType":[
            {"sppci_model":"Intel UHD Graphics 630","spdisplays_vram_shared":"1536 MB"},
            {"sppci_model":"AMD Radeon Pro 5300M","spdisplays_vram":"4 GB"}]}"#;
        assert!(apples("machdep.cpu.brand_string: Intel(R) Core(TM) i7\nhw.memsize: 1").is_none());
        let found = others(told);
        assert_eq!(found[0].kind, GpuKind::Integrated);
        assert_eq!(found[1].vendor, GpuVendor::Amd);
        assert_eq!(found[1].memory_total_bytes, Some(4 << 30));
    }

    #[test]
    fn nonsense_is_no_graphics() {
        for nonsense in ["", "{", "[]", r#"{"SPDisplaysDataType":[{}]}"#] {
            assert!(others(nonsense).is_empty(), "{nonsense}");
            assert!(apples(nonsense).is_none(), "{nonsense}");
        }
    }
}
