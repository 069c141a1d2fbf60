//! The training augmentation of the study: random crop after zero padding,
//! horizontal flip, nearest-neighbour rotation (training.md 1.1, steps 1 to 3).
//!
//! Invariant: each step only moves pixels, so the three are applied as one map of
//! coordinates, without a buffer between them and without allocation; the result
//! equals torchvision's for the same parameters, byte for byte.

use serde::{Deserialize, Serialize};
use striate_random::Stream;

use crate::{Error, Result};

/// What the augmentation may do. The default is the study's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Zero padding on each side before the crop back to the image's size, in pixels.
    pub padding_px: usize,
    /// Probability of a horizontal flip.
    pub flip_probability: f64,
    /// The rotation is uniform in `[-rotation_deg, rotation_deg]`, in degrees;
    /// positive is counter-clockwise.
    pub rotation_deg: f64,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            padding_px: 4,
            flip_probability: 0.5,
            rotation_deg: 15.0,
        }
    }
}

/// What was drawn for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Top row of the crop, relative to the image: in `-padding..=padding`.
    pub shift_y: isize,
    /// Left column of the crop, relative to the image: in `-padding..=padding`.
    pub shift_x: isize,
    /// Whether left and right are exchanged (after the crop).
    pub flip: bool,
    /// Rotation about the centre (after the flip), counter-clockwise, in degrees.
    pub angle_deg: f64,
}

impl AugmentConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// If the probability is not in `[0, 1]`, the rotation not in `[0, 180]`, or
    /// the padding beyond a million pixels.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.flip_probability) {
            return Err(Error::argument(
                "flip_probability",
                "a probability in [0, 1]",
                self.flip_probability,
            ));
        }
        if !(0.0..=180.0).contains(&self.rotation_deg) {
            return Err(Error::argument(
                "rotation_deg",
                "degrees in [0, 180]",
                self.rotation_deg,
            ));
        }
        if self.padding_px > 1_000_000 {
            return Err(Error::argument(
                "padding_px",
                "at most a million pixels",
                self.padding_px,
            ));
        }
        Ok(())
    }

    /// Draws the parameters for one image: always five draws, so that what
    /// follows in the stream does not depend on the configuration's values.
    pub fn draw(&self, stream: &mut Stream) -> Augmentation {
        let padding = self.padding_px as isize;
        Augmentation {
            shift_y: stream.below(2 * self.padding_px + 1) as isize - padding,
            shift_x: stream.below(2 * self.padding_px + 1) as isize - padding,
            flip: stream.chance(self.flip_probability),
            angle_deg: stream.range(-self.rotation_deg, self.rotation_deg),
        }
    }

    /// Draws and applies: [`AugmentConfig::draw`], then [`Augmentation::apply`].
    ///
    /// # Errors
    ///
    /// As [`Augmentation::apply`].
    pub fn augment(
        &self,
        stream: &mut Stream,
        image: &[u8],
        size: (usize, usize),
        out: &mut [u8],
    ) -> Result<()> {
        self.draw(stream).apply(image, size, out)
    }
}

impl Augmentation {
    /// The augmentation that changes nothing.
    pub const NONE: Self = Self {
        shift_y: 0,
        shift_x: 0,
        flip: false,
        angle_deg: 0.0,
    };

    /// Writes the augmented image; what comes from outside is black (0).
    ///
    /// # Shapes
    ///
    /// `image` and `out` are `[height, width, channels]` with the same
    /// `(height, width)` and 1 or 3 channels.
    ///
    /// # Errors
    ///
    /// If the lengths do not fit the size, or a side is not in 1..=16384.
    pub fn apply(&self, image: &[u8], size: (usize, usize), out: &mut [u8]) -> Result<()> {
        let (height, width) = size;
        if !(1..=16_384).contains(&height) || !(1..=16_384).contains(&width) {
            return Err(Error::argument(
                "size of the image",
                "sides in 1..=16384",
                format!("{height} x {width}"),
            ));
        }
        let pixels = height * width;
        if image.len() != out.len() || !(image.len() == pixels || image.len() == 3 * pixels) {
            return Err(Error::argument(
                "image and output",
                format!("{height} x {width} pixels of 1 or 3 channels each"),
                format!("{} and {} bytes", image.len(), out.len()),
            ));
        }
        if image.len() == pixels {
            self.gather::<1>(image, height, width, out);
        } else {
            self.gather::<3>(image, height, width, out);
        }
        Ok(())
    }

    fn gather<const C: usize>(&self, image: &[u8], height: usize, width: usize, out: &mut [u8]) {
        let rotation = Rotation::new(self.angle_deg, height, width);
        let (h, w) = (height as i64, width as i64);
        for (y, row) in out.chunks_exact_mut(width * C).enumerate() {
            let mut at = rotation.row(y);
            for pixel in row.chunks_exact_mut(C) {
                let (ry, rx) = (at.1 >> 16, at.0 >> 16);
                at = (at.0 + rotation.step.0, at.1 + rotation.step.1);
                // The three steps backwards: rotation, flip, crop.
                let inside = (0..w).contains(&rx) && (0..h).contains(&ry);
                let fx = if self.flip { w - 1 - rx } else { rx };
                let (sy, sx) = (ry + self.shift_y as i64, fx + self.shift_x as i64);
                if inside && (0..w).contains(&sx) && (0..h).contains(&sy) {
                    let start = (sy * w + sx) as usize * C;
                    pixel.copy_from_slice(&image[start..start + C]);
                } else {
                    pixel.fill(0);
                }
            }
        }
    }
}

/// Where an output pixel of Pillow's `Image.rotate` (nearest) comes from, in 16.16
/// fixed point, as (x, y).
struct Rotation {
    step: (i64, i64),
    row_step: (i64, i64),
    origin: (i64, i64),
}

impl Rotation {
    fn new(angle_deg: f64, height: usize, width: usize) -> Self {
        let fix = |v: f64| (v * 65_536.0 + 0.5).floor() as i64;
        // Pillow rounds the matrix to 15 decimals.
        let round = |v: f64| (v * 1e15).round() / 1e15;
        let angle = -angle_deg.rem_euclid(360.0).to_radians();
        let (cos, sin) = (round(angle.cos()), round(angle.sin()));
        let (cx, cy) = (width as f64 / 2.0, height as f64 / 2.0);
        let x0 = -cx * cos - cy * sin + cx;
        let y0 = cx * sin - cy * cos + cy;
        Self {
            step: (fix(cos), fix(-sin)),
            row_step: (fix(sin), fix(cos)),
            // The centre of the first pixel.
            origin: (
                fix(x0 + cos * 0.5 + sin * 0.5),
                fix(y0 - sin * 0.5 + cos * 0.5),
            ),
        }
    }

    fn row(&self, y: usize) -> (i64, i64) {
        let y = y as i64;
        (
            self.origin.0 + y * self.row_step.0,
            self.origin.1 + y * self.row_step.1,
        )
    }
}

#[cfg(test)]
mod tests;
