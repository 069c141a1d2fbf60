//! The settings of the attacks. Invariant: a configuration that passes its check can be run.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How to attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttackConfig {
    /// Steps of PGD.
    pub steps: usize,
    /// Length of a PGD step in units of epsilon / steps, so that the whole path is
    /// this many times epsilon. 2.5, as Madry et al. 2018 recommend.
    pub step_size: f64,
    /// Random starts of PGD per image and epsilon.
    pub restarts: usize,
    /// The boundary attack.
    pub boundary: BoundaryConfig,
    /// Images of one pass through the network.
    pub batch: usize,
    /// Whether the perturbed images are returned.
    pub keep_images: bool,
}

/// The settings of the boundary attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoundaryConfig {
    /// Steps at most; each asks the network once or twice.
    pub steps: usize,
    /// First length of the steps around the image, relative to the distance.
    pub spherical_step: f64,
    /// First length of the steps towards the image, relative to the distance.
    pub source_step: f64,
    /// A walk ends when its steps towards the image are shorter than this.
    pub tolerance: f64,
    /// Images of uniform noise that are tried as the start; if none is classified
    /// otherwise, the walk starts from the nearest image of the task that is.
    pub noise_draws: usize,
}

impl Default for AttackConfig {
    fn default() -> Self {
        Self {
            steps: 20,
            step_size: 2.5,
            restarts: 1,
            boundary: BoundaryConfig::default(),
            batch: 128,
            keep_images: false,
        }
    }
}

impl Default for BoundaryConfig {
    /// How far a walk comes depends on the number of pixels. On a linear classifier it
    /// ended at this many times the true distance: for 8 x 8 images 1.0002 after 3,000
    /// steps; for 32 x 32 images 2.5 after 1,000 steps, 1.5 after 4,000 and 1.14 after
    /// 10,000. Distances of the same number of steps are comparable between networks.
    fn default() -> Self {
        Self {
            steps: 5000,
            spherical_step: 0.01,
            source_step: 0.01,
            tolerance: 1e-7,
            noise_draws: 10,
        }
    }
}

impl AttackConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// Naming the first setting that is out of its range.
    pub fn check(&self) -> Result<()> {
        for (name, count) in [
            ("steps", self.steps),
            ("restarts", self.restarts),
            ("boundary.steps", self.boundary.steps),
            ("batch", self.batch),
        ] {
            if count == 0 {
                return Err(Error::Setting {
                    name,
                    expected: "at least 1",
                    found: "0".into(),
                });
            }
        }
        positive("step_size", self.step_size, f64::MAX)?;
        positive("boundary.spherical_step", self.boundary.spherical_step, 1.0)?;
        positive("boundary.source_step", self.boundary.source_step, 0.5)?;
        positive("boundary.tolerance", self.boundary.tolerance, 0.5)
    }
}

fn positive(name: &'static str, value: f64, most: f64) -> Result<()> {
    if value > 0.0 && value <= most {
        return Ok(());
    }
    Err(Error::Setting {
        name,
        expected: "finite and positive, steps around at most 1, towards the image at most 0.5",
        found: value.to_string(),
    })
}

/// Checks the sizes of perturbations: finite and positive, at least one of them
/// unless `may_be_empty`.
pub(crate) fn check_epsilons(epsilons: &[f64], may_be_empty: bool) -> Result<()> {
    let expected = "finite, positive sizes, at least one";
    let wrong = |found: String| {
        Err(Error::Setting {
            name: "epsilon",
            expected,
            found,
        })
    };
    if epsilons.is_empty() && !may_be_empty {
        return wrong("none".into());
    }
    match epsilons.iter().find(|e| !(e.is_finite() && **e > 0.0)) {
        Some(bad) => wrong(bad.to_string()),
        None => Ok(()),
    }
}
