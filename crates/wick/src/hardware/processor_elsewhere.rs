//! The processor where there is no `/proc`: macOS tells through `sysctl`, others through `sysinfo`.
#![cfg_attr(target_os = "linux", allow(dead_code))]

use super::{profile::Processor, root};

/// Reads what there is; at least one core is there in any case.
pub fn read(notes: &mut Vec<String>) -> Processor {
    let logical = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let physical = sysinfo::System::physical_core_count().map_or(logical, |n| n as u32);
    let mut processor = Processor {
        architecture: std::env::consts::ARCH.into(),
        physical_cores: physical.max(1),
        logical_cores: logical,
        performance_cores: physical.max(1),
        efficiency_cores: 0,
        usable_cores: logical,
        instruction_sets: instruction_sets(),
        kernels: wick_engine::calibration::simd_path().into(),
        model: String::new(),
    };
    match cfg!(target_os = "macos") {
        true => processor.take_sysctl(&sysctl()),
        false => processor.model = name(),
    }
    if processor.model.is_empty() {
        notes.push("the processor does not tell its name".into());
    }
    processor
}

impl Processor {
    /// Lines such as `hw.perflevel0.physicalcpu: 8`; level 0 is the fast one.
    fn take_sysctl(&mut self, text: &str) {
        let number = |name: &str| root::field(text, name)?.parse::<u32>().ok();
        self.model = root::field(text, "machdep.cpu.brand_string")
            .unwrap_or_default()
            .into();
        self.physical_cores = number("hw.physicalcpu")
            .unwrap_or(self.physical_cores)
            .max(1);
        self.logical_cores = number("hw.logicalcpu").unwrap_or(self.logical_cores).max(1);
        self.efficiency_cores = number("hw.perflevel1.physicalcpu").unwrap_or(0);
        self.performance_cores = number("hw.perflevel0.physicalcpu")
            .unwrap_or(self.physical_cores)
            .max(1);
    }
}

/// What `sysctl` says; names that this machine does not know are left out.
fn sysctl() -> String {
    let names = [
        "machdep.cpu.brand_string",
        "hw.physicalcpu",
        "hw.logicalcpu",
        "hw.perflevel0.physicalcpu",
        "hw.perflevel1.physicalcpu",
    ];
    let output = std::process::Command::new("/usr/sbin/sysctl")
        .args(names)
        .output();
    output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into()
    })
}

fn name() -> String {
    let Ok(mut system) = sysinfo::System::new() else {
        return String::new();
    };
    system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
    let first = system.cpus().first();
    first.map_or(String::new(), |cpu| cpu.brand().trim().into())
}

fn instruction_sets() -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    macro_rules! note {
        ($detected:ident: $($feature:tt => $name:literal,)*) => {
            $(if std::arch::$detected!($feature) { names.push($name); })*
        };
    }
    #[cfg(target_arch = "x86_64")]
    note! { is_x86_feature_detected:
        "avx2" => "AVX2",
        "avx512f" => "AVX-512",
        "avxvnni" => "AVX-VNNI",
        "avx512vnni" => "AVX-512 VNNI",
        "avx512bf16" => "AVX-512 BF16",
    }
    #[cfg(target_arch = "aarch64")]
    note! { is_aarch64_feature_detected:
        "neon" => "NEON",
        "dotprod" => "dotprod",
        "i8mm" => "i8mm",
        "bf16" => "BF16",
        "sve" => "SVE",
    }
    names.drain(..).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apple_processor_tells_its_kinds_of_cores() {
        let mut processor = Processor::default();
        processor.take_sysctl(
            "machdep.cpu.brand_string: Apple M2 Pro\nhw.physicalcpu: 10\nhw.logicalcpu: 10\n\
             hw.perflevel0.physicalcpu: 6\nhw.perflevel1.physicalcpu: 4\n",
        );
        assert_eq!(processor.model, "Apple M2 Pro");
        assert_eq!(
            (processor.physical_cores, processor.logical_cores),
            (10, 10)
        );
        assert_eq!(
            (processor.performance_cores, processor.efficiency_cores),
            (6, 4)
        );
    }

    #[test]
    fn nonsense_leaves_what_was_known() {
        let mut processor = Processor {
            physical_cores: 4,
            logical_cores: 8,
            ..Processor::default()
        };
        processor.take_sysctl("hw.physicalcpu: many\nhw.perflevel0.physicalcpu: -3\n");
        assert_eq!((processor.physical_cores, processor.logical_cores), (4, 8));
        assert_eq!(
            (processor.performance_cores, processor.efficiency_cores),
            (4, 0)
        );
    }

    #[test]
    fn this_processor_has_cores_and_a_path() {
        let processor = read(&mut Vec::new());
        assert!(processor.usable_cores >= 1 && processor.physical_cores >= 1);
        assert!(!processor.kernels.is_empty());
    }
}
