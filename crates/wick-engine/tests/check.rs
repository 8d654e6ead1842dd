//! What a header tells of a model that is not loaded, and all that keeps it from running.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use std::fs;

use serde_json::{Value, json};
use wick_engine::{
    Error,
    check::{CheckOptions, CheckReport, check},
    gguf::TensorType,
    process::protocol::CacheType,
    testkit::{GgufWriter, tiny_model},
};

fn checked(writer: &GgufWriter, options: CheckOptions) -> CheckReport {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tiny.gguf");
    fs::write(&path, writer.bytes()).unwrap();
    check(&path, options).unwrap()
}

fn messages(report: &CheckReport) -> Vec<&str> {
    report
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect()
}

#[test]
fn a_model_that_runs_is_told_whole() {
    let model = tiny_model("qwen3")
        .stored_as(TensorType::Q8_0)
        .writer()
        .unwrap();
    let report = checked(&model, CheckOptions::default());
    assert!(report.can_run(), "{:?}", report.problems);
    assert_eq!(report.container, "gguf");
    assert_eq!(
        (report.name.as_str(), report.architecture.as_str()),
        ("Tiny", "qwen3")
    );
    assert_eq!(report.quantization, "Q8_0");
    assert_eq!((report.files.len(), report.has_chat_template), (1, true));
    assert_eq!(report.tokenizer.kind, "gpt2/gpt-2");
    assert_eq!(report.tokenizer.tokens, 300);
    assert_eq!(report.trained_context_length, Some(512));
    let types: Vec<_> = report
        .tensor_types
        .iter()
        .map(|used| (used.tensor_type.as_str(), used.tensors))
        .collect();
    assert_eq!(types, [("Q8_0", 16), ("F32", 9)]);
    assert_eq!(report.context_length, 512);
    let memory = report.memory.unwrap().memory_bytes;
    // 2 layers, 512 tokens, 2 heads of 32 numbers of keys and as many of values, 2 bytes each
    assert_eq!(memory.kv_cache, 2 * 512 * 2 * (2 * 32) * 2);
    let shape = report.shape.unwrap();
    let weights: u64 = report.tensor_types.iter().map(|used| used.bytes).sum();
    assert_eq!(shape.stored_bytes(), weights);
    // The output is the embedding again, which also stays as it is stored.
    assert!(memory.weights > weights && memory.weights < 2 * weights);
    assert_eq!(memory.total, memory.weights + memory.kv_cache + memory.work);
}

#[test]
fn memory_is_for_the_context_and_the_cache_asked_for() {
    let model = tiny_model("llama").writer().unwrap();
    let cache = |context_length, cache_type| {
        let options = CheckOptions {
            context_length,
            cache_type,
        };
        let report = checked(&model, options);
        let memory = report.memory.unwrap().memory_bytes;
        (report.context_length, memory.kv_cache)
    };
    // Two layers and whole pages of 64 tokens, with 2 heads of 16 keys and 16 values
    let numbers = 2 * 128 * (2 * 16) * 2;
    assert_eq!(cache(Some(100), CacheType::F16), (100, 2 * numbers));
    assert_eq!(cache(Some(100), CacheType::F32), (100, 4 * numbers));
    // The scale of a head's 16 numbers takes two bytes.
    let scales = 2 * 128 * 2 * 2 * 2;
    assert_eq!(cache(Some(100), CacheType::Q8_0), (100, numbers + scales));
    // A model holds no more than it was trained for.
    assert_eq!(cache(Some(4096), CacheType::F16).0, 512);
}

