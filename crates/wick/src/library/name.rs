//! What a person calls a model.

use std::path::Path;

use wick_engine::process::protocol::ModelInfo;

/// What the model is, by the best name there is for it: its file's or folder's, its header's, its architecture's.
pub(crate) fn inspect(source: &Path) -> wick_engine::Result<ModelInfo> {
    inspect_as(source, source)
}

/// As [`inspect`], of a file that people know by another name.
pub(crate) fn inspect_as(source: &Path, label: &Path) -> wick_engine::Result<ModelInfo> {
    let mut info = wick_engine::inspect(source)?;
    if let Some(name) = name_from_file(label) {
        info.name = name;
    } else if source.is_dir() || info.name.is_empty() {
        info.name.clone_from(&info.architecture);
    }
    Ok(info)
}

/// A readable name from a file's: `SmolLM2-135M-Instruct.Q4_1.gguf` → `SmolLM2 135M Instruct`. Headers are full of
/// names that only a training run knew. None for one whose name is a hash or says nothing.
fn name_from_file(source: &Path) -> Option<String> {
    let name = source.file_name()?.to_string_lossy();
    let stem = name.strip_suffix(".gguf").unwrap_or(&name);
    let stem = without_part_number(stem);
    let says_nothing = |text: &str| {
        text.len() < 3
            || text == "model"
            || (text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let parts: Vec<&str> = stem.split(['-', '_', '.', ' ']).collect();
    let is_quantization = |part: &str| {
        let upper = part.to_uppercase();
        let rest = upper.strip_prefix("IQ").or_else(|| upper.strip_prefix('Q'));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            || ["F16", "F32", "BF16", "FP16", "MXFP4"].contains(&upper.as_str())
    };
    // Everything from the quantization on is not the name; dots inside it are versions (0.6B).
    let end = parts
        .iter()
        .skip(1)
        .position(|part| is_quantization(part))
        .map_or(stem.len(), |n| {
            parts[..=n].iter().map(|part| part.len() + 1).sum::<usize>() - 1
        });
    let name = stem[..end].replace(['-', '_'], " ");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    (!says_nothing(&name)).then_some(name)
}

/// `name-00001-of-00003` → `name`.
fn without_part_number(stem: &str) -> &str {
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    match stem.rsplit_once("-of-") {
        Some((rest, count)) if digits(count) => match rest.rsplit_once('-') {
            Some((name, number)) if digits(number) => name,
            _ => stem,
        },
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_a_person_calls_the_model() {
        for (file, name) in [
            (
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                Some("SmolLM2 135M Instruct"),
            ),
            ("Qwen3-0.6B-Q8_0.gguf", Some("Qwen3 0.6B")),
            ("phi_4_mini-q4_k_m.gguf", Some("phi 4 mini")),
            ("Qwen3-1.7B.gguf", Some("Qwen3 1.7B")),
            ("Qwen3-1.7B", Some("Qwen3 1.7B")),
            ("Qwen3-1.7B-00001-of-00002.gguf", Some("Qwen3 1.7B")),
            ("Qwen3-8B-Q4_K_M-00002-of-00003.gguf", Some("Qwen3 8B")),
            ("model.gguf", None),
            ("b179c9523d0e6a0f98a330c7562b682750a6f8c8.gguf", None),
        ] {
            assert_eq!(name_from_file(Path::new(file)).as_deref(), name, "{file}");
        }
    }
}
