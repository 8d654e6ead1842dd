//! What the two containers tell: a GGUF file has everything in its header, a folder has a file for each thing.

use std::{collections::BTreeMap, path::Path};

use super::{Facts, TensorFact, TokenizerUse};
use crate::{
    Error, Result,
    chat_template::ChatTemplate,
    gguf::{TensorType, ValidatedGguf},
    safetensors::ValidatedSafetensors,
    tokenizer::Tokenizer,
};

pub(super) fn read_gguf(path: &Path) -> Result<Facts> {
    let (gguf, problems) = ValidatedGguf::open_with_problems(path)?;
    let mut problems: Vec<Error> = problems.iter().map(|p| gguf.error_of(p)).collect();
    let metadata = gguf.metadata();
    let text = |key: &str| metadata.str(key).ok().flatten().unwrap_or_default();
    let kind = match text("tokenizer.ggml.pre") {
        "" => text("tokenizer.ggml.model").to_owned(),
        pre => format!("{}/{pre}", text("tokenizer.ggml.model")),
    };
    let tokens = metadata.strings("tokenizer.ggml.tokens").ok().flatten();
    let tokenizer = Tokenizer::from_gguf(&gguf);
    let has_chat_template = metadata.contains("tokenizer.chat_template");
    let tokenizer_use = TokenizerUse {
        kind: crate::gguf::label(&kind),
        tokens: tokens.map_or(0, |tokens| tokens.len() as u32),
        is_supported: tokenizer.is_ok(),
    };
    match tokenizer.and_then(|tokenizer| ChatTemplate::from_gguf(&gguf, &tokenizer)) {
        Ok(_) => {}
        Err(error) => problems.push(error),
    }
    if !has_chat_template && !problems.contains(&Error::NoChatTemplate) {
        problems.push(Error::NoChatTemplate);
    }
    Ok(Facts {
        container: "gguf",
        files: gguf.parts().iter().map(|part| part.path.clone()).collect(),
        file_bytes: gguf.file_bytes(),
        name: gguf.name()?,
        architecture: gguf.architecture().to_owned(),
        quantization: gguf.quantization()?.to_owned(),
        metadata: metadata.clone(),
        tensors: gguf
            .tensors()
            .iter()
            .map(|tensor| TensorFact {
                name: tensor.name.clone(),
                tensor_type: tensor.tensor_type,
                dims: tensor.dims.clone(),
                bytes: tensor.bytes,
            })
            .collect(),
        tokenizer: tokenizer_use,
        has_chat_template,
        problems,
    })
}

const TOKENIZER: &str = "tokenizer.json";
/// Where a folder may have its chat template.
const TEMPLATES: [&str; 2] = ["chat_template.jinja", "chat_template.json"];
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

pub(super) fn read_folder(folder: &Path) -> Result<Facts> {
    let (model, problems) = ValidatedSafetensors::open_with_problems(folder)?;
    let mut problems: Vec<Error> = problems.iter().map(|p| model.error_of(p)).collect();
    let has_tokenizer = folder.join(TOKENIZER).is_file();
    if !has_tokenizer {
        problems.push(Error::UnsupportedTokenizer {
            tokenizer: TOKENIZER.to_owned(),
            reason: "the folder does not have it".to_owned(),
        });
    }
    let in_config = || {
        let config = crate::safetensors::read_object(&folder.join(TOKENIZER_CONFIG));
        config.is_ok_and(|config| config.contains_key("chat_template"))
    };
    let has_file = TEMPLATES.iter().any(|name| folder.join(name).is_file());
    let has_chat_template = has_file || in_config();
    if !has_chat_template {
        problems.push(Error::NoChatTemplate);
    }
    let metadata = model.metadata();
    let vocabulary = format!("{}.vocab_size", model.architecture());
    let tensors: Vec<TensorFact> = model
        .tensors()
        .iter()
        .map(|tensor| TensorFact {
            name: tensor.stored_name.clone(),
            tensor_type: tensor.tensor_type,
            dims: tensor.dims.clone(),
            bytes: tensor.bytes(),
        })
        .collect();
    Ok(Facts {
        container: "safetensors",
        files: model
            .shards()
            .iter()
            .map(|shard| shard.path.clone())
            .collect(),
        file_bytes: model.file_bytes(),
        name: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        architecture: model.architecture().to_owned(),
        quantization: most_bytes(&tensors).to_owned(),
        metadata: metadata.clone(),
        tensors,
        tokenizer: TokenizerUse {
            kind: TOKENIZER.to_owned(),
            tokens: metadata.u32(&vocabulary)?.unwrap_or_default(),
            is_supported: has_tokenizer,
        },
        has_chat_template,
        problems,
    })
}

/// The type that takes the most bytes.
fn most_bytes(tensors: &[TensorFact]) -> &'static str {
    let mut bytes = BTreeMap::<TensorType, u64>::new();
    for tensor in tensors {
        *bytes.entry(tensor.tensor_type).or_default() += tensor.bytes;
    }
    let most = bytes.iter().max_by_key(|(_, bytes)| **bytes);
    most.map_or("unknown", |(tensor_type, _)| tensor_type.name())
}
