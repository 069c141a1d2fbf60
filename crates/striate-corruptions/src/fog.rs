//! Fog: a diamond-square height map laid over the image.
//!
//! Invariant: the map is periodic (the original's `np.roll`), and its random
//! numbers are drawn square by square, then the two sets of diamonds.

use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};
use crate::unit::{to_u8, unit};

/// Scratch of the fog.
#[derive(Default)]
pub(crate) struct Scratch {
    map: Vec<f64>,
    wibble: Vec<f64>,
}

pub(crate) fn fog(
    image: ImageRef<'_>,
    (amplitude, decay): (f64, f64),
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let size = height.max(width).next_power_of_two();
    plasma(size, decay, random, s);
    let map = &s.map[..size * size];
    let brightest = image.pixels().iter().copied().max().unwrap_or(0);
    let highest = f64::from(brightest) / 255.0;
    let (low, high) = map
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(*v), h.max(*v))
        });
    let range = high - low;
    let divisor = highest + amplitude;
    let stride = image.stride();
    vectorised(
        #[inline(always)]
        || {
            for y in 0..height {
                let pixels = &image.pixels()[y * stride..][..stride];
                let out = &mut out[y * stride..][..stride];
                let map = &map[y * size..][..width];
                for (x, m) in map.iter().enumerate() {
                    let haze = amplitude * ((m - low) / range);
                    for c in x * channels..(x + 1) * channels {
                        let value = (unit(pixels[c]) + haze) * highest / divisor;
                        out[c] = to_u8(value);
                    }
                }
            }
        },
    );
}

fn plasma(size: usize, decay: f64, random: &mut Random, s: &mut Scratch) {
    let map = sized(&mut s.map, size * size);
    map[0] = 0.0;
    let mut step = size;
    let mut wibble = 100.0;
    while step >= 2 {
        let half = step / 2;
        let count = size / step;
        let noise = sized(&mut s.wibble, count * count);
        // Each set of points: where they lie, and the offsets of the four
        // neighbours in the order in which the original adds them.
        random.fill_uniform(-wibble, wibble, noise);
        for i in 0..count {
            let (y, below) = (i * step, (i + 1) % count * step);
            for j in 0..count {
                let (x, right) = (j * step, (j + 1) % count * step);
                let sum = (map[y * size + x] + map[below * size + x])
                    + (map[y * size + right] + map[below * size + right]);
                map[(y + half) * size + x + half] = sum / 4.0 + wibble * noise[i * count + j];
            }
        }
        random.fill_uniform(-wibble, wibble, noise);
        for i in 0..count {
            let (y, above) = (i * step, (i + count - 1) % count * step + half);
            for j in 0..count {
                let (x, right) = (j * step, (j + 1) % count * step);
                let sum = (map[(y + half) * size + x + half] + map[above * size + x + half])
                    + (map[y * size + x] + map[y * size + right]);
                map[y * size + x + half] = sum / 4.0 + wibble * noise[i * count + j];
            }
        }
        random.fill_uniform(-wibble, wibble, noise);
        for i in 0..count {
            let (y, below) = (i * step, (i + 1) % count * step);
            for j in 0..count {
                let (x, left) = (j * step, (j + count - 1) % count * step + half);
                let sum = (map[(y + half) * size + x + half] + map[(y + half) * size + left])
                    + (map[y * size + x] + map[below * size + x]);
                map[(y + half) * size + x] = sum / 4.0 + wibble * noise[i * count + j];
            }
        }
        step = half;
        wibble /= decay;
    }
}
