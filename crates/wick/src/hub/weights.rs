//! What a model consists of, guessed from the number of its weights: as the model of the catalog that is nearest to it,
//! made larger or smaller. Its own header says better, once somebody reads it.

use wick_engine::{
    estimate::{Mixture, ModelShape, TensorGroup},
    gguf::TensorType,
};

use super::Runs;
use crate::catalog::{Catalog, CatalogEntry};

/// What a shape is stretched by at most: nothing in the catalog is like what is further away.
const MOST: f64 = 64.0;

/// The shape of a model at a level, of which the weights, the bytes or both are known.
pub(super) fn shape_of(
    parameters: Option<u64>,
    architecture: Option<&str>,
    level: Mixture,
    bytes: Option<u64>,
) -> Option<ModelShape> {
    let by_bytes = || Some((bytes? as f64 * 8.0 / level.bits()) as u64);
    let parameters = parameters.or_else(by_bytes).filter(|count| *count > 0)?;
    let nearest = nearest(parameters, architecture)?;
    let shape = nearest.dimensions.at(level).ok()?;
    let of_weights = parameters as f64 / shape.parameters as f64;
    let of_bytes = match bytes {
        Some(bytes) => bytes as f64 / shape.stored_bytes() as f64,
        None => of_weights,
    };
    let is_near = |factor: &f64| (1.0 / MOST..=MOST).contains(factor);
    (is_near(&of_weights) && is_near(&of_bytes)).then(|| stretched(shape, of_weights, of_bytes))
}

/// Of the same family where the catalog has one, and of about as many weights.
fn nearest(parameters: u64, architecture: Option<&str>) -> Option<&'static CatalogEntry> {
    let entries = &Catalog::builtin().entries;
    let distance = |entry: &&CatalogEntry| {
        let ratio = parameters as f64 / entry.parameters as f64;
        (ratio.ln().abs() * 1e6) as u64
    };
    // Three-valued weights and experts say nothing of other models.
    let is_plain = |entry: &&CatalogEntry| {
        entry.dimensions.experts.is_none()
            && !entry.files.iter().any(|f| f.level == Mixture::Ternary)
    };
    let is_family =
        |entry: &&CatalogEntry| Some(entry.dimensions.architecture.as_str()) == architecture;
    let of_family = entries.iter().filter(is_family).min_by_key(distance);
    of_family.or_else(|| entries.iter().filter(is_plain).min_by_key(distance))
}

fn stretched(shape: ModelShape, of_weights: f64, of_bytes: f64) -> ModelShape {
    let times = |count: u64, factor: f64| (count as f64 * factor) as u64;
    let group = |group: TensorGroup| TensorGroup {
        bytes: times(group.bytes, of_bytes),
        repacked_bytes: times(group.repacked_bytes, of_bytes),
        device_bytes: times(group.device_bytes, of_bytes),
        made_bytes: times(group.made_bytes, of_bytes),
        bytes_per_token: times(group.bytes_per_token, of_bytes),
        macs_per_token: times(group.macs_per_token, of_weights),
        ..group
    };
    ModelShape {
        parameters: times(shape.parameters, of_weights),
        active_parameters: times(shape.active_parameters, of_weights),
        tensors: shape.tensors.into_iter().map(group).collect(),
        ..shape
    }
}

/// The mixture that a level is most like: by its name, else by the bits that its name begins with.
pub(super) fn mixture_of(level: &str) -> Option<Mixture> {
    let exact = Mixture::ALL.iter().find(|mixture| mixture.name() == level);
    let by_bits = || {
        let digit = level.bytes().find(u8::is_ascii_digit)?;
        Some(match digit {
            _ if level == "F32" => Mixture::F16,
            b'1' | b'2' => Mixture::Q2K,
            b'3' => Mixture::Q3KM,
            b'4' => Mixture::Q4KM,
            b'5' => Mixture::Q5KM,
            b'6' => Mixture::Q6K,
            b'8' => Mixture::Q8_0,
            _ => return None,
        })
    };
    exact.copied().or_else(by_bits)
}

/// Whether Wick computes with the types that a level mixes.
pub(super) fn level_runs(level: &str) -> Runs {
    let main = level.trim_end_matches("_XL").trim_end_matches("_MOE");
    let suffixes = ["", "_S", "_M", "_L"];
    let stem = suffixes.iter().find_map(|suffix| {
        let stem = main.strip_suffix(suffix)?;
        TensorType::ALL.iter().find(|known| known.name() == stem)
    });
    match stem {
        None => Runs::Unknown,
        Some(known) if known.format().is_some() => Runs::Yes,
        Some(_) => Runs::No {
            reason: format!("Wick does not compute with weights stored as {level}."),
        },
    }
}

#[cfg(test)]
mod tests {
    use wick_engine::estimate::Plan;

    use super::*;

    #[test]
    fn a_model_of_the_catalog_is_guessed_as_it_is() {
        for id in ["smollm2-135m", "qwen3-4b", "llama-3.2-3b"] {
            let entry = Catalog::builtin().find(id).unwrap();
            let architecture = Some(entry.dimensions.architecture.as_str());
            let guess = shape_of(Some(entry.parameters), architecture, Mixture::Q4KM, None);
            let real = entry.dimensions.at(Mixture::Q4KM).unwrap();
            let memory = |shape: &ModelShape| {
                let plan = Plan::on_processor(4096);
                shape.memory(&plan).unwrap().memory_bytes.total as f64
            };
            let ratio = memory(&guess.unwrap()) / memory(&real);
            assert!((0.97..1.03).contains(&ratio), "{id}: {ratio}");
        }
    }

    #[test]
    fn a_guess_grows_with_the_weights_and_keeps_to_the_bytes() {
        let shape = shape_of(Some(70_000_000_000), Some("llama"), Mixture::Q4KM, None).unwrap();
        assert!((38e9..46e9).contains(&(shape.stored_bytes() as f64)));
        let shape = shape_of(None, None, Mixture::Q8_0, Some(4_000_000_000)).unwrap();
        assert!((3.7e9..3.85e9).contains(&(shape.parameters as f64)));
        assert!((3.99e9..4.01e9).contains(&(shape.stored_bytes() as f64)));
        assert!(shape_of(None, None, Mixture::Q8_0, None).is_none());
        assert!(shape_of(Some(u64::MAX), None, Mixture::Q8_0, Some(1)).is_none());
    }

    #[test]
    fn levels_are_told_by_their_names() {
        for level in ["Q4_K_M", "Q4_0", "Q8_0", "F16", "BF16", "Q3_K_S", "Q5_K_XL"] {
            assert_eq!(level_runs(level), Runs::Yes, "{level}");
            assert!(mixture_of(level).is_some(), "{level}");
        }
        assert_eq!(mixture_of("IQ3_XXS"), Some(Mixture::Q3KM));
        assert_eq!(mixture_of("F32"), Some(Mixture::F16));
        assert_eq!(level_runs("nonsense"), Runs::Unknown);
        assert!(matches!(level_runs("IQ1_S"), Runs::No { .. }));
    }
}
