//! Drawing patches from a region. Invariant: one rule for every part.

use striate_random::Stream;

use super::{MiniConfig, Photograph};
use crate::{
    Error, Result,
    resize::{Filter, Rect, crop_resize},
};

/// How often a flat patch is drawn again before the region is given up.
const MAX_DRAWS: usize = 1000;

/// Standard deviation of the gray values of an RGB patch, in `[0, 0.5]`.
pub(super) fn contrast(rgb: &[u8]) -> f32 {
    let mut gray = vec![0.0; rgb.len() / 3];
    crate::gray::rgb_to_gray_f32(rgb, &mut gray);
    let n = gray.len().max(1) as f64;
    let mean = gray.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let square: f64 = gray.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum();
    (square / n).sqrt() as f32
}

/// Cuts a square out of a photograph and scales it to the patch size.
pub(super) fn cut(photo: &Photograph, square: Rect, config: &MiniConfig) -> Result<Vec<u8>> {
    let to = (config.patch_px, config.patch_px);
    let image = &photo.image;
    let size = (image.height, image.width);
    crop_resize(&image.pixels_u8, size, 3, square, to, Filter::Triangle)
}

/// Draws squares within `region` until one has enough contrast.
pub(super) fn draw(
    photo: &Photograph,
    region: Rect,
    config: &MiniConfig,
    stream: &mut Stream,
) -> Result<(Rect, Vec<u8>)> {
    for _ in 0..MAX_DRAWS {
        let side = config.crop_min_px + stream.below(config.crop_max_px - config.crop_min_px + 1);
        let square = Rect {
            y: region.y + stream.below((region.height + 1).saturating_sub(side)),
            x: region.x + stream.below((region.width + 1).saturating_sub(side)),
            height: side,
            width: side,
        };
        let pixels = cut(photo, square, config)?;
        if contrast(&pixels) >= config.min_patch_contrast {
            return Ok((square, pixels));
        }
    }
    Err(Error::argument(
        "min_patch_contrast",
        format!(
            "a contrast that photograph {:?} has in {region:?}",
            photo.name
        ),
        format!(
            "{}, not reached in {MAX_DRAWS} draws",
            config.min_patch_contrast
        ),
    ))
}

/// Share of the places in a region whose patch has enough contrast, on a grid of
/// `steps` places to the (mean) crop.
pub(super) fn textured_fraction(
    photo: &Photograph,
    region: Rect,
    steps: usize,
    config: &MiniConfig,
) -> Result<f64> {
    let side = config.crop_min_px.midpoint(config.crop_max_px);
    let step = (side / steps.max(1)).max(1);
    let (mut places, mut textured) = (0u32, 0u32);
    for y in (0..=region.height.saturating_sub(side)).step_by(step) {
        for x in (0..=region.width.saturating_sub(side)).step_by(step) {
            let square = Rect {
                y: region.y + y,
                x: region.x + x,
                height: side,
                width: side,
            };
            places += 1;
            let pixels = cut(photo, square, config)?;
            textured += u32::from(contrast(&pixels) >= config.min_patch_contrast);
        }
    }
    Ok(f64::from(textured) / f64::from(places.max(1)))
}
