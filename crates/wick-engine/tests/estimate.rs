//! What a model takes and how fast it is, by its header: against files of llama.cpp's quantizer, and where headers lie.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use wick_engine::{
    calibration::{AttentionRate, Calibration, Correction, LayerCost, ProductRate},
    estimate::{
        Dimensions, ExpertDimensions, Memory, MemoryVerdict, Mixture, Plan, Rates, Role,
        SpeedVerdict,
    },
    process::protocol::CacheType,
};

fn dimensions(architecture: &str, numbers: [u32; 8], is_output_tied: bool) -> Dimensions {
    let [
        layers,
        embedding,
        feed_forward,
        heads,
        kv_heads,
        head_dim,
        vocabulary,
        context_length,
    ] = numbers;
    Dimensions {
        architecture: architecture.into(),
        layers,
        embedding,
        feed_forward,
        heads,
        kv_heads,
        head_dim,
        vocabulary,
        context_length,
        is_output_tied,
        window: None,
        experts: None,
    }
}

fn qwen3_06b() -> Dimensions {
    let numbers = [28, 1024, 3072, 16, 8, 128, 151_936, 40_960];
    dimensions("qwen3", numbers, true)
}

fn gemma3_1b() -> Dimensions {
    let numbers = [26, 1152, 6912, 4, 1, 256, 262_144, 32_768];
    Dimensions {
        window: Some(512),
        ..dimensions("gemma3", numbers, true)
    }
}

fn qwen3_30b() -> Dimensions {
    let numbers = [48, 2048, 6144, 32, 4, 128, 151_936, 40_960];
    Dimensions {
        experts: Some(ExpertDimensions {
            count: 128,
            used: 8,
            feed_forward: 768,
        }),
        ..dimensions("qwen3moe", numbers, false)
    }
}

fn attention(head_dim: u32, decode_macs_per_second: f64) -> AttentionRate {
    AttentionRate {
        head_dim,
        prefill_macs_per_second: 200e9,
        decode_macs_per_second,
    }
}

fn layer(seconds: f64) -> LayerCost {
    LayerCost {
        embedding: 1024,
        seconds,
    }
}

/// Round figures of no machine.
fn calibration() -> Calibration {
    let rate = |tensor_type: &str| ProductRate {
        tensor_type: tensor_type.into(),
        decode_bytes_per_second: 40e9,
        prefill_macs_per_second: 500e9,
    };
    Calibration {
        simd: "avx2".into(),
        threads: 2,
        memory_bytes_per_second: vec![25e9, 40e9],
        disk_bytes_per_second: None,
        products: vec![rate("Q4_K"), rate("Q6_K"), rate("Q8_0")],
        attention: vec![attention(64, 30e9), attention(128, 30e9)],
        cache_bytes_per_second: 40e9,
        layers: vec![layer(20e-6)],
    }
}

fn rates(calibration: &Calibration) -> Rates<'_> {
    Rates {
        calibration: Some(calibration),
        ..Rates::default()
    }
}

/// Bytes of the tensors, by a dry run of llama-quantize 0.7.0 on files of these shapes.
#[rustfmt::skip]
const QUANTIZED: [(&str, [u64; 9]); 6] = [
    //                 Q2_K         Q3_K_M       Q4_0         Q4_K_S       Q4_K_M       Q5_1         Q5_K_M       Q6_K         Q8_0
    ("qwen3 0.6b",    [290286592,   341175296,   375614464,   377318400,   390753280,   458189824,   438463488,   489155584,   633495552]),
    ("qwen3 8b",      [3275776000,  4118204416,  4768792576,  4796055552,  5021827072,  6187810816,  5845155840,  6719942656,  8703561728]),
    ("phi4 mini",     [1725502976,  2113213952,  2316899840,  2337347072,  2485589504,  2920879616,  2806453760,  3147372032,  4076360192]),
    ("gemma3 270m",   [230552064,   235436544,   234883584,   243362304,   246587904,   253684224,   253499904,   276447744,   285018624]),
    ("smollm2 135m",  [86416256,    91724672,    89941376,    100254080,   103668608,   109847936,   110317952,   136597376,   143025536]),
    ("qwen3 30b a3b", [11252639744, 14705876992, 17298520064, 17450039296, 18550716416, 22962550784, 21719611392, 25086562304, 32477962240]),
];

