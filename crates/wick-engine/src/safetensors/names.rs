//! Names of tensors as the Hub has them, and as GGUF has them: `model.layers.3.self_attn.q_proj.weight` is
//! `blk.3.attn_q.weight`.

/// What a tensor of a file is to the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The tensor of this GGUF name. Each expert of a mixture has one: `blk.3.ffn_gate_exps.17.weight`.
    Tensor(String),
    /// Of no use to it: the eyes of a model that sees, or what can be computed.
    Unused,
    /// Nothing it knows.
    Unknown,
}

/// Parts of a layer that all architectures name alike.
const LAYER_PARTS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.qkv_proj", "attn_qkv"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.attn_sub_norm", "attn_sub_norm"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("mlp.gate_up_proj", "ffn_up"),
    ("mlp.ffn_sub_norm", "ffn_sub_norm"),
    ("mlp.gate", "ffn_gate_inp"),
];

const EXPERT_PARTS: &[(&str, &str)] = &[
    ("gate_proj", "ffn_gate_exps"),
    ("up_proj", "ffn_up_exps"),
    ("down_proj", "ffn_down_exps"),
];

/// What comes before the name where the language model is a part of one that sees.
const LANGUAGE_MODEL: &[(&str, &str)] = &[
    ("language_model.model.", "model."),
    ("language_model.lm_head.", "lm_head."),
    ("model.language_model.", "model."),
];

const SEEING: &[&str] = &[
    "vision_tower.",
    "multi_modal_projector.",
    "model.vision_tower.",
    "model.multi_modal_projector.",
];

/// What the tensor `stored` is in a model of the GGUF architecture.
pub fn role_of(architecture: &str, stored: &str) -> Role {
    let mut name = stored.to_owned();
    if architecture == "gemma3" {
        if SEEING.iter().any(|prefix| stored.starts_with(prefix)) {
            return Role::Unused;
        }
        for (prefix, plain) in LANGUAGE_MODEL {
            if let Some(rest) = stored.strip_prefix(prefix) {
                name = format!("{plain}{rest}");
            }
        }
    }
    if name.ends_with(".rotary_emb.inv_freq") {
        return Role::Unused;
    }
    let found = match name.as_str() {
        "model.embed_tokens.weight" => Some("token_embd.weight".to_owned()),
        "model.norm.weight" => Some("output_norm.weight".to_owned()),
        "lm_head.weight" => Some("output.weight".to_owned()),
        _ => of_layer(architecture, &name),
    };
    found.map_or(Role::Unknown, Role::Tensor)
}

fn of_layer(architecture: &str, name: &str) -> Option<String> {
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, kind) = rest.rsplit_once('.')?;
    let kind = match kind {
        "weight" | "bias" => kind,
        "weight_scale" => "scale",
        _ => return None,
    };
    let look_up = |parts: &[(&str, &'static str)], part: &str| {
        let found = parts.iter().find(|(theirs, _)| *theirs == part);
        found.map(|(_, ours)| *ours)
    };
    if let Some(of_expert) = part.strip_prefix("mlp.experts.") {
        let (expert, part) = of_expert.split_once('.')?;
        let part = look_up(EXPERT_PARTS, part)?;
        return Some(format!("blk.{layer}.{part}.{expert}.{kind}"));
    }
    let part = match (part, architecture) {
        ("post_attention_layernorm", "gemma3") => "post_attention_norm",
        ("post_attention_layernorm", _) => "ffn_norm",
        _ => look_up(LAYER_PARTS, part)?,
    };
    Some(format!("blk.{layer}.{part}.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_counterpart() {
        for (architecture, stored, name) in [
            ("llama", "model.embed_tokens.weight", "token_embd.weight"),
            ("llama", "lm_head.weight", "output.weight"),
            ("llama", "model.norm.weight", "output_norm.weight"),
            (
                "llama",
                "model.layers.3.self_attn.q_proj.weight",
                "blk.3.attn_q.weight",
            ),
            (
                "llama",
                "model.layers.3.post_attention_layernorm.weight",
                "blk.3.ffn_norm.weight",
            ),
            (
                "qwen2",
                "model.layers.11.self_attn.k_proj.bias",
                "blk.11.attn_k.bias",
            ),
            (
                "qwen3",
                "model.layers.0.self_attn.q_norm.weight",
                "blk.0.attn_q_norm.weight",
            ),
            (
                "qwen3moe",
                "model.layers.3.mlp.experts.17.gate_proj.weight",
                "blk.3.ffn_gate_exps.17.weight",
            ),
            (
                "qwen3moe",
                "model.layers.3.mlp.gate.weight",
                "blk.3.ffn_gate_inp.weight",
            ),
            (
                "gemma3",
                "model.layers.1.post_attention_layernorm.weight",
                "blk.1.post_attention_norm.weight",
            ),
            (
                "gemma3",
                "language_model.model.layers.1.pre_feedforward_layernorm.weight",
                "blk.1.ffn_norm.weight",
            ),
            (
                "gemma3",
                "model.language_model.layers.1.post_feedforward_layernorm.weight",
                "blk.1.post_ffw_norm.weight",
            ),
            ("gemma3", "language_model.lm_head.weight", "output.weight"),
            (
                "phi3",
                "model.layers.2.self_attn.qkv_proj.weight",
                "blk.2.attn_qkv.weight",
            ),
            (
                "phi3",
                "model.layers.2.mlp.gate_up_proj.weight",
                "blk.2.ffn_up.weight",
            ),
            (
                "bitnet",
                "model.layers.2.self_attn.attn_sub_norm.weight",
                "blk.2.attn_sub_norm.weight",
            ),
            (
                "bitnet",
                "model.layers.2.mlp.down_proj.weight_scale",
                "blk.2.ffn_down.scale",
            ),
        ] {
            assert_eq!(
                role_of(architecture, stored),
                Role::Tensor(name.to_owned()),
                "{stored}"
            );
        }
        let unused = [
            "vision_tower.x.weight",
            "model.multi_modal_projector.y",
            "model.vision_tower.z",
        ];
        assert!(
            unused
                .iter()
                .all(|name| role_of("gemma3", name) == Role::Unused)
        );
        let unknown = [
            "vision_tower.x.weight",
            "model.layers.1.mlp.gate_proj",
            "model.layers.x",
            "w",
            "language_model.model.norm.weight",
        ];
        assert!(
            unknown
                .iter()
                .all(|name| role_of("llama", name) == Role::Unknown)
        );
    }
}
