//! Machines and what is recommended for them, as a table to be reviewed. `UPDATE_SNAPSHOTS=1` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fmt::Write, path::Path};

use wick::{
    catalog::{Catalog, Class},
    hardware::{GpuKind, HardwareProfile, Usability},
    recommend::{
        Kind, Machine, MadeUp, MadeUpGpu, Place, Prediction, Prefer, Preferences, Recommendation,
        levels, predictions, recommend,
    },
};
use wick_engine::{
    calibration::{Calibration, Correction},
    estimate::{MemoryVerdict, Mixture, Range},
};

const GB: u64 = 1_000_000_000;

/// A machine of the table.
struct Case {
    name: &'static str,
    profile: HardwareProfile,
    calibration: Option<Calibration>,
    preferences: Preferences,
}

impl Case {
    fn recommended(&self) -> Vec<Recommendation> {
        let machine = Machine {
            profile: &self.profile,
            calibration: self.calibration.as_ref(),
            corrections: &[],
        };
        recommend(&machine, Catalog::builtin(), &self.preferences)
    }

    fn preferring(mut self, change: impl FnOnce(&mut Preferences)) -> Self {
        change(&mut self.preferences);
        self
    }

    fn changed(mut self, change: impl FnOnce(&mut HardwareProfile)) -> Self {
        change(&mut self.profile);
        self
    }

    fn not_measured(mut self) -> Self {
        self.calibration = None;
        self
    }
}

/// Memory in GB, cores, and the rate at which memory is read in GB/s.
fn machine(name: &'static str, memory: f64, cores: u32, rate: f64) -> Case {
    with_gpu(name, memory, cores, rate, None)
}

fn with_gpu(
    name: &'static str,
    memory: f64,
    cores: u32,
    rate: f64,
    gpu: Option<MadeUpGpu>,
) -> Case {
    let made_up = MadeUp {
        memory_bytes: (memory * 1e9) as u64,
        available_bytes: None,
        bytes_per_second: rate * 1e9,
        cores,
        gpu,
    };
    Case {
        name,
        profile: made_up.profile(),
        calibration: Some(made_up.calibration()),
        preferences: Preferences::default(),
    }
}

fn card(memory: f64, rate: f64) -> Option<MadeUpGpu> {
    Some(MadeUpGpu {
        memory_bytes: (memory * 1e9) as u64,
        free_bytes: (memory * 0.93e9) as u64,
        bytes_per_second: Some(rate * 1e9),
        is_unified: false,
    })
}

/// Metal lets programs have about three quarters of the memory.
fn apple(name: &'static str, memory: f64, cores: u32, rate: f64) -> Case {
    let gpu = MadeUpGpu {
        memory_bytes: (memory * 0.75e9) as u64,
        free_bytes: (memory * 0.75e9) as u64,
        bytes_per_second: Some(rate * 1e9),
        is_unified: true,
    };
    with_gpu(name, memory, cores, rate * 0.6, Some(gpu))
}

