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
            let outline = JpegOutline::read(bytes);
            if outline.components == Some(4) {
                return Err("CMYK image: expected gray or RGB".into());
            }
            // The decoder would fill what is missing with gray.
            if !outline.ends {
                return Err("truncated JPEG: no end-of-image marker".into());
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

/// What a JPEG's markers say.
#[derive(Default)]
struct JpegOutline {
    /// Colour components, from the frame header.
    components: Option<u8>,
    /// Whether the end-of-image marker is there.
    ends: bool,
}

impl JpegOutline {
    fn read(bytes: &[u8]) -> Self {
        let mut outline = Self::default();
        // Behind the start-of-image marker.
        let mut at = 2;
        while let Some([0xff, marker]) = bytes.get(at..at + 2) {
            match marker {
                // Padding in front of a marker.
                0xff => {
                    at += 1;
                    continue;
                }
                0xd9 => {
                    outline.ends = true;
                    break;
                }
                _ => {}
            }
            let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
            if is_frame {
                outline.components = bytes.get(at + 9).copied();
            }
            // The segment's length (big endian, with itself) and content.
            let Some([high, low]) = bytes.get(at + 2..at + 4) else {
                break;
            };
            at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
            if *marker == 0xda {
                // Compressed data, up to what is neither a stuffed 0xff nor a
                // restart marker.
                let data = bytes.get(at..).unwrap_or_default();
                let is_end =
                    |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7);
                match data.windows(2).position(is_end) {
                    Some(length) => at += length,
                    None => break,
                }
            }
        }
        outline
    }
}
