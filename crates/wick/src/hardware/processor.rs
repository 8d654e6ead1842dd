//! The processor as Linux tells it: its name, its cores by kind, and how many of them this program may use.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    cgroup::Limits,
    profile::Processor,
    root::{self, Root},
};

const CPUS: &str = "sys/devices/system/cpu";

/// A core with less than this share of the fastest core's speed is there to save power. Cores that are picked as the
/// best of their kind differ by a few percent, kinds by a third and more.
const EFFICIENT: f64 = 0.75;

/// Reads what there is; at least one core is there in any case.
pub fn read(root: &Root, limits: &Limits, notes: &mut Vec<String>) -> Processor {
    let text = root.text("proc/cpuinfo").unwrap_or_default();
    let online = online(root, &text);
    if online.is_empty() {
        notes.push("the system does not tell its processors".into());
    }
    let cores = cores(root, &text, &online);
    let efficient = efficient(root, &online);
    let of_kind = |kind: bool| {
        let all = |core: &&BTreeSet<u32>| core.is_subset(&efficient) == kind;
        cores.iter().filter(all).count() as u32
    };
    let model = model(root, &text);
    if model.is_empty() {
        notes.push("the processor does not tell its name".into());
    }
    Processor {
        model,
        architecture: std::env::consts::ARCH.into(),
        physical_cores: (cores.len() as u32).max(1),
        logical_cores: (online.len() as u32).max(1),
        performance_cores: of_kind(false).max(1),
        efficiency_cores: of_kind(true),
        usable_cores: usable(root, &online, limits),
        instruction_sets: instruction_sets(&text),
        kernels: wick_engine::calibration::simd_path().into(),
    }
}

/// The name that it has, or that of its design and of the board it is on.
fn model(root: &Root, text: &str) -> String {
    if let Some(name) = root::field(text, "model name").filter(|name| !name.is_empty()) {
        return name.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let values = |name: &str| -> BTreeSet<&str> {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        let fields = fields.filter(|(found, _)| found.trim() == name);
        fields.map(|(_, value)| value.trim()).collect()
    };
    let is_arm = values("CPU implementer").contains("0x41");
    let designs = values("CPU part").into_iter().filter_map(arm_design);
    let designs = designs.filter(|_| is_arm).collect::<Vec<_>>().join(" + ");
    let board = root::field(text, "Model").map(String::from);
    let board = board.or_else(|| root.text("sys/firmware/devicetree/base/model"));
    let board = board.unwrap_or_default();
    let board = board.trim_matches(['\0', ' ']);
    match (board, designs.as_str()) {
        ("", designs) => designs.into(),
        (board, "") => board.into(),
        (board, designs) => format!("{designs} ({board})"),
    }
}

/// Arm's own designs, by the number in their identification register.
fn arm_design(part: &str) -> Option<&'static str> {
    Some(match part {
        "0xd03" => "Cortex-A53",
        "0xd04" => "Cortex-A35",
        "0xd05" => "Cortex-A55",
        "0xd07" => "Cortex-A57",
        "0xd08" => "Cortex-A72",
        "0xd09" => "Cortex-A73",
        "0xd0a" => "Cortex-A75",
        "0xd0b" => "Cortex-A76",
        "0xd0c" => "Neoverse-N1",
        "0xd0d" => "Cortex-A77",
        "0xd40" => "Neoverse-V1",
        "0xd41" => "Cortex-A78",
        "0xd44" => "Cortex-X1",
        "0xd46" => "Cortex-A510",
        "0xd47" => "Cortex-A710",
        "0xd48" => "Cortex-X2",
        "0xd49" => "Neoverse-N2",
        "0xd4d" => "Cortex-A715",
        "0xd4e" => "Cortex-X3",
        "0xd4f" => "Neoverse-V2",
        "0xd80" => "Cortex-A520",
        "0xd81" => "Cortex-A720",
        "0xd82" => "Cortex-X4",
        _ => return None,
    })
}

/// Processors that run.
fn online(root: &Root, text: &str) -> BTreeSet<u32> {
    let told = root.text(format!("{CPUS}/online"));
    told.as_deref().and_then(root::list).unwrap_or_else(|| {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        let numbers = fields.filter(|(name, _)| name.trim() == "processor");
        numbers.filter_map(|(_, n)| n.trim().parse().ok()).collect()
    })
}