fn cases() -> Vec<Case> {
    let laptop = |name| machine(name, 16.0, 8, 50.0);
    vec![
        machine("2 GB netbook", 2.0, 2, 8.0),
        machine("4 GB laptop", 4.0, 2, 15.0),
        machine("8 GB laptop", 8.0, 4, 20.0),
        machine("8 GB laptop, 3 GB free", 8.0, 4, 20.0)
            .changed(|profile| profile.memory.available_bytes = 3 * GB),
        laptop("16 GB laptop"),
        laptop("16 GB laptop, speed preferred").preferring(|p| p.prefer = Prefer::Speed),
        laptop("16 GB laptop, quality preferred").preferring(|p| p.prefer = Prefer::Quality),
        laptop("16 GB laptop, 11 GB to stay free")
            .preferring(|p| p.leave_free_bytes = Some(11 * GB)),
        laptop("16 GB laptop, Swedish spoken").preferring(|p| p.languages = vec!["sv".into()]),
        laptop("16 GB laptop, reasoning wanted").preferring(|p| p.reasoning = true),
        laptop("16 GB laptop, MIT licence").preferring(|p| p.licences = vec!["MIT".into()]),
        laptop("16 GB laptop, not measured").not_measured(),
        machine("24 GB server, 2 cores", 24.0, 2, 36.0),
        machine("32 GB desktop", 32.0, 8, 70.0),
        machine("64 GB desktop", 64.0, 16, 85.0),
        machine("128 GB workstation", 128.0, 32, 250.0),
        with_gpu("16 GB desktop, 6 GB card", 16.0, 6, 45.0, card(6.0, 336.0)),
        with_gpu("32 GB desktop, 8 GB card", 32.0, 8, 60.0, card(8.0, 272.0)),
        with_gpu(
            "32 GB desktop, 12 GB card",
            32.0,
            8,
            60.0,
            card(12.0, 360.0),
        ),
        with_gpu(
            "64 GB desktop, 24 GB card",
            64.0,
            16,
            85.0,
            card(24.0, 1008.0),
        ),
        with_gpu(
            "32 GB desktop, 8 GB card of unknown rate",
            32.0,
            8,
            60.0,
            card(8.0, 0.0),
        )
        .changed(|profile| profile.gpus[0].memory_bytes_per_second = None),
        with_gpu(
            "16 GB desktop, 8 GB card without free memory",
            16.0,
            6,
            45.0,
            card(8.0, 272.0),
        )
        .changed(|profile| profile.gpus[0].memory_free_bytes = Some(0)),
        with_gpu(
            "16 GB desktop, 8 GB card with an old driver",
            16.0,
            6,
            45.0,
            card(8.0, 272.0),
        )
        .changed(|profile| {
            profile.gpus[0].usability = Usability::DriverTooOld {
                found: "CUDA 11.4".into(),
                needed: "CUDA 12.0".into(),
            }
        }),
        apple("Apple, 8 GB", 8.0, 8, 100.0),
        apple("Apple, 16 GB", 16.0, 8, 120.0),
        apple("Apple, 36 GB", 36.0, 11, 150.0),
        apple("Apple, 64 GB", 64.0, 12, 400.0),
        machine("4 GB container on a 256 GB host", 4.0, 16, 100.0).changed(|profile| {
            profile.memory.host_bytes = 256 * GB;
            profile.memory.available_bytes = 3_900_000_000;
        }),
        machine("ARM board, 4 GB", 4.0, 4, 10.0),
        machine("ARM board, 8 GB", 8.0, 4, 12.0),
        laptop("16 GB laptop, no free memory")
            .changed(|profile| profile.memory.available_bytes = 0),
        laptop("a machine whose memory nothing tells").changed(|profile| {
            profile.memory.total_bytes = 0;
            profile.memory.available_bytes = 0;
        }),
    ]
}

fn told(case: &Case) -> String {
    let mut text = format!("## {}\n", case.name);
    let recommended = case.recommended();
    if recommended.is_empty() {
        text += "nothing fits\n";
    }
    for Recommendation {
        kind,
        prediction,
        reasons,
    } in recommended
    {
        let gb = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
        let range = |range: Range| {
            format!(
                "{:.0} ({:.0} to {:.0})",
                range.expected, range.low, range.high
            )
        };
        let memory = prediction.estimate.memory;
        let place = match &prediction.estimate.place {
            Place::Processor => gb(memory.memory_bytes.total),
            Place::Gpu { name } => format!(
                "{} on {name}, {} beside",
                gb(memory.vram_bytes.unwrap().total),
                gb(memory.memory_bytes.total)
            ),
        };
        let estimate = &prediction.estimate;
        let rates = estimate
            .decode_tokens_per_second
            .zip(estimate.prefill_tokens_per_second);
        let speed = match rates {
            Some((decode, prefill)) => {
                format!(
                    "writes {} tokens/s, reads {}",
                    range(decode),
                    range(prefill)
                )
            }
            None => "speed unknown".to_owned(),
        };
        writeln!(
            text,
            "{kind:?}: {} {}, {}, {} tokens: {place}; {speed}; {:?}",
            prediction.name,
            prediction.level.name(),
            prediction.class.name(),
            prediction.estimate.context_length,
            prediction.estimate.verdict.memory,
        )
        .unwrap();
        for reason in reasons {
            writeln!(text, "    {reason}").unwrap();
        }
    }
    text
}