#[test]
fn every_level_has_the_types_that_the_quantizer_mixes() {
    let levels = [
        Mixture::Q2K,
        Mixture::Q3KM,
        Mixture::Q4_0,
        Mixture::Q4KS,
        Mixture::Q4KM,
        Mixture::Q5_1,
        Mixture::Q5KM,
        Mixture::Q6K,
        Mixture::Q8_0,
    ];
    for (name, sizes) in QUANTIZED {
        let shapes = match name {
            "qwen3 0.6b" => qwen3_06b(),
            "qwen3 8b" => dimensions(
                "qwen3",
                [36, 4096, 12_288, 32, 8, 128, 151_936, 40_960],
                false,
            ),
            "phi4 mini" => dimensions("phi3", [32, 3072, 8192, 24, 8, 128, 200_064, 131_072], true),
            "gemma3 270m" => Dimensions {
                window: Some(512),
                ..dimensions("gemma3", [18, 640, 2048, 4, 1, 256, 262_144, 32_768], true)
            },
            "smollm2 135m" => dimensions("llama", [30, 576, 1536, 9, 3, 64, 49_152, 8192], true),
            _ => qwen3_30b(),
        };
        for (level, expected) in levels.into_iter().zip(sizes) {
            let bytes = shapes.tensor_bytes(level).unwrap();
            // Their files also have tables of rotary factors.
            let difference = expected.abs_diff(bytes);
            assert!(difference <= 1024, "{name} {}: {bytes}", level.name());
        }
    }
}

#[test]
fn a_model_is_counted_whole_and_by_what_a_token_meets() {
    let shape = qwen3_30b().at(Mixture::Q4KM).unwrap();
    assert_eq!(shape.parameters, 30_532_122_624);
    assert_eq!(shape.active_parameters, 3_353_032_704);
    let shape = gemma3_1b().at(Mixture::Q8_0).unwrap();
    assert_eq!(shape.parameters, 999_885_952);
    assert!(shape.is_output_tied);
    let bytes = |role| {
        let groups = shape.tensors.iter().filter(|group| group.role == role);
        groups.map(|group| group.bytes).sum::<u64>()
    };
    assert_eq!(bytes(Role::Embedding), bytes(Role::Output));
    let windows = shape.layers.iter().filter(|layer| layer.window.is_none());
    assert_eq!(windows.count(), 4);
    assert_eq!(shape.layers[4].window, Some(512));
}

#[test]
fn the_parts_of_memory_are_its_whole() {
    for shapes in [qwen3_06b(), gemma3_1b(), qwen3_30b()] {
        for mixture in [Mixture::Q4KM, Mixture::Q8_0, Mixture::F16] {
            let shape = shapes.at(mixture).unwrap();
            for (context_length, gpu_layers) in [(1, 0), (2048, 0), (32_768, 10), (8192, 99)] {
                let plan = Plan {
                    gpu_layers,
                    ..Plan::on_processor(context_length)
                };
                let memory = shape.memory(&plan).unwrap();
                let parts = [Some(memory.memory_bytes), memory.vram_bytes];
                for part in parts.into_iter().flatten() {
                    assert_eq!(part.total, part.weights + part.kv_cache + part.work);
                }
                assert_eq!(memory.vram_bytes.is_some(), gpu_layers > 0);
            }
        }
    }
}

