//! PNG and JPEG bytes to RGB. Invariant: whatever the file's colour type, three
//! channels come out, and no image may claim more memory than the stated bound.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, Limits};

use crate::{Error, Result};

mod jpeg;

pub use jpeg::JPEG_DECODER;

/// Largest side of an image, in pixels: beyond it a header is taken for damaged.
pub const MAX_SIDE_PX: u32 = 16_384;

/// Largest memory that a decoder may take, in bytes.
pub const MAX_DECODE_BYTES: u64 = 1 << 30;

/// One decoded image: RGB, u8, interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// `[height, width, 3]`, 0..=255.
    pub pixels_u8: Vec<u8>,
}

/// Decodes a PNG or a JPEG to RGB; gray becomes three equal channels, a
/// transparent pixel keeps its colour (as Pillow's `convert("RGB")` does).
///
/// A JPEG's pixels differ from Pillow's by rounding, unless the crate is built with the
/// feature `turbojpeg`: then both decode with libjpeg-turbo ([`JPEG_DECODER`]).
///
/// `place` is the file, or the row of a table: it starts the error's message.
///
/// # Errors
///
/// If the bytes are neither, damaged, or beyond [`MAX_SIDE_PX`] or
/// [`MAX_DECODE_BYTES`].
pub fn decode_rgb(bytes: &[u8], place: &str) -> Result<RgbImage> {
    let refuse = |reason: String| Error::Image {
        place: place.to_string(),
        reason,
    };
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return jpeg::decode(bytes).map_err(refuse);
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| refuse(e.to_string()))?;
    if reader.format().is_none() {
        let head: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
        return Err(refuse(format!(
            "{} bytes that begin with [{}]",
            bytes.len(),
            head.join(" ")
        )));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(|e| refuse(e.to_string()))?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels_u8 = match image {
        DynamicImage::ImageRgb8(rgb) => rgb.into_raw(),
        DynamicImage::ImageLuma8(gray) => gray.as_raw().iter().flat_map(|v| [*v; 3]).collect(),
        other => other.into_rgb8().into_raw(),
    };
    Ok(RgbImage {
        height,
        width,
        pixels_u8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

    #[test]
    fn a_gray_png_becomes_rgb() {
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&[1, 2, 3, 4, 5, 6], 3, 2, ExtendedColorType::L8)
            .unwrap();
        let image = decode_rgb(&png, "test").unwrap();
        assert_eq!((image.height, image.width), (2, 3));
        assert_eq!(image.pixels_u8[..6], [1, 1, 1, 2, 2, 2]);
    }

    /// SHA-256 of all photographs as Pillow 13.0.0 decodes them:
    /// `Image.open(bytes).convert("RGB").tobytes()`, one after the other.
    #[cfg(feature = "turbojpeg")]
    #[test]
    fn photographs_are_pillows_byte_for_byte() {
        use sha2::Digest as _;

        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let photos = root.join("datasets/mini/photos.parquet");
        let photos = crate::parquet::ImageTable::open(&photos).unwrap();
        let mut hash = sha2::Sha256::new();
        for record in &photos.records {
            hash.update(decode_rgb(&record.bytes, "photographs").unwrap().pixels_u8);
        }
        let hash: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hash,
            "5528874ba7a16442249affa1906b9d1ce98cf2253e1b8b791f0b77d83be4e576"
        );
    }

    #[test]
    fn a_jpeg_that_ends_early_is_refused() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let photos = root.join("datasets/mini/photos.parquet");
        let photos = crate::parquet::ImageTable::open(&photos).unwrap();
        let bytes = &photos.records[0].bytes;
        assert!(decode_rgb(bytes, "whole").is_ok());
        for percent in [10, 50, 90] {
            let cut = &bytes[..bytes.len() * percent / 100];
            assert!(decode_rgb(cut, "cut").is_err(), "{percent} % of the file");
        }
        // What follows the end does not matter.
        let longer = [&bytes[..], b"a trailer"].concat();
        let [longer, whole] = [&longer, bytes].map(|bytes| decode_rgb(bytes, "file").unwrap());
        assert_eq!(longer, whole);
    }

    #[test]
    fn damaged_bytes_are_named() {
        let error = decode_rgb(b"no image", "set.parquet, row 3").unwrap_err();
        assert_eq!(
            error.to_string(),
            "set.parquet, row 3: expected a PNG or JPEG image, found one that does not decode: \
             8 bytes that begin with [6e 6f 20 69 6d 61 67 65]"
        );
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&[7; 300], 10, 10, ExtendedColorType::Rgb8)
            .unwrap();
        png.truncate(png.len() / 2);
        assert!(decode_rgb(&png, "x").is_err());
    }
}
