//! Graphics processors as Windows names them. What NVIDIA's have and can do, NVML tells.

use std::process::Command;

use super::Found;
use crate::hardware::{GpuKind, GpuVendor};

const QUESTION: &str = "Get-CimInstance Win32_VideoController | \
    Select-Object Name, DriverVersion, PNPDeviceID | ConvertTo-Json";

/// Asks the system.
pub(super) fn read() -> Vec<Found> {
    let mut shell = Command::new("powershell.exe");
    let output = shell
        .args(["-NoProfile", "-NonInteractive", "-Command", QUESTION])
        .output();
    output.map_or(Vec::new(), |output| {
        found(&String::from_utf8_lossy(&output.stdout))
    })
}

/// One object where there is one graphics processor, a list where there are several.
fn found(json: &str) -> Vec<Found> {
    let told: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let all = match told {
        serde_json::Value::Array(all) => all,
        one => vec![one],
    };
    let found = all.iter().filter_map(|one| {
        let id = one["PNPDeviceID"].as_str()?;
        let vendor = id.split("VEN_").nth(1)?.get(..4)?;
        let (vendor, kind) = match vendor.to_ascii_uppercase().as_str() {
            "10DE" => (GpuVendor::Nvidia, GpuKind::Discrete),
            "1002" => (GpuVendor::Amd, GpuKind::Unknown),
            "8086" => (GpuVendor::Intel, GpuKind::Unknown),
            _ => (GpuVendor::Other, GpuKind::Unknown),
        };
        Some(Found {
            name: one["Name"].as_str()?.to_owned(),
            vendor,
            kind,
            memory_total_bytes: None,
            memory_free_bytes: None,
            driver: one["DriverVersion"].as_str().map(String::from),
            address: None,
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_several_are_read() {
        let one = r#"{"Name":"AMD Radeon 780M","DriverVersion":"31.0","PNPDeviceID":"PCI\\VEN_1002&DEV_15BF"}"#;
        let found_one = found(one);
        assert_eq!(found_one[0].vendor, GpuVendor::Amd);
        assert_eq!(found_one[0].driver.as_deref(), Some("31.0"));
        assert_eq!(found(&format!("[{one},{one}]")).len(), 2);
    }

    #[test]
    fn what_is_on_no_bus_and_nonsense_are_left_out() {
        let remote = r#"{"Name":"Remote Display","PNPDeviceID":"SWD\\REMOTEDISPLAYENUM"}"#;
        for nonsense in [remote, "", "null", "[3]", r#"{"PNPDeviceID":"VEN_10"}"#] {
            assert!(found(nonsense).is_empty(), "{nonsense}");
        }
    }
}
