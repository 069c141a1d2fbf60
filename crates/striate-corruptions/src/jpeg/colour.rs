//! RGB to YCbCr and back, with the chroma upsampled on the way back.
//!
//! Invariant: 16-bit fixed-point factors and roundings of libjpeg.

use super::Plane;
use crate::picture::ImageRef;
use crate::simd::sized;
use crate::words::{pack, unpack};

/// Converts into padded planes; right and bottom repeat the last pixel.
#[inline(always)]
pub(super) fn to_ycc(
    image: &ImageRef<'_>,
    plane: Plane,
    y: &mut [u8],
    cb: &mut [u8],
    cr: &mut [u8],
) {
    let (height, width) = (image.height(), image.width());
    for row in 0..plane.height {
        let line = row * plane.stride..(row + 1) * plane.stride;
        if row >= height {
            for channel in [&mut *y, &mut *cb, &mut *cr] {
                channel.copy_within(line.start - plane.stride..line.start, line.start);
            }
            continue;
        }
        let pixels = &image.pixels()[row * width * 3..][..width * 3];
        let (y, cb, cr) = (&mut y[line.clone()], &mut cb[line.clone()], &mut cr[line]);
        let mut words = [0u32; BLOCK];
        for left in (0..width).step_by(BLOCK) {
            let count = BLOCK.min(width - left);
            pack(&pixels[3 * left..3 * (left + count)], &mut words[..count]);
            let line = left..left + count;
            let channels = y[line.clone()]
                .iter_mut()
                .zip(&mut cb[line.clone()])
                .zip(&mut cr[line]);
            for (((y, cb), cr), word) in channels.zip(&words) {
                let r = (word & 0xff) as i32;
                let g = (word >> 8 & 0xff) as i32;
                let b = (word >> 16 & 0xff) as i32;
                const HALF: i32 = 1 << 15;
                // Chroma: centred on 128, and half rounds down.
                const CENTRE: i32 = (128 << 16) + HALF - 1;
                *y = ((19_595 * r + 38_470 * g + 7_471 * b + HALF) >> 16) as u8;
                *cb = ((-11_059 * r - 21_709 * g + 32_768 * b + CENTRE) >> 16) as u8;
                *cr = ((32_768 * r - 27_439 * g - 5_329 * b + CENTRE) >> 16) as u8;
            }
        }
        for channel in [y, cb, cr] {
            let last = channel[width - 1];
            channel[width..].fill(last);
        }
    }
}

/// Half-size chroma planes, and how much of them is image.
pub(super) struct Chroma<'a> {
    pub(super) cb: &'a [u8],
    pub(super) cr: &'a [u8],
    pub(super) stride: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// Upsamples the chroma by a triangle filter (3/4 of the nearer, 1/4 of the
/// further, in both directions) and converts.
#[inline(always)]
pub(super) fn to_rgb(
    y: &[u8],
    y_stride: usize,
    chroma: &Chroma<'_>,
    sums: &mut [Vec<i32>; 2],
    width: usize,
    out: &mut [u8],
) {
    let small = chroma.width;
    let [cb_row, cr_row] = sums;
    // A row of vertical sums, then the upsampled row.
    let cb_row = sized(cb_row, small + 2 * small);
    let cr_row = sized(cr_row, small + 2 * small);
    for (row, out) in out.chunks_exact_mut(width * 3).enumerate() {
        let near = row / 2;
        let far = if row % 2 == 0 {
            near.saturating_sub(1)
        } else {
            (near + 1).min(chroma.height - 1)
        };
        for (plane, values) in [(chroma.cb, &mut *cb_row), (chroma.cr, &mut *cr_row)] {
            let near = &plane[near * chroma.stride..][..small];
            let far = &plane[far * chroma.stride..][..small];
            let (sums, wide) = values.split_at_mut(small);
            for ((s, n), f) in sums.iter_mut().zip(near).zip(far) {
                *s = 3 * i32::from(*n) + i32::from(*f);
            }
            widen(sums, wide);
        }
        let y = &y[row * y_stride..][..width];
        let (cb, cr) = (&cb_row[small..][..width], &cr_row[small..][..width]);
        let mut words = [0u32; BLOCK];
        for left in (0..width).step_by(BLOCK) {
            let count = BLOCK.min(width - left);
            let line = left..left + count;
            let ycc = y[line.clone()].iter().zip(&cb[line.clone()]).zip(&cr[line]);
            for (word, ((y, cb), cr)) in words.iter_mut().zip(ycc) {
                let luma = i32::from(*y);
                let (b, r) = (cb - 128, cr - 128);
                const HALF: i32 = 1 << 15;
                let red = luma + ((91_881 * r + HALF) >> 16);
                let green = luma + ((-22_554 * b - 46_802 * r + HALF) >> 16);
                let blue = luma + ((116_130 * b + HALF) >> 16);
                let [red, green, blue] = [red, green, blue].map(|v| v.clamp(0, 255) as u32);
                *word = red | green << 8 | blue << 16;
            }
            unpack(&words[..count], &mut out[3 * left..3 * (left + count)]);
        }
    }
}

/// Pixels converted at a time.
const BLOCK: usize = 64;

/// The horizontal half of the triangle filter; the rounding alternates.
#[inline(always)]
fn widen(sums: &[i32], wide: &mut [i32]) {
    let last = sums.len() - 1;
    for i in 1..last {
        let here = 3 * sums[i];
        wide[2 * i] = (here + sums[i - 1] + 8) >> 4;
        wide[2 * i + 1] = (here + sums[i + 1] + 7) >> 4;
    }
    wide[0] = (4 * sums[0] + 8) >> 4;
    wide[1] = (3 * sums[0] + sums[1] + 7) >> 4;
    wide[2 * last] = (3 * sums[last] + sums[last - 1] + 8) >> 4;
    wide[2 * last + 1] = (4 * sums[last] + 7) >> 4;
}
