//! A saliency map and the simplest model of one.

use serde::{Deserialize, Serialize};

use crate::{Density, Error, Map, Result};

/// Where a saliency map comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaliencySource {
    /// Given by the user; the name of the model, such as `deepgaze_iie`.
    Given(String),
    /// Built in, [`spectral_residual`](super::spectral_residual).
    SpectralResidual,
    /// Built in, [`centre_surround`](super::centre_surround).
    CentreSurround,
    /// Built in, [`centre_bias`].
    CentreBias,
}

/// Where people look in an image, or are predicted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaliencyMap {
    /// Where it comes from.
    pub source: SaliencySource,
    /// Probability of a fixation per pixel.
    pub density: Density,
}

impl SaliencyMap {
    /// A map from elsewhere, brought to the size of the image by area average.
    ///
    /// # Errors
    ///
    /// If the values are negative or all 0, or a side is 0.
    pub fn given(name: &str, map: &Map, height: usize, width: usize) -> Result<Self> {
        Ok(Self {
            source: SaliencySource::Given(name.into()),
            density: map.resized(height, width)?.to_density()?,
        })
    }
}

/// A Gaussian in the centre of the image: people look there whatever it shows.
///
/// `sigma` is the standard deviation as a fraction of each side. About 0.25 fits
/// free viewing of photographs; the right value depends on the experiment.
///
/// # Errors
///
/// If a side is 0 or `sigma` is not finite and positive.
pub fn centre_bias(height: usize, width: usize, sigma: f64) -> Result<SaliencyMap> {
    if !(sigma.is_finite() && sigma > 0.0) {
        return Err(Error::Setting {
            name: "sigma of the centre bias",
            expected: "finite and positive",
            found: sigma.to_string(),
        });
    }
    let z = |i: usize, size: usize| ((i as f64 + 0.5) / size as f64 - 0.5) / sigma;
    let values = (0..height * width)
        .map(|i| (-0.5 * (z(i / width, height).powi(2) + z(i % width, width).powi(2))).exp())
        .collect();
    Ok(SaliencyMap {
        source: SaliencySource::CentreBias,
        density: Map::new(height, width, values)?.to_density()?,
    })
}
