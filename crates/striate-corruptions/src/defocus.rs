//! The disk-shaped blur.
//!
//! Invariant: the result is that of an exact sum over the disk. The pixels are
//! integers, so those under equal weights are added as integers (a run of equal
//! weights in one row is the difference of two prefix sums; 16 bits, which may
//! wrap in the prefix but not in the sum), and a weight (f32) times such a sum
//! fits f64 without rounding. Most values take a short cut in f32: where it is
//! further than its largest error from the next integer, truncation gives the
//! same byte.

use crate::border::mirrored;
use crate::picture::ImageRef;
use crate::simd::{sized, vectorised};
use crate::unit::whole_f32;

/// Scratch of the defocus blur.
#[derive(Default)]
pub(crate) struct Scratch {
    /// The padded image.
    pixels: Vec<u16>,
    /// Its row-wise prefix sums.
    prefix: Vec<u16>,
    offsets: Vec<usize>,
    ends: Vec<usize>,
}

/// A kernel, as runs of equal weights.
pub(crate) struct Disk {
    reach: usize,
    classes: Vec<Class>,
    rough: Vec<Rough>,
}

/// Pixels of equal weight.
struct Class {
    weight: f64,
    /// (row, first column, column after the last), from the kernel's corner.
    runs: Vec<(usize, usize, usize)>,
    pixels: usize,
}

/// Pixels of nearly equal weight, for the short cut.
struct Rough {
    weight: f32,
    /// (row, column), from the kernel's corner.
    singles: Vec<(usize, usize)>,
    /// As those of [`Class`].
    runs: Vec<(usize, usize, usize)>,
    pixels: usize,
}

/// Weights that differ by less than this part are nearly equal.
const NEARLY: f64 = 4e-7;

/// Classes that add less than this, in levels, are left out of the short cut.
const NOTHING: f64 = 1e-6;

/// The largest error of the short cut, in levels: 255 NEARLY for the weights;
/// for each of at most 40 additions half a unit in the last place of 255 (8e-6),
/// for the products less than that all together, and NOTHING per class.
const ERROR: f32 = 5e-4;

/// Longer runs are added by their prefix sums.
const SHORT: usize = 2;

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
        let rough = rough(&classes);
        Self {
            reach,
            classes,
            rough,
        }
    }
}

