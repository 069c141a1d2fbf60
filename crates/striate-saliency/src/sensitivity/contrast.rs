//! S3, occlusion by lowering contrast. Invariant: every pixel lies in at least one window.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::network::{dimensions, features};
use super::{Network, SMOOTHING_PX, Sensitivity, SensitivityMap};
use crate::{Error, Map, Result};

/// How to lower the contrast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContrastConfig {
    /// Side of the square windows in pixels.
    pub window_px: usize,
    /// Distance between windows in pixels, at most their side.
    pub stride_px: usize,
    /// What is left of the contrast inside a window, in `0.0..1.0`.
    pub factor: f64,
    /// Standard deviation of the smoothing in pixels.
    pub smoothing_px: f64,
    /// Changed images in one forward pass.
    pub batch: usize,
}

impl Default for ContrastConfig {
    /// 8x8 windows with half the contrast (analyses.md 4), half overlapping.
    fn default() -> Self {
        Self {
            window_px: 8,
            stride_px: 4,
            factor: 0.5,
            smoothing_px: SMOOTHING_PX,
            batch: 64,
        }
    }
}

/// S3 of each image: the mean squared change of the features when the contrast
/// inside a window is lowered around the window's mean (per channel). A pixel's
/// value is the mean over the windows that hold it.
///
/// # Shapes
///
/// `images` is `[images, height, width, channels]`.
///
/// # Errors
///
/// If a setting is out of its range, the network fails, or nothing changes in
/// an image at all.
pub fn contrast_change(
    network: &Network<'_>,
    images: &Tensor,
    config: &ContrastConfig,
) -> Result<Vec<SensitivityMap>> {
    let [count, height, width, channels] = dimensions(images)?;
    check(config, height, width)?;
    let windows: Vec<(usize, usize)> = origins(height, config)
        .into_iter()
        .flat_map(|y| origins(width, config).into_iter().map(move |x| (y, x)))
        .collect();
    let mut maps = Vec::with_capacity(count);
    for image in 0..count {
        let original = images.narrow(0, image, 1)?.detach();
        let before = features(network, &original)?;
        let pixels = original.flatten_all()?.to_vec1::<f32>()?;
        let mut changes = Vec::with_capacity(windows.len());
        for part in windows.chunks(config.batch.max(1)) {
            let mut changed = Vec::with_capacity(part.len() * pixels.len());
            for origin in part {
                let from = changed.len();
                changed.extend_from_slice(&pixels);
                flatten(&mut changed[from..], [width, channels], *origin, config);
            }
            let changed = Tensor::from_vec(
                changed,
                (part.len(), height, width, channels),
                images.device(),
            )?;
            let after = features(network, &changed)?;
            let change = after.broadcast_sub(&before)?.sqr()?.mean(1)?;
            changes.extend(change.to_vec1::<f32>()?);
        }
        let mut sums = vec![0.0; height * width];
        let mut counts = vec![0usize; height * width];
        for ((y0, x0), change) in windows.iter().zip(changes) {
            for y in *y0..y0 + config.window_px {
                for x in *x0..x0 + config.window_px {
                    sums[y * width + x] += f64::from(change);
                    counts[y * width + x] += 1;
                }
            }
        }
        let values = sums.iter().zip(&counts).map(|(s, n)| s / *n as f64);
        maps.push(SensitivityMap::new(
            Sensitivity::ContrastChange,
            Map::new(height, width, values.collect())?,
            None,
            config.smoothing_px,
        )?);
    }
    Ok(maps)
}

/// Scales the pixels of one window towards their mean, channel by channel.
fn flatten(
    pixels: &mut [f32],
    [width, channels]: [usize; 2],
    (y0, x0): (usize, usize),
    config: &ContrastConfig,
) {
    let side = config.window_px;
    for channel in 0..channels {
        let places = (y0..y0 + side)
            .flat_map(|y| (x0..x0 + side).map(move |x| (y * width + x) * channels + channel));
        let sum: f64 = places.clone().map(|i| f64::from(pixels[i])).sum();
        let mean = sum / (side * side) as f64;
        for i in places {
            pixels[i] = (mean + config.factor * (f64::from(pixels[i]) - mean)) as f32;
        }
    }
}

/// Where windows start along an axis; the last one ends at the border.
fn origins(size: usize, config: &ContrastConfig) -> Vec<usize> {
    let last = size - config.window_px;
    let mut origins: Vec<usize> = (0..last).step_by(config.stride_px).collect();
    origins.push(last);
    origins
}

fn check(config: &ContrastConfig, height: usize, width: usize) -> Result<()> {
    let setting = |name, expected, found: String| {
        Err(Error::Setting {
            name,
            expected,
            found,
        })
    };
    if config.window_px == 0 || config.window_px > height.min(width) {
        return setting(
            "window_px",
            "at least 1 and at most the sides of the image",
            format!("{} in {height} x {width}", config.window_px),
        );
    }
    if config.stride_px == 0 || config.stride_px > config.window_px {
        return setting(
            "stride_px",
            "at least 1 and at most the side of the window",
            config.stride_px.to_string(),
        );
    }
    if !(0.0..1.0).contains(&config.factor) {
        return setting(
            "factor",
            "at least 0 and below 1",
            config.factor.to_string(),
        );
    }
    Ok(())
}