#[test]
fn the_cache_is_pages_and_windows_keep_no_more_than_they_see() {
    let kv_cache = |shapes: Dimensions, context_length, cache_type| {
        let plan = Plan {
            cache_type,
            ..Plan::on_processor(context_length)
        };
        let memory = shapes.at(Mixture::Q4_0).unwrap().memory(&plan).unwrap();
        memory.memory_bytes.kv_cache
    };
    // 28 layers, 8 heads of 128 keys and 128 values, 2 bytes, pages of 64 tokens
    let full = |tokens: u64| 28 * 8 * 128 * 2 * 2 * tokens;
    assert_eq!(kv_cache(qwen3_06b(), 2048, CacheType::F16), full(2048));
    assert_eq!(kv_cache(qwen3_06b(), 100, CacheType::F16), full(128));
    assert_eq!(kv_cache(qwen3_06b(), 100, CacheType::F32), 2 * full(128));
    assert_eq!(
        kv_cache(qwen3_06b(), 64, CacheType::Q8_0),
        full(64) / 64 * 34
    );
    // 4 of Gemma's 26 layers see all; the others a window, a pass and two pages more.
    let of_layer = |tokens: u64| 256 * 2 * 2 * tokens;
    let windowed = of_layer(512 + 512 + 128);
    let kept = kv_cache(gemma3_1b(), 32_768, CacheType::F16);
    assert_eq!(kept, 4 * of_layer(32_768) + 22 * windowed);
}

#[test]
fn layers_on_a_graphics_processor_leave_the_machines_memory() {
    let shape = qwen3_30b().at(Mixture::Q4KM).unwrap();
    let memory = |gpu_layers| {
        let plan = Plan {
            gpu_layers,
            ..Plan::on_processor(8192)
        };
        shape.memory(&plan).unwrap()
    };
    let (none, half, all) = (memory(0), memory(24), memory(49));
    let (vram_of_half, vram_of_all) = (half.vram_bytes.unwrap(), all.vram_bytes.unwrap());
    assert!(none.vram_bytes.is_none());
    assert!(half.memory_bytes.weights < none.memory_bytes.weights * 6 / 10);
    assert!(half.memory_bytes.kv_cache == none.memory_bytes.kv_cache / 2);
    assert!(all.memory_bytes.total < 1 << 30 && all.memory_bytes.kv_cache == 0);
    assert!(vram_of_half.weights < vram_of_all.weights && vram_of_all.weights > 18_000_000_000);
}

#[test]
fn decoding_takes_as_long_as_reading_the_weights_and_the_cache() {
    let (shape, measured) = (qwen3_30b().at(Mixture::Q4KM).unwrap(), calibration());
    let plan = Plan::on_processor(8192);
    let at = |position| {
        let rate = shape.decode_tokens_per_second(&plan, &rates(&measured), position);
        1.0 / rate.unwrap()
    };
    let groups = shape.tensors.iter();
    let bytes: u64 = groups.map(|group| group.bytes_per_token).sum();
    // Eight experts of 128 and what every token meets: about 2 GB of 18.
    assert!((1_800_000_000..2_300_000_000).contains(&bytes), "{bytes}");
    let router = 48.0 * 2048.0 * 128.0 * 4.0;
    let expected = bytes as f64 / 40e9 + 48.0 * 20e-6;
    assert!((at(0) - expected).abs() < router / 40e9, "{}", at(0));
    // 48 layers, 4 heads of keys and values of 128 numbers, 2 bytes each
    let read = 48.0 * 4.0 * 128.0 * 2.0 * 2.0 * 8000.0 / 40e9;
    // 32 heads; a quarter of it hides behind reading
    let computed = 0.75 * 48.0 * 32.0 * 128.0 * 2.0 * 8000.0 / 30e9;
    assert!((at(8000) - at(0) - read - computed).abs() < 1e-6);
}

#[test]
fn attention_of_other_widths_lies_on_a_line_through_those_measured() {
    let shape = gemma3_1b().at(Mixture::Q8_0).unwrap();
    let plan = Plan::on_processor(8192);
    // A position costs 3 and 4 there: 2 for itself, and 1 for each 64 numbers; heads of 256 then 6.
    let measured = Calibration {
        attention: vec![
            attention(64, 64e9 / 3.0 / 64.0),
            attention(128, 128e9 / 4.0 / 64.0),
        ],
        cache_bytes_per_second: 1e18,
        ..calibration()
    };
    let at = |position| {
        let rate = shape.decode_tokens_per_second(&plan, &rates(&measured), position);
        1.0 / rate.unwrap()
    };
    let whole = shape.layers.iter().filter(|layer| layer.window.is_none());
    let positions = (whole.count() * 1000) as f64;
    let expected = 0.75 * positions * 4.0 * 2.0 * 6.0 * 64.0 / 1e9;
    let took = at(2000) - at(1000);
    assert!(
        (took - expected).abs() < 1e-3 * expected,
        "{took} for {expected}"
    );
}

