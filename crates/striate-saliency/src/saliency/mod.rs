//! Where an image is salient: given maps and built-in models. Invariant: every
//! saliency map is a density and names its source.

mod centre_surround;
mod saliency_map;
mod spectral_residual;

#[cfg(test)]
mod tests;

pub use centre_surround::{CentreSurroundConfig, centre_surround};
pub use saliency_map::{SaliencyMap, SaliencySource, centre_bias};
pub use spectral_residual::{SpectralResidualConfig, spectral_residual};
