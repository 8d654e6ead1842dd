//! The same for the machine that Wick runs on.

use wick_engine::{
    calibration::{Calibration, Correction},
    device::{HAS_CUDA, HAS_METAL},
    estimate::ModelShape,
    process::protocol::{CacheType, DeviceChoice, LoadOptions},
};

use super::{Advice, Estimate, Machine, Place, Preferences};
use crate::{Result, Wick, catalog::Catalog, hardware::HardwareReport, runtime::LoadTarget};

/// What is known of this machine.
pub(crate) struct Known {
    report: HardwareReport,
    corrections: Vec<Correction>,
}

impl Known {
    fn machine(&self) -> Machine<'_> {
        Machine {
            profile: &self.report.profile,
            calibration: self.calibration(),
            corrections: &self.corrections,
        }
    }

    fn calibration(&self) -> Option<&Calibration> {
        let kept = self.report.calibration.as_ref();
        kept.map(|kept| &kept.figures)
    }

    /// What a model takes here, and how fast it is.
    pub(crate) fn estimate(
        &self,
        shape: &ModelShape,
        context_length: u32,
        cache_type: CacheType,
        preferences: &Preferences,
    ) -> Option<Estimate> {
        super::estimate(
            &self.machine(),
            shape,
            context_length,
            cache_type,
            preferences,
        )
    }

    /// Where to load a model: where predictions say that it fits best, with the context it is loaded with. A graphics
    /// processor is tried, not insisted on; what does not fit on it must not be.
    fn device_for(
        &self,
        shape: &ModelShape,
        options: &LoadOptions,
        preferences: &Preferences,
    ) -> DeviceChoice {
        let context_length = options.context_length;
        let context_length = context_length.unwrap_or(LoadOptions::DEFAULT_CONTEXT_LENGTH);
        let context_length = context_length.min(shape.trained_context_length);
        let estimate = self.estimate(shape, context_length, options.cache_type, preferences);
        match estimate.map(|estimate| estimate.place) {
            Some(Place::Gpu { .. }) => DeviceChoice::Auto,
            Some(Place::Processor) | None => DeviceChoice::Cpu,
        }
    }
}

impl Wick {
    /// The model where predictions put it. One that is loaded stays where it is: what it takes itself is not free any
    /// more, and must not send it elsewhere.
    pub(crate) async fn placed(&self, target: LoadTarget) -> LoadTarget {
        if !HAS_CUDA && !HAS_METAL {
            return target.on(DeviceChoice::Cpu);
        }
        let device = match self.runtime().device_of(&target).await {
            Some(device) => device,
            None => {
                let preferences = self.settings().preferences;
                let known = self.known().await.ok();
                let known = known.zip(self.machine.shape(&target));
                known.map_or(DeviceChoice::Cpu, |(known, shape)| {
                    known.device_for(&shape, &target.options, &preferences)
                })
            }
        };
        target.on(device)
    }

    pub(crate) async fn known(&self) -> Result<Known> {
        Ok(Known {
            report: self.hardware_as_seen().await?,
            corrections: self.corrections().await?,
        })
    }

    /// What suits this machine, as it was when somebody last looked.
    pub async fn advise(&self, preferences: &Preferences) -> Result<Advice> {
        let known = self.known().await?;
        let (machine, catalog) = (known.machine(), Catalog::builtin());
        Ok(Advice {
            recommendations: super::recommend(&machine, catalog, preferences),
            predictions: super::predictions(&machine, catalog, preferences),
            levels: super::levels(&machine, catalog, preferences),
        })
    }

    /// What a model would take on this machine.
    pub async fn estimate(
        &self,
        shape: &ModelShape,
        context_length: u32,
        cache_type: CacheType,
    ) -> Result<Option<Estimate>> {
        let known = self.known().await?;
        Ok(known.estimate(shape, context_length, cache_type, &Preferences::default()))
    }
}

#[cfg(test)]
mod tests {
    use wick_engine::estimate::Mixture;

    use super::{
        super::{MadeUp, MadeUpGpu},
        *,
    };

    /// A machine of 32 GB with a card of so many.
    fn with_card(gigabytes: Option<u64>) -> Known {
        let gpu = gigabytes.map(|gigabytes| MadeUpGpu {
            memory_bytes: gigabytes * 1_000_000_000,
            free_bytes: gigabytes * 930_000_000,
            bytes_per_second: Some(300e9),
            is_unified: false,
        });
        let machine = MadeUp {
            memory_bytes: 32_000_000_000,
            available_bytes: None,
            bytes_per_second: 60e9,
            cores: 8,
            gpu,
        };
        let profile = machine.profile();
        Known {
            report: HardwareReport {
                fingerprint: profile.fingerprint(),
                profile,
                calibration: None,
                needs_calibration: true,
            },
            corrections: Vec::new(),
        }
    }

    fn device(known: &Known, id: &str, context_length: Option<u32>) -> DeviceChoice {
        let entry = Catalog::builtin().find(id).unwrap();
        let shape = entry.dimensions.at(Mixture::Q4KM).unwrap();
        let options = LoadOptions {
            context_length,
            ..LoadOptions::default()
        };
        let preferences = Preferences::default();
        let device = known.device_for(&shape, &options, &preferences);
        let length = context_length.unwrap_or(8192);
        let told = known.estimate(&shape, length, options.cache_type, &preferences);
        let is_on_card = matches!(told.unwrap().place, Place::Gpu { .. });
        assert_eq!(device == DeviceChoice::Auto, is_on_card, "{id}");
        device
    }

    #[test]
    fn a_model_is_loaded_where_predictions_put_it() {
        let card = with_card(Some(8));
        assert_eq!(device(&card, "qwen3-4b", None), DeviceChoice::Auto);
        // It fits on no card of 8 GB, which must not be tried either.
        assert_eq!(device(&card, "qwen3-30b-a3b", None), DeviceChoice::Cpu);
        // The context decides as well.
        assert_eq!(device(&card, "qwen3-8b", None), DeviceChoice::Cpu);
        assert_eq!(device(&card, "qwen3-8b", Some(4096)), DeviceChoice::Auto);
        assert_eq!(
            device(&with_card(None), "qwen3-4b", None),
            DeviceChoice::Cpu
        );
    }

    #[test]
    fn a_card_that_cannot_be_used_is_not_used() {
        let mut card = with_card(Some(8));
        card.report.profile.gpus[0].usability = crate::hardware::Usability::Hidden {
            variable: "CUDA_VISIBLE_DEVICES".into(),
        };
        assert_eq!(device(&card, "qwen3-4b", None), DeviceChoice::Cpu);
    }
}