#[test]
fn speeds_have_ranges_that_hold_the_expected_and_narrow_with_what_was_learnt() {
    let (shape, measured) = (gemma3_1b().at(Mixture::Q8_0).unwrap(), calibration());
    let plan = Plan::on_processor(8192);
    let speed = shape.speed(&plan, &rates(&measured)).unwrap();
    for range in [
        speed.prefill_tokens_per_second,
        speed.decode_tokens_per_second,
        speed.time_to_first_token_seconds,
    ] {
        assert!(0.0 < range.low && range.low <= range.expected && range.expected <= range.high);
    }
    let correction = Correction {
        architecture: "gemma3".into(),
        quantization: "Q8_0".into(),
        memory: 1.0,
        prefill: 0.5,
        decode: 1.25,
        samples: 3,
    };
    let learnt = Rates {
        correction: Some(&correction),
        ..rates(&measured)
    };
    let learnt = shape.speed(&plan, &learnt).unwrap();
    let (before, after) = (
        speed.decode_tokens_per_second,
        learnt.decode_tokens_per_second,
    );
    assert!((after.expected / before.expected - 1.25).abs() < 1e-9);
    assert!(after.high / after.expected < before.high / before.expected);
    let (before, after) = (
        speed.prefill_tokens_per_second,
        learnt.prefill_tokens_per_second,
    );
    assert!((after.expected / before.expected - 0.5).abs() < 1e-9);
}

#[test]
fn what_was_not_measured_has_no_speed() {
    let shape = qwen3_06b().at(Mixture::Q4KM).unwrap();
    let plan = Plan::on_processor(2048);
    assert_eq!(shape.speed(&plan, &Rates::default()), None);
    let on_device = Plan {
        gpu_layers: 99,
        ..plan
    };
    let measured = calibration();
    assert_eq!(shape.speed(&on_device, &rates(&measured)), None);
    let fast = Rates {
        gpu_bytes_per_second: Some(400e9),
        ..Rates::default()
    };
    assert!(shape.speed(&on_device, &fast).is_some());
}

#[test]
fn figures_of_no_machine_give_no_speed_and_no_panic() {
    let shape = qwen3_06b().at(Mixture::Q4KM).unwrap();
    let plan = Plan::on_processor(2048);
    for wrong in [0.0, f64::NAN, f64::INFINITY, -1.0] {
        let mut measured = calibration();
        measured.memory_bytes_per_second = vec![wrong; 2];
        measured.layers = vec![layer(wrong)];
        for product in &mut measured.products {
            product.decode_bytes_per_second = wrong;
            product.prefill_macs_per_second = wrong;
        }
        if let Some(speed) = shape.speed(&plan, &rates(&measured)) {
            let rate = speed.decode_tokens_per_second;
            assert!(rate.low > 0.0 && rate.high.is_finite(), "{wrong}: {rate:?}");
        }
        let memory = shape.memory(&plan).unwrap();
        assert!(memory.corrected(wrong).memory_bytes.total > 0);
    }
    let mut nothing = calibration();
    nothing.products.clear();
    nothing.memory_bytes_per_second.clear();
    assert_eq!(shape.speed(&plan, &rates(&nothing)), None);
}