#[test]
fn a_header_that_says_too_little_has_no_estimate() {
    let mut model = GgufWriter::new();
    model
        .string("general.architecture", "gemma3")
        .u32("gemma3.context_length", 1000)
        .u32("gemma3.block_count", 7)
        .u32("gemma3.embedding_length", 32)
        .u32("gemma3.attention.head_count", 4);
    let report = checked(&model, CheckOptions::default());
    assert_eq!((report.memory, report.shape), (None, None));
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    let mut model = GgufWriter::new();
    model
        .string("general.architecture", "starcoder2")
        .tensor("a", &[256], TensorType::Iq1S, &[0; 50])
        .tensor("b", &[256], TensorType::Iq2Xs, &[0; 74])
        .tensor("c", &[32], TensorType::Q8_0, &[0; 34]);
    let report = checked(&model, CheckOptions::default());
    assert!(!report.can_run() && !report.is_architecture_supported);
    let told = messages(&report).join("\n");
    for part in [
        "starcoder2",
        "IQ1_S",
        "IQ2_XS",
        "Q8_0",
        "tokenizer",
        "chat template",
        "context_length",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let supported: Vec<_> = report
        .tensor_types
        .iter()
        .map(|used| used.is_supported)
        .collect();
    assert_eq!(supported, [false, false, true]);
}

#[test]
fn every_tensor_that_is_missing_or_wrong_is_told() {
    let mut model = tiny_model("llama").writer().unwrap();
    model
        .tensor("blk.9.attn_norm.weight", &[64], TensorType::F32, &[0; 256])
        .tensor("blk.0.attn_q.bias", &[3], TensorType::F32, &[0; 12]);
    let report = checked(&model, CheckOptions::default());
    let told = messages(&report).join("\n");
    assert!(
        told.contains("blk.9.attn_norm.weight") && told.contains("only 2 layers"),
        "{told}"
    );
    assert!(
        told.contains("blk.0.attn_q.bias") && told.contains("must be [64]"),
        "{told}"
    );
    assert_eq!(report.problems.len(), 2, "{told}");
}

#[test]
fn what_is_missing_in_every_layer_is_told_once() {
    let mut model = GgufWriter::new();
    model
        .string("general.architecture", "llama")
        .u32("llama.context_length", 64)
        .u32("llama.block_count", 32)
        .u32("llama.embedding_length", 32)
        .u32("llama.attention.head_count", 4);
    let report = checked(&model, CheckOptions::default());
    let told = messages(&report).join("\n");
    assert!(
        told.contains("blk.0.attn_q.weight") && told.contains("31 more layers"),
        "{told}"
    );
    // 9 tensors of a layer, embedding and norm, tokenizer, chat template
    assert_eq!(report.problems.len(), 13, "{told}");
}

#[test]
fn what_is_no_model_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("page.gguf");
    fs::write(&path, "<html>").unwrap();
    assert!(matches!(
        check(&path, CheckOptions::default()),
        Err(Error::NotGguf { .. })
    ));
    assert!(matches!(
        check(directory.path(), CheckOptions::default()),
        Err(Error::Read { .. })
    ));
}

#[test]
fn a_folder_is_told_like_a_file_and_the_report_is_data() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    let config = json!({
        "model_type": "qwen3", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "head_dim": 4,
        "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 4, "max_position_embeddings": 64,
    });
    write("config.json", config.to_string().as_bytes());
    let header = json!({
        "model.embed_tokens.weight": { "dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64] },
        "lm_head.weight": { "dtype": "BF16", "shape": [4, 8], "data_offsets": [64, 128] },
    });
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    write(
        "model.safetensors",
        &[&length[..], header.as_bytes(), &[0; 128]].concat(),
    );
    write(
        "tokenizer_config.json",
        br#"{"chat_template":"{{ messages }}"}"#,
    );
    let report = check(directory.path(), CheckOptions::default()).unwrap();
    assert_eq!(
        (report.container.as_str(), report.architecture.as_str()),
        ("safetensors", "qwen3")
    );
    assert_eq!(
        (report.quantization.as_str(), report.parameters),
        ("BF16", 64)
    );
    assert!(report.has_chat_template && !report.tokenizer.is_supported);
    let told = messages(&report).join("\n");
    // 12 tensors of the layer and the last norm
    assert_eq!(told.matches("is missing").count(), 12, "{told}");
    assert!(told.contains("tokenizer.json"), "{told}");

    let as_data = serde_json::to_value(&report).unwrap();
    assert_eq!(as_data["trainedContextLength"], 64);
    assert_eq!(as_data["tensorTypes"][0]["tensorType"], "BF16");
    assert_eq!(as_data["problems"][0]["error"]["kind"], "malformed_file");
    assert_ne!(as_data["memory_bytes"]["kv_cache"], Value::Null);
    let back: CheckReport = serde_json::from_value(as_data).unwrap();
    assert_eq!(back, report);
}