#[test]
fn machines_are_recommended_what_the_table_says() {
    let cases = cases();
    assert!(cases.len() >= 24);
    let tables: Vec<String> = cases.iter().map(told).collect();
    let table = tables.join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recommend/machines.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == table,
        "recommendations have changed: review them with UPDATE_SNAPSHOTS=1 and git diff"
    );
}

#[test]
fn nothing_is_recommended_that_does_not_fit() {
    for case in cases() {
        let memory = &case.profile.memory;
        for recommendation in case.recommended() {
            let prediction = &recommendation.prediction;
            let own = prediction.estimate.memory.memory_bytes.total;
            let vram = prediction
                .estimate
                .memory
                .vram_bytes
                .map_or(0, |vram| vram.total);
            let of_machine = match &prediction.estimate.place {
                Place::Processor => own,
                Place::Gpu { .. } => {
                    let gpu = &case.profile.gpus[0];
                    assert!(vram <= gpu.memory_free_bytes.unwrap(), "{}", case.name);
                    assert!(gpu.usability.is_usable(), "{}", case.name);
                    own + if gpu.kind == GpuKind::Discrete {
                        0
                    } else {
                        vram
                    }
                }
            };
            assert!(of_machine <= memory.available_bytes, "{}", case.name);
            assert!(
                !matches!(
                    prediction.estimate.verdict.memory,
                    MemoryVerdict::TooLarge { .. }
                ),
                "{}",
                case.name
            );
            let usual = (memory.total_bytes / 4).max(2 * GB);
            let left = case.preferences.leave_free_bytes.unwrap_or(usual);
            let leaves_enough = memory.available_bytes - of_machine >= left;
            let fits_well = prediction.estimate.verdict.memory == MemoryVerdict::FitsWell;
            assert!(!fits_well || leaves_enough, "{}", case.name);
        }
    }
}

#[test]
fn every_recommendation_has_its_reasons() {
    for case in cases() {
        let recommended = case.recommended();
        for (n, recommendation) in recommended.iter().enumerate() {
            assert_eq!(n == 0, recommendation.kind == Kind::Best, "{}", case.name);
            assert!(recommendation.reasons.len() >= 3, "{}", case.name);
            for reason in &recommendation.reasons {
                assert!(reason.ends_with('.') && reason.len() > 20, "{reason}");
                assert!(
                    !reason.contains("NaN") && !reason.contains("inf "),
                    "{reason}"
                );
            }
        }
        let models = recommended.iter().map(|r| &r.prediction.model_id);
        let models: std::collections::BTreeSet<_> = models.collect();
        assert_eq!(models.len(), recommended.len(), "{}", case.name);
    }
}

#[test]
fn a_faster_one_is_faster_and_a_smarter_one_no_faster_than_that() {
    for case in cases() {
        let recommended = case.recommended();
        let rate = |kind| {
            let found = recommended.iter().find(|r| r.kind == kind)?;
            let rate = found.prediction.estimate.decode_tokens_per_second?;
            Some(rate.expected)
        };
        if let (Some(best), Some(faster)) = (rate(Kind::Best), rate(Kind::Faster)) {
            assert!(faster >= 1.5 * best, "{}", case.name);
        }
    }
}

#[test]
fn what_the_person_wants_is_held_to() {
    for case in cases() {
        for recommendation in case.recommended() {
            let entry = Catalog::builtin().find(&recommendation.prediction.model_id);
            let (entry, wanted) = (entry.unwrap(), &case.preferences);
            assert!(wanted.languages.iter().all(|l| entry.speaks(l)));
            let licences: Vec<String> = wanted.licences.iter().map(|l| l.to_lowercase()).collect();
            assert!(licences.is_empty() || licences.contains(&entry.licence));
            let level = recommendation.prediction.level;
            assert!(entry.class() != Class::Micro || level == Mixture::Q8_0);
        }
    }
    let impossible = machine("", 64.0, 8, 50.0).preferring(|p| p.licences = vec!["none".into()]);
    assert!(impossible.recommended().is_empty());
}

