//! Hyper-parameters within bounds, and in agreement with each other, the vocabulary and the tensors' shapes.

use std::ops::RangeInclusive;

use super::{Metadata, TensorInfo, label, malformed};
use crate::Result;

/// Architectures whose layers have the plain shapes that [`check_shapes`] knows.
const PLAIN: [&str; 7] = [
    "llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "smollm3",
];

/// The numbers that shape a model, where the file gives one number for all layers.
#[derive(Default)]
struct Sizes {
    layers: Option<u32>,
    embedding: Option<u32>,
    feed_forward: Option<u32>,
    heads: Option<u32>,
    kv_heads: Option<u32>,
    key_length: Option<u32>,
    value_length: Option<u32>,
}

/// Hyper-parameters within bounds, and in agreement with each other, the vocabulary and the tensors.
pub(super) fn check_model(
    architecture: &str,
    metadata: &Metadata,
    tensors: &[TensorInfo],
) -> Result<()> {
    let key = |suffix: &str| format!("{architecture}.{suffix}");
    let bounded = |suffix: &str, bounds: RangeInclusive<u32>| -> Result<Option<u32>> {
        let key = key(suffix);
        let check = |value: i64| {
            if (i64::from(*bounds.start())..=i64::from(*bounds.end())).contains(&value) {
                return Ok(());
            }
            let (from, to) = bounds.clone().into_inner();
            Err(metadata.malformed(&key, format!("is {value}; must be {from} to {to}")))
        };
        if metadata.is_array(&key) {
            // One number a layer, as a few architectures have it.
            for value in metadata.i32s(&key)?.into_iter().flatten() {
                check(i64::from(value))?;
            }
            return Ok(None);
        }
        let value = metadata.u32(&key)?;
        value.map_or(Ok(()), |value| check(i64::from(value)))?;
        Ok(value)
    };

    if let Some(parts) = metadata.u32("split.count")?
        && parts > 1
    {
        let reason =
            format!("the model is split over {parts} files; Wick reads models of one file");
        return Err(metadata.malformed("split.count", reason));
    }

    // Models without attention say 0.
    let recurrent = architecture.starts_with("mamba") || architecture.starts_with("rwkv");
    let least = u32::from(!recurrent);
    bounded("context_length", 1..=1 << 27)?;
    let sizes = Sizes {
        layers: bounded("block_count", 1..=512)?,
        embedding: bounded("embedding_length", 1..=1 << 20)?,
        feed_forward: bounded("feed_forward_length", least..=1 << 20)?,
        heads: bounded("attention.head_count", least..=4096)?,
        kv_heads: bounded("attention.head_count_kv", least..=4096)?,
        key_length: bounded("attention.key_length", 1..=1 << 16)?,
        value_length: bounded("attention.value_length", 1..=1 << 16)?,
    };
    let rope = bounded("rope.dimension_count", 1..=1 << 16)?;
    let vocabulary = bounded("vocab_size", 1..=1 << 24)?;
    let experts = bounded("expert_count", 0..=4096)?;
    let used_experts = bounded("expert_used_count", 0..=4096)?;
    for (suffix, least, most) in [
        ("rope.freq_base", 1.0, 1e12),
        ("attention.layer_norm_rms_epsilon", 0.0, 1.0),
        ("attention.layer_norm_epsilon", 0.0, 1.0),
    ] {
        let key = key(suffix);
        if let Some(value) = metadata.f32(&key)?
            && !(least..=most).contains(&value)
        {
            let reason = format!("is {value}; must be {least} to {most}");
            return Err(metadata.malformed(&key, reason));
        }
    }
    if let (Some(experts), Some(used)) = (experts, used_experts)
        && used > experts
    {
        let reason = format!("is {used}, more than the {experts} experts there are");
        return Err(metadata.malformed(&key("expert_used_count"), reason));
    }
    if let (Some(heads @ 1..), Some(kv_heads @ 1..)) = (sizes.heads, sizes.kv_heads)
        && heads % kv_heads != 0
    {
        let reason = format!("is {kv_heads}, which does not divide the {heads} heads");
        return Err(metadata.malformed(&key("attention.head_count_kv"), reason));
    }
    if let (Some(embedding), Some(heads @ 1..), None) =
        (sizes.embedding, sizes.heads, sizes.key_length)
        && embedding % heads != 0
    {
        let reason = format!("is {heads}, which does not divide the embedding length {embedding}");
        return Err(metadata.malformed(&key("attention.head_count"), reason));
    }

    const TOKENS: &str = "tokenizer.ggml.tokens";
    let tokens = metadata.strings(TOKENS)?.map(<[String]>::len);
    if let Some(tokens) = tokens {
        if tokens == 0 {
            return Err(metadata.malformed(TOKENS, "is empty"));
        }
        let scores = metadata.f32s("tokenizer.ggml.scores")?.map(<[f32]>::len);
        let kinds = metadata.i32s("tokenizer.ggml.token_type")?.map(|t| t.len());
        for (name, found) in [
            ("tokenizer.ggml.scores", scores),
            ("tokenizer.ggml.token_type", kinds),
            (key("vocab_size").as_str(), vocabulary.map(|v| v as usize)),
        ] {
            let what = if name.starts_with("tokenizer") {
                "has a length of"
            } else {
                "is"
            };
            if let Some(found) = found
                && found != tokens
            {
                let reason = format!("{what} {found}; there are {tokens} tokens");
                return Err(metadata.malformed(name, reason));
            }
        }
    }
    let head_length = sizes.head_length();
    if PLAIN.contains(&architecture)
        && let (Some(rope), Some(head_length)) = (rope, head_length)
        && (rope > head_length || rope % 2 != 0)
    {
        let reason =
            format!("is {rope}; must be even and at most {head_length}, the length of a head");
        return Err(metadata.malformed(&key("rope.dimension_count"), reason));
    }
    check_shapes(architecture, &sizes, tokens, tensors)
}

