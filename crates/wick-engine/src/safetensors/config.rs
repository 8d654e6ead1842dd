//! What `config.json` says of a model, under GGUF's keys. What would be computed wrongly is refused by name.

use super::{
    fields::{CONFIG, Derived, Fields},
    json::parse_object,
    rope::{self, RopeFactors},
};
use crate::{
    Error, Result,
    gguf::{Metadata, label},
};

const MAX_VALUES: usize = 1 << 16;

/// The families Wick knows from folders. `model_type` is the Hub's name, `architecture` GGUF's; what follows are the
/// values that a field has where a file leaves it out, as the Hub's own library has them.
struct Family {
    model_type: &'static str,
    architecture: &'static str,
    /// `architectures` of models that write text.
    class: &'static str,
    activation: &'static str,
    kv_heads: Option<u32>,
    head_length: Option<u32>,
    epsilon: f32,
    rope_base: f32,
    context: u32,
    window: Option<u32>,
    tied: bool,
}

const LLAMA: Family = Family {
    model_type: "llama",
    architecture: "llama",
    class: "LlamaForCausalLM",
    activation: "silu",
    kv_heads: None,
    head_length: None,
    epsilon: 1e-6,
    rope_base: 10_000.0,
    context: 2048,
    window: None,
    tied: false,
};

const FAMILIES: &[Family] = &[
    LLAMA,
    Family {
        model_type: "mistral",
        class: "MistralForCausalLM",
        kv_heads: Some(8),
        context: 131_072,
        window: Some(4096),
        ..LLAMA
    },
    Family {
        model_type: "qwen2",
        architecture: "qwen2",
        class: "Qwen2ForCausalLM",
        kv_heads: Some(32),
        context: 32_768,
        ..LLAMA
    },
    Family {
        model_type: "qwen3",
        architecture: "qwen3",
        class: "Qwen3ForCausalLM",
        kv_heads: Some(32),
        head_length: Some(128),
        context: 32_768,
        ..LLAMA
    },
    Family {
        model_type: "qwen3_moe",
        architecture: "qwen3moe",
        class: "Qwen3MoeForCausalLM",
        kv_heads: Some(4),
        context: 32_768,
        ..LLAMA
    },
    Family {
        model_type: "gemma3_text",
        architecture: "gemma3",
        class: "Gemma3ForCausalLM",
        activation: "gelu_pytorch_tanh",
        kv_heads: Some(4),
        head_length: Some(256),
        rope_base: 1e6,
        context: 131_072,
        window: Some(4096),
        tied: true,
        ..LLAMA
    },
    Family {
        model_type: "phi3",
        architecture: "phi3",
        class: "Phi3ForCausalLM",
        epsilon: 1e-5,
        context: 4096,
        ..LLAMA
    },
    Family {
        model_type: "bitnet",
        architecture: "bitnet",
        class: "BitNetForCausalLM",
        activation: "relu2",
        kv_heads: Some(5),
        epsilon: 1e-5,
        rope_base: 500_000.0,
        ..LLAMA
    },
];

/// A model that sees, of which Wick takes the part that reads and writes.
const SEEING: (&str, &str, &str) = ("gemma3", "Gemma3ForConditionalGeneration", "gemma3_text");

/// GGUF's name of the family that a `model_type` of the Hub names, if Wick knows it.
pub fn architecture_of(model_type: &str) -> Option<&'static str> {
    let (seeing, _, reading) = SEEING;
    let wanted = if model_type == seeing {
        reading
    } else {
        model_type
    };
    let family = FAMILIES.iter().find(|family| family.model_type == wanted);
    family.map(|family| family.architecture)
}

/// What a `config.json` says.
#[derive(Debug)]
pub struct Config {
    /// GGUF's name of the architecture.
    pub architecture: &'static str,
    /// Under GGUF's keys, with the keys of Wick's own: `wick.rope_style`, how the rotated halves of a head lie;
    /// `wick.norm_weight_offset`, what is to be added to every weight of a norm; `wick.ternary_online`, whether
    /// matrices are to be rounded to -1, 0 and 1 times their mean.
    pub metadata: Metadata,
    /// Whether the embedding is used again for the output, whatever else the files hold.
    pub is_tied: bool,
    /// Whether matrices are stored as four weights in a byte.
    pub is_packed: bool,
    /// What rotary angles are divided by, as tensors.
    pub(super) rope_factors: RopeFactors,
}

