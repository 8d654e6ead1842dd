//! How tokens are chosen, as the application asks for it.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Most tokens with a bias.
const MAX_BIASES: usize = 1024;
/// Most sequence breakers, and the bytes of the longest.
const MAX_BREAKERS: usize = 64;
const MAX_BREAKER_BYTES: usize = 64;

/// Sampling parameters, by the names the field uses. Transforms that are off cost nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct SamplingParams {
    /// 0 always takes the most likely token; at most 2.
    pub temperature: f32,
    /// How far the temperature moves down where the model is sure and up where it is not; 0 is off; at most 2.
    pub dynamic_temperature_range: f32,
    /// Bends the way from the lowest to the highest temperature; 1 is straight; above 0, at most 10.
    pub dynamic_temperature_exponent: f32,
    /// Only the k most likely tokens; 0 is off.
    pub top_k: u32,
    /// Only the most likely tokens that together reach this probability; 1 is off.
    pub top_p: f32,
    /// Only tokens at least this likely, relative to the likeliest; 0 is off.
    pub min_p: f32,
    /// Only the tokens of the most expected surprise that together reach this probability; 1 is off.
    pub typical_p: f32,
    /// How often the likeliest tokens are left out (XTC); 0 is off, 1 is always.
    pub xtc_probability: f32,
    /// Of the tokens at least this likely, XTC leaves the least likely one only; above 0.5 it does nothing.
    pub xtc_threshold: f32,
    /// The surprise in bits that mirostat 2 keeps to, instead of top-k, top-p, min-p, typical-p and XTC; 0 is off;
    /// at most 20.
    pub mirostat_tau: f32,
    /// How fast mirostat 2 corrects itself; at most 1.
    pub mirostat_eta: f32,
    /// Divides the logits of recent tokens; 1 is off; 0.5 to 2.
    pub repetition_penalty: f32,
    /// Taken from the logit of each recent token once; 0 is off; -2 to 2.
    pub presence_penalty: f32,
    /// Taken from the logit of each recent token as often as it occurred; 0 is off; -2 to 2.
    pub frequency_penalty: f32,
    /// How many of the last tokens are recent to the three penalties; 0 is all.
    pub penalty_last_n: u32,
    /// Strength of the penalty (DRY) on tokens that would continue a repeated sequence; 0 is off; at most 10.
    pub dry_multiplier: f32,
    /// The penalty grows by this factor with each repeated token; 1 to 4.
    pub dry_base: f32,
    /// Repetitions shorter than this are free; 1 to 1000.
    pub dry_allowed_length: u32,
    /// How many of the last tokens DRY looks at; 0 is all.
    pub dry_last_n: u32,
    /// Texts across which DRY sees no repetition.
    pub dry_breakers: Vec<String>,
    /// Tokens and what is added to their logits, -100 to 100; -100 bans the token.
    pub logit_bias: Vec<(u32, f32)>,
    /// The same seed gives the same text; `None` takes a new one each time.
    #[cfg_attr(feature = "bindings", ts(type = "number | null"))]
    pub seed: Option<u32>,
}

impl Default for SamplingParams {
    /// What small instruct models do well with.
    fn default() -> Self {
        Self {
            temperature: 0.7,
            dynamic_temperature_range: 0.0,
            dynamic_temperature_exponent: 1.0,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            typical_p: 1.0,
            xtc_probability: 0.0,
            xtc_threshold: 0.1,
            mirostat_tau: 0.0,
            mirostat_eta: 0.1,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            penalty_last_n: 64,
            dry_multiplier: 0.0,
            dry_base: 1.75,
            dry_allowed_length: 2,
            dry_last_n: 0,
            dry_breakers: ["\n", ":", "\"", "*"].map(str::to_owned).to_vec(),
            logit_bias: Vec::new(),
            seed: None,
        }
    }
}

