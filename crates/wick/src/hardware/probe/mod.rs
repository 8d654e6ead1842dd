//! The search for graphics processors. It runs in a child process, the same program with `--probe-gpus`: a broken
//! driver may crash it or hang in it, and then takes nothing else along.

#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
mod apple;
mod judge;
mod nvml;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod pci;
#[cfg_attr(not(windows), allow(dead_code))]
mod windows;

use std::{
    io::{self, Write},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use super::{Gpu, GpuKind, GpuSearch, GpuVendor, root::Root};
use crate::{EngineCommand, runtime::describe_status};
use judge::Conditions;
use nvml::NvmlReport;

/// The argument that makes a program of Wick's search for graphics processors.
pub const PROBE_ARGUMENT: &str = "--probe-gpus";

/// Drivers that have slept wake in a few seconds.
pub const LONGEST_PROBE: Duration = Duration::from_secs(10);

/// Longest answer that is read.
const LONGEST_ANSWER: u64 = 1 << 20;

/// What the child says: a line once it knows the names, and another once it has asked the driver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    /// What was found.
    pub gpus: Vec<Gpu>,
    /// What was asked for it.
    pub asked: Vec<String>,
}

/// A graphics processor as it is found, before the driver is asked.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    name: String,
    vendor: GpuVendor,
    kind: GpuKind,
    memory_total_bytes: Option<u64>,
    memory_free_bytes: Option<u64>,
    driver: Option<String>,
    /// Its place on the bus, `0000:01:00.0`, where it has one.
    address: Option<String>,
}

/// The child's side: prints what it finds on standard output.
pub fn run_gpu_probe() -> io::Result<()> {
    let (found, asked) = look();
    let conditions = Conditions::of_this_program();
    let mut asked = vec![asked.to_owned()];
    let say = |nvml: Option<&NvmlReport>, asked: &[String]| {
        let report = ProbeReport {
            gpus: judge::judge(&found, nvml, &conditions),
            asked: asked.to_vec(),
        };
        let mut output = io::stdout().lock();
        serde_json::to_writer(&mut output, &report)?;
        output.write_all(b"\n")?;
        output.flush()
    };
    say(None, &asked)?;
    if !cfg!(target_os = "macos") {
        asked.push("NVML".into());
        say(Some(&nvml::read()), &asked)?;
    }
    Ok(())
}

fn look() -> (Vec<Found>, &'static str) {
    if cfg!(target_os = "macos") {
        (apple::read(), "Metal")
    } else if cfg!(windows) {
        (windows::read(), "Windows")
    } else {
        (pci::read(&Root::at("/")), "sysfs")
    }
}

/// The parent's side: starts the child, and tells what it found before it ended, crashed, or was ended after `limit`.
pub async fn ask(command: &EngineCommand, limit: Duration) -> (Vec<Gpu>, GpuSearch) {
    let mut answer = Vec::new();
    let failure = match tokio::time::timeout(limit, run(command, &mut answer)).await {
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(reason),
        Err(_) => Some(format!("no answer within {} seconds", limit.as_secs())),
    };
    let lines = answer.split_inclusive(|byte| *byte == b'\n');
    let mut whole = lines.filter(|line| line.ends_with(b"\n"));
    let last = whole.next_back().map(serde_json::from_slice::<ProbeReport>);
    let (report, failure) = match last {
        Some(Ok(report)) => (report, failure),
        Some(Err(error)) => (ProbeReport::default(), Some(format!("nonsense: {error}"))),
        None => {
            let nothing = || Some("it said nothing".into());
            (ProbeReport::default(), failure.or_else(nothing))
        }
    };
    let search = GpuSearch {
        asked: report.asked,
        failure,
    };
    (report.gpus, search)
}

async fn run(command: &EngineCommand, answer: &mut Vec<u8>) -> Result<(), String> {
    let mut child = command
        .process()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("it did not start: {error}"))?;
    if let Some(output) = child.stdout.take() {
        let read = output.take(LONGEST_ANSWER).read_to_end(answer).await;
        read.map_err(|error| error.to_string())?;
    }
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(describe_status(status)),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What is found where the child is this script.
    async fn asked(script: &str, limit: Duration) -> (Vec<Gpu>, GpuSearch) {
        ask(&EngineCommand::new("sh", ["-c", script]), limit).await
    }

    fn line() -> String {
        let found = Found {
            name: "A card".into(),
            vendor: GpuVendor::Amd,
            kind: GpuKind::Discrete,
            memory_total_bytes: Some(1 << 33),
            memory_free_bytes: None,
            driver: None,
            address: None,
        };
        let report = ProbeReport {
            gpus: judge::judge(&[found], None, &Conditions::of_this_program()),
            asked: vec!["sysfs".into()],
        };
        format!("echo '{}'", serde_json::json!(report))
    }

    #[tokio::test]
    async fn what_the_child_found_is_told() {
        let (gpus, search) = asked(&line(), LONGEST_PROBE).await;
        assert_eq!(gpus[0].name, "A card");
        assert_eq!((search.asked, search.failure), (vec!["sysfs".into()], None));
    }

    #[tokio::test]
    async fn names_found_before_a_crash_are_kept() {
        let script = format!("{}; printf '{{\"gpus\":'; kill -SEGV $$", line());
        let (gpus, search) = asked(&script, LONGEST_PROBE).await;
        assert_eq!(gpus.len(), 1);
        assert!(
            search
                .failure
                .is_some_and(|reason| reason.contains("memory"))
        );
    }

    #[tokio::test]
    async fn a_child_that_hangs_is_not_waited_for() {
        let (gpus, search) = asked("exec tail -f /dev/null", Duration::ZERO).await;
        assert!(gpus.is_empty());
        assert!(
            search
                .failure
                .is_some_and(|reason| reason.contains("no answer"))
        );
    }

    #[tokio::test]
    async fn nonsense_silence_and_no_program_are_failures() {
        for script in ["echo '{\"gpus\": 3}'", "true", "exit 3"] {
            let (gpus, search) = asked(script, LONGEST_PROBE).await;
            assert!(gpus.is_empty() && search.failure.is_some(), "{script}");
        }
        let nowhere = EngineCommand::new("/no/such/program", [PROBE_ARGUMENT]);
        let (_, search) = ask(&nowhere, LONGEST_PROBE).await;
        assert!(
            search
                .failure
                .is_some_and(|reason| reason.contains("did not start"))
        );
    }
}
