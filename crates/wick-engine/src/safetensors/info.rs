//! A model folder as a person wants to see it.

use std::collections::BTreeMap;

use super::ValidatedSafetensors;
use crate::{
    Error, Result,
    gguf::{TensorType, clean_name},
    process::protocol::{LoadOptions, ModelInfo},
};

impl ValidatedSafetensors {
    /// The model as a person wants to see it, by the name of its folder.
    pub fn model_info(&self) -> Result<ModelInfo> {
        let key = format!("{}.context_length", self.architecture);
        let trained_context_length = self.metadata.u32(&key)?.ok_or(Error::MissingKey { key })?;
        let elements = |dims: &[usize]| dims.iter().map(|dim| *dim as u64).product::<u64>();
        Ok(ModelInfo {
            name: self.name(),
            architecture: self.architecture.to_owned(),
            quantization: self.quantization().to_owned(),
            parameters: self
                .tensors
                .iter()
                .map(|tensor| elements(&tensor.dims))
                .sum(),
            trained_context_length,
            context_length: trained_context_length.min(LoadOptions::DEFAULT_CONTEXT_LENGTH),
            has_chat_template: self.has_chat_template(),
        })
    }

    /// The folder's name, fit to be shown.
    pub(crate) fn name(&self) -> String {
        clean_name(
            &self
                .folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy(),
        )
    }

    /// The type that takes the most bytes.
    pub(crate) fn quantization(&self) -> &'static str {
        let mut bytes = BTreeMap::<TensorType, u64>::new();
        for tensor in &self.tensors {
            *bytes.entry(tensor.tensor_type).or_default() += tensor.bytes();
        }
        let most = bytes.iter().max_by_key(|(_, bytes)| **bytes);
        most.map_or("unknown", |(tensor_type, _)| tensor_type.name())
    }

    /// Whether the folder has a chat template, in one of the places where it may be.
    pub(crate) fn has_chat_template(&self) -> bool {
        let files = ["chat_template.jinja", "chat_template.json"];
        let in_config = || {
            let config = super::read_object(&self.folder.join("tokenizer_config.json"));
            config.is_ok_and(|config| config.contains_key("chat_template"))
        };
        files.iter().any(|name| self.folder.join(name).is_file()) || in_config()
    }
}
