//! The weighted sum of shifted copies along a direction.
//!
//! Invariant: the border repeats; the sum runs in f64 from the first copy to
//! the last, as in the original.

use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, sized_within, vectorised};
use crate::unit::whole;

/// Scratch of the motion blur.
#[derive(Default)]
pub(crate) struct Scratch {
    taps: Vec<Tap>,
    padded: Vec<f64>,
    row: Vec<f64>,
}

/// One copy: where its pixels come from, and its weight.
#[derive(Clone, Copy)]
struct Tap {
    dx: isize,
    dy: isize,
    weight: f64,
}

/// Shape of an interleaved plane.
#[derive(Clone, Copy)]
pub(crate) struct Plane {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

pub(crate) fn motion(
    image: ImageRef<'_>,
    (radius, sigma): (usize, f64),
    rounded: bool,
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let angle = random.uniform(-45.0, 45.0);
    let plane = Plane {
        height: image.height(),
        width: image.width(),
        channels: image.channels(),
    };
    let pixels = image.pixels();
    let stride = image.stride();
    // ImageMagick's result is rounded to the nearest byte, the package's truncated.
    let offset = if rounded { 0.5 } else { 0.0 };
    blur(
        plane,
        radius,
        sigma,
        angle,
        s,
        #[inline(always)]
        |i| f64::from(pixels[i]),
        #[inline(always)]
        |y, row| {
            for (o, v) in out[y * stride..(y + 1) * stride].iter_mut().zip(row) {
                *o = whole((v + offset).clamp(0.0, 255.0));
            }
        },
    );
}

/// Blurs the plane whose values `value` gives, and hands each row to `store`.
///
/// The kernel is one half of a Gaussian over `2 radius + 1` steps.
pub(crate) fn blur(
    plane: Plane,
    radius: usize,
    sigma: f64,
    angle_degrees: f64,
    s: &mut Scratch,
    value: impl Fn(usize) -> f64,
    mut store: impl FnMut(usize, &[f64]),
) {
    let Plane {
        height,
        width,
        channels,
    } = plane;
    set_taps(&mut s.taps, plane, radius, sigma, angle_degrees);
    let low = |f: fn(&Tap) -> isize| s.taps.iter().map(f).min().unwrap_or(0);
    let high = |f: fn(&Tap) -> isize| s.taps.iter().map(f).max().unwrap_or(0);
    let (left, right) = (-low(|t| t.dx), high(|t| t.dx));
    let (top, bottom) = (-low(|t| t.dy), high(|t| t.dy));
    let padded_width = width + (left + right) as usize;
    let padded_height = height + (top + bottom) as usize;
    let padded_stride = padded_width * channels;
    // Room for any angle, so that the next one allocates nothing.
    let most = 2 * radius + 1;
    let padded = sized_within(
        &mut s.padded,
        padded_height * padded_stride,
        (height + most) * (width + most) * channels,
    );
    let stride = width * channels;
    let (left, top) = (left as usize, top as usize);
    for (y, row) in padded.chunks_exact_mut(padded_stride).enumerate() {
        let from = y.saturating_sub(top).min(height - 1) * stride;
        let inner = left * channels;
        for (j, v) in row[inner..inner + stride].iter_mut().enumerate() {
            *v = value(from + j);
        }
        for j in (0..inner).rev() {
            row[j] = row[j + channels];
        }
        for j in inner + stride..padded_stride {
            row[j] = row[j - channels];
        }
    }
    let row = sized(&mut s.row, stride);
    vectorised(
        #[inline(always)]
        || {
            for y in 0..height {
                sum_taps(
                    padded,
                    padded_stride,
                    channels,
                    (top + y, left),
                    &s.taps,
                    row,
                );
                store(y, row);
            }
        },
    );
}

/// Values handled at a time: they stay in registers over all taps.
const LANES: usize = 16;

#[inline(always)]
fn sum_taps(
    padded: &[f64],
    padded_stride: usize,
    channels: usize,
    (y, left): (usize, usize),
    taps: &[Tap],
    out: &mut [f64],
) {
    let start = |tap: &Tap| {
        ((y as isize + tap.dy) as usize) * padded_stride
            + ((left as isize + tap.dx) as usize) * channels
    };
    let whole = out.len() / LANES * LANES;
    let (blocks, rest) = out.split_at_mut(whole);
    for (b, block) in blocks.chunks_exact_mut(LANES).enumerate() {
        let mut sum: [f64; LANES] = std::array::from_fn(|_| 0.0);
        for tap in taps {
            let from = start(tap) + b * LANES;
            let values = &padded[from..from + LANES];
            for l in 0..LANES {
                sum[l] += tap.weight * values[l];
            }
        }
        block.copy_from_slice(&sum);
    }
    for (j, o) in rest.iter_mut().enumerate() {
        *o = taps
            .iter()
            .fold(0.0, |sum, t| sum + t.weight * padded[start(t) + whole + j]);
    }
}

fn set_taps(taps: &mut Vec<Tap>, plane: Plane, radius: usize, sigma: f64, angle: f64) {
    let width = 2 * radius + 1;
    let weight = |i: usize| {
        (-((i * i) as f64) / (2.0 * (sigma * sigma))).exp()
            / ((2.0 * std::f64::consts::PI).sqrt() * sigma)
    };
    let total = crate::gauss::pairwise_sum(width, weight);
    let radians = angle * (std::f64::consts::PI / 180.0);
    let point = (width as f64 * radians.sin(), width as f64 * radians.cos());
    let length = point.0.hypot(point.1);
    taps.clear();
    taps.reserve(width);
    for i in 0..width {
        // The image moves by the negative of these, so pixels come from them.
        let dy = ((i as f64 * point.0) / length - 0.5).ceil() as isize;
        let dx = ((i as f64 * point.1) / length - 0.5).ceil() as isize;
        if dy.unsigned_abs() >= plane.height || dx.unsigned_abs() >= plane.width {
            // The original stops where the motion leaves the image.
            break;
        }
        taps.push(Tap {
            dx,
            dy,
            weight: weight(i) / total,
        });
    }
}
