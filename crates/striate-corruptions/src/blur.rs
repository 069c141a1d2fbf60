//! Gaussian blur and glass blur.
//!
//! Invariant: glass blur copies (`a = b`), it does not swap: in the original
//! both sides of the swap are views, so both pixels end up with the second's value.

use crate::gauss::{self, Border, Kernel, Shape};
use crate::noise::to_u8;
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};

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
    blur_to_u8(
        image.pixels(),
        plane,
        shape(&image),
        &s.kernel,
        &mut s.gauss,
        out,
    );
}

fn blur_to_u8(
    pixels: &[u8],
    plane: &mut [f64],
    shape: Shape,
    kernel: &Kernel,
    scratch: &mut gauss::Scratch,
    out: &mut [u8],
) {
    vectorised(
        #[inline(always)]
        || {
            for (p, x) in plane.iter_mut().zip(pixels) {
                *p = f64::from(*x) / 255.0;
            }
        },
    );
    gauss::blur(
        plane,
        shape,
        (kernel, kernel),
        Border::Nearest,
        false,
        scratch,
    );
    vectorised(
        #[inline(always)]
        || {
            for (o, p) in out.iter_mut().zip(plane.iter()) {
                *o = (p.clamp(0.0, 1.0) * 255.0) as i32 as u8;
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
    blur_to_u8(
        image.pixels(),
        plane,
        shape(&image),
        &s.kernel,
        &mut s.gauss,
        out,
    );
    // One word per pixel, so that copying a pixel is copying a word.
    let packed = sized(&mut s.packed, height * width);
    for (word, pixel) in packed.iter_mut().zip(out.chunks_exact(channels)) {
        *word = match pixel {
            [r, g, b] => u32::from_le_bytes([*r, *g, *b, 0]),
            _ => u32::from(pixel[0]),
        };
    }
    for _ in 0..rounds {
        shuffle(packed, height, width, shift, random);
    }
    for (word, pixel) in packed.iter().zip(out.chunks_exact_mut(channels)) {
        pixel.copy_from_slice(&word.to_le_bytes()[..channels]);
    }
    vectorised(
        #[inline(always)]
        || {
            for (p, x) in plane.iter_mut().zip(out.iter()) {
                *p = f64::from(*x) / 255.0;
            }
        },
    );
    gauss::blur(
        plane,
        shape(&image),
        (&s.kernel, &s.kernel),
        Border::Nearest,
        false,
        &mut s.gauss,
    );
    for (o, p) in out.iter_mut().zip(plane.iter()) {
        *o = to_u8(*p);
    }
}

/// One round: each inner pixel, from the last to the first, takes the value of
/// a pixel at a displacement of `-shift..shift` (upper bound excluded).
fn shuffle(pixels: &mut [u32], height: usize, width: usize, shift: usize, random: &mut Random) {
    let mut step = |y: usize, x: usize, dx: usize, dy: usize| {
        pixels[y * width + x] = pixels[(y + dy - shift) * width + x + dx - shift];
    };
    match random {
        Random::Numpy(numpy) => {
            for y in (shift + 1..=height - shift).rev() {
                for x in (shift + 1..=width - shift).rev() {
                    let dx = numpy.legacy.interval(2 * shift as u32 - 1) as usize;
                    let dy = numpy.legacy.interval(2 * shift as u32 - 1) as usize;
                    step(y, x, dx, dy);
                }
            }
        }
        Random::Counter(stream) => {
            let mut words = [0u32; 256];
            let steps = 2 * shift;
            for y in (shift + 1..=height - shift).rev() {
                let mut x = width - shift;
                while x > shift {
                    let count = (x - shift).min(words.len());
                    stream.fill_u32(&mut words[..count]);
                    for word in &words[..count] {
                        let dx = ((word & 0xffff) as usize * steps) >> 16;
                        let dy = ((word >> 16) as usize * steps) >> 16;
                        step(y, x, dx, dy);
                        x -= 1;
                    }
                }
            }
        }
    }
}
