//! How tokens are chosen, as flags.

use clap::Args;
use wick_engine::sampling::SamplingParams;

/// A flag for each sampling parameter. What is absent is as everywhere in Wick.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sampling")]
pub struct SamplingOptions {
    /// 0 always takes the most likely token
    #[arg(long)]
    temperature: Option<f32>,
    /// How far the temperature moves with how sure the model is; 0 is off
    #[arg(long, value_name = "RANGE")]
    dynamic_temperature_range: Option<f32>,
    /// Bends the way from the lowest to the highest temperature; 1 is straight
    #[arg(long, value_name = "EXPONENT")]
    dynamic_temperature_exponent: Option<f32>,
    /// Only the k most likely tokens; 0 is off
    #[arg(long)]
    top_k: Option<u32>,
    /// Only the most likely tokens that together reach this probability; 1 is off
    #[arg(long)]
    top_p: Option<f32>,
    /// Only tokens at least this likely, relative to the likeliest; 0 is off
    #[arg(long)]
    min_p: Option<f32>,
    /// Only the tokens of the most expected surprise that together reach this probability; 1 is off
    #[arg(long)]
    typical_p: Option<f32>,
    /// How often the likeliest tokens are left out; 0 is off
    #[arg(long, value_name = "PROBABILITY")]
    xtc_probability: Option<f32>,
    /// How likely a token must be to be left out by XTC
    #[arg(long, value_name = "PROBABILITY")]
    xtc_threshold: Option<f32>,
    /// The surprise in bits that mirostat 2 keeps to, instead of what else cuts; 0 is off
    #[arg(long, value_name = "BITS")]
    mirostat_tau: Option<f32>,
    /// How fast mirostat 2 corrects itself
    #[arg(long, value_name = "RATE")]
    mirostat_eta: Option<f32>,
    /// Divides the logits of recent tokens; 1 is off
    #[arg(long, value_name = "FACTOR")]
    repetition_penalty: Option<f32>,
    /// Taken from the logit of each recent token once; 0 is off
    #[arg(long, value_name = "PENALTY", allow_negative_numbers = true)]
    presence_penalty: Option<f32>,
    /// Taken from the logit of each recent token as often as it occurred; 0 is off
    #[arg(long, value_name = "PENALTY", allow_negative_numbers = true)]
    frequency_penalty: Option<f32>,
    /// How many of the last tokens are recent to the penalties; 0 is all
    #[arg(long, value_name = "TOKENS")]
    penalty_last_n: Option<u32>,
    /// Strength of the penalty on continued repetition (DRY); 0 is off
    #[arg(long, value_name = "FACTOR")]
    dry_multiplier: Option<f32>,
    /// DRY's penalty grows by this factor with each repeated token
    #[arg(long, value_name = "FACTOR")]
    dry_base: Option<f32>,
    /// Repetitions shorter than this are free of DRY's penalty
    #[arg(long, value_name = "TOKENS")]
    dry_allowed_length: Option<u32>,
    /// How many of the last tokens DRY looks at; 0 is all
    #[arg(long, value_name = "TOKENS")]
    dry_last_n: Option<u32>,
    /// A text across which DRY sees no repetition; can be given again
    #[arg(long = "dry-breaker", value_name = "TEXT")]
    dry_breakers: Vec<String>,
    /// Added to the logit of a token, -100 to 100, -100 bans it; can be given again
    #[arg(long, value_name = "TOKEN=BIAS", value_parser = bias)]
    logit_bias: Vec<(u32, f32)>,
    /// The same seed gives the same text again
    #[arg(long)]
    seed: Option<u32>,
}

impl SamplingOptions {
    /// The parameters, not yet validated.
    pub fn params(&self) -> SamplingParams {
        let usual = SamplingParams::default();
        macro_rules! params {
            ($($name:ident)*) => {
                SamplingParams {
                    $($name: self.$name.unwrap_or(usual.$name),)*
                    dry_breakers: match self.dry_breakers.is_empty() {
                        true => usual.dry_breakers,
                        false => self.dry_breakers.clone(),
                    },
                    logit_bias: self.logit_bias.clone(),
                    seed: self.seed,
                }
            };
        }
        params! {
            temperature dynamic_temperature_range dynamic_temperature_exponent
            top_k top_p min_p typical_p xtc_probability xtc_threshold mirostat_tau mirostat_eta
            repetition_penalty presence_penalty frequency_penalty penalty_last_n
            dry_multiplier dry_base dry_allowed_length dry_last_n
        }
    }
}

fn bias(text: &str) -> Result<(u32, f32), &'static str> {
    let parsed = text
        .split_once('=')
        .and_then(|(token, bias)| Some((token.parse().ok()?, bias.parse().ok()?)));
    parsed.ok_or("a token's number, =, and a number")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        sampling: SamplingOptions,
    }

    fn params(line: &str) -> Result<SamplingParams, clap::Error> {
        let line = Line::try_parse_from(line.split(' '))?;
        Ok(line.sampling.params())
    }

    #[test]
    fn what_is_absent_is_as_everywhere() {
        assert_eq!(params("wick").unwrap(), SamplingParams::default());
    }

    #[test]
    fn flags_become_parameters() {
        let parsed = params(
            "wick --temperature 0.5 --presence-penalty -1 --dry-multiplier 0.8 --dry-breaker . --dry-breaker ; \
             --logit-bias 5=-100 --logit-bias 6=1.5 --seed 9",
        );
        assert_eq!(
            parsed.unwrap(),
            SamplingParams {
                temperature: 0.5,
                presence_penalty: -1.0,
                dry_multiplier: 0.8,
                dry_breakers: vec![".".into(), ";".into()],
                logit_bias: vec![(5, -100.0), (6, 1.5)],
                seed: Some(9),
                ..Default::default()
            }
        );
    }

    #[test]
    fn a_bias_of_no_token_or_no_number_is_refused() {
        for wrong in ["x=1", "5", "5=", "-1=2", "5=a"] {
            assert!(
                params(&format!("wick --logit-bias {wrong}")).is_err(),
                "{wrong}"
            );
        }
    }
}
