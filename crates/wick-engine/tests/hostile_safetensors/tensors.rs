//! Tensors that are not those the configuration asks for.

use serde_json::json;

use crate::{
    Case,
    folder::{TENSORS, good, safetensors},
};

/// The good folder with a tensor changed, added or taken away.
fn tensor(
    name: &'static str,
    tensor: &str,
    changed: Option<(&str, &[u64])>,
    said: &'static [&'static str],
) -> Case {
    (name, good().tensor(tensor, changed), said)
}

const QUERIES: &str = "model.layers.0.self_attn.q_proj.weight";

pub fn cases() -> Vec<Case> {
    let twice = [
        &TENSORS[..],
        &[("model.layers.0.mlp.gate_up_proj.weight", "BF16", &[16, 8])],
    ]
    .concat();
    let packed = |folder: crate::Folder| {
        folder
            .config("model_type", json!("bitnet"))
            .config("architectures", None)
            .config("quantization_config", json!({ "quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline" }))
    };
    vec![
        tensor("no queries", QUERIES, None, &["tensor blk.0.attn_q.weight", "missing"]),
        tensor("no embedding", "model.embed_tokens.weight", None, &["tensor token_embd.weight", "missing"]),
        tensor("no output and no tie", "lm_head.weight", None, &["tensor output.weight", "missing"]),
        tensor("queries of another shape", QUERIES, Some(("BF16", &[8, 9])), &["model.safetensors", QUERIES, "[9, 8]", "[8, 8]"]),
        tensor("queries of three dimensions", QUERIES, Some(("BF16", &[8, 8, 1])), &[QUERIES, "[1, 8, 8]"]),
        tensor("queries of no dimensions", QUERIES, Some(("BF16", &[])), &["shape of", QUERIES, "0 dimensions"]),
        tensor("queries of nothing", QUERIES, Some(("BF16", &[0, 8])), &["shape of", QUERIES, "has 0"]),
        tensor("queries of five dimensions", QUERIES, Some(("BF16", &[8, 8, 1, 1, 1])), &["shape of", QUERIES, "5 dimensions"]),
        tensor("queries of bytes", QUERIES, Some(("U8", &[8, 8])), &[QUERIES, "U8", "not supported"]),
        tensor("queries of 8-bit floats", QUERIES, Some(("F8_E4M3", &[8, 8])), &[QUERIES, "F8_E4M3"]),
        tensor("queries of 64-bit integers", QUERIES, Some(("I64", &[8, 8])), &[QUERIES, "I64"]),
        tensor("a vocabulary of another size", "model.embed_tokens.weight", Some(("BF16", &[4, 8])), &["model.embed_tokens.weight", "[8, 3]"]),
        tensor("a layer past the last", "model.layers.1.input_layernorm.weight", Some(("F32", &[8])), &["model.layers.1.input_layernorm.weight", "only 1 layers"]),
        tensor("a layer numbered -1", "model.layers.-1.input_layernorm.weight", Some(("F32", &[8])), &["model.layers.-1.input_layernorm.weight", "number"]),
        tensor("a tensor nobody knows", "model.layers.0.self_attn.rotary.weight", Some(("F32", &[8])), &["model.layers.0.self_attn.rotary.weight", "no such tensor"]),
        tensor("the eyes of another model", "vision_tower.w", Some(("F32", &[8])), &["vision_tower.w", "no such tensor"]),
        tensor("a norm of the queries in a llama", "model.layers.0.self_attn.q_norm.weight", Some(("F32", &[4])), &["model.layers.0.self_attn.q_norm.weight", "no such tensor"]),
        tensor("a scale in a llama", "model.layers.0.self_attn.q_proj.weight_scale", Some(("F32", &[1])), &["q_proj.weight_scale", "no such tensor"]),
        ("two tensors for one", good().with("model.safetensors", &safetensors(&twice)), &["model.safetensors", "name of tensor", "twice"]),
        ("packed rows of another length", packed(good().tensor(QUERIES, Some(("U8", &[2, 8])))), &[QUERIES, "multiple of 256"]),
        ("packed weights without their scale", packed(good().tensor(QUERIES, Some(("U8", &[64, 256])))).config("hidden_size", json!(256)), &["attn_q.scale", "missing"]),
        ("long factors for fewer angles", good().config("model_type", json!("phi3")).config("architectures", None).config("rope_scaling", json!({ "type": "longrope", "long_factor": [1.0], "short_factor": [1.0, 1.0] })), &["config.json", "rope_factors_long.weight", "[2]"]),
        ("a long factor of 0", good().config("model_type", json!("phi3")).config("architectures", None).config("rope_scaling", json!({ "type": "longrope", "long_factor": [1.0, 0.0], "short_factor": [1.0, 1.0] })), &["rope_scaling.long_factor", "has 0"]),
        ("no short factors", good().config("model_type", json!("phi3")).config("architectures", None).config("rope_scaling", json!({ "type": "su", "long_factor": [1.0, 1.0] })), &["rope_scaling.short_factor", "missing"]),
    ]
}
