//! Centre-surround contrast of intensity, colour and orientation, in the manner
//! of Itti, Koch and Niebur (1998, IEEE TPAMI 20(11)).
//!
//! Where it differs: scales are Gaussians at full resolution instead of levels
//! of a pyramid, because the images here may be 32 pixels wide. Invariant: the
//! map does not depend on the scale and the offset of the pixel values.

use serde::{Deserialize, Serialize};

use super::{SaliencyMap, SaliencySource};
use crate::blur::{Kernel, reflect};
use crate::{Error, Map, Result};

/// Settings of the centre-surround saliency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CentreSurroundConfig {
    /// Standard deviations of the centres, in pixels.
    pub centres_px: Vec<f64>,
    /// Standard deviations of the surrounds, in units of their centre's.
    pub surrounds: Vec<f64>,
    /// Number of orientations over 180 degrees.
    pub orientations: usize,
    /// Wavelength of the orientation filters in units of the centre's deviation.
    pub wavelength: f64,
    /// Standard deviation of the final smoothing, in pixels.
    pub smoothing_px: f64,
}

impl Default for CentreSurroundConfig {
    /// Two centres, two surrounds and four orientations: 4 maps of intensity, 8
    /// of colour and 16 of orientation.
    fn default() -> Self {
        Self {
            centres_px: vec![1.0, 2.0],
            surrounds: vec![3.0, 5.0],
            orientations: 4,
            wavelength: 4.0,
            smoothing_px: 2.0,
        }
    }
}

/// The centre-surround saliency of an image of one (gray) or three (RGB) channels.
///
/// `pixels` is `height x width x channels` on any scale.
///
/// # Errors
///
/// If the number of pixels does not fit, a setting is out of its range, or the
/// image is constant.
pub fn centre_surround(
    pixels: &[f32],
    height: usize,
    width: usize,
    config: &CentreSurroundConfig,
) -> Result<SaliencyMap> {
    check(config)?;
    let size = height * width;
    let planes = planes(pixels, height, width)?;
    let count = planes.len() as f64;
    let intensity: Vec<f64> = (0..size)
        .map(|i| planes.iter().map(|plane| plane[i]).sum::<f64>() / count)
        .collect();
    let scene = Scene {
        height,
        width,
        config,
    };
    let mut conspicuities = vec![scene.contrast(&intensity)?];
    if let [red, green, blue] = planes.as_slice() {
        let opponents: [Vec<f64>; 2] = [
            red.iter().zip(green).map(|(r, g)| r - g).collect(),
            (0..size)
                .map(|i| blue[i] - (red[i] + green[i]) / 2.0)
                .collect(),
        ];
        let mut colour = vec![0.0; size];
        for opponent in &opponents {
            add(&mut colour, &scene.contrast(opponent)?);
        }
        conspicuities.push(colour);
    }
    let mut orientation = vec![0.0; size];
    for k in 0..config.orientations {
        let angle = std::f64::consts::PI * k as f64 / config.orientations as f64;
        add(
            &mut orientation,
            &scene.oriented_contrast(&intensity, angle)?,
        );
    }
    conspicuities.push(orientation);
    let mut sum = vec![0.0; size];
    for map in conspicuities {
        add(&mut sum, &scene.promote(map));
    }
    let map = Map::new(height, width, sum)?;
    if map.values().iter().all(|v| *v == 0.0) {
        return Err(Error::Undefined {
            metric: "centre-surround saliency",
            reason: "the image is constant".into(),
        });
    }
    Ok(SaliencyMap {
        source: SaliencySource::CentreSurround,
        density: map.smoothed(config.smoothing_px)?.to_density()?,
    })
}

/// One plane per channel, all shifted and scaled together to at most 1 around 0.
fn planes(pixels: &[f32], height: usize, width: usize) -> Result<Vec<Vec<f64>>> {
    let size = height * width;
    if size == 0 || (pixels.len() != size && pixels.len() != 3 * size) {
        return Err(Error::Size {
            what: "image".into(),
            expected: format!("{height} x {width} x 1 or 3 values"),
            found: pixels.len().to_string(),
        });
    }
    let channels = pixels.len() / size;
    let mean = pixels.iter().map(|v| f64::from(*v)).sum::<f64>() / pixels.len() as f64;
    let reach = |m: f64, v: &f32| m.max((f64::from(*v) - mean).abs());
    let largest = pixels.iter().fold(0.0, reach);
    if largest.is_nan() || largest <= 0.0 || !mean.is_finite() {
        return Err(Error::Undefined {
            metric: "centre-surround saliency",
            reason: "the image is constant, or not finite".into(),
        });
    }
    Ok((0..channels)
        .map(|channel| {
            let values = pixels.iter().skip(channel).step_by(channels);
            values.map(|v| (f64::from(*v) - mean) / largest).collect()
        })
        .collect())
}

struct Scene<'a> {
    height: usize,
    width: usize,
    config: &'a CentreSurroundConfig,
}

