//! Machines as Linux tells of them, from trees of the files that it tells in.

use std::{fs, path::Path};

use super::{cgroup, memory, processor, read, root::Root, *};

/// A tree of these files.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), files);
    folder
}

fn add(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn machine(folder: &tempfile::TempDir) -> (Processor, Memory, Vec<String>) {
    let mut notes = Vec::new();
    let (processor, memory) = read(&Root::at(folder.path()), &mut notes);
    (processor, memory, notes)
}

const GB: u64 = 1 << 30;

/// A host of 64 GB, of which 48 are free, with eight processors.
fn host() -> tempfile::TempDir {
    tree(&[
        (
            "proc/meminfo",
            "MemTotal:       67108864 kB\nMemFree:         1000000 kB\nMemAvailable:   50331648 kB\n\
             SwapTotal:       2097152 kB\nSwapFree:        1048576 kB\n",
        ),
        (
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: A  processor\n",
        ),
        ("sys/devices/system/cpu/online", "0-7\n"),
        (
            "proc/pressure/memory",
            "some avg10=1.50 avg60=0.45 avg300=0.42 total=2007000\nfull avg10=0.25 avg60=0.43 total=1\n",
        ),
    ])
}

#[test]
fn a_host_without_limits_has_what_it_has() {
    let (processor, memory, notes) = machine(&host());
    assert_eq!(processor.model, "A processor");
    assert_eq!((processor.physical_cores, processor.logical_cores), (8, 8));
    assert_eq!(processor.usable_cores, 8);
    assert_eq!(
        (memory.total_bytes, memory.available_bytes),
        (64 * GB, 48 * GB)
    );
    assert_eq!(
        (memory.swap_total_bytes, memory.swap_free_bytes),
        (2 * GB, GB)
    );
    assert_eq!(memory.limit, None);
    let pressure = memory.pressure.unwrap();
    assert_eq!((pressure.some_percent, pressure.full_percent), (1.5, 0.25));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_container_of_4_gb_on_a_host_of_64_is_a_machine_of_4() {
    let folder = host();
    add(
        folder.path(),
        &[
            ("proc/self/cgroup", "0::/\n"),
            (
                "proc/self/mountinfo",
                "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n",
            ),
            ("sys/fs/cgroup/memory.max", "4294967296\n"),
            ("sys/fs/cgroup/memory.high", "max\n"),
            ("sys/fs/cgroup/memory.current", "3221225472\n"),
            (
                "sys/fs/cgroup/memory.stat",
                "anon 1\ninactive_file 1073741824\nactive_file 1073741824\nfile 9\n",
            ),
            ("sys/fs/cgroup/cpu.max", "250000 100000\n"),
            ("sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"),
        ],
    );
    let (processor, memory, _) = machine(&folder);
    assert_eq!((memory.total_bytes, memory.host_bytes), (4 * GB, 64 * GB));
    // Three are taken, of which two are files that can go.
    assert_eq!(memory.available_bytes, 3 * GB);
    assert_eq!(memory.limit.unwrap().set_by, "/ memory.max");
    assert_eq!((processor.usable_cores, processor.logical_cores), (2, 8));
}

#[test]
fn the_narrowest_group_on_the_way_to_the_root_counts() {
    let folder = host();
    let group = "sys/fs/cgroup/user.slice/app.slice";
    let files = [
        (
            "proc/self/cgroup".to_owned(),
            "0::/user.slice/app.slice/wick.scope\n",
        ),
        (format!("{group}/wick.scope/memory.max"), "max\n"),
        (format!("{group}/memory.max"), "17179869184\n"),
        (format!("{group}/memory.high"), "8589934592\n"),
        (format!("{group}/memory.current"), "1073741824\n"),
        (
            "sys/fs/cgroup/user.slice/memory.max".into(),
            "34359738368\n",
        ),
        (
            "sys/fs/cgroup/user.slice/memory.current".into(),
            "33285996544\n",
        ),
        ("sys/fs/cgroup/user.slice/cpu.max".into(), "50000 100000\n"),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&path[..], *text))
        .collect();
    add(folder.path(), &files);
    let (processor, memory, _) = machine(&folder);
    assert_eq!(memory.total_bytes, 8 * GB);
    assert_eq!(
        memory.limit.unwrap().set_by,
        "/user.slice/app.slice memory.high"
    );
    // The slice above has only one left.
    assert_eq!(memory.available_bytes, GB);
    // Half a processor is one that waits half of the time.
    assert_eq!(processor.usable_cores, 1);
}

#[test]
fn limits_of_version_1_are_read_where_they_are_mounted() {
    let folder = host();
    let files = [
        (
            "proc/self/cgroup",
            "11:cpuset:/docker/abc\n5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
        ),
        (
            "proc/self/mountinfo",
            "40 30 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
             41 30 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
             42 30 0:32 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n",
        ),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n"),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1610612736\n"),
        (
            "sys/fs/cgroup/memory/memory.stat",
            "cache 5\ntotal_inactive_file 536870912\ntotal_active_file 0\n",
        ),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "400000\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ("sys/fs/cgroup/cpuset/cpuset.cpus", "2,4,6\n"),
    ];
    add(folder.path(), &files);
    let (processor, memory, _) = machine(&folder);
    assert_eq!((memory.total_bytes, memory.available_bytes), (2 * GB, GB));
    assert_eq!(memory.limit.unwrap().set_by, "/ memory.limit_in_bytes");
    assert_eq!(processor.usable_cores, 3);
}

