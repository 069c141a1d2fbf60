//! A borrowed image. Invariant: a value that exists has a shape that every
//! corruption can work on, and the bytes to go with it.

use crate::{Error, Result};

/// The smallest side, in pixels.
pub const MIN_SIDE: usize = 16;

/// A borrowed u8 image, RGB or gray, interleaved `height x width x channels`.
#[derive(Clone, Copy, Debug)]
pub struct ImageRef<'a> {
    pixels: &'a [u8],
    height: usize,
    width: usize,
    channels: usize,
}

impl<'a> ImageRef<'a> {
    /// # Errors
    ///
    /// If a side is below 16 px, `channels` is neither 1 nor 3, or `pixels_u8`
    /// does not hold `height * width * channels` bytes.
    pub fn new(pixels_u8: &'a [u8], height: usize, width: usize, channels: usize) -> Result<Self> {
        if height < MIN_SIDE || width < MIN_SIDE {
            return Err(Error::TooSmall { height, width });
        }
        if channels != 1 && channels != 3 {
            return Err(Error::Channels { found: channels });
        }
        let expected = height.saturating_mul(width).saturating_mul(channels);
        if pixels_u8.len() != expected {
            return Err(Error::Length {
                what: "image",
                found: pixels_u8.len(),
                expected,
            });
        }
        Ok(Self {
            pixels: pixels_u8,
            height,
            width,
            channels,
        })
    }

    /// The bytes, `height x width x channels`.
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// 1 (gray) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Bytes of one row.
    pub(crate) fn stride(&self) -> usize {
        self.width * self.channels
    }
}
