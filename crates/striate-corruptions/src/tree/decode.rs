//! Reading an image file. Invariant: what comes out is 8-bit gray or RGB, and
//! anything that would have to be converted with loss of meaning is an error.

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

/// A decoded image.
pub struct Decoded {
    /// The bytes, `height x width x channels`.
    pub pixels_u8: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
}

/// Decodes a PNG or JPEG file. An alpha channel is dropped, as Pillow's
/// `convert("RGB")` does; palettes and 1-, 2- and 4-bit gray are resolved.
///
/// # Errors
///
/// A sentence that says what is wrong: 16 bits per channel, CMYK, truncated or
/// not an image at all.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let format = image::guess_format(bytes).map_err(|_| "neither PNG nor JPEG".to_owned())?;
    match format {
        ImageFormat::Png => {}
        ImageFormat::Jpeg => {
            if jpeg_components(bytes) == Some(4) {
                return Err("CMYK image: expected gray or RGB".into());
            }
        }
        other => return Err(format!("{other:?} image: expected PNG or JPEG")),
    }
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes));
    reader.set_format(format);
    let decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    match decoder.color_type() {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {}
        other => return Err(format!("{other:?} pixels: expected 8 bits per channel")),
    }
    let gray = matches!(decoder.color_type(), ColorType::L8 | ColorType::La8);
    let image = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    let (height, width) = (image.height() as usize, image.width() as usize);
    let (pixels_u8, channels) = if gray {
        (image.into_luma8().into_raw(), 1)
    } else {
        (image.into_rgb8().into_raw(), 3)
    };
    Ok(Decoded {
        pixels_u8,
        height,
        width,
        channels,
    })
}

/// The number of colour components that a JPEG's frame header announces.
fn jpeg_components(bytes: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        // Segments: 0xff, marker, length (big endian, with itself), content.
        let [0xff, marker, high, low] = *bytes.get(at..at + 4)? else {
            return None;
        };
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            return bytes.get(at + 9).copied();
        }
        if marker == 0xff {
            at += 1;
        } else {
            at += 2 + usize::from(u16::from_be_bytes([high, low]));
        }
    }
}