impl Sizes {
    fn head_length(&self) -> Option<u32> {
        match (self.key_length, self.embedding, self.heads) {
            (Some(length), _, _) => Some(length),
            (None, Some(embedding), Some(heads @ 1..)) => Some(embedding / heads),
            _ => None,
        }
    }
}

/// The shapes that follow from the hyper-parameters.
fn check_shapes(
    architecture: &str,
    sizes: &Sizes,
    tokens: Option<usize>,
    tensors: &[TensorInfo],
) -> Result<()> {
    let plain = PLAIN.contains(&architecture);
    let size = |size: Option<u32>| size.map(|size| size as usize);
    let times = |a: Option<u32>, b: Option<u32>| Some(a? as usize * b? as usize);
    let key = sizes.head_length();
    let value = sizes.value_length.or(key);
    let kv_heads = sizes.kv_heads.or(sizes.heads);
    let embedding = size(sizes.embedding);
    let feed_forward = size(sizes.feed_forward);
    for tensor in tensors {
        let check = |expected: &[Option<usize>]| {
            let agrees = |(axis, size): (usize, &Option<usize>)| {
                size.is_none_or(|size| tensor.dims.get(axis) == Some(&size))
            };
            if tensor.dims.len() == expected.len() && expected.iter().enumerate().all(agrees) {
                return Ok(());
            }
            let expected: Vec<String> = expected
                .iter()
                .map(|size| size.map_or("any".to_owned(), |size| size.to_string()))
                .collect();
            let field = format!("dims of tensor {}", label(&tensor.name));
            let reason = format!("are {:?}; must be [{}]", tensor.dims, expected.join(", "));
            Err(malformed(tensor.described_at, field, reason))
        };
        if tensor.name == "token_embd.weight" {
            check(&[embedding, tokens])?;
            continue;
        }
        let Some((layer, part)) = tensor
            .name
            .strip_prefix("blk.")
            .and_then(|rest| rest.split_once('.'))
        else {
            match tensor.name.as_str() {
                "output.weight" if plain => check(&[embedding, tokens])?,
                "output_norm.weight" if plain => check(&[embedding])?,
                _ => {}
            }
            continue;
        };
        let index: Option<u32> = layer.parse().ok();
        if index.is_none() || index.zip(sizes.layers).is_some_and(|(i, n)| i >= n) {
            let field = format!("name of tensor {}", label(&tensor.name));
            let reason = match sizes.layers {
                Some(layers) => format!("there are only {layers} layers"),
                None => "does not number its layer".to_owned(),
            };
            return Err(malformed(tensor.described_at, field, reason));
        }
        if !plain {
            continue;
        }
        match part {
            "attn_norm.weight" | "ffn_norm.weight" => check(&[embedding])?,
            "attn_q.weight" => check(&[embedding, times(sizes.heads, key)])?,
            "attn_k.weight" => check(&[embedding, times(kv_heads, key)])?,
            "attn_v.weight" => check(&[embedding, times(kv_heads, value)])?,
            "attn_q.bias" => check(&[times(sizes.heads, key)])?,
            "attn_k.bias" => check(&[times(kv_heads, key)])?,
            "attn_v.bias" => check(&[times(kv_heads, value)])?,
            "attn_q_norm.weight" | "attn_k_norm.weight" => check(&[size(key)])?,
            "attn_output.weight" => check(&[times(sizes.heads, value), embedding])?,
            "ffn_gate.weight" | "ffn_up.weight" => check(&[embedding, feed_forward])?,
            "ffn_down.weight" => check(&[feed_forward, embedding])?,
            _ => {}
        }
    }
    Ok(())
}
