//! What is read from a good folder is what it says.

use serde_json::{Value, json};
use wick_engine::{
    gguf::{Metadata, TensorType},
    safetensors::parse_config,
};

use crate::folder::{TENSORS, good, llama_config, safetensors, sharded};

#[test]
fn a_folder_speaks_in_the_words_of_gguf() {
    let model = good().open().unwrap();
    assert_eq!(model.architecture(), "llama");
    let metadata = model.metadata();
    for (suffix, value) in [
        ("block_count", 1),
        ("embedding_length", 8),
        ("feed_forward_length", 16),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
        ("attention.key_length", 4),
        ("attention.value_length", 4),
        ("rope.dimension_count", 4),
        ("context_length", 64),
        ("vocab_size", 3),
    ] {
        assert_eq!(
            metadata.u32(&format!("llama.{suffix}")),
            Ok(Some(value)),
            "{suffix}"
        );
    }
    assert_eq!(metadata.f32("llama.rope.freq_base"), Ok(Some(10_000.0)));
    assert_eq!(metadata.str("wick.rope_style"), Ok(Some("halves")));
    assert_eq!(metadata.str("general.architecture"), Ok(Some("llama")));
    let of = |name: &str| {
        model
            .tensors()
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap()
    };
    let keys = of("blk.0.attn_k.weight");
    assert_eq!(
        (&keys.dims[..], keys.tensor_type),
        (&[8, 4][..], TensorType::Bf16)
    );
    assert_eq!(keys.stored_name, "model.layers.0.self_attn.k_proj.weight");
    assert_eq!(of("output.weight").tensor_type, TensorType::F16);
    assert_eq!(of("blk.0.attn_norm.weight").tensor_type, TensorType::F32);
    assert_eq!(model.tensors().len(), TENSORS.len());
    assert_eq!(model.computed(), []);
}

#[test]
fn shards_are_one_model() {
    let (whole, parts) = (good().open().unwrap(), sharded().open().unwrap());
    assert_eq!(parts.shards().len(), 2);
    let described = |model: &wick_engine::safetensors::ValidatedSafetensors| {
        let mut tensors: Vec<_> = model
            .tensors()
            .iter()
            .map(|t| (t.name.clone(), t.dims.clone(), t.tensor_type))
            .collect();
        tensors.sort();
        tensors
    };
    assert_eq!(described(&whole), described(&parts));
}

#[test]
fn the_bytes_of_a_tensor_are_those_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut weights = safetensors(&TENSORS);
    let length = weights.len();
    // The last tensor is the down projection: 8 x 16 of BF16.
    for (index, byte) in weights[length - 256..].iter_mut().enumerate() {
        *byte = index as u8;
    }
    std::fs::write(directory.path().join("model.safetensors"), weights).unwrap();
    std::fs::write(
        directory.path().join("config.json"),
        llama_config().to_string(),
    )
    .unwrap();
    let model = wick_engine::safetensors::ValidatedSafetensors::open(directory.path()).unwrap();
    let down = model
        .tensors()
        .iter()
        .find(|tensor| tensor.name == "blk.0.ffn_down.weight");
    let bytes = model.tensor_bytes(down.unwrap()).unwrap();
    assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
}

#[test]
fn a_tied_output_is_left_aside() {
    let tied = good().config("tie_word_embeddings", json!(true));
    let names = |folder: &crate::Folder| -> Vec<String> {
        let model = folder.open().unwrap();
        model
            .tensors()
            .iter()
            .map(|tensor| tensor.name.clone())
            .collect()
    };
    assert!(!names(&tied).contains(&"output.weight".to_owned()));
    assert!(!names(&tied.tensor("lm_head.weight", None)).contains(&"output.weight".to_owned()));
    assert!(names(&good()).contains(&"output.weight".to_owned()));
}

fn metadata(config: Value) -> Metadata {
    parse_config(config.to_string().as_bytes())
        .unwrap()
        .metadata
}

#[test]
fn the_sparse_configuration_of_a_model_that_sees_is_filled_in() {
    let metadata = metadata(json!({
        "model_type": "gemma3",
        "architectures": ["Gemma3ForConditionalGeneration"],
        "text_config": {
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "model_type": "gemma3_text",
            "num_hidden_layers": 34,
            "rope_scaling": { "factor": 8.0, "rope_type": "linear" },
            "sliding_window": 1024,
        },
        "vision_config": {},
    }));
    for (suffix, value) in [
        ("attention.head_count", 8),
        ("attention.head_count_kv", 4),
        ("attention.key_length", 256),
        ("attention.sliding_window", 1024),
        ("attention.sliding_window_pattern", 6),
        ("context_length", 131_072),
        ("vocab_size", 262_208),
    ] {
        assert_eq!(
            metadata.u32(&format!("gemma3.{suffix}")),
            Ok(Some(value)),
            "{suffix}"
        );
    }
    for (key, value) in [
        ("gemma3.rope.freq_base", 1e6),
        ("gemma3.rope.freq_base_swa", 1e4),
        ("gemma3.rope.scaling.factor", 8.0),
        ("gemma3.attention.scale", 0.0625),
        ("wick.norm_weight_offset", 1.0),
    ] {
        assert_eq!(metadata.f32(key), Ok(Some(value)), "{key}");
    }
    assert_eq!(metadata.str("gemma3.rope.scaling.type"), Ok(Some("linear")));
}

