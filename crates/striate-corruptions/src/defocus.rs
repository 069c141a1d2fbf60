//! The disk-shaped blur.
//!
//! Invariant: the sum over the disk is exact. The pixels are integers, so those
//! under equal weights are added as integers (a run of equal weights in one
//! row is the difference of two prefix sums; 16 bits, which may wrap in the
//! prefix but not in the sum), and a weight (f32) times such a sum fits f64
//! without rounding.

use crate::picture::ImageRef;
use crate::simd::{sized, vectorised};

/// Scratch of the defocus blur.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Row-wise prefix sums of the padded image.
    prefix: Vec<u16>,
}

/// A kernel, as runs of equal weights.
pub(crate) struct Disk {
    reach: usize,
    classes: Vec<Class>,
}

struct Class {
    weight: f64,
    /// (row, first column, column after the last), from the kernel's corner.
    runs: Vec<(usize, usize, usize)>,
    pixels: usize,
}

/// So many bytes fit a 16-bit sum.
const MOST: usize = 257;

impl Disk {
    /// The kernel of the original: a disk of ones, scaled to sum 1, its edge
    /// blurred with `sigma`.
    pub(crate) fn new(radius: f64, sigma: f64) -> Self {
        let (reach, taps) = if radius <= 8.0 {
            (8usize, 1)
        } else {
            (radius as usize, 2)
        };
        let kernel = kernel(radius, reach, gaussian_taps(taps, sigma).as_slice());
        let size = 2 * reach + 1;
        let mut classes: Vec<Class> = Vec::new();
        for (row, values) in kernel.chunks_exact(size).enumerate() {
            let mut start = 0;
            while start < size {
                let weight = values[start];
                let mut end = start + 1;
                while end < size && values[end] == weight {
                    end += 1;
                }
                if weight != 0.0 {
                    let run = (row, start, end);
                    let fits = |c: &&mut Class| {
                        c.weight == f64::from(weight) && c.pixels + end - start <= MOST
                    };
                    match classes.iter_mut().find(fits) {
                        Some(class) => {
                            class.runs.push(run);
                            class.pixels += end - start;
                        }
                        None => classes.push(Class {
                            weight: f64::from(weight),
                            runs: vec![run],
                            pixels: end - start,
                        }),
                    }
                }
                start = end;
            }
        }
        Self { reach, classes }
    }
}

/// OpenCV's Gaussian weights in f32: the centre, then outwards.
fn gaussian_taps(radius: usize, sigma: f64) -> Vec<f32> {
    let scale = -0.5 / (sigma * sigma);
    let raw: Vec<f64> = (0..=radius)
        .map(|x| (scale * (x * x) as f64).exp())
        .collect();
    let sum: f64 = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
    raw.iter().map(|w| (w / sum) as f32).collect()
}

fn kernel(radius: f64, reach: usize, taps: &[f32]) -> Vec<f32> {
    let size = 2 * reach + 1;
    let inside = |y: usize, x: usize| {
        let (dy, dx) = (y as f64 - reach as f64, x as f64 - reach as f64);
        dx * dx + dy * dy <= radius * radius
    };
    let count = (0..size * size)
        .filter(|i| inside(i / size, i % size))
        .count();
    let value = 1.0 / count as f32;
    let at = |y: usize, x: usize| if inside(y, x) { value } else { 0.0 };
    // Borders reflect without repeating the edge (OpenCV's default).
    let mirrored = |i: isize| {
        let last = size as isize - 1;
        (if i < 0 {
            -i
        } else if i > last {
            2 * last - i
        } else {
            i
        }) as usize
    };
    let blurred = |get: &dyn Fn(usize) -> f32, i: usize| {
        let mut sum = taps[0] * get(i);
        for (k, tap) in taps.iter().enumerate().skip(1) {
            let (k, i) = (k as isize, i as isize);
            sum += (get(mirrored(i - k)) + get(mirrored(i + k))) * tap;
        }
        sum
    };
    let rows: Vec<f32> = (0..size * size)
        .map(|i| blurred(&|x| at(i / size, x), i % size))
        .collect();
    (0..size * size)
        .map(|i| blurred(&|y| rows[y * size + i % size], i / size))
        .collect()
}

pub(crate) fn defocus(image: ImageRef<'_>, disk: &Disk, s: &mut Scratch, out: &mut [u8]) {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let (stride, reach) = (image.stride(), disk.reach);
    // One leading zero per row and channel, so that differences start there,
    // and room for the last block to reach beyond the row.
    let padded_stride = (width + 2 * reach + 1) * channels + LANES;
    let prefix = sized(&mut s.prefix, (height + 2 * reach) * padded_stride);
    let mirrored = |i: usize, len: usize| {
        let i = i as isize - reach as isize;
        let last = len as isize - 1;
        (if i < 0 {
            -i
        } else if i > last {
            2 * last - i
        } else {
            i
        }) as usize
    };
    for (y, row) in prefix.chunks_exact_mut(padded_stride).enumerate() {
        let from = &image.pixels()[mirrored(y, height) * stride..][..stride];
        row[..channels].fill(0);
        for x in 0..width + 2 * reach {
            let source = mirrored(x, width) * channels;
            for c in 0..channels {
                row[(x + 1) * channels + c] =
                    row[x * channels + c].wrapping_add(u16::from(from[source + c]));
            }
        }
    }
    vectorised(|| {
        for (y, out) in out.chunks_exact_mut(stride).enumerate() {
            for (b, out) in out.chunks_mut(LANES).enumerate() {
                let rows = &prefix[y * padded_stride + b * LANES..];
                let total = block(rows, padded_stride, channels, disk);
                for (o, t) in out.iter_mut().zip(total) {
                    *o = t.clamp(0.0, 255.0) as i32 as u8;
                }
            }
        }
    });
}

/// Values handled at a time: their sums stay in registers.
const LANES: usize = 32;

#[inline(always)]
fn block(rows: &[u16], stride: usize, channels: usize, disk: &Disk) -> [f64; LANES] {
    let mut total = [0f64; LANES];
    for class in &disk.classes {
        let mut sums = [0u16; LANES];
        for &(row, start, end) in &class.runs {
            let low = &rows[row * stride + start * channels..][..LANES];
            let high = &rows[row * stride + end * channels..][..LANES];
            for l in 0..LANES {
                sums[l] = sums[l].wrapping_add(high[l].wrapping_sub(low[l]));
            }
        }
        for l in 0..LANES {
            total[l] += class.weight * f64::from(sums[l]);
        }
    }
    total
}
