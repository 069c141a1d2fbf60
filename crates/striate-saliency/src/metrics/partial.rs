//! Correlation given controls. Sensitivity and saliency both follow local
//! contrast and edges, so only what is left after removing them can be
//! interpreted (analyses.md 4).

use super::distribution::{centred, pearson};
use crate::blur::Kernel;
use crate::{Error, Map, Result};

/// Correlation of two maps after the least-squares prediction from the controls
/// (with an intercept) is taken from both, in `-1..=1`.
///
/// Rank the maps and controls first for the partial rank correlation.
///
/// # Errors
///
/// If the sizes differ, a map or a control is constant, or a map is explained
/// by the controls altogether.
pub fn partial_correlation(a: &Map, b: &Map, controls: &[&Map]) -> Result<f64> {
    const METRIC: &str = "partial correlation";
    a.same_size(b, "second map")?;
    // Orthonormal directions of the centred controls (Gram-Schmidt, twice over,
    // which is stable); a control that repeats the others adds none.
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for control in controls {
        a.same_size(control, "control")?;
        let mut direction = centred(METRIC, control.values())?;
        let before = norm(&direction);
        remove(&mut direction, &basis);
        let left = norm(&direction);
        if left > 1e-10 * before {
            direction.iter_mut().for_each(|v| *v /= left);
            basis.push(direction);
        }
    }
    let mut residuals = [centred(METRIC, a.values())?, centred(METRIC, b.values())?];
    for residual in &mut residuals {
        let before = norm(residual);
        remove(residual, &basis);
        if norm(residual) <= 1e-10 * before {
            return Err(Error::Undefined {
                metric: METRIC,
                reason: "the controls explain a map altogether".into(),
            });
        }
    }
    pearson(METRIC, &residuals[0], &residuals[1])
}

/// Local RMS contrast: the standard deviation of the image under a Gaussian
/// window, averaged over channels as a root mean square.
///
/// `pixels` is `height x width x channels`.
///
/// # Errors
///
/// If the number of pixels does not fit or `sigma_px` is not finite and positive.
pub fn rms_contrast(pixels: &[f32], height: usize, width: usize, sigma_px: f64) -> Result<Map> {
    let size = height * width;
    if size == 0 || pixels.is_empty() || !pixels.len().is_multiple_of(size) {
        return Err(Error::Size {
            what: "image".into(),
            expected: format!("{height} x {width} x channels values"),
            found: pixels.len().to_string(),
        });
    }
    let channels = pixels.len() / size;
    let kernel = Kernel::new(sigma_px)?;
    let mut variance = vec![0.0; size];
    for channel in 0..channels {
        let values: Vec<f64> = pixels
            .iter()
            .skip(channel)
            .step_by(channels)
            .map(|v| f64::from(*v))
            .collect();
        // About the channel's mean, so that a bright image loses no digits.
        let mean = values.iter().sum::<f64>() / size as f64;
        let values: Vec<f64> = values.iter().map(|v| v - mean).collect();
        let squares: Vec<f64> = values.iter().map(|v| v * v).collect();
        let means = kernel.apply(&values, height, width);
        let squares = kernel.apply(&squares, height, width);
        for ((sum, square), mean) in variance.iter_mut().zip(squares).zip(means) {
            *sum += (square - mean * mean).max(0.0) / channels as f64;
        }
    }
    Map::new(height, width, variance.iter().map(|v| v.sqrt()).collect())
}

/// Distance of each pixel from the centre of the image, in pixels.
///
/// # Errors
///
/// If a side is 0.
pub fn centre_distance(height: usize, width: usize) -> Result<Map> {
    let offset = |i: usize, size: usize| i as f64 + 0.5 - size as f64 / 2.0;
    let values = (0..height * width)
        .map(|i| offset(i / width, height).hypot(offset(i % width, width)))
        .collect();
    Map::new(height, width, values)
}

fn remove(values: &mut [f64], basis: &[Vec<f64>]) {
    for _ in 0..2 {
        for direction in basis {
            let share: f64 = values.iter().zip(direction).map(|(v, d)| v * d).sum();
            for (value, d) in values.iter_mut().zip(direction) {
                *value -= share * d;
            }
        }
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
