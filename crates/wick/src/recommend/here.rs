//! The same for the machine that Wick runs on.

use wick_engine::{
    calibration::{Calibration, Correction},
    estimate::ModelShape,
    process::protocol::CacheType,
};

use super::{Estimate, Machine, Prediction, Preferences, Recommendation};
use crate::{Result, Wick, catalog::Catalog, hardware::HardwareReport};

/// What is known of this machine.
struct Known {
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
}

impl Wick {
    async fn known(&self) -> Result<Known> {
        Ok(Known {
            report: self.hardware().await?,
            corrections: self.corrections().await?,
        })
    }

    /// Models of the catalog for this machine.
    pub async fn recommend(&self, preferences: &Preferences) -> Result<Vec<Recommendation>> {
        let known = self.known().await?;
        let machine = known.machine();
        Ok(super::recommend(&machine, Catalog::builtin(), preferences))
    }

    /// What every model of the catalog would take on this machine.
    pub async fn predictions(&self, preferences: &Preferences) -> Result<Vec<Prediction>> {
        let known = self.known().await?;
        let machine = known.machine();
        Ok(super::predictions(
            &machine,
            Catalog::builtin(),
            preferences,
        ))
    }

    /// What a model would take on this machine.
    pub async fn estimate(
        &self,
        shape: &ModelShape,
        context_length: u32,
        cache_type: CacheType,
    ) -> Result<Option<Estimate>> {
        let known = self.known().await?;
        let machine = known.machine();
        let preferences = Preferences::default();
        Ok(super::estimate(
            &machine,
            shape,
            context_length,
            cache_type,
            &preferences,
        ))
    }
}