/// Reads `config.json`.
pub fn parse_config(bytes: &[u8]) -> Result<Config> {
    let object = parse_object(CONFIG, bytes, MAX_VALUES)?;
    let all = Fields::new(&object);
    let (family, config) = family_of(&all)?;
    let mut derived = Derived {
        architecture: family.architecture,
        values: Vec::new(),
    };
    derived.put_key(
        "general.architecture",
        family.architecture.to_owned(),
        config.name("model_type"),
    );
    put_sizes(&mut derived, &config, family)?;
    put_attention(&mut derived, &config, family)?;
    if family.architecture == "qwen3moe" {
        put_experts(&mut derived, &config)?;
    }
    let is_packed = put_quantization(&mut derived, &all)?;
    derived.put_key(
        "wick.rope_style",
        "halves".to_owned(),
        config.name("model_type"),
    );
    let rope_factors = rope::put_rope(&mut derived, &config, family.rope_base)?;
    let tied = match config.bool("tie_word_embeddings")? {
        None => all.bool("tie_word_embeddings")?,
        tied => tied,
    };
    Ok(Config {
        architecture: family.architecture,
        metadata: Metadata::from_values(CONFIG, derived.values),
        is_tied: tied.unwrap_or(family.tied),
        is_packed,
        rope_factors,
    })
}

/// The family, and the fields of the part that reads and writes.
fn family_of<'a>(all: &Fields<'a>) -> Result<(&'static Family, Fields<'a>)> {
    let model_type = all.needed("model_type", all.str("model_type"))?;
    let mut config = all.clone();
    let (mut wanted, mut class) = (model_type, None);
    if model_type == SEEING.0 {
        config = all.needed("text_config", all.fields("text_config"))?;
        (wanted, class) = (SEEING.2, Some(SEEING.1));
    }
    let family = FAMILIES.iter().find(|family| family.model_type == wanted);
    let family = family.ok_or_else(|| unsupported(&label(model_type)))?;
    let class = class.unwrap_or(family.class);
    if let Some(classes) = all.strs("architectures")?
        && !classes.contains(&class)
    {
        let found = label(&classes.join(", "));
        return Err(unsupported(&format!("{model_type} as {found}")));
    }
    Ok((family, config))
}

pub(super) fn unsupported(what: &str) -> Error {
    let names: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
    Error::UnsupportedArchitecture {
        architecture: what.to_owned(),
        supported: names.join(", "),
    }
}

fn put_sizes(derived: &mut Derived, config: &Fields<'_>, family: &Family) -> Result<()> {
    for (suffix, field) in [
        ("block_count", "num_hidden_layers"),
        ("embedding_length", "hidden_size"),
        ("feed_forward_length", "intermediate_size"),
    ] {
        let value = config.needed(field, config.u32(field))?;
        derived.put(suffix, value, config.name(field));
    }
    let mut put = |suffix: &str, field: &str, default: Option<u32>| -> Result<u32> {
        let value = config.u32(field)?.or(default);
        let value = value.ok_or_else(|| config.wrong(field, "is missing"))?;
        derived.put(suffix, value, config.name(field));
        Ok(value)
    };
    // What the sparse files of the Gemma 3 that sees leave out.
    let gemma = |value: u32| (family.architecture == "gemma3").then_some(value);
    let heads = put("attention.head_count", "num_attention_heads", gemma(8))?;
    // Where it says null, there are as many as heads.
    let kv_heads = config.u32_or("num_key_value_heads", family.kv_heads)?;
    put(
        "attention.head_count_kv",
        "num_key_value_heads",
        kv_heads.or(Some(heads)),
    )?;
    put("vocab_size", "vocab_size", gemma(262_208))?;
    put(
        "context_length",
        "max_position_embeddings",
        Some(family.context),
    )?;
    let embedding = config.u32("hidden_size")?.unwrap_or_default();
    let even_share = embedding.checked_div(heads);
    let even_share = even_share.filter(|share| share * heads == embedding && *share > 0);
    let head_length = family.head_length.or(even_share);
    put("attention.key_length", "head_dim", head_length)?;
    put("attention.value_length", "head_dim", head_length)?;
    let epsilon = config.f32("rms_norm_eps")?.unwrap_or(family.epsilon);
    let field = config.name("rms_norm_eps");
    derived.put("attention.layer_norm_rms_epsilon", epsilon, field);

    let field = match family.architecture {
        "gemma3" => "hidden_activation",
        _ => "hidden_act",
    };
    match config.str(field)? {
        Some(other) if other != family.activation => {
            let family = family.model_type;
            Err(unsupported(&format!(
                "{family} with the activation {}",
                label(other)
            )))
        }
        _ => Ok(()),
    }
}

