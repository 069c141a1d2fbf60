//! Two conversions from RGB to gray, and normalisation. Invariant: both
//! conversions give the reference library's values bit for bit.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Error, Images, Result};

/// One RGB pixel as gray in `[0, 1]`, in the order of operations of torchvision's
/// `rgb_to_grayscale` on a float tensor.
#[inline]
fn luminance(pixel: &[u8]) -> f32 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|v| f32::from(v) / 255.0);
    0.2989 * r + 0.587 * g + 0.114 * b
}

/// RGB bytes to gray in `[0, 1]`: `0.2989 R + 0.587 G + 0.114 B` of the values
/// divided by 255, in f32 (training.md 1.1, steps 5 and 7).
///
/// # Shapes
///
/// `rgb` is `[pixels, 3]`, `out` is `[pixels]`; the shorter of the two decides.
pub fn rgb_to_gray_f32(rgb: &[u8], out: &mut [f32]) {
    for (pixel, gray) in rgb.chunks_exact(3).zip(out) {
        *gray = luminance(pixel);
    }
}

/// RGB bytes to 8-bit gray as Pillow's `convert("L")`: ITU-R 601-2 in 16-bit
/// fixed point, rounded.
///
/// # Shapes
///
/// `rgb` is `[pixels, 3]`, `out` is `[pixels]`; the shorter of the two decides.
pub fn rgb_to_gray_u8(rgb: &[u8], out: &mut [u8]) {
    for (pixel, gray) in rgb.chunks_exact(3).zip(out) {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        *gray = ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8;
    }
}

/// Mean and standard deviation of each channel, for pixels in `[0, 1]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Subtracted first, one for each channel.
    pub mean: Vec<f32>,
    /// Divided by then, one for each channel.
    pub std: Vec<f32>,
}

impl Normalize {
    /// TinyImageNet in gray (training.md 1.1).
    pub fn tiny_imagenet_gray() -> Self {
        Self {
            mean: vec![0.4519],
            std: vec![0.2221],
        }
    }

    /// TinyImageNet in colour (training.md 1.1).
    pub fn tiny_imagenet_rgb() -> Self {
        Self {
            mean: vec![0.4802, 0.4481, 0.3975],
            std: vec![0.2302, 0.2265, 0.2262],
        }
    }

    /// The gray statistics of a training set: one mean and one (biased)
    /// standard deviation over all its pixels, RGB turned to gray as
    /// [`rgb_to_gray_f32`] does.
    ///
    /// # Errors
    ///
    /// If there are no pixels, or all are equal.
    pub fn of_gray(images: &Images) -> Result<Self> {
        let gray = images.channels != 3;
        Self::of_samples(images, 1, |image, add| {
            if gray {
                image.iter().for_each(|v| add(0, f64::from(*v) / 255.0));
            } else {
                image
                    .chunks_exact(3)
                    .for_each(|p| add(0, f64::from(luminance(p))));
            }
        })
    }

    /// The statistics of each channel of a training set.
    ///
    /// # Errors
    ///
    /// If there are no pixels, or all of a channel are equal.
    pub fn of_channels(images: &Images) -> Result<Self> {
        let channels = images.channels;
        Self::of_samples(images, channels, |image, add| {
            for (i, v) in image.iter().enumerate() {
                add(i % channels, f64::from(*v) / 255.0);
            }
        })
    }

    fn of_samples(
        images: &Images,
        channels: usize,
        visit: impl Fn(&[u8], &mut dyn FnMut(usize, f64)) + Sync,
    ) -> Result<Self> {
        // Sums of one image each, added in the order of the images: the result
        // does not depend on the number of threads.
        let sums: Vec<Vec<(f64, f64, f64)>> = images
            .pixels_u8
            .par_chunks_exact(images.image_len().max(1))
            .map(|image| {
                let mut sums = vec![(0.0, 0.0, 0.0); channels];
                visit(image, &mut |channel, v| {
                    let (n, sum, square) = &mut sums[channel];
                    *n += 1.0;
                    *sum += v;
                    *square += v * v;
                });
                sums
            })
            .collect();
        let mut normalize = Self {
            mean: Vec::with_capacity(channels),
            std: Vec::with_capacity(channels),
        };
        for channel in 0..channels {
            let (n, sum, square) = sums
                .iter()
                .map(|s| s[channel])
                .fold((0.0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
            let mean = sum / n;
            let variance = square / n - mean * mean;
            // Below this the variance is rounding, not contrast: one level in
            // 255 at one pixel of a million gives 1.5e-11.
            if n == 0.0 || variance < 1e-12 {
                return Err(Error::argument(
                    "images to take statistics of",
                    "pixels of more than one value",
                    format!("{n} values, variance {variance:.1e}"),
                ));
            }
            normalize.mean.push(mean as f32);
            normalize.std.push(variance.sqrt() as f32);
        }
        Ok(normalize)
    }

    /// Normalises pixels in place: `(x - mean) / std`.
    ///
    /// # Shapes
    ///
    /// `pixels` is `[n, channels]`.
    pub fn apply(&self, pixels: &mut [f32]) {
        let channels = self.mean.len().max(1);
        for pixel in pixels.chunks_mut(channels) {
            for ((v, mean), std) in pixel.iter_mut().zip(&self.mean).zip(&self.std) {
                *v = (*v - mean) / std;
            }
        }
    }

    /// Undoes [`Normalize::apply`] in place.
    ///
    /// # Shapes
    ///
    /// `pixels` is `[n, channels]`.
    pub fn invert(&self, pixels: &mut [f32]) {
        let channels = self.mean.len().max(1);
        for pixel in pixels.chunks_mut(channels) {
            for ((v, mean), std) in pixel.iter_mut().zip(&self.mean).zip(&self.std) {
                *v = *v * std + mean;
            }
        }
    }
}

/// From u8 pixels to a network's input: gray or colour, normalised (training.md
/// 1.1, steps 5, 7, 8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// One gray channel; else the image's own channels.
    pub gray: bool,
    /// Statistics, with as many channels as come out.
    pub normalize: Normalize,
}

impl Preprocess {
    /// Number of channels that come out.
    pub fn channels(&self) -> usize {
        self.normalize.mean.len()
    }

    /// Writes one image (`[pixels, 3]`, or `[pixels, 1]` when `channels` is 1) as
    /// normalised f32.
    ///
    /// # Shapes
    ///
    /// `out` is `[pixels, self.channels()]`. No allocation.
    ///
    /// # Errors
    ///
    /// If the sizes or the channels do not fit.
    pub fn apply(&self, image: &[u8], channels: usize, out: &mut [f32]) -> Result<()> {
        let expected = if self.gray { 1 } else { channels };
        if self.channels() != expected || self.normalize.std.len() != expected {
            return Err(Error::argument(
                "normalize",
                format!("{expected} channels"),
                format!(
                    "{} means and {} deviations",
                    self.channels(),
                    self.normalize.std.len()
                ),
            ));
        }
        if image.len() * expected != out.len() * channels {
            return Err(Error::argument(
                "output of the preprocessing",
                format!("{} values", image.len() / channels.max(1) * expected),
                out.len(),
            ));
        }
        if self.gray && channels == 3 {
            rgb_to_gray_f32(image, out);
        } else {
            for (v, o) in image.iter().zip(out.iter_mut()) {
                *o = f32::from(*v) / 255.0;
            }
        }
        self.normalize.apply(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
