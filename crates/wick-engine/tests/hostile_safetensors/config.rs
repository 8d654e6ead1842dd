//! Configurations that cannot be, and models that Wick would compute wrongly.

use serde_json::{Value, json};

use crate::{Case, folder::good};

/// The good folder with a field of `config.json` changed.
fn field(name: &'static str, field: &str, value: Value, said: &'static [&'static str]) -> Case {
    (name, good().config(field, value), said)
}

/// The good folder without a field.
fn without(name: &'static str, field: &str, said: &'static [&'static str]) -> Case {
    (name, good().config(field, None), said)
}

/// The good folder with another `config.json`.
fn text(name: &'static str, bytes: &[u8], said: &'static [&'static str]) -> Case {
    (name, good().with("config.json", bytes), said)
}

/// The good folder with scaled rotary angles.
fn rope(name: &'static str, scaling: Value, said: &'static [&'static str]) -> Case {
    field(name, "rope_scaling", scaling, said)
}

pub fn cases() -> Vec<Case> {
    [whole(), sizes(), ropes(), traits()].concat()
}

fn whole() -> Vec<Case> {
    vec![
        (
            "no configuration",
            good().without("config.json"),
            &["config.json"],
        ),
        text("empty configuration", b"", &["config.json", "JSON"]),
        text(
            "configuration that is a list",
            b"[]",
            &["config.json", "no object"],
        ),
        text(
            "configuration over 1 MiB",
            &vec![b' '; (1 << 20) + 1],
            &["config.json", "longer than"],
        ),
        text(
            "a field twice in the configuration",
            br#"{"model_type":"llama","model_type":"qwen2"}"#,
            &["config.json", "\"model_type\" is there twice"],
        ),
        text(
            "a number beyond number",
            br#"{"model_type":"llama","rope_theta":1e999}"#,
            &["config.json", "JSON"],
        ),
        text(
            "NaN",
            br#"{"model_type":"llama","rope_theta":NaN}"#,
            &["config.json", "JSON"],
        ),
        text(
            "half a character",
            br#"{"model_type":"\ud800"}"#,
            &["config.json", "JSON"],
        ),
        text(
            "deep lists",
            "[".repeat(500).as_bytes(),
            &["config.json", "recursion"],
        ),
        without(
            "no family",
            "model_type",
            &["config.json", "model_type", "missing"],
        ),
        field(
            "family that is a number",
            "model_type",
            json!(1),
            &["model_type", "must be a string"],
        ),
        field(
            "family nobody knows",
            "model_type",
            json!("mamba"),
            &["\"mamba\" is not supported", "qwen3_moe"],
        ),
        field(
            "a model that classifies",
            "architectures",
            json!(["LlamaForSequenceClassification"]),
            &["LlamaForSequenceClassification"],
        ),
        field(
            "classes that are a string",
            "architectures",
            json!("LlamaForCausalLM"),
            &["architectures", "list of strings"],
        ),
        field(
            "a model that sees without a text part",
            "model_type",
            json!("gemma3"),
            &["config.json", "text_config", "missing"],
        ),
        field(
            "quantized in a foreign way",
            "quantization_config",
            json!({ "quant_method": "gptq" }),
            &["llama", "gptq"],
        ),
        field(
            "quantized in an unnamed way",
            "quantization_config",
            json!({}),
            &["llama", "unnamed"],
        ),
    ]
}

fn sizes() -> Vec<Case> {
    vec![
        without(
            "no width",
            "hidden_size",
            &["config.json", "hidden_size", "missing"],
        ),
        without(
            "no layers",
            "num_hidden_layers",
            &["num_hidden_layers", "missing"],
        ),
        without(
            "no feed-forward",
            "intermediate_size",
            &["intermediate_size", "missing"],
        ),
        without(
            "no heads",
            "num_attention_heads",
            &["num_attention_heads", "missing"],
        ),
        without("no vocabulary", "vocab_size", &["vocab_size", "missing"]),
        field(
            "0 layers",
            "num_hidden_layers",
            json!(0),
            &["config.json", "num_hidden_layers", "1 to 512"],
        ),
        field(
            "a million layers",
            "num_hidden_layers",
            json!(1_000_000),
            &["num_hidden_layers", "1 to 512"],
        ),
        field(
            "-1 layers",
            "num_hidden_layers",
            json!(-1),
            &["num_hidden_layers", "is -1"],
        ),
        field(
            "one and a half layers",
            "num_hidden_layers",
            json!(1.5),
            &["num_hidden_layers", "is 1.5"],
        ),
        field(
            "layers as text",
            "num_hidden_layers",
            json!("1"),
            &["num_hidden_layers", "a string"],
        ),
        field(
            "layers beyond 32 bits",
            "num_hidden_layers",
            json!(1u64 << 40),
            &["num_hidden_layers", "whole number"],
        ),
        field(
            "0 heads",
            "num_attention_heads",
            json!(0),
            &["head_dim", "missing"],
        ),
        field(
            "0 heads of a given length",
            "num_attention_heads",
            json!(0),
            &["config.json"],
        )
        .map_folder(|f| f.config("head_dim", json!(4))),
        field(
            "heads that do not divide the width",
            "num_attention_heads",
            json!(3),
            &["head_dim", "missing"],
        ),
        field(
            "heads shared unevenly",
            "num_key_value_heads",
            json!(3),
            &["num_key_value_heads", "does not divide"],
        ),
        field(
            "heads of length 0",
            "head_dim",
            json!(0),
            &["head_dim", "is 0"],
        ),
        field(
            "heads of odd length",
            "head_dim",
            json!(3),
            &["partial_rotary_factor", "even"],
        ),
        field(
            "no context",
            "max_position_embeddings",
            json!(0),
            &["max_position_embeddings", "is 0"],
        ),
        field(
            "epsilon of 2",
            "rms_norm_eps",
            json!(2.0),
            &["rms_norm_eps", "is 2"],
        ),
        field(
            "epsilon as text",
            "rms_norm_eps",
            json!("1e-5"),
            &["rms_norm_eps", "a string"],
        ),
    ]
}

fn ropes() -> Vec<Case> {
    vec![
        field(
            "rope of base 0",
            "rope_theta",
            json!(0),
            &["config.json", "rope_theta", "is 0"],
        ),
        field(
            "half a rope and more",
            "partial_rotary_factor",
            json!(1.5),
            &["partial_rotary_factor", "0 to 1"],
        ),
        field(
            "a rope of nothing",
            "partial_rotary_factor",
            json!(0.0),
            &["partial_rotary_factor", "is 0"],
        ),
        rope(
            "scaling that is a number",
            json!(8),
            &["rope_scaling", "an object"],
        ),
        rope(
            "yarn",
            json!({ "rope_type": "yarn", "factor": 4.0 }),
            &["llama", "yarn"],
        ),
        rope(
            "dynamic",
            json!({ "type": "dynamic", "factor": 4.0 }),
            &["llama", "dynamic"],
        ),
        rope(
            "long factors in a llama",
            json!({ "type": "longrope" }),
            &["llama", "longrope"],
        ),
        rope(
            "linear without a factor",
            json!({ "type": "linear" }),
            &["rope_scaling.factor", "missing"],
        ),
        rope(
            "linear by 0",
            json!({ "type": "linear", "factor": 0 }),
            &["rope_scaling.factor", "is 0"],
        ),
        rope(
            "llama3 by a negative factor",
            json!({ "rope_type": "llama3", "factor": -8 }),
            &["rope_scaling.factor", "is -8"],
        ),
        rope(
            "llama3 whose bands are the wrong way round",
            json!({ "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1 }),
            &["rope_scaling.high_freq_factor", "not more than"],
        ),
        rope(
            "llama3 from a context of 0",
            json!({ "rope_type": "llama3", "original_max_position_embeddings": 0 }),
            &["rope_scaling.original_max_position_embeddings", "is 0"],
        ),
        rope(
            "a kind of rope that is a number",
            json!({ "rope_type": 3 }),
            &["rope_scaling.rope_type", "must be a string"],
        ),
        field(
            "llama3 in a newer file",
            "rope_parameters",
            json!({ "rope_type": "llama3", "factor": 0 }),
            &["rope_parameters.factor", "is 0"],
        ),
    ]
}

fn traits() -> Vec<Case> {
    vec![
        field(
            "another activation",
            "hidden_act",
            json!("gelu"),
            &["llama", "gelu"],
        ),
        field(
            "sliding windows in use",
            "use_sliding_window",
            json!(true),
            &["use_sliding_window"],
        ),
        field(
            "sliding windows that are a number",
            "use_sliding_window",
            json!(1),
            &["use_sliding_window", "true or false"],
        ),
        field(
            "a window that is text",
            "sliding_window",
            json!("4096"),
            &["sliding_window", "a string"],
        ),
        field(
            "attention in both directions",
            "use_bidirectional_attention",
            json!(true),
            &["use_bidirectional_attention"],
        ),
        field(
            "capped attention",
            "attn_logit_softcapping",
            json!(50.0),
            &["attn_logit_softcapping"],
        ),
        field(
            "layers of several kinds",
            "layer_types",
            json!(["full_attention", "sliding_attention"]),
            &["several kinds"],
        ),
    ]
}

trait MapFolder {
    fn map_folder(self, edit: impl FnOnce(crate::Folder) -> crate::Folder) -> Self;
}

impl MapFolder for Case {
    fn map_folder(self, edit: impl FnOnce(crate::Folder) -> crate::Folder) -> Self {
        (self.0, edit(self.1), self.2)
    }
}
