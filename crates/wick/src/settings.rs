//! What the user may change, its ranges, and one patch for all of it.

use serde::{Deserialize, Deserializer, Serialize};
use wick_engine::{process::protocol::CacheType, sampling::SamplingParams};
use wick_hub::{Endpoint, Proxy};

use crate::{Error, Result, recommend::Preferences};

/// Colours of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum Theme {
    /// What the system uses.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Everything the user may change. Unknown fields of a newer Wick are ignored, missing ones take their default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct Settings {
    /// Colours of the window.
    pub theme: Theme,
    /// The model new replies come from; `None` until one is chosen.
    pub model_id: Option<String>,
    /// How tokens are chosen.
    pub sampling: SamplingParams,
    /// Instructions before every chat; empty is none.
    pub system_prompt: String,
    /// Most tokens of a reply; `None` is until the model ends its turn.
    pub max_tokens: Option<u32>,
    /// Tokens of context; `None` leaves it to Wick.
    pub context_length: Option<u32>,
    /// Threads to compute with; `None` leaves it to Wick.
    pub threads: Option<u32>,
    /// How keys and values are kept while a model reads and writes.
    pub cache_type: CacheType,
    /// What recommendations are made by.
    pub preferences: Preferences,
    /// Address of the Hub or of a mirror; `None` is `HF_ENDPOINT`, else the Hub.
    pub hub_endpoint: Option<String>,
    /// The way to the network: `None` is the system's, an empty text is straight, else a proxy's address.
    pub proxy: Option<String>,
    /// Most bytes that downloads may take in a second, all together; `None` is no limit.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub download_limit_bytes_per_second: Option<u64>,
}

/// A change to [`Settings`]: what is absent stays, `null` clears what can be empty.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Settings")]
pub struct SettingsPatch {
    pub theme: Option<Theme>,
    #[serde(deserialize_with = "present")]
    pub model_id: Option<Option<String>>,
    pub sampling: Option<SamplingParams>,
    pub system_prompt: Option<String>,
    #[serde(deserialize_with = "present")]
    pub max_tokens: Option<Option<u32>>,
    #[serde(deserialize_with = "present")]
    pub context_length: Option<Option<u32>>,
    #[serde(deserialize_with = "present")]
    pub threads: Option<Option<u32>>,
    pub cache_type: Option<CacheType>,
    pub preferences: Option<Preferences>,
    #[serde(deserialize_with = "present")]
    pub hub_endpoint: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub proxy: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub download_limit_bytes_per_second: Option<Option<u64>>,
}

/// Tells an absent field (`None`) from a null one (`Some(None)`).
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Slower than this, servers hang up.
const LEAST_DOWNLOAD_LIMIT: u64 = 16 << 10;
/// Most languages and licences in the wishes, and the longest of their names.
const MOST_WISHES: usize = 64;
const LONGEST_WISH: usize = 64;

/// Longest system prompt: far beyond any context, and small on disk.
const MAX_SYSTEM_PROMPT_BYTES: usize = 256 << 10;

impl Settings {
    /// These settings with `patch` applied, if every value is in its range.
    pub fn patched(&self, patch: SettingsPatch) -> Result<Self> {
        let old = self.clone();
        let new = Self {
            theme: patch.theme.unwrap_or(old.theme),
            model_id: patch.model_id.unwrap_or(old.model_id),
            sampling: patch.sampling.unwrap_or(old.sampling),
            system_prompt: patch.system_prompt.unwrap_or(old.system_prompt),
            max_tokens: patch.max_tokens.unwrap_or(old.max_tokens),
            context_length: patch.context_length.unwrap_or(old.context_length),
            threads: patch.threads.unwrap_or(old.threads),
            cache_type: patch.cache_type.unwrap_or(old.cache_type),
            preferences: patch.preferences.unwrap_or(old.preferences),
            hub_endpoint: patch.hub_endpoint.unwrap_or(old.hub_endpoint),
            proxy: patch.proxy.unwrap_or(old.proxy),
            download_limit_bytes_per_second: patch
                .download_limit_bytes_per_second
                .unwrap_or(old.download_limit_bytes_per_second),
        };
        new.validate()?;
        Ok(new)
    }

