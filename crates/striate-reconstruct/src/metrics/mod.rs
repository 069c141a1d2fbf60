//! What a reconstruction kept and what it spent its contrast on (analyses.md 3.5).
//! Invariant: images are flat slices `height x width x channels` in normalised
//! pixel space, and sums are taken in f64.

mod classify;
mod content_noise;
mod fit;
mod similarity;
mod spectrum;
mod spending;

#[cfg(test)]
mod tests;

pub use classify::{CrossAccuracy, Labelled, classify, cross_classify, rescaled, rescaled_to};
pub use content_noise::{Coefficients, ContentNoise, content_noise, cosine};
pub use fit::area_under_fit;
pub use similarity::{matched, psnr, ssim};
pub use spectrum::{Spectrum, radial_spectrum, spectrum_ratio};
pub use spending::local_spending;

use crate::{Error, Result};

/// Checks the length of an image.
fn check(what: &'static str, pixels: &[f32], expected: usize) -> Result<()> {
    if pixels.len() == expected && expected > 0 {
        return Ok(());
    }
    Err(Error::Length {
        what,
        expected,
        found: pixels.len(),
    })
}

/// The scalar product of two images.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}
