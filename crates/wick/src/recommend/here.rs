//! The same for the machine that Wick runs on.

use wick_engine::{
    calibration::{Calibration, Correction},
    estimate::ModelShape,
    process::protocol::CacheType,
};

use super::{Advice, Estimate, Machine, Preferences};
use crate::{Result, Wick, catalog::Catalog, hardware::HardwareReport};

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
}

impl Wick {
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
