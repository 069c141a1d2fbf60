//! The settings of a reconstruction. Invariant: the defaults are the study's, in its exact mode.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How to reconstruct.
///
/// The default is the exact mode of the study (analyses.md 3.3);
/// [`ReconstructConfig::fast`] reaches the same objective in a fraction of the steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReconstructConfig {
    /// Exact or fast.
    pub mode: Mode,
    /// Step size, in exact mode, or the first one, in fast mode.
    pub learning_rate: LearningRate,
    /// Blur of the gradient; `None` follows the raw gradient.
    pub blur: Option<GradientBlur>,
    /// Where to start.
    pub start: Start,
    /// Noise initialisations per image and budget; analyses.md 3.5 asks for 3
    /// to tell optimisation noise from the network's preference.
    pub restarts: usize,
    /// Log the objective, and call the observer, every so many steps.
    pub log_every: usize,
    /// Valid range of each channel in normalised pixel space, kept after each
    /// projection, as the study's later extension does; `None` as in the study.
    pub valid_range: Option<Vec<[f32; 2]>>,
    /// Reconstructions optimised at one time.
    pub batch: usize,
}

impl Default for ReconstructConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Exact { steps: 5001 },
            learning_rate: LearningRate::default(),
            blur: Some(GradientBlur::default()),
            start: Start::Noise,
            restarts: 1,
            log_every: 10,
            valid_range: None,
            batch: 64,
        }
    }
}

/// How the steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mode {
    /// Plain projected gradient descent, as in the study.
    Exact {
        /// Updates. The study's counter starts at 0 and is compared with 5000
        /// after a step, which makes 5001.
        steps: usize,
    },
    /// Accelerated projected gradient descent; momentum is dropped and then the
    /// step halved, per image, where the objective rises.
    Fast {
        /// Evaluations of the network at most.
        max_steps: usize,
        /// An image is finished when its objective fell by less than
        /// `tolerance` over so many evaluations, relative to the objective or
        /// to 0.3 of the variance of the features, whichever is larger.
        window: usize,
        /// See `window`.
        tolerance: f64,
    },
}

impl Mode {
    /// The fast mode with its defaults: at most 1000 evaluations, finished
    /// below a relative change of 1e-3 over 50.
    pub fn fast() -> Self {
        Self::Fast {
            max_steps: 1000,
            window: 50,
            tolerance: 1e-3,
        }
    }

    /// The largest number of evaluations of the network.
    pub fn max_steps(&self) -> usize {
        match *self {
            Self::Exact { steps } => steps,
            Self::Fast { max_steps, .. } => max_steps,
        }
    }
}

/// The step size for the gradient of the mean squared error over activations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningRate {
    /// This times the number of activations of one image, so that layers of
    /// any size move alike (analyses.md 3.6).
    PerActivation(f64),
    /// This value itself; the study used 5000.
    Absolute(f64),
}

impl LearningRate {
    /// The step size for a layer of `activations` values per image.
    pub fn resolve(&self, activations: usize) -> f64 {
        match *self {
            Self::PerActivation(rate) => rate * activations as f64,
            Self::Absolute(rate) => rate,
        }
    }
}

impl Default for LearningRate {
    /// The study's 5000 for the 64 x 64 x 64 activations of its conv1_1: 0.01907 for each.
    fn default() -> Self {
        Self::PerActivation(5000.0 / (64.0 * 64.0 * 64.0))
    }
}

/// The Gaussian that smooths the gradient: separable, reflect padding, sum 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientBlur {
    /// Standard deviation in pixels.
    pub sigma_px: f64,
    /// The kernel has `2 * half_width + 1` taps.
    pub half_width: usize,
}

impl Default for GradientBlur {
    fn default() -> Self {
        Self {
            sigma_px: 1.0,
            half_width: 4,
        }
    }
}

/// Where a reconstruction starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Standard normal noise, one channel drawn and copied to the others.
    Noise,
    /// The original image.
    Original,
}

impl ReconstructConfig {
    /// The study's settings with the fast mode.
    pub fn fast() -> Self {
        Self {
            mode: Mode::fast(),
            ..Self::default()
        }
    }

    /// Checks the ranges for images of `channels` channels.
    ///
    /// # Errors
    ///
    /// Naming the first setting that is out of its range.
    pub fn check(&self, channels: usize) -> Result<()> {
        let setting = |name, expected, found: String| {
            Err(Error::Setting {
                name,
                expected,
                found,
            })
        };
        let (LearningRate::PerActivation(rate) | LearningRate::Absolute(rate)) = self.learning_rate;
        if !(rate.is_finite() && rate > 0.0) {
            return setting("learning_rate", "a finite, positive step", rate.to_string());
        }
        if self.mode.max_steps() == 0 {
            return setting("mode", "at least one step", "0".into());
        }
        if let Mode::Fast {
            window, tolerance, ..
        } = self.mode
        {
            if window == 0 {
                return setting("window", "at least 1", "0".into());
            }
            if !(tolerance.is_finite() && tolerance >= 0.0) {
                return setting(
                    "tolerance",
                    "finite and not negative",
                    tolerance.to_string(),
                );
            }
        }
        if let Some(blur) = self.blur
            && !(blur.sigma_px.is_finite() && blur.sigma_px > 0.0)
        {
            return setting("sigma_px", "finite and positive", blur.sigma_px.to_string());
        }
        for (name, count) in [
            ("restarts", self.restarts),
            ("log_every", self.log_every),
            ("batch", self.batch),
        ] {
            if count == 0 {
                return setting(name, "at least 1", "0".into());
            }
        }
        if let Some(ranges) = &self.valid_range {
            if ranges.len() != channels {
                return Err(Error::Length {
                    what: "valid_range",
                    expected: channels,
                    found: ranges.len(),
                });
            }
            if let Some([low, high]) = ranges
                .iter()
                .find(|[low, high]| !(low.is_finite() && high.is_finite() && low < high))
            {
                return setting(
                    "valid_range",
                    "finite bounds, the lower one first",
                    format!("[{low}, {high}]"),
                );
            }
        }
        Ok(())
    }
}
