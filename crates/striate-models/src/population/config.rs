//! Parameters of the simulated population. Invariant: `check` accepts only what
//! can be built.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Parameters of a simulated V1 population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PopulationConfig {
    /// Number of simulated neurons.
    pub neurons: usize,
    /// The part of them that are complex cells, in `[0, 1]`; the others are simple.
    pub complex_fraction: f32,
    /// Height and width of the stimuli, in pixels.
    pub image_size: usize,
    /// Number of preferred orientations, evenly spaced over 180 degrees.
    pub orientations: usize,
    /// Preferred wavelengths, in pixels per cycle; each at least 2.
    pub wavelengths_px: Vec<f32>,
    /// Number of phases of the simple cells, evenly spaced over 360 degrees.
    pub phases: usize,
    /// Spatial-frequency bandwidth at half height, in octaves. Macaque V1 has a
    /// median near 1.4 (De Valois, Albrecht and Thorell 1982).
    pub bandwidth_octaves: f32,
    /// Length of the envelope along the stripes over its width across them.
    pub elongation: f32,
    /// The receptive-field centres lie in the central square of this side, as a
    /// fraction of the image, in `(0, 1]`.
    pub field: f32,
    /// Divisive normalisation.
    pub normalisation: Normalisation,
    /// Mean spikes per stimulus, averaged over neurons and stimuli.
    pub mean_spikes: f32,
    /// Standard deviation over neurons of the logarithm of their mean spikes.
    pub spread: f32,
    /// The part of the mean that is fired without any contrast, in `[0, 1)`.
    pub spontaneous: f32,
}

/// Divisive normalisation by local contrast energy (Heeger 1992): the squared
/// filter response is divided by `semi_saturation^2` + the variance of the image
/// under a Gaussian window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Normalisation {
    /// The contrast (standard deviation of pixel values in `[0, 1]`) at which a
    /// cell reaches half of its largest response.
    pub semi_saturation: f32,
    /// Width of the pooling window over the width of the receptive field.
    pub pool_ratio: f32,
}

impl Default for Normalisation {
    fn default() -> Self {
        Self {
            semi_saturation: 0.1,
            pool_ratio: 1.5,
        }
    }
}

impl Default for PopulationConfig {
    fn default() -> Self {
        Self {
            neurons: 200,
            complex_fraction: 0.5,
            image_size: 32,
            orientations: 8,
            wavelengths_px: vec![4.0, 5.7, 8.0, 11.3],
            phases: 4,
            bandwidth_octaves: 1.4,
            elongation: 1.3,
            field: 0.6,
            normalisation: Normalisation::default(),
            mean_spikes: 3.0,
            spread: 0.5,
            spontaneous: 0.1,
        }
    }
}

impl PopulationConfig {
    /// # Errors
    ///
    /// If a field cannot be used; the message names it and what would fit.
    pub fn check(&self) -> Result<(), Error> {
        let size = self.image_size as f32;
        let checks: [(&str, bool, &str, String); 12] = [
            (
                "neurons",
                self.neurons > 0,
                "at least 1",
                self.neurons.to_string(),
            ),
            (
                "complex_fraction",
                (0.0..=1.0).contains(&self.complex_fraction),
                "a fraction in [0, 1]",
                self.complex_fraction.to_string(),
            ),
            (
                "image_size",
                self.image_size >= 4,
                "at least 4 px",
                self.image_size.to_string(),
            ),
            (
                "orientations",
                self.orientations > 0,
                "at least 1",
                self.orientations.to_string(),
            ),
            (
                "wavelengths_px",
                !self.wavelengths_px.is_empty()
                    && self
                        .wavelengths_px
                        .iter()
                        .all(|w| (2.0..=2.0 * size).contains(w)),
                "wavelengths between 2 px and twice the image",
                format!("{:?}", self.wavelengths_px),
            ),
            (
                "phases",
                self.phases > 0,
                "at least 1",
                self.phases.to_string(),
            ),
            (
                "bandwidth_octaves",
                (0.1..=4.0).contains(&self.bandwidth_octaves),
                "0.1 to 4 octaves",
                self.bandwidth_octaves.to_string(),
            ),
            (
                "elongation",
                (0.1..=10.0).contains(&self.elongation),
                "0.1 to 10",
                self.elongation.to_string(),
            ),
            (
                "field",
                self.field > 0.0 && self.field <= 1.0,
                "a fraction in (0, 1]",
                self.field.to_string(),
            ),
            (
                "normalisation",
                positive(self.normalisation.semi_saturation)
                    && positive(self.normalisation.pool_ratio),
                "positive numbers",
                format!("{:?}", self.normalisation),
            ),
            (
                "mean_spikes",
                positive(self.mean_spikes) && (0.0..=5.0).contains(&self.spread),
                "a positive number, with a spread in [0, 5]",
                format!("{} with {}", self.mean_spikes, self.spread),
            ),
            (
                "spontaneous",
                (0.0..1.0).contains(&self.spontaneous),
                "a fraction in [0, 1)",
                self.spontaneous.to_string(),
            ),
        ];
        for (name, fits, expected, found) in checks {
            if !fits {
                return Err(Error::Field {
                    field: format!("population.{name}"),
                    expected: expected.into(),
                    found,
                });
            }
        }
        Ok(())
    }
}

fn positive(value: f32) -> bool {
    value.is_finite() && value > 0.0
}
