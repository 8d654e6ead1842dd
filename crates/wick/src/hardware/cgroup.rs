//! What control groups allow this process, of either version: containers, services and sessions are limited by them.
//! The narrowest group on the way from the process to the root counts.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    profile::MemoryLimit,
    root::{self, Root},
};

/// What this process is allowed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// The narrowest limit on memory.
    pub memory: Option<MemoryLimit>,
    /// What may still be taken before a limit is met; file cache that can go is not counted as taken.
    pub memory_left_bytes: Option<u64>,
    /// Most processors at once, in time: 1.5 is one and a half.
    pub processor_quota: Option<f64>,
    /// The processors it may run on.
    pub processors: Option<BTreeSet<u32>>,
}

/// A hierarchy of groups.
struct Hierarchy {
    /// Where it is mounted, without the leading slash.
    mount: PathBuf,
    /// The process's group and those above, the root last; below the mount.
    groups: Vec<String>,
}

/// The names of the files of a version.
struct Files {
    limits: &'static [&'static str],
    usage: &'static str,
    /// Lines of `memory.stat` that tell of file cache.
    cache: [&'static str; 2],
}

const V1: Files = Files {
    limits: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    cache: ["total_inactive_file", "total_active_file"],
};

const V2: Files = Files {
    limits: &["memory.max", "memory.high"],
    usage: "memory.current",
    cache: ["inactive_file", "active_file"],
};

/// Reads all limits; what cannot be read limits nothing.
pub fn read(root: &Root) -> Limits {
    let mut limits = Limits::default();
    if let Some(unified) = hierarchy(root, None) {
        limits.take_memory(root, &unified, &V2);
        for group in unified.folders() {
            let quota = root.text(group.join("cpu.max"));
            limits.take_quota(quota.as_deref().and_then(quota_of));
        }
        let own = unified.folders().next();
        let list = own.and_then(|own| root.text(own.join("cpuset.cpus.effective")));
        limits.processors = list.as_deref().and_then(root::list);
    }
    if let Some(memory) = hierarchy(root, Some("memory")) {
        limits.take_memory(root, &memory, &V1);
    }
    if let Some(cpu) = hierarchy(root, Some("cpu")) {
        for group in cpu.folders() {
            let number = |name| root.text(group.join(name));
            let quota = number("cpu.cfs_quota_us").zip(number("cpu.cfs_period_us"));
            limits.take_quota(quota.and_then(|(q, p)| quota_of(&format!("{q} {p}"))));
        }
    }
    if let Some(cpuset) = hierarchy(root, Some("cpuset"))
        && let Some(own) = cpuset.folders().next()
    {
        let text = |name| root.text(own.join(name));
        let list = text("cpuset.effective_cpus").or_else(|| text("cpuset.cpus"));
        let list = list.as_deref().and_then(root::list);
        limits.processors = limits.processors.or(list);
    }
    limits
}

impl Limits {
    fn take_memory(&mut self, root: &Root, hierarchy: &Hierarchy, files: &Files) {
        for (folder, group) in hierarchy.folders().zip(&hierarchy.groups) {
            let limits = files.limits.iter();
            let limits = limits.filter_map(|name| Some((root.number(folder.join(name))?, *name)));
            let Some((bytes, name)): Option<(u64, &str)> = limits.min() else {
                continue;
            };
            let usage: u64 = root.number(folder.join(files.usage)).unwrap_or(0);
            let stat = root.text(folder.join("memory.stat")).unwrap_or_default();
            let cache = files.cache.map(|name| stat_of(&stat, name));
            let taken = usage.saturating_sub(cache[0].saturating_add(cache[1]));
            let left = bytes.saturating_sub(taken);
            self.memory_left_bytes = Some(self.memory_left_bytes.map_or(left, |l| l.min(left)));
            if self.memory.as_ref().is_none_or(|least| bytes < least.bytes) {
                let group = if group.is_empty() { "/" } else { group };
                self.memory = Some(MemoryLimit {
                    bytes,
                    set_by: format!("{group} {name}"),
                });
            }
        }
    }

    fn take_quota(&mut self, quota: Option<f64>) {
        if let Some(quota) = quota {
            self.processor_quota = Some(self.processor_quota.map_or(quota, |q| q.min(quota)));
        }
    }
}

impl Hierarchy {
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let folder = |group: &String| self.mount.join(group.trim_start_matches('/'));
        self.groups.iter().map(folder)
    }
}

/// The hierarchy of a controller of version 1, or that of version 2.
fn hierarchy(root: &Root, controller: Option<&str>) -> Option<Hierarchy> {
    let own = root.text("proc/self/cgroup")?;
    let group = own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let is_it = match controller {
            Some(controller) => controllers.split(',').any(|name| name == controller),
            None => controllers.is_empty(),
        };
        is_it.then_some(group)
    })?;
    let (from, mount) = mount(root, controller).unwrap_or_else(|| {
        let folder = controller.map_or(String::new(), |name| format!("/{name}"));
        ("/".into(), format!("sys/fs/cgroup{folder}"))
    });
    // A container may see no more than its own group, mounted as if it were the root.
    let below = match from.as_str() {
        "/" => group,
        from => group.strip_prefix(from).unwrap_or("/"),
    };
    let below = match below.split('/').any(|part| part == "..") {
        true => "",
        false => below.trim_end_matches('/'),
    };
    let cuts = below.rmatch_indices('/').map(|(at, _)| &below[..at]);
    let groups = std::iter::once(below).chain(cuts).map(String::from);
    Some(Hierarchy {
        mount: mount.into(),
        groups: groups.collect(),
    })
}

/// What of a hierarchy is mounted, and where.
fn mount(root: &Root, controller: Option<&str>) -> Option<(String, String)> {
    let mounts = root.text("proc/self/mountinfo")?;
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (from, at) = (mount.next()?, mount.next()?);
        let mut source = source.split(' ');
        let (kind, options) = (source.next()?, source.nth(1)?);
        let is_it = match controller {
            Some(name) => kind == "cgroup" && options.split(',').any(|option| option == name),
            None => kind == "cgroup2",
        };
        is_it.then(|| (from.to_owned(), at.trim_start_matches('/').to_owned()))
    })
}

/// `150000 100000` is one and a half; `max` and -1 are no limit.
fn quota_of(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period) = (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?);
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

fn stat_of(stat: &str, name: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    stat.lines().find_map(value).unwrap_or(0)
}
