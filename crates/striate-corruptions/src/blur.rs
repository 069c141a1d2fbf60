//! Gaussian blur and glass blur.
//!
//! Invariant: glass blur copies (`a = b`), it does not swap: in the original
//! both sides of the swap are views, so both pixels end up with the second's value.

use crate::gauss::{self, Border, Kernel, Shape};
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};
use crate::unit::{to_u8_of_many, unit};
use crate::words;

/// Scratch of both blurs.
#[derive(Default)]
pub(crate) struct Scratch {
    plane: Vec<f64>,
    kernel: Kernel,
    gauss: gauss::Scratch,
    packed: Vec<u32>,
}

fn shape(image: &ImageRef<'_>) -> Shape {
    Shape {
        height: image.height(),
        width: image.width(),
        channels: image.channels(),
    }
}

/// scikit-image cuts its Gaussians at four deviations.
const TRUNCATE: f64 = 4.0;

pub(crate) fn gaussian(image: ImageRef<'_>, sigma: f64, s: &mut Scratch, out: &mut [u8]) {
    let plane = sized(&mut s.plane, out.len());
    s.kernel.set(sigma, TRUNCATE);
    to_unit(image.pixels(), plane);
    blur_to_u8(plane, shape(&image), &s.kernel, &mut s.gauss, out);
}

fn to_unit(pixels: &[u8], plane: &mut [f64]) {
    vectorised(
        #[inline(always)]
        || {
            for (p, x) in plane.iter_mut().zip(pixels) {
                *p = unit(*x);
            }
        },
    );
}

fn blur_to_u8(
    plane: &mut [f64],
    shape: Shape,
    kernel: &Kernel,
    scratch: &mut gauss::Scratch,
    out: &mut [u8],
) {
    let kernels = (kernel, kernel);
    gauss::blur(plane, shape, kernels, Border::Nearest, false, scratch);
    vectorised(
        #[inline(always)]
        || {
            for (o, p) in out.iter_mut().zip(plane.iter()) {
                *o = to_u8_of_many(*p);
            }
        },
    );
}

pub(crate) fn glass(
    image: ImageRef<'_>,
    (sigma, shift, rounds): (f64, usize, usize),
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let plane = sized(&mut s.plane, out.len());
    s.kernel.set(sigma, TRUNCATE);
    to_unit(image.pixels(), plane);
    blur_to_u8(plane, shape(&image), &s.kernel, &mut s.gauss, out);
    let packed = sized(&mut s.packed, height * width);
    if channels == 3 {
        words::pack(out, packed);
    } else {
        for (word, x) in packed.iter_mut().zip(out.iter()) {
            *word = u32::from(*x);
        }
    }
    for _ in 0..rounds {
        shuffle(packed, height, width, shift, random);
    }
    if channels == 3 {
        words::unpack(packed, out);
    } else {
        for (x, word) in out.iter_mut().zip(packed.iter()) {
            *x = *word as u8;
        }
    }
    to_unit(out, plane);
    blur_to_u8(plane, shape(&image), &s.kernel, &mut s.gauss, out);
}

/// Displacements made at a time.
const BLOCK: usize = 256;

/// One round: each inner pixel, from the last to the first, takes the value of
/// a pixel at a displacement of `-shift..shift` (upper bound excluded).
fn shuffle(pixels: &mut [u32], height: usize, width: usize, shift: usize, random: &mut Random) {
    // From the corner of the square that a pixel chooses from.
    let mut offsets = [0u32; BLOCK];
    for y in (shift + 1..=height - shift).rev() {
        // The rows that the square covers; the pixel is `shift` below the first.
        let rows = &mut pixels[(y - shift) * width..];
        let mut x = width - shift;
        while x > shift {
            let count = (x - shift).min(BLOCK);
            let offsets = &mut offsets[..count];
            displacements(random, width as u32, shift as u32, offsets);
            for offset in offsets {
                rows[shift * width + x] = rows[x - shift + *offset as usize];
                x -= 1;
            }
        }
    }
}

/// Places in a square of `2 shift` on a side, in an image of `width`.
fn displacements(random: &mut Random, width: u32, shift: u32, out: &mut [u32]) {
    match random {
        Random::Numpy(numpy) => {
            let mut pairs = [0u32; 2 * BLOCK];
            let pairs = &mut pairs[..2 * out.len()];
            numpy.legacy.fill_interval(2 * shift - 1, pairs);
            for (o, pair) in out.iter_mut().zip(pairs.chunks_exact(2)) {
                *o = pair[1] * width + pair[0];
            }
        }
        Random::Counter(stream) => {
            stream.fill_u32(out);
            vectorised(
                #[inline(always)]
                || {
                    for word in out {
                        let dx = ((*word & 0xffff) * (2 * shift)) >> 16;
                        let dy = ((*word >> 16) * (2 * shift)) >> 16;
                        *word = dy * width + dx;
                    }
                },
            );
        }
    }
}