    fn validate(&self) -> Result<()> {
        self.sampling.validate()?;
        check(
            "the system prompt",
            self.system_prompt.len() <= MAX_SYSTEM_PROMPT_BYTES,
            || format!("{} bytes", self.system_prompt.len()),
            "at most 262,144 bytes",
        )?;
        let (tokens, context, threads) = (self.max_tokens, self.context_length, self.threads);
        check(
            "the longest reply",
            tokens.is_none_or(|n| (1..=1 << 20).contains(&n)),
            || format!("{tokens:?}"),
            "1 to 1,048,576 tokens",
        )?;
        check(
            "the context length",
            context.is_none_or(|n| (256..=1 << 20).contains(&n)),
            || format!("{context:?}"),
            "256 to 1,048,576 tokens",
        )?;
        check(
            "the number of threads",
            threads.is_none_or(|n| (1..=512).contains(&n)),
            || format!("{threads:?}"),
            "1 to 512",
        )?;
        self.validate_network()?;
        let Preferences {
            languages,
            licences,
            context_length,
            ..
        } = &self.preferences;
        let texts = || languages.iter().chain(licences);
        check(
            "the list of wishes",
            texts().count() <= MOST_WISHES && texts().all(|text| text.len() <= LONGEST_WISH),
            || format!("{} languages and licences", texts().count()),
            "at most 64 short names",
        )?;
        check(
            "the wished context length",
            (256..=1 << 20).contains(context_length),
            || context_length.to_string(),
            "256 to 1,048,576 tokens",
        )
    }

    fn validate_network(&self) -> Result<()> {
        if let Some(endpoint) = &self.hub_endpoint {
            let is_endpoint = endpoint.parse::<Endpoint>().is_ok();
            check(
                "the Hub's address",
                is_endpoint,
                || endpoint.chars().take(100).collect(),
                "an address that begins with https://",
            )?;
        }
        if let Some(proxy) = &self.proxy {
            // It may hold a password, so it is not said again.
            let value = || "another text".to_owned();
            let range = "http://, https:// or socks5:// and a host";
            check("the proxy", proxy.parse::<Proxy>().is_ok(), value, range)?;
        }
        let limit = self.download_limit_bytes_per_second;
        check(
            "the download limit",
            limit.is_none_or(|limit| (LEAST_DOWNLOAD_LIMIT..=1 << 40).contains(&limit)),
            || format!("{limit:?}"),
            "at least 16,384 bytes a second",
        )
    }
}

fn check(
    setting: &'static str,
    holds: bool,
    value: impl FnOnce() -> String,
    range: &'static str,
) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::InvalidSetting {
            setting,
            value: value(),
            range,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(json: &str) -> SettingsPatch {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_absent_stays_and_null_clears() {
        let settings = Settings {
            threads: Some(4),
            max_tokens: Some(100),
            ..Settings::default()
        };
        let patched = settings.patched(patch(r#"{"threads":null,"theme":"dark"}"#));
        let patched = patched.unwrap();
        assert_eq!(patched.threads, None);
        assert_eq!(patched.max_tokens, Some(100));
        assert_eq!(patched.theme, Theme::Dark);
    }

    #[test]
    fn a_value_out_of_range_changes_nothing() {
        for json in [
            r#"{"threads":0}"#,
            r#"{"contextLength":16}"#,
            r#"{"maxTokens":0}"#,
            r#"{"sampling":{"temperature":-1}}"#,
            r#"{"hubEndpoint":"http://mirror.example"}"#,
            r#"{"hubEndpoint":"file:///etc/passwd"}"#,
            r#"{"proxy":"not a proxy"}"#,
            r#"{"downloadLimitBytesPerSecond":1}"#,
            r#"{"preferences":{"contextLength":1}}"#,
        ] {
            let error = Settings::default().patched(patch(json)).unwrap_err();
            assert_eq!(error.code(), crate::ErrorCode::InvalidSettings, "{json}");
        }
    }

    #[test]
    fn settings_of_another_version_still_load() {
        let settings: Settings =
            serde_json::from_str(r#"{"theme":"light","somethingNew":1}"#).unwrap();
        assert_eq!(settings.theme, Theme::Light);
    }
}