impl SamplingParams {
    /// Whether every value is a number in its range.
    pub fn validate(&self) -> Result<()> {
        for (parameter, value, low, high) in [
            ("temperature", self.temperature, 0.0, 2.0),
            (
                "dynamic temperature range",
                self.dynamic_temperature_range,
                0.0,
                2.0,
            ),
            (
                "dynamic temperature exponent",
                self.dynamic_temperature_exponent,
                0.01,
                10.0,
            ),
            ("top-k", self.top_k as f32, 0.0, 100_000.0),
            ("top-p", self.top_p, 0.0, 1.0),
            ("min-p", self.min_p, 0.0, 1.0),
            ("typical-p", self.typical_p, 0.0, 1.0),
            ("XTC probability", self.xtc_probability, 0.0, 1.0),
            ("XTC threshold", self.xtc_threshold, 0.0, 1.0),
            ("mirostat tau", self.mirostat_tau, 0.0, 20.0),
            ("mirostat eta", self.mirostat_eta, 0.0, 1.0),
            ("repetition penalty", self.repetition_penalty, 0.5, 2.0),
            ("presence penalty", self.presence_penalty, -2.0, 2.0),
            ("frequency penalty", self.frequency_penalty, -2.0, 2.0),
            ("DRY multiplier", self.dry_multiplier, 0.0, 10.0),
            ("DRY base", self.dry_base, 1.0, 4.0),
            (
                "DRY allowed length",
                self.dry_allowed_length as f32,
                1.0,
                1000.0,
            ),
        ] {
            if !(low..=high).contains(&value) {
                return Err(refused(parameter, value, format!("{low} to {high}")));
            }
        }
        if self.logit_bias.len() > MAX_BIASES {
            let range = format!("of at most {MAX_BIASES} tokens");
            return Err(refused("logit bias", self.logit_bias.len(), range));
        }
        if let Some((token, bias)) = self
            .logit_bias
            .iter()
            .find(|(_, bias)| !(-100.0..=100.0).contains(bias))
        {
            let parameter = format!("the logit bias of token {token}");
            return Err(refused(parameter, bias, "-100 to 100".into()));
        }
        let too_long = |breaker: &String| breaker.is_empty() || breaker.len() > MAX_BREAKER_BYTES;
        if self.dry_breakers.len() > MAX_BREAKERS || self.dry_breakers.iter().any(too_long) {
            let range =
                format!("at most {MAX_BREAKERS} texts of 1 to {MAX_BREAKER_BYTES} bytes each");
            return Err(refused(
                "the list of DRY breakers",
                format!("{} texts", self.dry_breakers.len()),
                range,
            ));
        }
        Ok(())
    }
}

fn refused(parameter: impl Into<String>, value: impl ToString, range: String) -> Error {
    Error::InvalidSampling {
        parameter: parameter.into(),
        value: value.to_string(),
        range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_and_no_numbers_are_refused() {
        let changes: [fn(&mut SamplingParams); 22] = [
            |p| p.temperature = -0.1,
            |p| p.temperature = f32::NAN,
            |p| p.dynamic_temperature_range = 2.1,
            |p| p.dynamic_temperature_exponent = 0.0,
            |p| p.top_k = u32::MAX,
            |p| p.top_p = 1.1,
            |p| p.min_p = f32::INFINITY,
            |p| p.typical_p = -1.0,
            |p| p.xtc_probability = 2.0,
            |p| p.xtc_threshold = f32::NAN,
            |p| p.mirostat_tau = -1.0,
            |p| p.mirostat_eta = 1.5,
            |p| p.repetition_penalty = 0.0,
            |p| p.presence_penalty = 2.5,
            |p| p.frequency_penalty = f32::NEG_INFINITY,
            |p| p.dry_multiplier = -1.0,
            |p| p.dry_base = 0.9,
            |p| p.dry_allowed_length = 0,
            |p| p.dry_breakers = vec![String::new()],
            |p| p.dry_breakers = vec!["\n".into(); 65],
            |p| p.logit_bias = vec![(0, 101.0)],
            |p| p.logit_bias = vec![(0, 1.0); 1025],
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut params = SamplingParams::default();
            change(&mut params);
            assert!(
                matches!(params.validate(), Err(Error::InvalidSampling { .. })),
                "{n}: {params:?}"
            );
        }
        assert_eq!(SamplingParams::default().validate(), Ok(()));
    }

    #[test]
    fn an_error_says_which_what_and_what_may_be() {
        let params = SamplingParams {
            logit_bias: vec![(7, -101.0)],
            ..Default::default()
        };
        assert_eq!(
            params.validate().unwrap_err().to_string(),
            "the logit bias of token 7 is -101; it must be -100 to 100"
        );
    }

    #[test]
    fn parameters_saved_before_there_were_more_still_load() {
        let saved = r#"{"temperature":0.5,"topK":20,"topP":0.9,"minP":0.1,"repetitionPenalty":1.1,"seed":3}"#;
        let params: SamplingParams = serde_json::from_str(saved).unwrap();
        assert_eq!(
            params,
            SamplingParams {
                temperature: 0.5,
                top_k: 20,
                top_p: 0.9,
                min_p: 0.1,
                repetition_penalty: 1.1,
                seed: Some(3),
                ..Default::default()
            }
        );
        let all = SamplingParams {
            logit_bias: vec![(3, -100.0), (1, 2.5)],
            ..params
        };
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<SamplingParams>(&json).unwrap(), all);
    }
}
