//! Fields as a stranger may have filled them: what is of another type is not there.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Characters that hide or reorder others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// A stranger's text, fit to be shown on one line.
pub(super) fn label(text: &str, longest: usize) -> String {
    let text: String = text
        .chars()
        .filter(|c| !is_hidden(*c))
        .take(longest)
        .collect();
    text.trim().to_owned()
}

/// The field, or its default where it is of another type.
pub(super) fn lenient<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned + Default,
    D: Deserializer<'de>,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// A text, or the texts of a list: the Hub has both for licences and languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            _ => None,
        };
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Array(list) => list.into_iter().filter_map(text).collect(),
            value => text(value).into_iter().collect(),
        }))
    }
}
