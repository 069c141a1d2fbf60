//! Linear enlargement as `scipy.ndimage.zoom` does it, and the zoom blur.
//!
//! Invariant: sampling places are computed in f64 exactly as scipy computes
//! them, so that a place beyond the last pixel (by rounding) gives 0 here too.

use crate::picture::ImageRef;
use crate::simd::{sized, vectorised};
use crate::unit::{unit, whole_f32};

/// Where one output coordinate samples: the pixel before it, the share of the
/// next, and whether it lies inside at all.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) next: f64,
    pub(crate) inside: bool,
}

/// How much of the enlarged axis is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The first pixels, as many as the axis has.
    Start,
    /// The middle ones, as many as the axis has.
    Centre,
    /// All of them, which can be a few more.
    All,
}

/// How many pixels of an axis of `len` are enlarged, and which is the first.
pub(crate) fn crop(len: usize, factor: f64) -> (usize, usize) {
    let crop = (len as f64 / factor).ceil() as usize;
    (crop, (len - crop) / 2)
}

/// The places along one axis of `len` pixels enlarged by `factor` around its
/// centre, counted from the first pixel that is enlarged.
pub(crate) fn places(len: usize, factor: f64, keep: Keep, out: &mut Vec<Place>) {
    let (crop, _) = crop(len, factor);
    let size = round_half_even(crop as f64 * factor) as usize;
    let scale = if size > 1 {
        (crop as f64 - 1.0) / (size as f64 - 1.0)
    } else {
        1.0
    };
    let (first, end) = match keep {
        Keep::Start => (0, size.min(len)),
        Keep::Centre => ((size - len) / 2, (size - len) / 2 + len),
        Keep::All => (0, size),
    };
    out.clear();
    out.extend((first..end).map(|k| {
        let place = k as f64 * scale;
        let inside = place <= crop as f64 - 1.0;
        let index = (place.floor() as usize).min(crop - 1);
        Place {
            index,
            next: if index + 1 < crop {
                place - place.floor()
            } else {
                0.0
            },
            inside,
        }
    }));
}

fn round_half_even(x: f64) -> f64 {
    let rounded = x.round();
    if (x - x.trunc()).abs() == 0.5 && rounded % 2.0 != 0.0 {
        rounded - x.signum()
    } else {
        rounded
    }
}

/// Scratch of the zoom blur.
#[derive(Default)]
pub(crate) struct Scratch {
    plane: Vec<f32>,
    sum: Vec<f32>,
    row: Vec<f32>,
    across: Across,
    places: Vec<Place>,
}

/// How one row is enlarged.
#[derive(Default)]
struct Across {
    stretches: Vec<Stretch>,
    /// The share of the next pixel, for each value.
    next: Vec<f32>,
    /// The enlarged row.
    row: Vec<f32>,
}

/// Values whose sources lie side by side, as the values do.
#[derive(Clone, Copy)]
struct Stretch {
    start: usize,
    end: usize,
    /// Where the source of `start` is.
    source: usize,
}

/// Values handled at a time. A block may reach beyond its stretch: what is
/// wrong there, the next stretch overwrites.
const LANES: usize = 8;

/// NumPy's `arange(1, stop, step)`.
fn factors(stop: f64, step: f64) -> impl Iterator<Item = f64> {
    let count = ((stop - 1.0) / step).ceil() as usize;
    let delta = (1.0 + step) - 1.0;
    (0..count).map(move |i| 1.0 + i as f64 * delta)
}

pub(crate) fn blur(
    image: ImageRef<'_>,
    (stop, step): (f64, f64),
    keep: Keep,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let stride = image.stride();
    let plane = sized(&mut s.plane, height * stride);
    let sum = sized(&mut s.sum, height * stride);
    let row = sized(&mut s.row, stride + 2 * channels + LANES);
    vectorised(
        #[inline(always)]
        || {
            for (p, x) in plane.iter_mut().zip(image.pixels()) {
                *p = unit(*x) as f32;
            }
        },
    );
    sum.fill(0.0);
    let mut count = 0usize;
    for factor in factors(stop, step) {
        count += 1;
        places(width, factor, keep, &mut s.places);
        let left = crop(width, factor).1;
        s.across.set(&s.places, left, channels);
        places(height, factor, keep, &mut s.places);
        let top = crop(height, factor).1;
        vectorised(
            #[inline(always)]
            || {
                for (place, sums) in s.places.iter().zip(sum.chunks_exact_mut(stride)) {
                    if !place.inside {
                        continue;
                    }
                    let y = top + place.index;
                    let upper = &plane[y * stride..][..stride];
                    let lower = &plane[(y + 1).min(height - 1) * stride..][..stride];
                    let next = place.next as f32;
                    for ((r, u), l) in row.iter_mut().zip(upper).zip(lower) {
                        *r = u + next * (l - u);
                    }
                    s.across.add_row(row, channels, sums);
                }
            },
        );
    }
    let divisor = (count + 1) as f32;
    vectorised(
        #[inline(always)]
        || {
            for ((o, p), s) in out.iter_mut().zip(plane.iter()).zip(sum.iter()) {
                *o = whole_f32(((p + s) / divisor).clamp(0.0, 1.0) * 255.0);
            }
        },
    );
}

impl Across {
    /// From the places of a row's pixels, counted from pixel `left`.
    fn set(&mut self, places: &[Place], left: usize, channels: usize) {
        let values = places.len() * channels;
        sized(&mut self.row, values + LANES);
        let next = sized(&mut self.next, values + LANES);
        self.stretches.clear();
        // As many as there are pixels, at most.
        self.stretches.reserve(places.len());
        // Only the last ones can lie outside.
        for (k, place) in places.iter().take_while(|p| p.inside).enumerate() {
            let start = k * channels;
            next[start..start + channels].fill(place.next as f32);
            let source = (left + place.index) * channels;
            match self.stretches.last_mut() {
                Some(s) if s.source + (start - s.start) == source => s.end += channels,
                _ => self.stretches.push(Stretch {
                    start,
                    end: start + channels,
                    source,
                }),
            }
        }
    }

    /// Adds the enlarged `row`, which goes on beyond its last pixel.
    #[inline(always)]
    fn add_row(&mut self, row: &[f32], channels: usize, sums: &mut [f32]) {
        let Self {
            stretches,
            next,
            row: enlarged,
        } = self;
        for stretch in stretches.iter() {
            let values = stretch.end - stretch.start;
            let count = values.div_ceil(LANES) * LANES;
            // One check per stretch, none per block.
            let out = enlarged[stretch.start..][..count].as_chunks_mut::<LANES>();
            let next = next[stretch.start..][..count].as_chunks::<LANES>();
            let a = row[stretch.source..][..count].as_chunks::<LANES>();
            let b = row[stretch.source + channels..][..count].as_chunks::<LANES>();
            for (((o, t), a), b) in out.0.iter_mut().zip(next.0).zip(a.0).zip(b.0) {
                *o = std::array::from_fn(
                    #[inline(always)]
                    |l| a[l] + t[l] * (b[l] - a[l]),
                );
            }
        }
        let inside = stretches.last().map_or(0, |s| s.end);
        for (sum, value) in sums[..inside].iter_mut().zip(&*enlarged) {
            *sum += value;
        }
    }
}