#[test]
fn a_newer_configuration_of_gemma_says_the_same() {
    let kinds = ["sliding_attention", "sliding_attention", "full_attention"].repeat(2);
    let metadata = metadata(json!({
        "model_type": "gemma3_text",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 6,
        "layer_types": kinds,
        "rope_parameters": {
            "full_attention": { "rope_type": "linear", "factor": 4.0, "rope_theta": 500000.0 },
            "sliding_attention": { "rope_type": "default", "rope_theta": 20000.0 },
        },
    }));
    assert_eq!(
        metadata.u32("gemma3.attention.sliding_window_pattern"),
        Ok(Some(3))
    );
    assert_eq!(metadata.f32("gemma3.rope.freq_base"), Ok(Some(500_000.0)));
    assert_eq!(
        metadata.f32("gemma3.rope.freq_base_swa"),
        Ok(Some(20_000.0))
    );
    assert_eq!(metadata.f32("gemma3.rope.scaling.factor"), Ok(Some(4.0)));
}

#[test]
fn angles_of_llama_3_become_factors() {
    let scaling = json!({
        "rope_type": "llama3",
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    });
    let folder = good()
        .config("rope_scaling", scaling)
        .config("rope_theta", json!(500_000.0))
        .config("head_dim", json!(128))
        .config("num_attention_heads", json!(2));
    // Other tensors would no longer fit; the factors are made before they are looked at.
    let folder = folder.tensor(
        "model.layers.0.self_attn.q_proj.weight",
        Some(("BF16", &[256, 8])),
    );
    let error = folder.open().unwrap_err().to_string();
    assert!(
        error.contains("k_proj") && !error.contains("rope_freqs"),
        "{error}"
    );

    let small = json!({ "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16 });
    let model = good().config("rope_scaling", small).open().unwrap();
    let [factors] = model.computed() else {
        panic!("{:?}", model.computed())
    };
    assert_eq!(factors.name, "rope_freqs.weight");
    // Wavelengths 6.28 and 628 against 16: one between the bands, one past them.
    let smooth = (16.0 / std::f32::consts::TAU - 1.0) / 3.0;
    let between = 1.0 / ((1.0 - smooth) / 8.0 + smooth);
    assert!((factors.values[0] - between).abs() < 1e-6, "{factors:?}");
    assert_eq!(factors.values[1], 8.0);
}

#[test]
fn long_factors_of_phi_come_with_a_factor_for_attention() {
    let mut config = llama_config();
    let object = config.as_object_mut().unwrap();
    object.remove("architectures");
    object.extend(
        json!({
            "model_type": "phi3",
            "max_position_embeddings": 131072,
            "original_max_position_embeddings": 4096,
            "partial_rotary_factor": 0.5,
            "rope_scaling": { "type": "longrope", "long_factor": [4.0], "short_factor": [1.0] },
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let metadata = metadata(config);
    assert_eq!(metadata.u32("phi3.rope.dimension_count"), Ok(Some(2)));
    assert_eq!(
        metadata.u32("phi3.rope.scaling.original_context_length"),
        Ok(Some(4096))
    );
    assert_eq!(metadata.str("phi3.rope.scaling.type"), Ok(Some("longrope")));
    // sqrt(1 + ln 32 / ln 4096)
    let factor = metadata
        .f32("phi3.rope.scaling.attn_factor")
        .unwrap()
        .unwrap();
    assert!((factor - 1.190_238).abs() < 1e-6, "{factor}");
}

#[test]
fn experts_are_apart() {
    let experts = ["gate_proj", "up_proj", "down_proj"].map(|part| {
        (0..2).map(move |expert| {
            (
                format!("model.layers.0.mlp.experts.{expert}.{part}.weight"),
                match part {
                    "down_proj" => [8, 4],
                    _ => [4, 8],
                },
            )
        })
    });
    let experts: Vec<_> = experts.into_iter().flatten().collect();
    let mut tensors: Vec<(&str, &str, &[u64])> = TENSORS
        .into_iter()
        .filter(|(name, ..)| !name.contains("mlp"))
        .collect();
    tensors.extend(
        experts
            .iter()
            .map(|(name, shape)| (name.as_str(), "BF16", &shape[..])),
    );
    tensors.extend([
        ("model.layers.0.mlp.gate.weight", "F32", &[2, 8][..]),
        ("model.layers.0.self_attn.q_norm.weight", "F32", &[4][..]),
        ("model.layers.0.self_attn.k_norm.weight", "F32", &[4][..]),
    ]);
    let model = good()
        .with("model.safetensors", &safetensors(&tensors))
        .config("model_type", json!("qwen3_moe"))
        .config("architectures", json!(["Qwen3MoeForCausalLM"]))
        .config("num_experts", json!(2))
        .config("num_experts_per_tok", json!(1))
        .config("moe_intermediate_size", json!(4))
        .config("norm_topk_prob", json!(true))
        .open()
        .unwrap();
    let down = model
        .tensors()
        .iter()
        .find(|tensor| tensor.name == "blk.0.ffn_down_exps.1.weight");
    assert_eq!(down.unwrap().dims, [4, 8]);
    assert_eq!(
        model.metadata().bool("qwen3moe.expert_weights_norm"),
        Ok(Some(true))
    );
    assert_eq!(model.metadata().u32("qwen3moe.expert_count"), Ok(Some(2)));
}

#[test]
fn packed_ternary_weights_are_seen_as_tq2_0() {
    let quantization = json!({ "quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline" });
    let mut tensors: Vec<(&str, &str, Vec<u64>)> = Vec::new();
    let layer = "model.layers.0.";
    let packed = [
        ("self_attn.q_proj", 64, 256),
        ("self_attn.k_proj", 32, 256),
        ("self_attn.v_proj", 32, 256),
        ("self_attn.o_proj", 64, 256),
        ("mlp.gate_proj", 128, 256),
        ("mlp.up_proj", 128, 256),
        ("mlp.down_proj", 64, 512),
    ];
    let names: Vec<(String, String)> = packed
        .iter()
        .map(|(part, ..)| {
            (
                format!("{layer}{part}.weight"),
                format!("{layer}{part}.weight_scale"),
            )
        })
        .collect();
    for ((_, rows, columns), (weight, scale)) in packed.iter().zip(&names) {
        tensors.push((weight, "U8", vec![*rows, *columns]));
        tensors.push((scale, "BF16", vec![1]));
    }
    let norms = [
        "input_layernorm",
        "post_attention_layernorm",
        "self_attn.attn_sub_norm",
    ]
    .map(|part| format!("{layer}{part}.weight"));
    tensors.extend(norms.iter().map(|name| (name.as_str(), "BF16", vec![256])));
    tensors.push(("model.layers.0.mlp.ffn_sub_norm.weight", "BF16", vec![512]));
    tensors.push(("model.norm.weight", "BF16", vec![256]));
    tensors.push(("model.embed_tokens.weight", "BF16", vec![3, 256]));
    let tensors: Vec<(&str, &str, &[u64])> = tensors
        .iter()
        .map(|(name, dtype, shape)| (*name, *dtype, &shape[..]))
        .collect();
    let folder = good()
        .with("model.safetensors", &safetensors(&tensors))
        .config("model_type", json!("bitnet"))
        .config("architectures", json!(["BitNetForCausalLM"]))
        .config("hidden_size", json!(256))
        .config("intermediate_size", json!(512))
        .config("tie_word_embeddings", json!(true))
        .config("quantization_config", quantization);
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in &folder.0 {
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    let model = wick_engine::safetensors::ValidatedSafetensors::open(directory.path()).unwrap();
    let of = |name: &str| {
        model
            .tensors()
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap()
    };
    let queries = of("blk.0.attn_q.weight");
    assert!(queries.is_packed);
    assert_eq!(
        (&queries.dims[..], queries.tensor_type),
        (&[256, 256][..], TensorType::Tq2_0)
    );
    assert_eq!(of("blk.0.attn_q.scale").dims, [1]);
    assert_eq!(model.tensor_bytes(queries).unwrap().len(), 256 * 66);
    assert!(!of("blk.0.attn_norm.weight").is_packed);
    assert!(!model.metadata().contains("wick.ternary_online"));
}

#[test]
fn ternary_weights_to_be_rounded_are_flagged() {
    let mut config = llama_config();
    let object = config.as_object_mut().unwrap();
    object.insert("model_type".to_owned(), json!("bitnet"));
    object.insert("architectures".to_owned(), json!(["BitNetForCausalLM"]));
    object.insert("quantization_config".to_owned(), json!({ "quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online" }));
    assert_eq!(metadata(config).bool("wick.ternary_online"), Ok(Some(true)));
}
