//! Small pictures and grids of them.
//!
//! Invariant: a picture's bytes fill it exactly, with 1 (gray) or 3 (RGB)
//! interleaved channels.

use serde::{Deserialize, Serialize};

use super::base64;
use crate::{Error, Result};

/// A picture of a few dozen pixels a side, row by row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// `height x width x channels` bytes.
    #[serde(with = "base64::serde_bytes")]
    pub pixels_u8: Vec<u8>,
}

/// How numbers become gray levels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shading {
    /// The smallest value is black and the largest white.
    Stretch,
    /// Zero is black and the largest value white (for maps that sum to one).
    FromZero,
    /// The given values are black and white; what lies outside is clipped.
    Range(f64, f64),
}

impl Picture {
    /// A picture of `height x width x channels` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if the bytes do not fill it or there are not 1 or 3 channels.
    pub fn new(width: usize, height: usize, channels: usize, pixels_u8: Vec<u8>) -> Result<Self> {
        check(&pixels_u8, width, height, channels)?;
        Ok(Self {
            width,
            height,
            channels,
            pixels_u8,
        })
    }

    /// A gray picture of `height x width` numbers; what is not finite is black.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if the numbers do not fill it.
    pub fn from_values(
        width: usize,
        height: usize,
        values: &[f32],
        shading: Shading,
    ) -> Result<Self> {
        let finite = || {
            values
                .iter()
                .map(|v| f64::from(*v))
                .filter(|v| v.is_finite())
        };
        let largest = finite().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = match shading {
            Shading::Stretch => (finite().fold(f64::INFINITY, f64::min), largest),
            Shading::FromZero => (0.0, largest),
            Shading::Range(low, high) => (low, high),
        };
        let scale = if high > low {
            255.0 / (high - low)
        } else {
            0.0
        };
        // A float outside 0..=255 saturates and NaN becomes 0, as wanted.
        let gray = |v: &f32| ((f64::from(*v) - low) * scale).round() as u8;
        Self::new(width, height, 1, values.iter().map(gray).collect())
    }

    /// The picture as a `data:image/png;base64,` URI.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] or [`Error::Png`].
    pub fn data_uri(&self) -> Result<String> {
        png_data_uri(&self.pixels_u8, self.width, self.height, self.channels)
    }
}

/// Pictures in rows and columns with captions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureGrid {
    /// What the grid shows, one sentence.
    pub caption: String,
    /// What the columns are, for example `contrast budget`; may be empty.
    pub column_title: String,
    /// One caption per column.
    pub columns: Vec<String>,
    /// One caption per row.
    pub rows: Vec<String>,
    /// `rows x columns` pictures, row by row; `None` leaves a gap.
    pub pictures: Vec<Option<Picture>>,
}

impl PictureGrid {
    /// Checks that there is one picture or gap per row and column.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the grid by its caption.
    pub fn check(&self) -> Result<()> {
        if self.pictures.len() == self.rows.len() * self.columns.len() {
            return Ok(());
        }
        Err(Error::Shape {
            place: format!("picture grid `{}`", self.caption),
            expected: format!("{} x {} pictures", self.rows.len(), self.columns.len()),
            found: self.pictures.len().to_string(),
        })
    }
}

fn check(pixels_u8: &[u8], width: usize, height: usize, channels: usize) -> Result<()> {
    let fits = pixels_u8.len() == width * height * channels && !pixels_u8.is_empty();
    if fits && matches!(channels, 1 | 3) {
        return Ok(());
    }
    Err(Error::Picture {
        width,
        height,
        channels,
        found: pixels_u8.len(),
    })
}

/// A PNG file of `height x width x channels` bytes, gray or RGB.
///
/// # Errors
///
/// [`Error::Picture`] if the bytes do not fill the picture, [`Error::Png`] if it
/// is larger than PNG allows.
pub fn png_bytes(
    pixels_u8: &[u8],
    width: usize,
    height: usize,
    channels: usize,
) -> Result<Vec<u8>> {
    check(pixels_u8, width, height, channels)?;
    let fail = |source| Error::Png {
        width,
        height,
        source,
    };
    let mut out = Vec::new();
    // A side that does not fit becomes 0, which the encoder refuses.
    let side = |n: usize| u32::try_from(n).unwrap_or(0);
    let mut encoder = png::Encoder::new(&mut out, side(width), side(height));
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_color(if channels == 1 {
        png::ColorType::Grayscale
    } else {
        png::ColorType::Rgb
    });
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(fail)?;
    writer.write_image_data(pixels_u8).map_err(fail)?;
    writer.finish().map_err(fail)?;
    Ok(out)
}

/// A picture as a `data:image/png;base64,` URI.
///
/// # Errors
///
/// As [`png_bytes`].
pub fn png_data_uri(
    pixels_u8: &[u8],
    width: usize,
    height: usize,
    channels: usize,
) -> Result<String> {
    let bytes = png_bytes(pixels_u8, width, height, channels)?;
    Ok(format!("data:image/png;base64,{}", base64::encode(&bytes)))
}
