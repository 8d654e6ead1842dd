//! Graphics processors as Linux lists them: on the PCI bus whether they have a driver or not, and on boards beside it.

use std::collections::BTreeMap;

use super::Found;
use crate::hardware::{GpuKind, GpuVendor, root::Root};

const BUS: &str = "sys/bus/pci/devices";
const DRM: &str = "sys/class/drm";

/// Lists of the names of PCI's vendors and devices.
const NAMES: [&str; 3] = [
    "usr/share/hwdata/pci.ids",
    "usr/share/misc/pci.ids",
    "usr/share/pci.ids",
];

/// Makers of the displays of virtual machines and of servers' management chips: nothing computes with them.
const DISPLAYS_ONLY: [&str; 7] = ["1234", "1b36", "15ad", "1a03", "102b", "1013", "1414"];

/// AMD's processors with graphics set a little memory apart for them; their cards have more.
const LEAST_OF_A_CARD: u64 = 2 << 30;

/// Everything the system lists.
pub(super) fn read(root: &Root) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut names = None;
    for address in root.names(BUS) {
        let Some(device) = PciDevice::read(root, &address) else {
            continue;
        };
        let names = names.get_or_insert_with(|| {
            let text = NAMES.iter().find_map(|path| root.text(path));
            text.unwrap_or_default()
        });
        found.push(device.found(root, names));
    }
    // Boards whose graphics are beside the processor.
    let nodes = root.names(DRM).into_iter();
    for node in nodes.filter(|name| name.starts_with("renderD")) {
        let device = format!("{DRM}/{node}/device");
        if root.text(format!("{device}/vendor")).is_some() {
            continue; // on the PCI bus
        }
        let Some(events) = root.text(format!("{device}/uevent")) else {
            continue;
        };
        let fields: BTreeMap<&str, &str> = events
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let name = fields.get("OF_COMPATIBLE_0").or(fields.get("DRIVER"));
        found.push(Found {
            name: name.map_or(format!("graphics {node}"), |name| (*name).to_owned()),
            vendor: match name.is_some_and(|name| name.starts_with("nvidia")) {
                true => GpuVendor::Nvidia,
                false => GpuVendor::Other,
            },
            kind: GpuKind::Unified,
            memory_total_bytes: None,
            memory_free_bytes: None,
            driver: fields.get("DRIVER").map(|driver| (*driver).to_owned()),
            address: None,
        });
    }
    found
}

/// A device on the bus that draws or computes.
struct PciDevice {
    address: String,
    vendor: String,
    device: String,
}

impl PciDevice {
    fn read(root: &Root, address: &str) -> Option<Self> {
        let hex = |name: &str| {
            let text = root.text(format!("{BUS}/{address}/{name}"))?;
            let digits = text.strip_prefix("0x")?.to_ascii_lowercase();
            digits
                .bytes()
                .all(|b| b.is_ascii_hexdigit())
                .then_some(digits)
        };
        let (class, vendor, device) = (hex("class")?, hex("vendor")?, hex("device")?);
        let draws = class.starts_with("03");
        // AMD's largest call themselves accelerators.
        let computes = class.starts_with("12") && vendor == "1002";
        let is_it = (draws || computes) && !DISPLAYS_ONLY.contains(&vendor.as_str());
        is_it.then(|| Self {
            address: address.to_owned(),
            vendor,
            device,
        })
    }

    fn found(self, root: &Root, names: &str) -> Found {
        let text = |name: &str| root.text(format!("{BUS}/{}/{name}", self.address));
        let bytes = |name: &str| {
            text(name)?
                .parse::<u64>()
                .ok()
                .filter(|bytes| *bytes < 1 << 50)
        };
        let vendor = match self.vendor.as_str() {
            "10de" => GpuVendor::Nvidia,
            "1002" => GpuVendor::Amd,
            "8086" => GpuVendor::Intel,
            "106b" => GpuVendor::Apple,
            _ => GpuVendor::Other,
        };
        let total = bytes("mem_info_vram_total").filter(|total| *total > 0);
        let used = bytes("mem_info_vram_used").unwrap_or(0);
        let kind = match vendor {
            GpuVendor::Nvidia => GpuKind::Discrete,
            // Intel's own graphics have always been device 2 of the first bus.
            GpuVendor::Intel if self.address.ends_with(":00:02.0") => GpuKind::Integrated,
            GpuVendor::Intel => GpuKind::Discrete,
            GpuVendor::Amd => match (total, text("mem_info_vram_vendor").as_deref()) {
                (_, Some("unknown")) => GpuKind::Integrated,
                (Some(total), _) if total >= LEAST_OF_A_CARD => GpuKind::Discrete,
                (Some(_), _) => GpuKind::Integrated,
                (None, _) => GpuKind::Unknown,
            },
            _ => GpuKind::Unknown,
        };
        let driver = root.link(format!("{BUS}/{}/driver", self.address));
        let version = |driver: &String| root.text(format!("sys/module/{driver}/version"));
        Found {
            name: name(names, &self.vendor, &self.device, vendor),
            vendor,
            kind,
            memory_total_bytes: total,
            memory_free_bytes: total.map(|total| total.saturating_sub(used)),
            driver: driver.map(|driver| match version(&driver) {
                Some(version) => format!("{driver} {version}"),
                None => driver,
            }),
            address: Some(self.address),
        }
    }
}

