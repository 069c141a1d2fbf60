//! The spectral residual (Hou and Zhang 2007, "Saliency detection: a spectral
//! residual approach", CVPR). Invariant: the amplitude loses its smooth part,
//! the phase is kept.

use serde::{Deserialize, Serialize};
use striate_kernels::{Dft, dft2};

use super::{SaliencyMap, SaliencySource};
use crate::{Error, Map, Result};

/// Settings of the spectral residual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpectralResidualConfig {
    /// The longer side is reduced to so many pixels; smaller images keep their size.
    pub side_px: usize,
    /// Side of the average that the logarithmic amplitude is compared with, odd.
    pub average: usize,
    /// Standard deviation of the final smoothing, in pixels of the reduced image.
    pub smoothing_px: f64,
}

impl Default for SpectralResidualConfig {
    /// 64 pixels and a 3x3 average, as in the paper; a smoothing of 2.5 pixels.
    fn default() -> Self {
        Self {
            side_px: 64,
            average: 3,
            smoothing_px: 2.5,
        }
    }
}

/// The spectral residual saliency of a gray image.
///
/// `S = |F^-1(exp(L - mean(L) + i P))|^2`, smoothed, where `L` and `P` are the
/// logarithmic amplitude and the phase of the spectrum. The average of `L`
/// wraps around, since the frequency plane is periodic. The scale and the mean
/// of the image do not matter.
///
/// # Errors
///
/// If a setting is out of its range or the image is constant.
pub fn spectral_residual(image: &Map, config: &SpectralResidualConfig) -> Result<SaliencyMap> {
    if config.side_px == 0 || config.average.is_multiple_of(2) {
        return Err(Error::Setting {
            name: "spectral residual",
            expected: "a side of at least 1 and an odd average",
            found: format!("{} and {}", config.side_px, config.average),
        });
    }
    if image.is_constant() {
        return Err(Error::Undefined {
            metric: "spectral residual",
            reason: "the image is constant".into(),
        });
    }
    let longer = image.height().max(image.width());
    let side = |size: usize| match longer > config.side_px {
        true => ((size * config.side_px + longer / 2) / longer).max(1),
        false => size,
    };
    let small = image.resized(side(image.height()), side(image.width()))?;
    let shape = [small.height(), small.width()];
    let mean = small.values().iter().sum::<f64>() / small.values().len() as f64;
    let mut re: Vec<f64> = small.values().iter().map(|v| v - mean).collect();
    let mut im = vec![0.0; re.len()];
    transform(Dft::Forward, shape, &mut re, &mut im)?;
    let amplitude: Vec<f64> = re.iter().zip(&im).map(|(a, b)| a.hypot(*b)).collect();
    // Frequencies that the image does not have (its mean, for one) carry no
    // phase; a floor keeps their logarithm, and so their neighbours' average, finite.
    let floor = 1e-6 * amplitude.iter().copied().fold(0.0, f64::max);
    let logarithm: Vec<f64> = amplitude.iter().map(|a| a.max(floor).ln()).collect();
    let average = periodic_average(&logarithm, shape, config.average);
    for (i, amplitude) in amplitude.iter().enumerate() {
        let factor = match *amplitude > floor {
            true => (logarithm[i] - average[i]).exp() / amplitude,
            false => 0.0,
        };
        re[i] *= factor;
        im[i] *= factor;
    }
    transform(Dft::Inverse, shape, &mut re, &mut im)?;
    let squares = re.iter().zip(&im).map(|(a, b)| a * a + b * b).collect();
    let map = Map::new(shape[0], shape[1], squares)?.smoothed(config.smoothing_px)?;
    Ok(SaliencyMap {
        source: SaliencySource::SpectralResidual,
        density: map.resized(image.height(), image.width())?.to_density()?,
    })
}

fn transform(direction: Dft, shape: [usize; 2], re: &mut [f64], im: &mut [f64]) -> Result<()> {
    dft2(direction, shape, re, im).map_err(|error| Error::Undefined {
        metric: "spectral residual",
        reason: error.to_string(),
    })
}

/// The mean over a square window on a plane that wraps around.
fn periodic_average(values: &[f64], [height, width]: [usize; 2], side: usize) -> Vec<f64> {
    let half = side / 2;
    let wrap = |i: usize, k: usize, size: usize| (i + k + size * side - half) % size;
    (0..height * width)
        .map(|i| {
            let mut sum = 0.0;
            for dy in 0..side {
                for dx in 0..side {
                    let (y, x) = (wrap(i / width, dy, height), wrap(i % width, dx, width));
                    sum += values[y * width + x];
                }
            }
            sum / (side * side) as f64
        })
        .collect()
}