#[test]
fn nonsense_about_a_machine_recommends_nothing_that_is_nonsense() {
    for wrong in [0.0, f64::NAN, f64::INFINITY, -5.0] {
        let mut case = with_gpu("", 32.0, 8, 50.0, card(12.0, 300.0));
        case.profile.gpus[0].memory_bytes_per_second = Some(wrong);
        let measured = case.calibration.as_mut().unwrap();
        measured.memory_bytes_per_second = vec![wrong];
        measured.cache_bytes_per_second = wrong;
        for rate in &mut measured.attention {
            rate.prefill_macs_per_second = wrong;
            rate.decode_macs_per_second = wrong;
        }
        for recommendation in case.recommended() {
            let estimate = recommendation.prediction.estimate;
            if let Some(decode) = estimate.decode_tokens_per_second {
                assert!(decode.expected.is_finite() && decode.expected > 0.0);
            }
        }
    }
    // A machine so busy that its products were never measured.
    let mut case = machine("", 32.0, 8, 50.0);
    case.calibration.as_mut().unwrap().products.clear();
    for recommendation in case.recommended() {
        let words = recommendation.reasons.join(" ");
        assert!(!words.contains("NaN") && !words.contains("inf"), "{words}");
    }
    let huge = machine("", 1e10, 1000, 1e6);
    assert!(!huge.recommended().is_empty());
    let greedy = machine("", 16.0, 8, 50.0).preferring(|p| {
        p.leave_free_bytes = Some(u64::MAX);
        p.context_length = u32::MAX;
    });
    for recommendation in greedy.recommended() {
        assert_eq!(
            recommendation.prediction.estimate.verdict.memory,
            MemoryVerdict::Tight
        );
    }
}

#[test]
fn the_whole_catalog_is_predicted_and_corrected_by_what_was_learnt() {
    let case = machine("", 16.0, 8, 50.0);
    let predicted = |corrections: &[Correction]| {
        let machine = Machine {
            profile: &case.profile,
            calibration: case.calibration.as_ref(),
            corrections,
        };
        predictions(&machine, Catalog::builtin(), &case.preferences)
    };
    let plain = predicted(&[]);
    assert_eq!(plain.len(), Catalog::builtin().entries.len());
    let case_machine = Machine {
        profile: &case.profile,
        calibration: case.calibration.as_ref(),
        corrections: &[],
    };
    let every_level = levels(&case_machine, Catalog::builtin(), &case.preferences);
    assert!(plain.iter().all(|one| every_level.contains(one)));
    let files = Catalog::builtin().entries.iter().map(|e| e.files.len());
    assert_eq!(every_level.len(), files.sum::<usize>());
    let learnt = Correction {
        architecture: "qwen3".into(),
        quantization: "Q4_K_M".into(),
        memory: 1.2,
        prefill: 1.0,
        decode: 0.5,
        samples: 4,
    };
    let corrected = predicted(&[learnt]);
    for (before, after) in plain.iter().zip(&corrected) {
        let rate = |p: &Prediction| p.estimate.decode_tokens_per_second.unwrap().expected;
        let ratio = rate(after) / rate(before);
        let memory = |p: &Prediction| p.estimate.memory.memory_bytes;
        let is_of_kind = before.model_id.starts_with("qwen3-4b") || before.model_id == "qwen3-8b";
        if is_of_kind {
            let (after, before) = (memory(after), memory(before));
            assert!((ratio - 0.5).abs() < 1e-9 && after.kv_cache == before.kv_cache);
            assert!(after.weights as f64 > 1.19 * before.weights as f64);
        } else if !before.model_id.starts_with("qwen3") {
            assert_eq!(before, after);
        }
    }
}
