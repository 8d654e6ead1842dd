//! Rotary angles: their base, and how they are stretched. What GGUF keeps as tensors of factors is made here.

use super::{
    config::unsupported,
    fields::{Derived, Fields},
};
use crate::{Result, gguf::label};

/// Factors that rotary angles are divided by, one for each pair of a head, as tensors of GGUF.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RopeFactors(pub Vec<(&'static str, Vec<f32>)>);

/// Longest part of a head that is rotated.
const MAX_ROTARY: u32 = 1 << 16;

/// Notes what the file says of rotary angles. Newer files have it in `rope_parameters`, older ones in `rope_scaling`
/// and beside it.
pub(super) fn put_rope(
    derived: &mut Derived,
    config: &Fields<'_>,
    default_base: f32,
) -> Result<RopeFactors> {
    let parameters = config.fields("rope_parameters")?;
    let mut scaling = match &parameters {
        Some(parameters) => Some(parameters.clone()),
        None => config.fields("rope_scaling")?,
    };
    if derived.architecture == "gemma3" {
        let mut local = (
            config.f32("rope_local_base_freq")?,
            config.name("rope_local_base_freq"),
        );
        if let Some(by_layer) = &parameters
            && let Some(sliding) = by_layer.fields("sliding_attention")?
        {
            local = (sliding.f32("rope_theta")?, sliding.name("rope_theta"));
            if kind_of(&sliding)? != "default" {
                return refuse(derived, "stretched angles in sliding windows");
            }
            scaling = by_layer.fields("full_attention")?;
        }
        derived.put("rope.freq_base_swa", local.0.unwrap_or(10_000.0), local.1);
    }
    let mut base = (config.f32("rope_theta")?, config.name("rope_theta"));
    let mut share = (
        config.f32("partial_rotary_factor")?,
        config.name("partial_rotary_factor"),
    );
    if let Some(scaling) = &scaling {
        if let Some(theta) = scaling.f32("rope_theta")? {
            base = (Some(theta), scaling.name("rope_theta"));
        }
        if let Some(factor) = scaling.f32("partial_rotary_factor")? {
            share = (Some(factor), scaling.name("partial_rotary_factor"));
        }
    }
    let theta = base.0.unwrap_or(default_base);
    derived.put("rope.freq_base", theta, base.1);
    let factor = share.0.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&factor) {
        let reason = format!("is {factor}; must be 0 to 1");
        return Err(super::json::malformed(
            super::fields::CONFIG,
            &share.1,
            reason,
        ));
    }
    let head_length = head_length(derived);
    let rotary = (f64::from(factor) * f64::from(head_length)) as u32;
    derived.put("rope.dimension_count", rotary, share.1);

    let Some(scaling) = scaling else {
        return Ok(RopeFactors::default());
    };
    match (kind_of(&scaling)?, derived.architecture) {
        ("default", _) => Ok(RopeFactors::default()),
        ("linear", _) => {
            let factor = positive(&scaling, "factor", None)?;
            let field = scaling.name("rope_type");
            derived.put("rope.scaling.type", "linear".to_owned(), field);
            derived.put("rope.scaling.factor", factor, scaling.name("factor"));
            Ok(RopeFactors::default())
        }
        ("llama3", "llama") => llama3(&scaling, theta, rotary.min(MAX_ROTARY)),
        ("longrope" | "su", "phi3") => longrope(derived, config, &scaling),
        (other, _) => refuse(
            derived,
            &format!("rotary angles stretched by {}", label(other)),
        ),
    }
}

fn refuse<T>(derived: &Derived, what: &str) -> Result<T> {
    Err(unsupported(&format!(
        "{} with {what}",
        derived.architecture
    )))
}

fn kind_of<'a>(scaling: &Fields<'a>) -> Result<&'a str> {
    let kind = match scaling.str("rope_type")? {
        None => scaling.str("type")?,
        kind => kind,
    };
    Ok(kind.unwrap_or("default"))
}

