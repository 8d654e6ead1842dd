//! What the two containers tell: a GGUF file has everything in its header, a folder has a file for each thing.

use std::path::Path;

use super::{Facts, TensorFact, TokenizerUse};
use crate::{
    Error, Result,
    chat_template::ChatTemplate,
    estimate::ModelShape,
    gguf::{ValidatedGguf, cross_check::TensorProblem},
    safetensors::ValidatedSafetensors,
    tokenizer::Tokenizer,
};

pub(super) fn read_gguf(path: &Path) -> Result<Facts> {
    let (gguf, problems) = ValidatedGguf::open_with_problems(path)?;
    facts_of_gguf(&gguf, problems)
}

pub(super) fn facts_of_gguf(gguf: &ValidatedGguf, problems: Vec<TensorProblem>) -> Result<Facts> {
    let mut problems: Vec<Error> = problems.iter().map(|p| gguf.error_of(p)).collect();
    let metadata = gguf.metadata();
    let text = |key: &str| metadata.str(key).ok().flatten().unwrap_or_default();
    let kind = match text("tokenizer.ggml.pre") {
        "" => text("tokenizer.ggml.model").to_owned(),
        pre => format!("{}/{pre}", text("tokenizer.ggml.model")),
    };
    let tokens = metadata.strings("tokenizer.ggml.tokens").ok().flatten();
    let tokenizer = Tokenizer::from_gguf(gguf);
    let has_chat_template = metadata.contains("tokenizer.chat_template");
    let tokenizer_use = TokenizerUse {
        kind: crate::gguf::label(&kind),
        tokens: tokens.map_or(0, |tokens| tokens.len() as u32),
        is_supported: tokenizer.is_ok(),
    };
    match tokenizer.and_then(|tokenizer| ChatTemplate::from_gguf(gguf, &tokenizer)) {
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
        shape: ModelShape::of_gguf(gguf),
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

pub(super) fn read_folder(folder: &Path) -> Result<Facts> {
    let (model, problems) = ValidatedSafetensors::open_with_problems(folder)?;
    let mut problems: Vec<Error> = problems.iter().map(|p| model.error_of(p)).collect();
    let tokenizer = Tokenizer::from_hub_folder(folder);
    let is_supported = tokenizer.is_ok();
    let template = tokenizer.and_then(|t| ChatTemplate::from_hub_folder(folder, &t).map(|_| ()));
    problems.extend(template.err());
    let has_chat_template = model.has_chat_template();
    if !has_chat_template && !problems.contains(&Error::NoChatTemplate) {
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
        name: model.name(),
        architecture: model.architecture().to_owned(),
        quantization: model.quantization().to_owned(),
        shape: ModelShape::of_folder(&model),
        metadata: metadata.clone(),
        tensors,
        tokenizer: TokenizerUse {
            kind: "tokenizer.json".to_owned(),
            tokens: metadata.u32(&vocabulary)?.unwrap_or_default(),
            is_supported,
        },
        has_chat_template,
        problems,
    })
}