/// A device's name: the one in brackets is what people know it by.
fn name(names: &str, vendor: &str, device: &str, known: GpuVendor) -> String {
    let mut lines = names.lines().skip_while(|line| !starts(line, vendor));
    let maker = lines.next().map(|line| line[vendor.len()..].trim());
    let mut devices = lines.take_while(|line| line.starts_with('\t') || line.starts_with('#'));
    let device_line = devices.find_map(|line| {
        let line = line.strip_prefix('\t')?;
        starts(line, device).then(|| line[device.len()..].trim())
    });
    let maker = match known {
        GpuVendor::Nvidia => "NVIDIA",
        GpuVendor::Amd => "AMD",
        GpuVendor::Intel => "Intel",
        GpuVendor::Apple => "Apple",
        GpuVendor::Other => maker.unwrap_or("unknown vendor's"),
    };
    match device_line.filter(|name| !name.is_empty()) {
        Some(name) => {
            let bracket = name
                .split_once('[')
                .and_then(|(_, rest)| rest.split_once(']'));
            format!("{maker} {}", bracket.map_or(name, |(known, _)| known))
        }
        None => format!("{maker} graphics {device}"),
    }
}

fn starts(line: &str, number: &str) -> bool {
    let rest = line
        .get(..number.len())
        .filter(|found| found.eq_ignore_ascii_case(number));
    rest.is_some() && line[number.len()..].starts_with(' ')
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Bus(tempfile::TempDir);

    impl Bus {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn card(&self, address: &str, class: &str, vendor: &str, device: &str) {
            for (name, text) in [("class", class), ("vendor", vendor), ("device", device)] {
                self.file(&format!("{BUS}/{address}/{name}"), &format!("{text}\n"));
            }
        }

        fn found(&self) -> Vec<Found> {
            read(&Root::at(self.0.path()))
        }
    }

    #[test]
    fn cards_are_named_and_their_kinds_told_apart() {
        let bus = Bus::new();
        bus.card("0000:00:02.0", "0x030000", "0x8086", "0x46a6");
        bus.card("0000:01:00.0", "0x030000", "0x10de", "0x2684");
        bus.card("0000:01:00.1", "0x040300", "0x10de", "0x22ba");
        bus.card("0000:03:00.0", "0x030000", "0x1002", "0x73bf");
        bus.card("0000:04:00.0", "0x038000", "0x1002", "0x15bf");
        bus.card("0000:05:00.0", "0x030000", "0x1a03", "0x2000");
        bus.file(
            &format!("{BUS}/0000:03:00.0/mem_info_vram_total"),
            "17163091968",
        );
        bus.file(
            &format!("{BUS}/0000:03:00.0/mem_info_vram_used"),
            "163091968",
        );
        bus.file(
            &format!("{BUS}/0000:04:00.0/mem_info_vram_total"),
            "536870912",
        );
        bus.file(
            NAMES[1],
            "# names\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t73bf  Navi 21 [Radeon RX 6800/6900 XT]\n\
             \t\t1002 0e3a  Radeon RX 6800\n10de  NVIDIA Corporation\n\t2684  AD102 [GeForce RTX 4090]\n\
             8086  Intel Corporation\n\t46a6  Alder Lake-P GT2 [Iris Xe Graphics]\n",
        );
        let found = bus.found();
        let told = found.iter().map(|found| (found.name.as_str(), found.kind));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("Intel Iris Xe Graphics", GpuKind::Integrated),
                ("NVIDIA GeForce RTX 4090", GpuKind::Discrete),
                ("AMD Radeon RX 6800/6900 XT", GpuKind::Discrete),
                ("AMD graphics 15bf", GpuKind::Integrated),
            ]
        );
        assert_eq!(found[2].memory_free_bytes, Some(17_000_000_000));
        assert_eq!(found[1].memory_total_bytes, None);
    }

    #[cfg(unix)]
    #[test]
    fn a_driver_tells_its_name_and_version() {
        let bus = Bus::new();
        bus.card("0000:01:00.0", "0x030200", "0x10de", "0x2330");
        bus.file("sys/module/nvidia/version", "550.54.14\n");
        let link = bus.0.path().join(format!("{BUS}/0000:01:00.0/driver"));
        std::os::unix::fs::symlink("../../../bus/pci/drivers/nvidia", link).unwrap();
        assert_eq!(bus.found()[0].driver.as_deref(), Some("nvidia 550.54.14"));
    }

    #[test]
    fn graphics_of_a_board_share_its_memory() {
        let bus = Bus::new();
        bus.file(
            &format!("{DRM}/renderD128/device/uevent"),
            "DRIVER=v3d\nOF_NAME=gpu\nOF_COMPATIBLE_0=brcm,2712-v3d\n",
        );
        bus.file(&format!("{DRM}/card0/device/uevent"), "DRIVER=vc4-drm\n");
        let found = bus.found();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "brcm,2712-v3d");
        assert_eq!(
            (found[0].kind, found[0].vendor),
            (GpuKind::Unified, GpuVendor::Other)
        );
    }

    #[test]
    fn nonsense_on_the_bus_is_left_out() {
        let bus = Bus::new();
        assert!(bus.found().is_empty());
        bus.card("0000:01:00.0", "display", "0x10de", "0x2684");
        bus.card("0000:02:00.0", "0x030000", "", "0x2684");
        bus.card("0000:03:00.0", "0x030000", "0x1002", "0xé");
        bus.card("0000:04:00.0", "0x030000", "0x1002", "0x73bf");
        bus.file(&format!("{BUS}/0000:04:00.0/mem_info_vram_total"), "-1");
        bus.file(NAMES[0], "1002\n\t\n10\u{e9}2 x\n\t73bf");
        let found = bus.found();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].memory_total_bytes, None);
        assert_eq!(found[0].name, "AMD graphics 73bf");
    }
}