fn positive(scaling: &Fields<'_>, field: &str, default: Option<f32>) -> Result<f32> {
    let value = scaling.f32(field)?.or(default);
    match value.ok_or_else(|| scaling.wrong(field, "is missing"))? {
        value if value > 0.0 => Ok(value),
        value => Err(scaling.wrong(field, format!("is {value}; must be more than 0"))),
    }
}

/// Llama 3.1: slow angles are stretched, fast ones are not, and between them the two are mixed.
fn llama3(scaling: &Fields<'_>, base: f32, rotary: u32) -> Result<RopeFactors> {
    let factor = f64::from(positive(scaling, "factor", Some(8.0))?);
    let low = f64::from(positive(scaling, "low_freq_factor", Some(1.0))?);
    let high = f64::from(positive(scaling, "high_freq_factor", Some(4.0))?);
    let original = f64::from(positive(
        scaling,
        "original_max_position_embeddings",
        Some(8192.0),
    )?);
    if high <= low {
        let reason = format!("is {high}, not more than low_freq_factor");
        return Err(scaling.wrong("high_freq_factor", reason));
    }
    let factor_of = |pair: u32| {
        let exponent = f64::from(2 * pair) / f64::from(rotary);
        let wavelength = std::f64::consts::TAU * f64::from(base).powf(exponent);
        let turns = original / wavelength;
        if turns > high {
            1.0
        } else if turns < low {
            factor
        } else {
            let smooth = (turns - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        }
    };
    let factors = (0..rotary / 2).map(|pair| factor_of(pair) as f32).collect();
    Ok(RopeFactors(vec![("rope_freqs.weight", factors)]))
}

/// Phi 3: a factor for each pair, others for contexts longer than the original, and a factor for the attention.
fn longrope(
    derived: &mut Derived,
    config: &Fields<'_>,
    scaling: &Fields<'_>,
) -> Result<RopeFactors> {
    let list = |field: &str| {
        let factors = scaling.needed(field, scaling.f32s(field))?;
        match factors.iter().find(|factor| **factor <= 0.0) {
            Some(factor) => Err(scaling.wrong(field, format!("has {factor}; must be more than 0"))),
            None => Ok(factors),
        }
    };
    let factors = RopeFactors(vec![
        ("rope_factors_long.weight", list("long_factor")?),
        ("rope_factors_short.weight", list("short_factor")?),
    ]);
    const ORIGINAL: &str = "original_max_position_embeddings";
    let mut original = (scaling.u32(ORIGINAL)?, scaling.name(ORIGINAL));
    if original.0.is_none() {
        original = (config.u32(ORIGINAL)?, config.name(ORIGINAL));
    }
    let context = config.u32("max_position_embeddings")?.unwrap_or(4096);
    let length = original.0.unwrap_or(4096).max(2);
    let stretch = match scaling.f32("factor")? {
        Some(factor) => f64::from(factor),
        None => f64::from(context) / f64::from(length),
    };
    let usual = match stretch > 1.0 {
        true => (1.0 + stretch.ln() / f64::from(length).ln()).sqrt(),
        false => 1.0,
    };
    let attention = scaling.f32("attention_factor")?.unwrap_or(usual as f32);
    derived.put(
        "rope.scaling.type",
        "longrope".to_owned(),
        scaling.name("rope_type"),
    );
    derived.put("rope.scaling.original_context_length", length, original.1);
    derived.put(
        "rope.scaling.attn_factor",
        attention,
        scaling.name("attention_factor"),
    );
    Ok(factors)
}

/// The length of a head, as noted before.
fn head_length(derived: &Derived) -> u32 {
    let key = format!("{}.attention.key_length", derived.architecture);
    let found = derived.values.iter().find(|(known, ..)| *known == key);
    match found {
        Some((_, crate::gguf::MetadataValue::U32(length), _)) => *length,
        _ => 0,
    }
}
