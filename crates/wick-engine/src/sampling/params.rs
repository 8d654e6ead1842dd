//! How tokens are chosen, as the application asks for it.

use serde::{Deserialize, Serialize};

/// Sampling parameters, by the names the field uses. Transforms that are off cost nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct SamplingParams {
    /// 0 always takes the most likely token; at most 2.
    pub temperature: f32,
    /// Only the k most likely tokens; 0 is off.
    pub top_k: u32,
    /// Only the most likely tokens that together reach this probability; 1 is off.
    pub top_p: f32,
    /// Only tokens at least this likely, relative to the likeliest; 0 is off.
    pub min_p: f32,
    /// Divides the logits of recent tokens; 1 is off; at most 2.
    pub repetition_penalty: f32,
    /// The same seed gives the same text; `None` takes a new one each time.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub seed: Option<u32>,
}

impl Default for SamplingParams {
    /// What small instruct models do well with.
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repetition_penalty: 1.0,
            seed: None,
        }
    }
}

impl SamplingParams {
    /// Whether every value is a number in its range.
    pub fn validate(&self) -> crate::Result<()> {
        let check = |parameter: &str, value: f32, low: f32, high: f32| match (low..=high)
            .contains(&value)
        {
            true => Ok(()),
            false => Err(crate::Error::InvalidSampling {
                parameter: parameter.into(),
                value: value.to_string(),
                range: format!("{low} to {high}"),
            }),
        };
        check("temperature", self.temperature, 0.0, 2.0)?;
        check("top-p", self.top_p, 0.0, 1.0)?;
        check("min-p", self.min_p, 0.0, 1.0)?;
        check("repetition penalty", self.repetition_penalty, 0.5, 2.0)?;
        check("top-k", self.top_k as f32, 0.0, 100_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_and_no_numbers_are_refused() {
        for params in [
            SamplingParams {
                temperature: -0.1,
                ..Default::default()
            },
            SamplingParams {
                temperature: f32::NAN,
                ..Default::default()
            },
            SamplingParams {
                top_p: 1.1,
                ..Default::default()
            },
            SamplingParams {
                min_p: f32::INFINITY,
                ..Default::default()
            },
            SamplingParams {
                repetition_penalty: 0.0,
                ..Default::default()
            },
            SamplingParams {
                top_k: u32::MAX,
                ..Default::default()
            },
        ] {
            assert!(
                matches!(params.validate(), Err(crate::Error::InvalidSampling { .. })),
                "{params:?}"
            );
        }
        assert_eq!(SamplingParams::default().validate(), Ok(()));
    }
}
