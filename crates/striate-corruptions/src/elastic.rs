//! Elastic transforms: smooth random displacements, for the small-image tables
//! after a random affine jitter.
//!
//! Invariant: images are f32 in [0, 1], places f64, and beyond the border the
//! image is reflected with the edge repeated (scipy's `reflect`).

use crate::gauss::{self, Border, Kernel, Shape};
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};
use crate::unit::whole_f32;

/// Scratch of the elastic transforms.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) image: Vec<f32>,
    pub(crate) jittered: Vec<f32>,
    dx: Vec<f64>,
    dy: Vec<f64>,
    kernel_y: Kernel,
    kernel_x: Kernel,
    gauss: gauss::Scratch,
}

/// How the displacements are made.
pub(crate) struct Field {
    /// They are drawn from `-range..range`,
    pub(crate) range: f64,
    /// smoothed by a Gaussian of these widths (down, across; px),
    pub(crate) sigma: (f64, f64),
    /// and multiplied.
    pub(crate) alpha: f64,
}

/// Both elastic transforms cut their Gaussians at three deviations.
const TRUNCATE: f64 = 3.0;

pub(crate) fn package(
    image: ImageRef<'_>,
    alpha: f64,
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let field = Field {
        range: image.height() as f64 * 0.005,
        sigma: (image.height() as f64 * 0.01, image.width() as f64 * 0.01),
        alpha,
    };
    to_unit(image.pixels(), &mut s.image);
    displace(&image, &field, random, s, out);
}

pub(crate) fn to_unit(pixels: &[u8], out: &mut Vec<f32>) {
    let out = sized(out, pixels.len());
    vectorised(
        #[inline(always)]
        || {
            for (o, x) in out.iter_mut().zip(pixels) {
                *o = f32::from(*x) / 255.0;
            }
        },
    );
}

/// Displaces the image in `s.image`.
pub(crate) fn displace(
    shape: &ImageRef<'_>,
    field: &Field,
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width, channels) = (shape.height(), shape.width(), shape.channels());
    let plane = Shape {
        height,
        width,
        channels: 1,
    };
    s.kernel_y.set(field.sigma.0, TRUNCATE);
    s.kernel_x.set(field.sigma.1, TRUNCATE);
    for values in [&mut s.dx, &mut s.dy] {
        let values = sized(values, height * width);
        random.fill_uniform(-field.range, field.range, values);
        gauss::blur(
            values,
            plane,
            (&s.kernel_y, &s.kernel_x),
            Border::Reflect,
            false,
            &mut s.gauss,
        );
        vectorised(
            #[inline(always)]
            || {
                for v in values.iter_mut() {
                    *v = f64::from((*v * field.alpha) as f32);
                }
            },
        );
    }
    let image = &s.image[..height * width * channels];
    let mut at = 0;
    for y in 0..height {
        for x in 0..width {
            let (y0, y1, fy) = neighbours(y as f64 + s.dy[at], height);
            let (x0, x1, fx) = neighbours(x as f64 + s.dx[at], width);
            let (gy, gx) = (1.0 - fy, 1.0 - fx);
            let pixel = |y: usize, x: usize| &image[(y * width + x) * channels..][..channels];
            let corners = [pixel(y0, x0), pixel(y0, x1), pixel(y1, x0), pixel(y1, x1)];
            let weights = [gy * gx, gy * fx, fy * gx, fy * fx];
            for (c, o) in out[at * channels..][..channels].iter_mut().enumerate() {
                let mut sum = 0.0;
                for (corner, weight) in corners.iter().zip(weights) {
                    sum += f64::from(corner[c]) * weight;
                }
                *o = whole_f32((sum as f32).clamp(0.0, 1.0) * 255.0);
            }
            at += 1;
        }
    }
}

/// The two pixels around a place, and the share of the second.
#[inline(always)]
fn neighbours(place: f64, len: usize) -> (usize, usize, f64) {
    let floor = place.floor();
    let first = floor as isize;
    let reflect = |i: isize| {
        let n = len as isize;
        if (0..n).contains(&i) {
            return i as usize;
        }
        let m = i.rem_euclid(2 * n);
        (if m < n { m } else { 2 * n - 1 - m }) as usize
    };
    (reflect(first), reflect(first + 1), place - floor)
}