#[test]
fn no_limit_is_told_as_a_very_large_one_or_minus_one() {
    let folder = host();
    let files = [
        ("proc/self/cgroup", "5:memory:/\n4:cpu:/\n"),
        (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        ),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1610612736\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
    ];
    add(folder.path(), &files);
    let (processor, memory, notes) = machine(&folder);
    assert_eq!((memory.total_bytes, memory.limit), (64 * GB, None));
    assert_eq!(processor.usable_cores, 8);
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn nonsense_in_control_groups_limits_nothing() {
    for (path, text) in [
        ("sys/fs/cgroup/memory.max", "-5"),
        ("sys/fs/cgroup/memory.max", "99999999999999999999999"),
        ("sys/fs/cgroup/memory.max", "NaN"),
        ("sys/fs/cgroup/cpu.max", "0 0"),
        ("sys/fs/cgroup/cpu.max", "100000 0"),
        ("sys/fs/cgroup/cpu.max", "100000"),
        ("sys/fs/cgroup/cpuset.cpus.effective", "1-"),
        ("proc/self/cgroup", "0::/../../../etc"),
        ("proc/self/cgroup", "::::\n0\n\0"),
        ("proc/self/mountinfo", "- - - - cgroup2 -"),
    ] {
        let folder = host();
        add(
            folder.path(),
            &[("proc/self/cgroup", "0::/\n"), (path, text)],
        );
        let (processor, memory, _) = machine(&folder);
        assert_eq!(memory.total_bytes, 64 * GB, "{path}: {text}");
        assert_eq!(processor.usable_cores, 8, "{path}: {text}");
    }
}

#[test]
fn a_limit_of_nothing_is_said_to_be_one() {
    let folder = host();
    let files = [
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/memory.max", "0\n"),
    ];
    add(folder.path(), &files);
    let (_, memory, notes) = machine(&folder);
    assert_eq!((memory.total_bytes, memory.available_bytes), (0, 0));
    assert_eq!(notes, ["/ memory.max allows no memory at all"]);
}

#[test]
fn nonsense_in_meminfo_is_told_and_makes_no_nonsense() {
    for (text, total, available, note) in [
        ("", 0, 0, "MemTotal of /proc/meminfo is missing"),
        (
            "MemTotal: banana kB\nMemAvailable: 5 kB",
            0,
            0,
            "MemTotal of /proc/meminfo is \"banana kB\"",
        ),
        (
            "MemTotal: 8388608 kB\nMemAvailable: -3 kB\nMemFree: 1048576 kB\nCached: x kB",
            8 * GB,
            GB,
            "MemAvailable of /proc/meminfo is \"-3 kB\"",
        ),
        (
            "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB",
            0,
            0,
            "MemTotal of /proc/meminfo is \"18446744073709551615 kB\"",
        ),
        (
            "MemTotal: 8388608 kB\nMemAvailable: 0 kB",
            8 * GB,
            0,
            "no memory is free",
        ),
    ] {
        let folder = tree(&[("proc/meminfo", text)]);
        let mut notes = Vec::new();
        let limits = cgroup::Limits::default();
        let memory = memory::read(&Root::at(folder.path()), &limits, &mut notes);
        assert_eq!(
            (memory.total_bytes, memory.available_bytes),
            (total, available),
            "{text}"
        );
        assert!(notes.iter().any(|found| found == note), "{notes:?}");
    }
    // More free than there is.
    let folder = tree(&[(
        "proc/meminfo",
        "MemTotal: 1048576 kB\nMemAvailable: 4194304 kB\nSwapTotal: 4 kB\nSwapFree: 9 kB",
    )]);
    let memory = machine(&folder).1;
    assert_eq!(memory.available_bytes, GB);
    assert_eq!(memory.swap_free_bytes, 4096);
    for pressure in ["some avg10=NaN\nfull avg10=inf", "some avg10=x", "full"] {
        let folder = tree(&[("proc/pressure/memory", pressure)]);
        assert_eq!(machine(&folder).1.pressure, None, "{pressure}");
    }
}

/// Two fast cores of two threads each, and four that save power.
fn hybrid() -> tempfile::TempDir {
    let folder = tree(&[
        (
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: 12th Gen Intel(R) Core(TM) i3-1215U\n\
             flags\t\t: fpu sse2 avx2 avx_vnni\n",
        ),
        ("sys/devices/system/cpu/online", "0-7"),
        ("sys/devices/cpu_core/cpus", "0-3"),
        ("sys/devices/cpu_atom/cpus", "4-7"),
        (
            "proc/self/status",
            "Name:\twick\nCpus_allowed_list:\t0-3,6\n",
        ),
    ]);
    for cpu in 0..8 {
        let siblings = match cpu {
            0 | 1 => "0-1".into(),
            2 | 3 => "2-3".into(),
            _ => format!("{cpu}"),
        };
        let topology = format!("sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list");
        add(folder.path(), &[(&topology, &siblings)]);
    }
    folder
}

#[test]
fn a_hybrid_tells_its_kinds_of_cores() {
    let (processor, _, _) = machine(&hybrid());
    assert_eq!((processor.physical_cores, processor.logical_cores), (6, 8));
    assert_eq!(
        (processor.performance_cores, processor.efficiency_cores),
        (2, 4)
    );
    assert_eq!(processor.usable_cores, 5);
    assert_eq!(processor.instruction_sets, ["AVX2", "AVX-VNNI"]);
}

#[test]
fn cores_of_other_speeds_are_of_other_kinds() {
    let folder = tree(&[("sys/devices/system/cpu/online", "0-5")]);
    for (cpu, capacity) in [446, 446, 446, 446, 1024, 1010].into_iter().enumerate() {
        let path = format!("sys/devices/system/cpu/cpu{cpu}/cpu_capacity");
        add(folder.path(), &[(&path, &format!("{capacity}\n"))]);
    }
    let (processor, _, _) = machine(&folder);
    assert_eq!(
        (processor.performance_cores, processor.efficiency_cores),
        (2, 4)
    );
    // Favoured cores are no other kind.
    let folder = tree(&[("sys/devices/system/cpu/online", "0-3")]);
    for (cpu, frequency) in [5_700_000, 5_700_000, 5_450_000, 5_300_000]
        .into_iter()
        .enumerate()
    {
        let path = format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/cpuinfo_max_freq");
        add(folder.path(), &[(&path, &frequency.to_string())]);
    }
    let (processor, _, _) = machine(&folder);
    assert_eq!(
        (processor.performance_cores, processor.efficiency_cores),
        (4, 0)
    );
}

#[test]
fn a_board_is_named_by_its_processor_and_itself() {
    let block = |cpu| {
        format!(
            "processor\t: {cpu}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm asimddp\n\
             CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
        )
    };
    let text: String = (0..4).map(block).collect();
    let text = text + "Hardware\t: BCM2835\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n";
    let folder = tree(&[
        ("proc/cpuinfo", &text),
        (
            "proc/meminfo",
            "MemTotal: 8245760 kB\nMemAvailable: 7000000 kB\n",
        ),
    ]);
    let (processor, memory, notes) = machine(&folder);
    assert_eq!(
        processor.model,
        "Cortex-A76 (Raspberry Pi 5 Model B Rev 1.0)"
    );
    assert_eq!(processor.logical_cores, 4);
    assert_eq!(processor.physical_cores, 4);
    assert_eq!(processor.instruction_sets, ["NEON", "dotprod"]);
    assert!(memory.pressure.is_none() && memory.swap_total_bytes == 0);
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn threads_are_told_from_cores_by_cpuinfo_where_there_is_nothing_else() {
    let block = |cpu: u32| {
        let core = cpu / 2;
        format!("processor\t: {cpu}\nphysical id\t: 0\ncore id\t\t: {core}\nmodel name\t: Old\n\n")
    };
    let folder = tree(&[("proc/cpuinfo", &(0..4).map(block).collect::<String>())]);
    let (processor, _, _) = machine(&folder);
    assert_eq!((processor.physical_cores, processor.logical_cores), (2, 4));
}

#[test]
fn a_machine_that_tells_nothing_has_a_core_and_notes() {
    for text in ["", "processor : x\nmodel name :\n", "\0\u{fffd}\u{1}"] {
        let folder = tree(&[("proc/cpuinfo", text)]);
        let mut notes = Vec::new();
        let limits = cgroup::Limits::default();
        let processor = processor::read(&Root::at(folder.path()), &limits, &mut notes);
        assert_eq!((processor.physical_cores, processor.usable_cores), (1, 1));
        assert_eq!(
            (processor.performance_cores, processor.efficiency_cores),
            (1, 0)
        );
        assert_eq!(notes.len(), 2, "{notes:?}");
    }
}

#[test]
fn the_fingerprint_changes_with_the_machine_and_not_with_the_moment() {
    let profile = || {
        let (processor, memory, notes) = machine(&host());
        HardwareProfile {
            processor,
            memory,
            disk: None,
            gpus: Vec::new(),
            gpu_search: GpuSearch::default(),
            notes,
        }
    };
    let before = profile().fingerprint();
    assert_eq!(before.len(), 32);
    let mut later = profile();
    later.memory.available_bytes /= 2;
    later.memory.total_bytes -= 1 << 20;
    later.disk = Some(Disk {
        total_bytes: 1,
        free_bytes: 0,
    });
    assert_eq!(later.fingerprint(), before);
    let changes: [fn(&mut HardwareProfile); 4] = [
        |p| p.processor.model = "Another".into(),
        |p| p.processor.usable_cores = 2,
        |p| p.processor.kernels = "another".into(),
        |p| p.memory.total_bytes /= 2,
    ];
    for change in changes {
        let mut changed = profile();
        change(&mut changed);
        assert_ne!(changed.fingerprint(), before, "{changed:?}");
    }
}

#[tokio::test]
async fn this_machine_is_one_that_models_can_run_on() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = EngineCommand::new("no-such-program", ["--engine"]);
    let profile = inspect(folder.path(), &nothing).await;
    assert!(profile.processor.usable_cores >= 1);
    assert!(profile.memory.available_bytes <= profile.memory.total_bytes);
    assert!(profile.memory.total_bytes > 0, "{profile:?}");
    assert!(profile.disk.is_some());
    assert!(profile.gpu_search.failure.is_some());
}