/// The cores, each as the processors that are its threads.
fn cores(root: &Root, text: &str, online: &BTreeSet<u32>) -> BTreeSet<BTreeSet<u32>> {
    let topology = |cpu: u32, name: &str| {
        let list = root.text(format!("{CPUS}/cpu{cpu}/topology/{name}"))?;
        let threads = root::list(&list)?;
        let threads: BTreeSet<u32> = threads.intersection(online).copied().collect();
        threads.contains(&cpu).then_some(threads)
    };
    let told = online.iter().map(|&cpu| {
        topology(cpu, "core_cpus_list").or_else(|| topology(cpu, "thread_siblings_list"))
    });
    if let Some(cores) = told.collect::<Option<BTreeSet<_>>>() {
        return cores;
    }
    // Processors of one package and core number.
    let mut by_number = BTreeMap::<_, BTreeSet<u32>>::new();
    for block in text.split("\n\n") {
        let number = |name| root::field(block, name)?.parse::<u32>().ok();
        if let (Some(cpu), Some(core)) = (number("processor"), number("core id")) {
            let package = number("physical id").unwrap_or(0);
            by_number.entry((package, core)).or_default().insert(cpu);
        }
    }
    match by_number.is_empty() {
        true => online.iter().map(|cpu| [*cpu].into()).collect(),
        false => by_number.into_values().collect(),
    }
}

/// Processors that are there to save power; none where all are alike.
fn efficient(root: &Root, online: &BTreeSet<u32>) -> BTreeSet<u32> {
    // Intel's hybrids: each kind has its own counters.
    let kind = |name| root::list(&root.text(format!("sys/devices/{name}/cpus"))?);
    if let (Some(_), Some(efficient)) = (kind("cpu_core"), kind("cpu_atom")) {
        return efficient;
    }
    for file in ["cpu_capacity", "cpufreq/cpuinfo_max_freq"] {
        let speed = |cpu: &u32| {
            let speed = root.number::<u64>(format!("{CPUS}/cpu{cpu}/{file}"))?;
            Some((*cpu, speed as f64))
        };
        let speeds: Vec<(u32, f64)> = online.iter().filter_map(speed).collect();
        let fastest = speeds
            .iter()
            .fold(0.0, |most, (_, speed)| f64::max(most, *speed));
        let slow = |(_, speed): &&(u32, f64)| *speed < fastest * EFFICIENT;
        let slow: BTreeSet<u32> = speeds.iter().filter(slow).map(|(cpu, _)| *cpu).collect();
        if !slow.is_empty() {
            return slow;
        }
    }
    BTreeSet::new()
}

/// How many threads this program may run at once.
fn usable(root: &Root, online: &BTreeSet<u32>, limits: &Limits) -> u32 {
    let status = root.text("proc/self/status").unwrap_or_default();
    let allowed = root::field(&status, "Cpus_allowed_list").and_then(root::list);
    let mut usable = online.clone();
    for narrower in [allowed, limits.processors.clone()].into_iter().flatten() {
        usable.retain(|cpu| narrower.contains(cpu));
    }
    let quota = limits
        .processor_quota
        .map_or(u32::MAX, |quota| quota as u32);
    (usable.len() as u32).min(quota).max(1)
}

/// Those that matter to models, of both architectures: as Linux names them, and as people do.
const INSTRUCTION_SETS: [(&str, &str); 14] = [
    ("avx2", "AVX2"),
    ("avx512f", "AVX-512"),
    ("avx_vnni", "AVX-VNNI"),
    ("avx512_vnni", "AVX-512 VNNI"),
    ("avx512_bf16", "AVX-512 BF16"),
    ("amx_int8", "AMX INT8"),
    ("amx_bf16", "AMX BF16"),
    ("asimd", "NEON"),
    ("neon", "NEON"),
    ("asimddp", "dotprod"),
    ("i8mm", "i8mm"),
    ("bf16", "BF16"),
    ("sve", "SVE"),
    ("sme", "SME"),
];

fn instruction_sets(text: &str) -> Vec<String> {
    let flags = root::field(text, "flags").or_else(|| root::field(text, "Features"));
    let flags: BTreeSet<&str> = flags.unwrap_or_default().split_whitespace().collect();
    let there = INSTRUCTION_SETS
        .iter()
        .filter(|(flag, _)| flags.contains(flag));
    let mut names: Vec<String> = there.map(|(_, name)| (*name).to_owned()).collect();
    names.dedup();
    names
}
