//! Where is a network sensitive, and is it where people look?
//!
//! * Sensitivity: four maps of any network, given as
//!   a differentiable function from a batch of images to features:
//!   [`jacobian_energy`] (S1), [`reconstruction_energy`] (S2),
//!   [`contrast_change`] (S3) and [`class_gradient`] (S4), each with its
//!   reliability where it is random.
//! * Saliency: given maps ([`SaliencyMap::given`], for DeepGaze and others) and
//!   three built-in models: [`spectral_residual`], [`centre_surround`] and
//!   [`centre_bias`].
//! * [`metrics`]: how two maps agree, and what is left of the agreement when
//!   local contrast and the distance from the centre are taken out of both.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use striate_random::Seed;
//! use striate_saliency::{
//!     JacobianConfig, Map, SpectralResidualConfig, jacobian_energy, metrics, spectral_residual,
//! };
//!
//! // A "network" that squares the image, so that it is sensitive where that is far from 0.
//! let network = |x: &Tensor| x.sqr();
//! let pixels: Vec<f32> = (0..256u16).map(|i| f32::from(i * i % 47) / 40.0).collect();
//! let images = Tensor::from_slice(&pixels, (1, 16, 16, 1), &Device::Cpu)?;
//! let config = JacobianConfig::default();
//! let sensitivity = jacobian_energy(&network, &images, &[0], &config, &Seed::new(1))?;
//!
//! let gray = Map::from_f32(16, 16, &pixels)?;
//! let saliency = spectral_residual(&gray, &SpectralResidualConfig::default())?;
//! let agreement = metrics::correlation(sensitivity[0].density.map(), saliency.density.map())?;
//! assert!((-1.0..=1.0).contains(&agreement));
//! # Ok::<(), striate_saliency::Error>(())
//! ```

mod blur;
mod error;
mod map;
pub mod metrics;
mod saliency;
mod sensitivity;

#[cfg(test)]
mod tests;

pub use error::{Error, Result};
pub use map::{Density, Map};
pub use saliency::{
    CentreSurroundConfig, SaliencyMap, SaliencySource, SpectralResidualConfig, centre_bias,
    centre_surround, spectral_residual,
};
pub use sensitivity::{
    ContrastConfig, JacobianConfig, Network, SMOOTHING_PX, Sensitivity, SensitivityMap,
    class_gradient, contrast_change, jacobian_energy, reconstruction_energy,
};