#[test]
fn hostile_dimensions_are_refused_or_reckoned_without_wrapping() {
    let good = qwen3_06b();
    let hostile = [
        Dimensions {
            layers: u32::MAX,
            ..good.clone()
        },
        Dimensions {
            layers: 0,
            ..good.clone()
        },
        Dimensions {
            heads: 0,
            ..good.clone()
        },
        Dimensions {
            heads: 7,
            ..good.clone()
        },
        Dimensions {
            kv_heads: 0,
            ..good.clone()
        },
        Dimensions {
            head_dim: 0,
            ..good.clone()
        },
        Dimensions {
            embedding: u32::MAX,
            ..good.clone()
        },
        Dimensions {
            vocabulary: 0,
            ..good.clone()
        },
        Dimensions {
            architecture: "gpt-7".into(),
            ..good.clone()
        },
        Dimensions {
            architecture: "qwen3moe".into(),
            ..good.clone()
        },
    ];
    for dimensions in hostile {
        assert!(dimensions.at(Mixture::Q4KM).is_err(), "{dimensions:?}");
    }
    // All at their bounds: more than any machine has.
    let largest = Dimensions {
        layers: 512,
        embedding: 1 << 20,
        feed_forward: 1 << 20,
        heads: 4096,
        kv_heads: 4096,
        head_dim: 1 << 16,
        vocabulary: 1 << 24,
        context_length: 1 << 27,
        ..good.clone()
    };
    let error = largest.at(Mixture::F16).unwrap_err();
    assert!(
        error.to_string().contains("more than any machine"),
        "{error}"
    );
    // A context that is too much for anybody.
    let deep = Dimensions {
        kv_heads: 4096,
        heads: 4096,
        context_length: 1 << 27,
        ..good
    };
    let shape = deep.at(Mixture::Q4KM).unwrap();
    let error = shape.memory(&Plan::on_processor(u32::MAX)).unwrap_err();
    assert!(
        error.to_string().contains("more than any machine"),
        "{error}"
    );
    let measured = calibration();
    let speed = shape.speed(&Plan::on_processor(u32::MAX), &rates(&measured));
    let rate = speed.unwrap().prefill_tokens_per_second;
    assert!(rate.low > 0.0 && rate.high.is_finite(), "{rate:?}");
}

#[test]
fn a_correction_changes_all_of_memory_but_the_cache() {
    let shape = qwen3_06b().at(Mixture::Q8_0).unwrap();
    let memory = shape.memory(&Plan::on_processor(4096)).unwrap();
    let Memory { memory_bytes, .. } = memory.corrected(1.5);
    let before = memory.memory_bytes;
    assert_eq!(memory_bytes.weights, before.weights * 3 / 2);
    assert_eq!(memory_bytes.kv_cache, before.kv_cache);
    let parts = memory_bytes.weights + memory_bytes.kv_cache + memory_bytes.work;
    assert_eq!(memory_bytes.total, parts);
}

#[test]
fn verdicts_tell_what_is_missing() {
    let gb = 1_000_000_000;
    let of = |needed: u64| MemoryVerdict::of(needed * gb, 8 * gb, 2 * gb);
    assert_eq!(of(6), MemoryVerdict::FitsWell);
    assert_eq!(of(7), MemoryVerdict::Tight);
    assert_eq!(of(8), MemoryVerdict::Tight);
    let missing_bytes = 3 * gb;
    assert_eq!(of(11), MemoryVerdict::TooLarge { missing_bytes });
    let nothing = MemoryVerdict::of(1, 0, u64::MAX);
    assert_eq!(nothing, MemoryVerdict::TooLarge { missing_bytes: 1 });

    let measured = calibration();
    let speed = |shapes: Dimensions, mixture, context| {
        let shape = shapes.at(mixture).unwrap();
        let speed = shape.speed(&Plan::on_processor(context), &rates(&measured));
        SpeedVerdict::of(&speed.unwrap())
    };
    let fast = speed(qwen3_30b(), Mixture::Q4KM, 8192);
    assert_eq!(fast, SpeedVerdict::FasterThanReading);
    let large = || {
        dimensions(
            "llama",
            [40, 5120, 32_768, 32, 8, 128, 131_072, 32_768],
            false,
        )
    };
    assert_eq!(speed(large(), Mixture::Q8_0, 8192), SpeedVerdict::Slow);
}