impl Scene<'_> {
    /// The sum over scales of the promoted differences of centre and surround.
    fn contrast(&self, plane: &[f64]) -> Result<Vec<f64>> {
        let mut sum = vec![0.0; plane.len()];
        for &centre in &self.config.centres_px {
            let inner = self.blurred(plane, centre)?;
            self.add_surrounds(&mut sum, plane, &inner, centre)?;
        }
        Ok(sum)
    }

    /// The same for the energy of the image at one orientation.
    fn oriented_contrast(&self, intensity: &[f64], angle: f64) -> Result<Vec<f64>> {
        let mut sum = vec![0.0; intensity.len()];
        for &centre in &self.config.centres_px {
            let energy = self.gabor_energy(intensity, centre, angle);
            let inner = self.blurred(&energy, centre)?;
            self.add_surrounds(&mut sum, &energy, &inner, centre)?;
        }
        Ok(sum)
    }

    fn add_surrounds(
        &self,
        sum: &mut [f64],
        plane: &[f64],
        inner: &[f64],
        centre: f64,
    ) -> Result<()> {
        for &ratio in &self.config.surrounds {
            let outer = self.blurred(plane, centre * ratio)?;
            let difference = inner.iter().zip(&outer).map(|(a, b)| (a - b).abs());
            add(sum, &self.promote(difference.collect()));
        }
        Ok(())
    }

    fn blurred(&self, plane: &[f64], sigma_px: f64) -> Result<Vec<f64>> {
        Ok(Kernel::new(sigma_px)?.apply(plane, self.height, self.width))
    }

    /// The normalisation N of Itti et al.: scaled to 0..1, then multiplied by
    /// `(1 - mean of the other local maxima)^2`, which promotes maps with one peak.
    ///
    /// A map below 1e-9 of the image's range is rounding and becomes 0.
    fn promote(&self, mut map: Vec<f64>) -> Vec<f64> {
        let low = map.iter().copied().fold(f64::INFINITY, f64::min);
        let high = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if high - low < 1e-9 {
            return vec![0.0; map.len()];
        }
        map.iter_mut().for_each(|v| *v = (*v - low) / (high - low));
        let (mut sum, mut count) = (0.0, 0usize);
        for y in 0..self.height {
            for x in 0..self.width {
                let value = map[y * self.width + x];
                if value > 0.0 && value < 1.0 && self.is_peak(&map, y, x) {
                    sum += value;
                    count += 1;
                }
            }
        }
        let weight = (1.0 - sum / count.max(1) as f64).powi(2);
        map.iter_mut().for_each(|v| *v *= weight);
        map
    }

    /// Whether a pixel is at least as large as its neighbours.
    fn is_peak(&self, map: &[f64], y: usize, x: usize) -> bool {
        let value = map[y * self.width + x];
        (y.saturating_sub(1)..(y + 2).min(self.height)).all(|v| {
            (x.saturating_sub(1)..(x + 2).min(self.width)).all(|u| map[v * self.width + u] <= value)
        })
    }

    /// The amplitude of the image under a pair of Gabor filters, even and odd.
    fn gabor_energy(&self, plane: &[f64], sigma_px: f64, angle: f64) -> Vec<f64> {
        let half = (3.0 * sigma_px).ceil() as i64;
        let frequency = std::f64::consts::TAU / (self.config.wavelength * sigma_px);
        let (sin, cos) = angle.sin_cos();
        let mut taps: Vec<(i64, i64, f64, f64)> = Vec::new();
        let (mut window_sum, mut even_sum) = (0.0, 0.0);
        for dy in -half..=half {
            for dx in -half..=half {
                let (v, u) = (dy as f64, dx as f64);
                let window = (-0.5 * (u * u + v * v) / (sigma_px * sigma_px)).exp();
                let phase = frequency * (u * cos + v * sin);
                taps.push((dy, dx, window * phase.cos(), window * phase.sin()));
                window_sum += window;
                even_sum += window * phase.cos();
            }
        }
        // The even filter loses its mean, so that uniform areas give 0.
        for (dy, dx, even, _) in &mut taps {
            let r2 = (*dy * *dy + *dx * *dx) as f64;
            let window = (-0.5 * r2 / (sigma_px * sigma_px)).exp();
            *even -= window * even_sum / window_sum;
        }
        let mut energy = Vec::with_capacity(plane.len());
        for y in 0..self.height {
            for x in 0..self.width {
                let (mut even_part, mut odd_part) = (0.0, 0.0);
                for (dy, dx, even, odd) in &taps {
                    let row = reflect(y as i64 + dy, self.height);
                    let value = plane[row * self.width + reflect(x as i64 + dx, self.width)];
                    even_part += even * value;
                    odd_part += odd * value;
                }
                energy.push(f64::hypot(even_part, odd_part) / window_sum);
            }
        }
        energy
    }
}

fn add(sum: &mut [f64], values: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

fn check(config: &CentreSurroundConfig) -> Result<()> {
    let positive = |v: &f64| v.is_finite() && *v > 0.0;
    let fits = !config.centres_px.is_empty()
        && config.centres_px.iter().all(positive)
        && !config.surrounds.is_empty()
        && config.surrounds.iter().all(|v| v.is_finite() && *v > 1.0)
        && config.orientations > 0
        && positive(&config.wavelength);
    if fits {
        return Ok(());
    }
    Err(Error::Setting {
        name: "centre-surround saliency",
        expected: "positive centres and wavelength, surrounds above 1, an orientation or more",
        found: format!("{config:?}"),
    })
}
