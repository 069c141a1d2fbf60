//! Images of any size to one size, as classifiers are tested. Invariant: torchvision's
//! `Resize` and `CenterCrop` of Pillow images, byte for byte.

use serde::{Deserialize, Serialize};

use crate::resize::{Filter, Rect, crop_resize};
use crate::{Error, Result, RgbImage};

/// Resizes the shorter side (antialiased triangle filter), then cuts out the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeCrop {
    /// The shorter side after resizing, in pixels.
    pub resize_px: usize,
    /// Height and width of the cut, in pixels.
    pub crop_px: usize,
}

impl ResizeCrop {
    /// Checks the sizes.
    ///
    /// # Errors
    ///
    /// If the cut is empty or larger than the resized image may be.
    pub fn check(self) -> Result<()> {
        if (1..=self.resize_px).contains(&self.crop_px) {
            return Ok(());
        }
        let expected = format!("from 1 to resize_px = {}", self.resize_px);
        Err(Error::argument("crop_px", expected, self.crop_px))
    }

    /// The fitted image, `crop_px` x `crop_px` pixels.
    ///
    /// # Errors
    ///
    /// If the sizes do not fit together, or the image is empty.
    pub fn apply(self, image: &RgbImage) -> Result<RgbImage> {
        self.check()?;
        let (height, width) = (image.height, image.width);
        let short = height.min(width);
        let resized = if short == self.resize_px {
            image.clone()
        } else {
            // Truncated, as torchvision does.
            let scaled = |len: usize| self.resize_px * len / short.max(1);
            let whole = Rect {
                y: 0,
                x: 0,
                height,
                width,
            };
            let to = (scaled(height), scaled(width));
            let pixels = &image.pixels_u8;
            RgbImage {
                height: to.0,
                width: to.1,
                pixels_u8: crop_resize(pixels, (height, width), 3, whole, to, Filter::Triangle)?,
            }
        };
        Ok(self.cut(&resized))
    }

    fn cut(self, image: &RgbImage) -> RgbImage {
        let size = self.crop_px;
        // Python rounds halves to even.
        let start = |len: usize| ((len - size) as f64 / 2.0).round_ties_even() as usize;
        let (top, left) = (start(image.height), start(image.width));
        let rows = image.pixels_u8.chunks_exact(image.width * 3);
        let rows = rows.skip(top).take(size);
        RgbImage {
            height: size,
            width: size,
            pixels_u8: rows
                .flat_map(|row| &row[left * 3..(left + size) * 3])
                .copied()
                .collect(),
        }
    }
}

/// The image, fitted if a fit is given.
pub(crate) fn fitted(image: RgbImage, fit: Option<ResizeCrop>) -> Result<RgbImage> {
    match fit {
        Some(fit) => fit.apply(&image),
        None => Ok(image),
    }
}

#[cfg(test)]
mod tests {
    use striate_testkit::Golden;

    use super::*;

    #[test]
    fn it_is_torchvisions() {
        let golden = Golden::open("data/transforms");
        for (name, height, width) in [("image", 32, 32), ("wide", 24, 37)] {
            let pixels = golden.u32(name).into_iter().map(|v| v as u8);
            let image = RgbImage {
                height,
                width,
                pixels_u8: pixels.collect(),
            };
            for (resize_px, crop_px) in [(20, 16), (24, 19), (40, 33), (17, 17)] {
                let fit = ResizeCrop { resize_px, crop_px };
                let fitted = fit.apply(&image).unwrap();
                let found: Vec<u32> = fitted.pixels_u8.into_iter().map(u32::from).collect();
                let expected = golden.u32(&format!("{name}.fitted.{resize_px}.{crop_px}"));
                assert_eq!(found, expected, "{name} {fit:?}");
            }
        }
    }

    #[test]
    fn a_cut_that_does_not_fit_is_refused() {
        let fit = ResizeCrop {
            resize_px: 8,
            crop_px: 9,
        };
        let error = fit.check().unwrap_err().to_string();
        assert_eq!(error, "crop_px: expected from 1 to resize_px = 8, found 9");
    }
}
