//! `wick hardware`: what this machine is, what was measured of it, and why a graphics processor cannot be used.

use std::io::IsTerminal;

use wick::{
    Error, Result, Wick,
    hardware::{Gpu, GpuKind, HardwareProfile, HardwareReport, KeptCalibration, Memory},
};

use super::library::megabytes;

/// Prints the machine, measured anew where that is asked for.
pub async fn hardware(measure: bool, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    if measure {
        calibrate(&wick, !as_json && std::io::stderr().is_terminal()).await?;
    }
    let report = wick.hardware().await?;
    match as_json {
        true => outln!("{}", serde_json::json!(report)),
        false => print(&report),
    }
    Ok(())
}

/// Measures; Ctrl-C stops it, and what was measured before still holds.
async fn calibrate(wick: &Wick, show: bool) -> Result<()> {
    let progress = |fraction: f32| {
        if show {
            err!("\rMeasuring {:3.0} %", fraction * 100.0);
        }
    };
    let measured = tokio::select! {
        measured = wick.calibrate(progress) => measured.map(drop),
        _ = tokio::signal::ctrl_c() => Err(Error::Cancelled),
    };
    if show {
        errln!();
    }
    measured
}

fn say(what: &str, value: impl std::fmt::Display) {
    outln!("{what:<14}{value}");
}

fn print(report: &HardwareReport) {
    let profile = &report.profile;
    print_processor(profile);
    print_memory(&profile.memory);
    if let Some(disk) = profile.disk {
        let (free, total) = (megabytes(disk.free_bytes), megabytes(disk.total_bytes));
        say("disk", format!("{free} of {total} free for models"));
    }
    for gpu in &profile.gpus {
        print_gpu(gpu);
    }
    let search = &profile.gpu_search;
    if profile.gpus.is_empty() {
        let asked = search.asked.join(", ");
        say("graphics", format!("none found (asked: {asked})"));
    }
    if let Some(failure) = &search.failure {
        say(
            "",
            format!("the search for graphics processors failed: {failure}"),
        );
    }
    for note in &profile.notes {
        say("note", note);
    }
    outln!();
    match &report.calibration {
        Some(kept) => print_calibration(kept),
        None => outln!("Not measured yet. Measure with: wick hardware --measure"),
    }
    if report.calibration.is_some() && report.needs_calibration {
        outln!("Wick has changed since. Measure anew with: wick hardware --measure");
    }
}

fn print_processor(profile: &HardwareProfile) {
    let processor = &profile.processor;
    let name = match processor.model.as_str() {
        "" => "unknown",
        name => name,
    };
    say("processor", format!("{name}, {}", processor.architecture));
    let mut cores = format!(
        "{} cores, {} threads",
        processor.physical_cores, processor.logical_cores
    );
    if processor.efficiency_cores > 0 {
        let (fast, slow) = (processor.performance_cores, processor.efficiency_cores);
        cores += &format!(" ({fast} performance and {slow} efficiency cores)");
    }
    if processor.usable_cores < processor.logical_cores {
        cores += &format!("; Wick may use {} of them", processor.usable_cores);
    }
    say("", cores);
    let sets = processor.instruction_sets.join(", ");
    let kernels = &processor.kernels;
    say("", format!("{sets}; kernels for {kernels}"));
}

fn print_memory(memory: &Memory) {
    let (free, total) = (
        megabytes(memory.available_bytes),
        megabytes(memory.total_bytes),
    );
    say("memory", format!("{free} of {total} available"));
    if let Some(limit) = &memory.limit {
        let host = megabytes(memory.host_bytes);
        say(
            "",
            format!("limited by {}; the machine has {host}", limit.set_by),
        );
    }
    if memory.swap_total_bytes > 0 {
        let (free, total) = (
            megabytes(memory.swap_free_bytes),
            megabytes(memory.swap_total_bytes),
        );
        say("swap", format!("{free} of {total} free"));
    }
    if let Some(pressure) = memory.pressure
        && pressure.some_percent >= 1.0
    {
        let share = pressure.some_percent;
        say(
            "",
            format!("programs wait for memory {share:.0} % of the time"),
        );
    }
}

fn print_gpu(gpu: &Gpu) {
    let kind = match gpu.kind {
        GpuKind::Discrete => ", memory of its own",
        GpuKind::Integrated => ", integrated",
        GpuKind::Unified => ", shares the machine's memory",
        GpuKind::Unknown => "",
    };
    say("graphics", format!("{}{kind}", gpu.name));
    let mut details = Vec::new();
    match (gpu.memory_free_bytes, gpu.memory_total_bytes) {
        (Some(free), Some(total)) => {
            details.push(format!("{} of {} free", megabytes(free), megabytes(total)));
        }
        (_, Some(total)) => details.push(megabytes(total)),
        _ => {}
    }
    details.extend(
        gpu.compute_capability
            .iter()
            .map(|c| format!("compute capability {c}")),
    );
    details.extend(gpu.driver.iter().map(|driver| format!("driver {driver}")));
    if !details.is_empty() {
        say("", details.join(", "));
    }
    if !gpu.usability.is_usable() {
        say("", format!("cannot be used: {}", gpu.usability));
        let advice = gpu.usability.advice();
        if !advice.is_empty() {
            say("", advice);
        }
    }
}

fn print_calibration(kept: &KeptCalibration) {
    let figures = &kept.figures;
    let giga = |rate: f64| format!("{:.1}", rate / 1e9);
    say("measured", date(kept.measured_at_ms));
    let rates = figures
        .memory_bytes_per_second
        .iter()
        .map(|rate| giga(*rate));
    let rates = rates.collect::<Vec<_>>().join(", ");
    say("memory", format!("{rates} GB/s, by the number of threads"));
    if let Some(rate) = figures.disk_bytes_per_second {
        say("disk", format!("{} GB/s", giga(rate)));
    }
    say("threads", format!("fastest with {}", figures.threads));
    for rate in &figures.attention {
        let (read, written) = (rate.prefill_macs_per_second, rate.decode_macs_per_second);
        say(
            "attention",
            format!(
                "{:.0} GMAC/s reading, {:.0} writing, with heads of {}",
                read / 1e9,
                written / 1e9,
                rate.head_dim
            ),
        );
    }
    say(
        "KV cache",
        format!("{} GB/s", giga(figures.cache_bytes_per_second)),
    );
    for cost in &figures.layers {
        let micro = cost.seconds * 1e6;
        say(
            "layer",
            format!("{micro:.1} µs beside products, {} wide", cost.embedding),
        );
    }
    outln!(
        "\n{:<14}{:>14}{:>18}",
        "products",
        "writing, GB/s",
        "reading, GMAC/s"
    );
    for product in &figures.products {
        outln!(
            "{:<14}{:>14.1}{:>18.0}",
            product.tensor_type,
            product.decode_bytes_per_second / 1e9,
            product.prefill_macs_per_second / 1e9
        );
    }
}

/// Year, month and day, by the days since 1970 counted in eras of 400 years.
fn date(ms: i64) -> String {
    let days = ms.div_euclid(86_400_000) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{}-{month:02}-{day:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(1_798_761_599_999), "2026-12-31");
    }
}
