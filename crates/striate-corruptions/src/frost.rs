//! Frost: a random piece of a photograph of frost, added to the image.
//!
//! Invariant: the texture is chosen among the first five of the six.

use crate::Result;
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};
use crate::table::Generator;
use crate::texture::{self, Filter, Scaling, Taps, Texture};

/// Scratch of the frost.
#[derive(Default)]
pub(crate) struct Scratch {
    across: Vec<Taps>,
    down: Vec<Taps>,
    crop: Vec<u8>,
    texture: texture::Scratch,
}

/// How the textures are scaled for an image.
fn scaling(texture: &Texture, image: &ImageRef<'_>, generator: Generator) -> Scaling {
    let (height, width) = (texture.height as f64, texture.width as f64);
    if let Generator::Small { frost_scale, kept } = generator {
        let scaled = |side: f64| (side * frost_scale).round_ties_even() as usize;
        if scaled(height) > image.height() && scaled(width) > image.width() {
            return Scaling {
                height: scaled(height),
                width: scaled(width),
                step_y: 1.0 / frost_scale,
                step_x: 1.0 / frost_scale,
                filter: Filter::Linear,
                kept: Some(kept),
            };
        }
        // An image larger than the generator's: as the package does it.
    }
    let ratio_y = image.height() as f64 / height;
    let ratio_x = image.width() as f64 / width;
    let enlarged = ratio_y.max(ratio_x).max(1.0);
    let factor = enlarged * 1.1;
    let (new_height, new_width) = ((height * factor).ceil(), (width * factor).ceil());
    Scaling {
        height: new_height as usize,
        width: new_width as usize,
        step_y: 1.0 / (new_height / height),
        step_x: 1.0 / (new_width / width),
        filter: Filter::Cubic,
        kept: (enlarged == 1.0).then_some(0),
    }
}

pub(crate) fn frost(
    image: ImageRef<'_>,
    (image_weight, frost_weight): (f64, f64),
    generator: Generator,
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) -> Result<()> {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let texture = texture::texture(random.integer(0, texture::COUNT))?;
    let scaling = scaling(texture, &image, generator);
    let top = random.integer(0, scaling.height - height);
    let left = random.integer(0, scaling.width - width);
    let (crop, stride) = match texture.whole(&scaling) {
        Some(whole) => (
            &whole[(top * scaling.width + left) * 3..],
            scaling.width * 3,
        ),
        None => {
            texture::taps(top, height, scaling.step_y, scaling.filter, &mut s.down);
            texture::taps(left, width, scaling.step_x, scaling.filter, &mut s.across);
            let crop = sized(&mut s.crop, height * width * 3);
            vectorised(
                #[inline(always)]
                || {
                    texture.crop(&s.down, &s.across, scaling.filter, &mut s.texture, crop);
                },
            );
            (&*crop, width * 3)
        }
    };
    let mixed = |x: u8, frost: f64| {
        (image_weight * f64::from(x) + frost_weight * frost).clamp(0.0, 255.0) as i32 as u8
    };
    vectorised(
        #[inline(always)]
        || {
            let rows = out
                .chunks_exact_mut(width * channels)
                .zip(image.pixels().chunks_exact(width * channels));
            for ((out, pixels), crop) in rows.zip(crop.chunks(stride)) {
                let crop = &crop[..width * 3];
                if channels == 3 {
                    for ((o, x), t) in out.iter_mut().zip(pixels).zip(crop) {
                        *o = mixed(*x, f64::from(*t));
                    }
                    continue;
                }
                for ((o, x), t) in out.iter_mut().zip(pixels).zip(crop.chunks_exact(3)) {
                    // The original weighs OpenCV's BGR as if it were RGB.
                    let gray = f64::from(t[2]) * 0.2989
                        + f64::from(t[1]) * 0.5870
                        + f64::from(t[0]) * 0.1140;
                    *o = mixed(*x, gray);
                }
            }
        },
    );
    Ok(())
}
