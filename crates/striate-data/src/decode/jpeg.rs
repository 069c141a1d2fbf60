//! JPEG bytes to RGB, by zune-jpeg or libjpeg-turbo. Invariant: both refuse what is
//! larger than the bounds before they decode, and a file that ends early.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{MAX_DECODE_BYTES, MAX_SIDE_PX, RgbImage};

type Result<T> = std::result::Result<T, String>;

/// The decoder that this build uses for JPEGs: pixels differ by rounding between them.
pub const JPEG_DECODER: &str = match cfg!(feature = "turbojpeg") {
    true => "libjpeg-turbo",
    false => "zune-jpeg",
};

/// Decodes with the decoder that the crate is built with.
pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage> {
    #[cfg(feature = "turbojpeg")]
    if let Some(image) = turbo(bytes)? {
        return Ok(image);
    }
    zune(bytes)
}

/// By libjpeg-turbo; `None` for an image in CMYK, which it does not turn into RGB.
#[cfg(feature = "turbojpeg")]
fn turbo(bytes: &[u8]) -> Result<Option<RgbImage>> {
    use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat};

    /// libjpeg's warning of stray bytes between segments, which Pillow passes over, too. Any
    /// other one, such as that the data end early, is an error.
    const STRAY: &str = "extraneous bytes before marker";

    let mut decoder = Decompressor::new().map_err(|e| e.to_string())?;
    let header = decoder.read_header(bytes).map_err(|e| e.to_string())?;
    if matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK) {
        return Ok(None);
    }
    let (width, height) = (header.width, header.height);
    let side = MAX_SIDE_PX as usize;
    if width > side || height > side {
        return Err(format!("{width} x {height} px: more than {side} a side"));
    }
    let len = 3 * width * height;
    check_bytes(width, height, len)?;
    let mut pixels_u8 = vec![0; len];
    let output = Image {
        pixels: pixels_u8.as_mut_slice(),
        width,
        pitch: 3 * width,
        height,
        format: PixelFormat::RGB,
    };
    match decoder.decompress(bytes, output) {
        Err(error) if !error.to_string().contains(STRAY) => Err(error.to_string()),
        _ => Ok(Some(RgbImage {
            height,
            width,
            pixels_u8,
        })),
    }
}

/// By the decoder behind the `image` crate, without the copies in between.
fn zune(bytes: &[u8]) -> Result<RgbImage> {
    let side = MAX_SIDE_PX as usize;
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let (Some((width, height)), Some(len)) = (decoder.dimensions(), decoder.output_buffer_size())
    else {
        return Err("a JPEG without its size".to_owned());
    };
    check_bytes(width, height, len)?;
    let mut pixels_u8 = vec![0; len];
    decoder
        .decode_into(&mut pixels_u8)
        .map_err(|e| e.to_string())?;
    // The decoder makes up what is missing.
    if !has_end(bytes) {
        return Err("the JPEG ends early, before its end marker".to_owned());
    }
    Ok(RgbImage {
        height,
        width,
        pixels_u8,
    })
}

/// Whether the marker of an image's end is there, outside of segments such as a thumbnail.
fn has_end(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    // What lies between segments, such as pixels, is passed over.
    while let Some(start) = memchr::memchr(0xff, rest) {
        rest = &rest[start + 1..];
        let Some((code, after)) = rest.split_first() else {
            return false;
        };
        let segment = match code {
            0xd9 => return true,
            0xff => continue,
            // Start, restart, and what stands for 255 among pixels: without a length.
            0x00 | 0x01 | 0xd0..=0xd8 => 0,
            _ => after
                .first_chunk()
                .map_or(usize::MAX, |length| u16::from_be_bytes(*length).into()),
        };
        rest = after.get(segment..).unwrap_or_default();
    }
    false
}

fn check_bytes(width: usize, height: usize, len: usize) -> Result<()> {
    if len as u64 > MAX_DECODE_BYTES {
        return Err(format!(
            "{width} x {height} px: more than {MAX_DECODE_BYTES} bytes"
        ));
    }
    Ok(())
}
