//! Snow: thresholded noise, enlarged and blurred along a falling direction,
//! over a whitened image.
//!
//! Invariant: the layer is added twice, the second time turned by 180 degrees.

use crate::motion::{self, Plane};
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};
use crate::table::Snow;
use crate::unit::to_u8;
use crate::zoom::{self, Keep, Place};

/// Scratch of the snow.
#[derive(Default)]
pub(crate) struct Scratch {
    noise: Vec<f64>,
    layer: Vec<f64>,
    flakes: Vec<f64>,
    across: Vec<Place>,
    down: Vec<Place>,
    motion: motion::Scratch,
}

/// `magick` blurs a layer of bytes, as the small-image generators do.
pub(crate) fn snow(
    image: ImageRef<'_>,
    row: &Snow,
    magick: bool,
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width) = (image.height(), image.width());
    let keep = if magick { Keep::Centre } else { Keep::All };
    zoom::places(width, row.zoom, keep, &mut s.across);
    zoom::places(height, row.zoom, keep, &mut s.down);
    let (crop_width, left) = zoom::crop(width, row.zoom);
    let (crop_height, top) = zoom::crop(height, row.zoom);
    // The original draws a value per pixel and enlarges those in the middle;
    // the others need not be drawn where only the distribution matters.
    let (noise_stride, first) = match random {
        Random::Numpy(_) => {
            random.fill_normal(row.mean, row.deviation, sized(&mut s.noise, height * width));
            (width, top * width + left)
        }
        Random::Counter(_) => {
            let noise = sized(&mut s.noise, crop_height * crop_width);
            random.fill_normal(row.mean, row.deviation, noise);
            (crop_width, 0)
        }
    };
    let angle = random.uniform(-135.0, -45.0);
    let layer_width = s.across.len();
    let layer = sized(&mut s.layer, s.down.len() * layer_width);
    let noise = &s.noise[first..];
    for (place, values) in s.down.iter().zip(layer.chunks_exact_mut(layer_width)) {
        let upper = &noise[place.index * noise_stride..];
        let lower = &noise[(place.index + 1).min(crop_height - 1) * noise_stride..];
        for (column, value) in s.across.iter().zip(values) {
            let (x0, x1) = (column.index, (column.index + 1).min(crop_width - 1));
            let (v, u) = (1.0 - place.next, 1.0 - column.next);
            let mut sample = upper[x0] * v * u;
            sample += upper[x1] * v * column.next;
            sample += lower[x0] * place.next * u;
            sample += lower[x1] * place.next * column.next;
            let inside = place.inside && column.inside;
            let kept = if inside && sample >= row.threshold {
                sample
            } else {
                0.0
            };
            let kept = kept.clamp(0.0, 1.0);
            *value = if magick { (kept * 255.0).floor() } else { kept };
        }
    }
    let flakes = sized(&mut s.flakes, height * width);
    let scale = if magick { 1.0 } else { 255.0 };
    motion::blur(
        Plane {
            height: s.down.len(),
            width: layer_width,
            channels: 1,
        },
        row.radius,
        row.sigma,
        angle,
        &mut s.motion,
        #[inline(always)]
        |i| layer[i],
        #[inline(always)]
        |y, values| {
            if y < height {
                for (flake, v) in flakes[y * width..][..width].iter_mut().zip(values) {
                    *flake = (v * scale).round_ties_even() / 255.0;
                }
            }
        },
    );
    let mix = Mix {
        image: row.mix as f32,
        white: (1.0 - row.mix) as f32,
    };
    let channels = image.channels();
    vectorised(
        #[inline(always)]
        || {
            let turned = flakes.iter().rev();
            let pixels = image.pixels().chunks_exact(channels);
            let flakes = flakes.iter().zip(turned);
            for ((o, p), (flake, turned)) in out.chunks_exact_mut(channels).zip(pixels).zip(flakes)
            {
                let unit = |x: u8| f32::from(x) / 255.0;
                let gray = match p {
                    [r, g, b] => unit(*r) * 0.299 + unit(*g) * 0.587 + unit(*b) * 0.114,
                    _ => unit(p[0]),
                };
                for (o, x) in o.iter_mut().zip(p) {
                    let white = mix.apply(unit(*x), gray);
                    *o = to_u8(f64::from(white) + flake + turned);
                }
            }
        },
    );
}

#[derive(Clone, Copy)]
struct Mix {
    image: f32,
    white: f32,
}

impl Mix {
    #[inline(always)]
    fn apply(self, x: f32, gray: f32) -> f32 {
        self.image * x + self.white * x.max(gray * 1.5 + 0.5)
    }
}