fn rough(classes: &[Class]) -> Vec<Rough> {
    let mut sorted: Vec<&Class> = classes
        .iter()
        .filter(|c| c.weight * c.pixels as f64 * 255.0 > NOTHING)
        .collect();
    sorted.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut rough: Vec<Rough> = Vec::new();
    for class in sorted {
        let near = |r: &&mut Rough| {
            f64::from(r.weight) - class.weight <= NEARLY * class.weight
                && r.pixels + class.pixels <= MOST
        };
        if rough.last_mut().filter(near).is_none() {
            rough.push(Rough {
                weight: class.weight as f32,
                singles: Vec::new(),
                runs: Vec::new(),
                pixels: 0,
            });
        }
        if let Some(group) = rough.last_mut() {
            group.pixels += class.pixels;
            for &(row, start, end) in &class.runs {
                if end - start <= SHORT {
                    group.singles.extend((start..end).map(|x| (row, x)));
                } else {
                    group.runs.push((row, start, end));
                }
            }
        }
    }
    rough
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
    let blurred = |get: &dyn Fn(usize) -> f32, i: usize| {
        let mut sum = taps[0] * get(i);
        for (k, tap) in taps.iter().enumerate().skip(1) {
            let (k, i) = (k as isize, i as isize);
            sum += (get(mirrored(i - k, size)) + get(mirrored(i + k, size))) * tap;
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
    let stride = image.stride();
    let padded = Padded::new(image, disk, s);
    vectorised(
        #[inline(always)]
        || {
            for (y, out) in out.chunks_exact_mut(stride).enumerate() {
                for (b, out) in out.chunks_mut(LANES).enumerate() {
                    let at = y * padded.stride + b * LANES;
                    padded.block(at, disk, out);
                }
            }
        },
    );
}

/// Values handled at a time: their sums stay in registers.
const LANES: usize = 64;

/// Values whose exact sums are formed at a time, where several are asked for.
const EXACT: usize = 16;

/// The image with its border mirrored (the edge not repeated).
struct Padded<'a> {
    pixels: &'a [u16],
    prefix: &'a [u16],
    /// For each class of the short cut, where its pixels lie from the block's
    /// start: single ones, then both ends of each run.
    offsets: &'a [usize],
    /// For each class of the exact sum, where the ends of its runs lie.
    ends: &'a [usize],
    /// Of one row, with a leading zero per channel for the differences, and room
    /// for the last block to reach beyond the row.
    stride: usize,
}

impl<'a> Padded<'a> {
    fn new(image: ImageRef<'_>, disk: &Disk, s: &'a mut Scratch) -> Self {
        let (height, width, channels) = (image.height(), image.width(), image.channels());
        let reach = disk.reach;
        let stride = (width + 2 * reach + 1) * channels + LANES;
        let size = (height + 2 * reach) * stride;
        let (pixels, prefix) = (sized(&mut s.pixels, size), sized(&mut s.prefix, size));
        let source_of = |i: usize, len: usize| mirrored(i as isize - reach as isize, len);
        let rows = pixels
            .chunks_exact_mut(stride)
            .zip(prefix.chunks_exact_mut(stride));
        for (y, (pixels, prefix)) in rows.enumerate() {
            let from = &image.pixels()[source_of(y, height) * image.stride()..][..image.stride()];
            let inner = reach * channels..reach * channels + from.len();
            for (p, v) in pixels[inner].iter_mut().zip(from) {
                *p = u16::from(*v);
            }
            for x in (0..reach).chain(width + reach..width + 2 * reach) {
                let source = source_of(x, width) * channels;
                for c in 0..channels {
                    pixels[x * channels + c] = u16::from(from[source + c]);
                }
            }
            let length = (width + 2 * reach) * channels;
            match channels {
                3 => prefix_sums::<3>(&pixels[..length], prefix),
                _ => prefix_sums::<1>(&pixels[..length], prefix),
            }
        }
        let place = |row: usize, x: usize| row * stride + x * channels;
        let ends =
            |&(row, start, end): &(usize, usize, usize)| [place(row, start), place(row, end)];
        s.offsets.clear();
        for class in &disk.rough {
            s.offsets
                .extend(class.singles.iter().map(|&(row, x)| place(row, x)));
            s.offsets.extend(class.runs.iter().flat_map(ends));
        }
        s.ends.clear();
        let runs = disk.classes.iter().flat_map(|class| &class.runs);
        s.ends.extend(runs.flat_map(ends));
        Self {
            pixels,
            prefix,
            offsets: &s.offsets,
            ends: &s.ends,
            stride,
        }
    }

    /// The results of the values from `at`.
    #[inline(always)]
    fn block(&self, at: usize, disk: &Disk, out: &mut [u8]) {
        let total: [f32; LANES] = self.rough(at, disk);
        let mut distance = [0f32; LANES];
        let mut bytes = [0u8; LANES];
        for l in 0..LANES {
            bytes[l] = whole_f32(total[l].clamp(0.0, 255.0));
            distance[l] = (total[l] - total[l].round_ties_even()).abs();
        }
        out.copy_from_slice(&bytes[..out.len()]);
        let byte = |total: f64| total.clamp(0.0, 255.0) as i32 as u8;
        let blocks = out.chunks_mut(EXACT).zip(distance.chunks_exact(EXACT));
        for (i, (out, distance)) in blocks.enumerate() {
            let near = distance.iter().map(|d| u32::from(*d < ERROR));
            match near.sum() {
                0 => {}
                1..4 => {
                    for (l, o) in out.iter_mut().enumerate() {
                        if distance[l] < ERROR {
                            let [total] = self.exact(at + i * EXACT + l, disk);
                            *o = byte(total);
                        }
                    }
                }
                _ => {
                    let totals: [f64; EXACT] = self.exact(at + i * EXACT, disk);
                    for (o, total) in out.iter_mut().zip(totals) {
                        *o = byte(total);
                    }
                }
            }
        }
    }

    /// The sums to within [`ERROR`].
    #[inline(always)]
    fn rough(&self, at: usize, disk: &Disk) -> [f32; LANES] {
        let (pixels, prefix) = (&self.pixels[at..], &self.prefix[at..]);
        let mut offsets = self.offsets;
        let mut total = [0f32; LANES];
        for class in &disk.rough {
            let mut sums = [0u16; LANES];
            let (singles, rest) = offsets.split_at(class.singles.len());
            let (runs, rest) = rest.split_at(2 * class.runs.len());
            offsets = rest;
            for offset in singles {
                let values = &pixels[*offset..][..LANES];
                for l in 0..LANES {
                    sums[l] = sums[l].wrapping_add(values[l]);
                }
            }
            for ends in runs.chunks_exact(2) {
                let (low, high) = (&prefix[ends[0]..][..LANES], &prefix[ends[1]..][..LANES]);
                for l in 0..LANES {
                    sums[l] = sums[l].wrapping_add(high[l].wrapping_sub(low[l]));
                }
            }
            for l in 0..LANES {
                total[l] += class.weight * f32::from(sums[l]);
            }
        }
        total
    }

    /// The sums of `N` values from `at`, exact but for the last additions' f64.
    #[inline(always)]
    fn exact<const N: usize>(&self, at: usize, disk: &Disk) -> [f64; N] {
        let prefix = &self.prefix[at..];
        let mut all = self.ends;
        let mut total = [0f64; N];
        for class in &disk.classes {
            let mut sums = [0u16; N];
            let (ends, rest) = all.split_at(2 * class.runs.len());
            all = rest;
            for ends in ends.chunks_exact(2) {
                let (low, high) = (&prefix[ends[0]..][..N], &prefix[ends[1]..][..N]);
                for l in 0..N {
                    sums[l] = sums[l].wrapping_add(high[l].wrapping_sub(low[l]));
                }
            }
            for l in 0..N {
                total[l] += class.weight * f64::from(sums[l]);
            }
        }
        total
    }
}

/// The sums of all pixels before each, channel by channel.
fn prefix_sums<const CHANNELS: usize>(pixels: &[u16], prefix: &mut [u16]) {
    let (pixels, _) = pixels.as_chunks::<CHANNELS>();
    let (prefix, _) = prefix.as_chunks_mut::<CHANNELS>();
    let mut sums = [0u16; CHANNELS];
    let mut out = prefix.iter_mut();
    if let Some(first) = out.next() {
        *first = sums;
    }
    for (pixel, out) in pixels.iter().zip(out) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum = sum.wrapping_add(*value);
        }
        *out = sums;
    }
}

#[cfg(test)]
mod tests;
