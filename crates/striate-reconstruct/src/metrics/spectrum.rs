//! Radially averaged power (metric 3): the direct test of a preference for low frequencies.

use serde::{Deserialize, Serialize};
use striate_kernels::{Dft, dft2};

use super::check;
use crate::{Error, Result};

/// Power over spatial frequency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// Centre of each ring in cycles per pixel, from 0 (the mean) to at most 0.5.
    pub cycles_per_pixel: Vec<f64>,
    /// Mean of `|F|^2 / (height width)` over the ring and the channels, so that
    /// white noise of variance 1 has 1 everywhere.
    pub power: Vec<f64>,
}

/// The radially averaged power spectrum of an image of `[height, width, channels]`.
///
/// Rings are as wide as the coarser frequency step, `1 / min(height, width)`;
/// the corners beyond 0.5 cycles per pixel are left out.
///
/// # Errors
///
/// If the number of pixels does not fit the shape.
pub fn radial_spectrum(pixels: &[f32], shape: [usize; 3]) -> Result<Spectrum> {
    let [height, width, channels] = shape;
    check("image", pixels, height * width * channels)?;
    let step = 1.0 / height.min(width) as f64;
    let rings = (0.5 / step + 1e-9).floor() as usize + 1;
    let frequency = |i: usize, size: usize| i.min(size - i) as f64 / size as f64;
    let ring_of = |i: usize| {
        let radius = frequency(i / width, height).hypot(frequency(i % width, width));
        // Halves go outwards, whatever the rounding of the radius.
        let ring = (radius / step + 0.5 + 1e-9).floor() as usize;
        (radius <= 0.5 + 1e-9 && ring < rings).then_some(ring)
    };
    let mut power = vec![0.0; rings];
    let mut counts = vec![0usize; rings];
    for channel in 0..channels {
        let mut re: Vec<f64> = pixels
            .iter()
            .skip(channel)
            .step_by(channels)
            .map(|v| f64::from(*v))
            .collect();
        let mut im = vec![0.0; re.len()];
        dft2(Dft::Forward, [height, width], &mut re, &mut im).map_err(|_| Error::Undefined {
            metric: "spectrum",
            reason: "the image has no pixels",
        })?;
        for (i, (a, b)) in re.iter().zip(&im).enumerate() {
            if let Some(ring) = ring_of(i) {
                power[ring] += (a * a + b * b) / (height * width) as f64;
                counts[ring] += 1;
            }
        }
    }
    Ok(Spectrum {
        cycles_per_pixel: (0..rings).map(|ring| ring as f64 * step).collect(),
        power: power
            .iter()
            .zip(&counts)
            .map(|(p, n)| p / (*n).max(1) as f64)
            .collect(),
    })
}

/// Power of a reconstruction over power of the original, ring by ring; `None`
/// where the original has none (below 1e-12 of its mean power).
///
/// # Errors
///
/// If the number of pixels does not fit the shape.
pub fn spectrum_ratio(
    reconstruction: &[f32],
    original: &[f32],
    shape: [usize; 3],
) -> Result<Vec<Option<f64>>> {
    let found = radial_spectrum(reconstruction, shape)?;
    let original = radial_spectrum(original, shape)?;
    let floor = 1e-12 * original.power.iter().sum::<f64>() / original.power.len() as f64;
    let pairs = found.power.iter().zip(&original.power);
    Ok(pairs.map(|(r, o)| (*o > floor).then(|| r / o)).collect())
}
