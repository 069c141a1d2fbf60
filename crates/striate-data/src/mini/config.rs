//! What the mini task may be. Invariant: a validated configuration has regions
//! that hold the largest crop.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Configuration of the mini task. Each key has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MiniConfig {
    /// Number of classes, that is, of photographs to tell apart.
    pub classes: usize,
    /// Side of a patch, in pixels.
    pub patch_px: usize,
    /// Smallest side of the square cut from the photograph, in its pixels.
    pub crop_min_px: usize,
    /// Largest side of the square cut from the photograph, in its pixels.
    pub crop_max_px: usize,
    /// Training patches of each class.
    pub train_per_class: usize,
    /// Validation patches of each class.
    pub validation_per_class: usize,
    /// Test patches of each class.
    pub test_per_class: usize,
    /// Share of the photograph's longer side that is the training region.
    pub train_fraction: f64,
    /// Width of the strip that is left out between two regions, in pixels.
    pub gap_px: usize,
    /// Smallest contrast of a patch: the standard deviation of its gray values in
    /// `[0, 1]`. A flatter patch is drawn again, in every part alike.
    pub min_patch_contrast: f32,
    /// A photograph may be a class when at least this share of the places in
    /// each of its three regions gives a patch of enough contrast.
    pub min_textured_fraction: f64,
    /// A photograph may give stimuli when at least this share of its places gives
    /// a patch of enough contrast.
    pub min_stimulus_textured_fraction: f64,
    /// Number of training stimuli for the recordings.
    pub stimuli_train: usize,
    /// Number of test stimuli for the recordings.
    pub stimuli_test: usize,
}

impl Default for MiniConfig {
    fn default() -> Self {
        Self {
            classes: 20,
            patch_px: 32,
            crop_min_px: 64,
            crop_max_px: 96,
            train_per_class: 100,
            validation_per_class: 25,
            test_per_class: 50,
            train_fraction: 0.62,
            gap_px: 8,
            min_patch_contrast: 0.06,
            min_textured_fraction: 0.9,
            min_stimulus_textured_fraction: 0.3,
            stimuli_train: 2000,
            stimuli_test: 100,
        }
    }
}

impl MiniConfig {
    /// Checks every range.
    ///
    /// # Errors
    ///
    /// Names the first key out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least = |name: &str, value: usize, least: usize| {
            if value >= least {
                Ok(())
            } else {
                Err(Error::argument(name, format!("at least {least}"), value))
            }
        };
        at_least("classes", self.classes, 2)?;
        at_least("patch_px", self.patch_px, 4)?;
        at_least("crop_min_px", self.crop_min_px, 4)?;
        at_least("crop_max_px", self.crop_max_px, self.crop_min_px)?;
        at_least("train_per_class", self.train_per_class, 1)?;
        for (name, value) in [
            ("train_fraction", self.train_fraction),
            ("min_textured_fraction", self.min_textured_fraction),
            (
                "min_stimulus_textured_fraction",
                self.min_stimulus_textured_fraction,
            ),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(Error::argument(name, "a share in (0, 1]", value));
            }
        }
        // The standard deviation of values in [0, 1] is at most one half.
        if !(0.0..0.5).contains(&self.min_patch_contrast) {
            return Err(Error::argument(
                "min_patch_contrast",
                "a standard deviation in [0, 0.5)",
                self.min_patch_contrast,
            ));
        }
        Ok(())
    }
}
