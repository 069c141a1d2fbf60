//! What a round trip through a baseline JPEG file does to the pixels.
//!
//! Entropy coding is lossless, so no file is made: colour conversion, 4:2:0
//! subsampling, forward DCT, quantisation, and all of it back.
//!
//! Invariant: integer arithmetic throughout, equal to the slow-but-accurate
//! integer DCT and the triangle ("fancy") upsampling of libjpeg-turbo, which
//! Pillow uses, to the last bit.

mod colour;
mod dct;
mod quantise;
mod transpose;

use crate::picture::ImageRef;
use crate::simd::{sized, vectorised};
use quantise::Tables;

/// Scratch of the round trip.
#[derive(Default)]
pub(crate) struct Scratch {
    y: Vec<u8>,
    cb: Vec<u8>,
    cr: Vec<u8>,
    small: [Vec<u8>; 2],
    sums: [Vec<i32>; 2],
}

/// Compresses at `quality` (1 to 100) and decompresses.
pub(crate) fn round_trip(image: ImageRef<'_>, quality: u8, s: &mut Scratch, out: &mut [u8]) {
    let (height, width) = (image.height(), image.width());
    let tables = Tables::new(quality);
    if image.channels() == 1 {
        // Gray becomes RGB on the way in: its chroma is constant and comes
        // back as nothing.
        let plane = Plane::new(height, width, 8);
        let luma = sized(&mut s.y, plane.len());
        for (y, row) in luma.chunks_exact_mut(plane.stride).enumerate() {
            let from = &image.pixels()[y.min(height - 1) * width..][..width];
            row[..width].copy_from_slice(from);
            row[width..].fill(from[width - 1]);
        }
        vectorised(
            #[inline(always)]
            || code(luma, plane, &tables.luma),
        );
        for (o, row) in out
            .chunks_exact_mut(width)
            .zip(luma.chunks_exact(plane.stride))
        {
            o.copy_from_slice(&row[..width]);
        }
        return;
    }
    // Full-size planes, padded so that luma fills blocks of 8 and chroma, once
    // halved, too.
    let full = Plane::new(height, width, 16);
    let y = sized(&mut s.y, full.len());
    let cb = sized(&mut s.cb, full.len());
    let cr = sized(&mut s.cr, full.len());
    vectorised(
        #[inline(always)]
        || colour::to_ycc(&image, full, y, cb, cr),
    );
    vectorised(
        #[inline(always)]
        || code(y, full, &tables.luma),
    );
    let half = Plane {
        height: full.height / 2,
        stride: full.stride / 2,
    };
    let (small_height, small_width) = (height.div_ceil(2), width.div_ceil(2));
    for (chroma, small) in [&*cb, &*cr].into_iter().zip(&mut s.small) {
        let small = sized(small, half.len());
        vectorised(
            #[inline(always)]
            || {
                halve(chroma, full, half, small_height, small);
                code(small, half, &tables.chroma);
            },
        );
    }
    let [cb, cr] = &s.small;
    let chroma = colour::Chroma {
        cb,
        cr,
        stride: half.stride,
        height: small_height,
        width: small_width,
    };
    vectorised(
        #[inline(always)]
        || colour::to_rgb(y, full.stride, &chroma, &mut s.sums, width, out),
    );
}

/// A padded plane of bytes.
#[derive(Clone, Copy)]
struct Plane {
    height: usize,
    stride: usize,
}

impl Plane {
    fn new(height: usize, width: usize, multiple: usize) -> Self {
        Self {
            height: height.next_multiple_of(multiple),
            stride: width.next_multiple_of(multiple),
        }
    }

    fn len(self) -> usize {
        self.height * self.stride
    }
}

/// Averages 2x2 pixels; the rounding alternates from column to column.
#[inline(always)]
fn halve(chroma: &[u8], full: Plane, half: Plane, rows: usize, out: &mut [u8]) {
    for y in 0..half.height {
        // Below the image the last halved row repeats.
        let from = y.min(rows - 1) * 2;
        let upper = &chroma[from * full.stride..][..full.stride];
        let lower = &chroma[(from + 1) * full.stride..][..full.stride];
        let out = &mut out[y * half.stride..][..half.stride];
        for (x, o) in out.iter_mut().enumerate() {
            let sum = u16::from(upper[2 * x])
                + u16::from(upper[2 * x + 1])
                + u16::from(lower[2 * x])
                + u16::from(lower[2 * x + 1]);
            *o = ((sum + 1 + (x as u16 & 1)) >> 2) as u8;
        }
    }
}

/// Transforms, quantises and transforms back each block of 8x8.
#[inline(always)]
fn code(samples: &mut [u8], plane: Plane, steps: &quantise::Steps) {
    let mut strip = [[0; dct::LANES]; 8];
    let mut spare = strip;
    for lines in samples.chunks_exact_mut(8 * plane.stride) {
        for left in (0..plane.stride).step_by(dct::LANES) {
            // The last strip may hold fewer blocks; the rest is computed in vain.
            let width = dct::LANES.min(plane.stride - left);
            for (row, line) in strip.iter_mut().zip(lines.chunks_exact(plane.stride)) {
                for (value, sample) in row.iter_mut().zip(&line[left..left + width]) {
                    *value = i32::from(*sample) - 128;
                }
            }
            dct::forward(&mut strip, &mut spare);
            steps.apply(&mut strip);
            dct::inverse(&mut strip, &mut spare);
            for (row, line) in strip.iter().zip(lines.chunks_exact_mut(plane.stride)) {
                for (sample, value) in line[left..left + width].iter_mut().zip(row) {
                    *sample = (value + 128).clamp(0, 255) as u8;
                }
            }
        }
    }
}