/// Windows, scales and caps of attention.
fn put_attention(derived: &mut Derived, config: &Fields<'_>, family: &Family) -> Result<()> {
    let architecture = derived.architecture;
    let refuse = |what: &str| Err(unsupported(&format!("{architecture} with {what}")));
    if config.bool("use_sliding_window")? == Some(true) {
        return refuse("use_sliding_window");
    }
    if config.bool("use_bidirectional_attention")? == Some(true) {
        return refuse("use_bidirectional_attention");
    }
    if config.f32("attn_logit_softcapping")?.is_some() {
        return refuse("attn_logit_softcapping");
    }
    let layer_types = config.strs("layer_types")?;
    let kinds = layer_types.as_deref().unwrap_or_default();
    let is_sliding = |kind: &&str| *kind == "sliding_attention";
    if ["llama", "phi3", "gemma3"].contains(&architecture)
        && let Some(window) = config.u32_or("sliding_window", family.window)?
    {
        let field = config.name("sliding_window");
        derived.put("attention.sliding_window", window, field);
    }
    match architecture {
        "gemma3" => {
            let field = ["sliding_window_pattern", "_sliding_window_pattern"];
            let field = field
                .into_iter()
                .find(|field| config.value(field).is_some());
            let pattern = field.map_or(Ok(None), |field| config.u32(field))?;
            match layer_types {
                None => {
                    let field = config.name(field.unwrap_or("sliding_window_pattern"));
                    let pattern = pattern.unwrap_or(6);
                    derived.put("attention.sliding_window_pattern", pattern, field);
                }
                Some(kinds) => {
                    let layers = config.u32("num_hidden_layers")?.unwrap_or_default();
                    if kinds.len() != layers as usize {
                        let reason = format!("has {} entries for {layers} layers", kinds.len());
                        return Err(config.wrong("layer_types", reason));
                    }
                    let sliding: Vec<bool> = kinds.iter().map(is_sliding).collect();
                    let Some(pattern) = pattern_of(&sliding) else {
                        return refuse("layer_types other than every nth seeing all");
                    };
                    let field = config.name("layer_types");
                    derived.put("attention.sliding_window_pattern", pattern, field);
                }
            }
            // 1 / sqrt(query_pre_attn_scalar)
            let scalar = config.f32("query_pre_attn_scalar")?.unwrap_or(256.0);
            if scalar <= 0.0 {
                return Err(config.wrong("query_pre_attn_scalar", format!("is {scalar}")));
            }
            derived.put(
                "attention.scale",
                scalar.sqrt().recip(),
                config.name("query_pre_attn_scalar"),
            );
            if let Some(cap) = config.f32("final_logit_softcapping")? {
                derived.put(
                    "final_logit_softcapping",
                    cap,
                    config.name("final_logit_softcapping"),
                );
            }
            derived.put_key("wick.norm_weight_offset", 1.0, config.name("model_type"));
        }
        "llama" | "phi3" if kinds.iter().any(|kind| *kind != kinds[0]) => {
            return refuse("layers of several kinds");
        }
        "llama" | "phi3" => {}
        _ if kinds.iter().any(is_sliding) => return refuse("sliding windows"),
        _ => {}
    }
    Ok(())
}

/// The n of "every nth layer sees all, the others a window"; one more than there are layers where none does.
fn pattern_of(sliding: &[bool]) -> Option<u32> {
    let every = sliding.iter().position(|sliding| !sliding);
    let every = every.unwrap_or(sliding.len()) + 1;
    let fits = |(layer, sliding): (usize, &bool)| *sliding == ((layer + 1) % every != 0);
    let fits = sliding.iter().enumerate().all(fits);
    fits.then(|| u32::try_from(every).ok()).flatten()
}

fn put_experts(derived: &mut Derived, config: &Fields<'_>) -> Result<()> {
    let alias = ["num_experts", "num_local_experts"];
    let field = alias
        .into_iter()
        .find(|field| config.value(field).is_some());
    let field = field.unwrap_or("num_experts");
    derived.put(
        "expert_count",
        config.u32(field)?.unwrap_or(128),
        config.name(field),
    );
    for (suffix, field, default) in [
        ("expert_used_count", "num_experts_per_tok", 8),
        ("expert_feed_forward_length", "moe_intermediate_size", 768),
    ] {
        derived.put(
            suffix,
            config.u32(field)?.unwrap_or(default),
            config.name(field),
        );
    }
    let normed = config.bool("norm_topk_prob")?.unwrap_or(false);
    derived.put("expert_weights_norm", normed, config.name("norm_topk_prob"));
    let dense_layers = config.list("mlp_only_layers")?.map_or(0, Vec::len);
    if dense_layers > 0 || config.u32("decoder_sparse_step")?.unwrap_or(1) != 1 {
        return Err(unsupported("qwen3_moe with layers without experts"));
    }
    Ok(())
}

/// Whether matrices are packed. Only BitNet's own ways to quantize are known.
fn put_quantization(derived: &mut Derived, all: &Fields<'_>) -> Result<bool> {
    let Some(quantization) = all.fields("quantization_config")? else {
        return Ok(false);
    };
    let text = |field: &str, default| Ok::<_, Error>(quantization.str(field)?.unwrap_or(default));
    let method = text("quant_method", "")?;
    let architecture = derived.architecture;
    let refuse = |what: String| {
        Err(unsupported(&format!(
            "{architecture} quantized with {what}"
        )))
    };
    if (method, architecture) != ("bitnet", "bitnet") {
        return refuse(match method {
            "" => "an unnamed method".to_owned(),
            method => label(method),
        });
    }
    match (
        text("linear_class", "bitlinear")?,
        text("quantization_mode", "offline")?,
    ) {
        ("autobitlinear", "online") => {
            let field = quantization.name("quantization_mode");
            derived.put_key("wick.ternary_online", true, field);
            Ok(false)
        }
        ("autobitlinear", "offline") => Ok(true),
        (class, mode) => refuse(format!("{} ({})", label(class), label(mode))),
    }
}
