//! The chat template of a model folder as the Hub ships it: a file of its own, or a field of `tokenizer_config.json`,
//! where it may be one of several by name.

use std::path::Path;

use serde::Deserialize;

use super::ChatTemplate;
use crate::{
    Error, Result,
    tokenizer::{Tokenizer, read_json},
};

#[derive(Deserialize)]
struct Config {
    chat_template: Option<Templates>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

impl ChatTemplate {
    /// The template of a model folder.
    pub fn from_hub_folder(folder: &Path, tokenizer: &Tokenizer) -> Result<Self> {
        let text = |name: &str| match std::fs::read_to_string(folder.join(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            text => text
                .map(Some)
                .map_err(|error| Error::read(&folder.join(name), &error)),
        };
        let (mut template, mut with_tools) = (
            text("chat_template.jinja")?,
            text("additional_chat_templates/tool_use.jinja")?,
        );
        for name in ["chat_template.json", "tokenizer_config.json"] {
            let config: Option<Config> = match template {
                None => read_json(&folder.join(name))?,
                Some(_) => None,
            };
            match config.and_then(|config| config.chat_template) {
                Some(Templates::One(source)) => template = Some(source),
                Some(Templates::Named(all)) => {
                    for Named {
                        name,
                        template: source,
                    } in all
                    {
                        match name.as_str() {
                            "default" => template = Some(source),
                            "tool_use" => with_tools = Some(source),
                            _ => {}
                        }
                    }
                }
                None => {}
            }
        }
        let template = template.ok_or(Error::NoChatTemplate)?;
        Self::new(&template, with_tools.as_deref(), tokenizer)
    }
}
