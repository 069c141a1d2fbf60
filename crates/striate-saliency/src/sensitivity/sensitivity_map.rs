//! The common form of the four maps. Invariant: the density is the energy smoothed and divided by its sum.

use serde::{Deserialize, Serialize};

use crate::metrics::correlation;
use crate::{Density, Map, Result};

/// Standard deviation of the smoothing of every map, in pixels (analyses.md 4).
pub const SMOOTHING_PX: f64 = 2.0;

/// How a sensitivity was measured (analyses.md 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// S1: the sum over features of the squared derivative with respect to a pixel.
    JacobianEnergy,
    /// S2: the local energy of reconstructions under a small contrast budget.
    ReconstructionEnergy,
    /// S3: the change of the features when the local contrast is halved.
    ContrastChange,
    /// S4: the absolute gradient of the logit of the right class.
    ClassGradient,
}

impl Sensitivity {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::JacobianEnergy => "Jacobian energy",
            Self::ReconstructionEnergy => "reconstruction energy",
            Self::ContrastChange => "change with contrast",
            Self::ClassGradient => "class gradient",
        }
    }
}

/// Where a network is sensitive in one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivityMap {
    /// How it was measured.
    pub kind: Sensitivity,
    /// The measure per pixel, averaged over channels, not smoothed.
    pub energy: Map,
    /// The same, smoothed and summing to one.
    pub density: Density,
    /// Correlation of the smoothed maps of two halves of the draws or restarts,
    /// with the Spearman-Brown correction to their full number; `None` for a
    /// measure without randomness, or where a half is constant.
    pub reliability: Option<f64>,
}

impl SensitivityMap {
    /// Smooths and normalises an energy; `halves` are the same measure from
    /// either half of the draws.
    pub(crate) fn new(
        kind: Sensitivity,
        energy: Map,
        halves: Option<[Map; 2]>,
        smoothing_px: f64,
    ) -> Result<Self> {
        let density = energy.smoothed(smoothing_px)?.to_density()?;
        let reliability = match halves {
            None => None,
            Some([a, b]) => {
                let r = correlation(&a.smoothed(smoothing_px)?, &b.smoothed(smoothing_px)?);
                r.ok()
                    .map(|r| 2.0 * r / (1.0 + r))
                    .filter(|r| r.is_finite())
            }
        };
        Ok(Self {
            kind,
            energy,
            density,
            reliability,
        })
    }
}
