//! A model as a person wants to see it, from the header alone.

use std::collections::BTreeMap;

use super::{TensorInfo, TensorType, ValidatedGguf, malformed, tensor_type};
use crate::{
    Result,
    process::protocol::{LoadOptions, ModelInfo},
};

/// Longest name of a model, in characters.
const MAX_MODEL_NAME: usize = 200;

impl ValidatedGguf {
    /// The model as a person wants to see it. `name` is empty where the file gives none.
    pub fn model_info(&self) -> Result<ModelInfo> {
        let metadata = &self.metadata;
        let context_key = format!("{}.context_length", self.architecture);
        let trained_context_length = metadata
            .u32(&context_key)?
            .ok_or_else(|| malformed(self.data_offset(), context_key, "is missing"))?;
        Ok(ModelInfo {
            name: self.name()?,
            architecture: self.architecture.clone(),
            quantization: self.quantization()?.to_owned(),
            parameters: self.tensors.iter().map(TensorInfo::elements).sum(),
            trained_context_length,
            context_length: trained_context_length.min(LoadOptions::DEFAULT_CONTEXT_LENGTH),
            has_chat_template: metadata.str("tokenizer.chat_template")?.is_some(),
        })
    }

    /// What the header calls the model, fit to be shown; empty where it does not.
    pub(crate) fn name(&self) -> Result<String> {
        let name = self.metadata.str("general.name")?;
        Ok(clean_name(name.unwrap_or_default()))
    }

    /// The type of the weights: as the header names it if tensors of that type are there, else the type that
    /// takes the most bytes.
    pub(crate) fn quantization(&self) -> Result<&'static str> {
        let mut bytes = BTreeMap::<TensorType, u64>::new();
        for tensor in &self.tensors {
            *bytes.entry(tensor.tensor_type).or_default() += tensor.bytes;
        }
        // A file may have been made from another whose header it kept.
        let is_there = |name: &&str| {
            let found = |tensor_type: &TensorType| is_named_after(name, tensor_type.name());
            bytes.keys().any(found)
        };
        let file_type = self.metadata.u32("general.file_type")?;
        if let Some(name) = file_type
            .and_then(tensor_type::file_type_name)
            .filter(is_there)
        {
            return Ok(name);
        }
        let most = bytes.iter().max_by_key(|(_, bytes)| **bytes);
        Ok(most.map_or("unknown", |(tensor_type, _)| tensor_type.name()))
    }
}

/// Whether a kind of file is named after a type of tensor: `Q4_K_M` is after `Q4_K`. The mixes of `IQ2` and `IQ3`
/// are named in a way of their own.
fn is_named_after(file: &str, tensor: &str) -> bool {
    let suffixes = ["_S", "_M", "_L", "_MOE"];
    let mut suffixes = suffixes
        .iter()
        .filter_map(|suffix| file.strip_suffix(suffix));
    match file {
        "IQ2_S" | "IQ2_M" => matches!(tensor, "IQ2_S" | "IQ2_XS"),
        "IQ3_XS" | "IQ3_S" | "IQ3_M" => matches!(tensor, "IQ3_S" | "IQ3_XXS"),
        _ => file == tensor || suffixes.any(|stem| stem == tensor),
    }
}

/// A name fit to be shown: one line, no characters that hide or reorder others, not too long.
pub(crate) fn clean_name(name: &str) -> String {
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = name
        .chars()
        .filter(|c| !hidden(c))
        .take(MAX_MODEL_NAME)
        .collect();
    name.trim().to_owned()
}
