//! Linear enlargement as `scipy.ndimage.zoom` does it, and the zoom blur.
//!
//! Invariant: sampling places are computed in f64 exactly as scipy computes
//! them, so that a place beyond the last pixel (by rounding) gives 0 here too.

use crate::picture::ImageRef;
use crate::simd::{sized, vectorised};

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
    across: Vec<Place>,
    down: Vec<Place>,
}

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
    // RGB goes with a fourth value, so that a pixel is one vector.
    let lanes = if channels == 3 { 4 } else { 1 };
    let line = width * lanes;
    let plane = sized(&mut s.plane, height * line);
    let sum = sized(&mut s.sum, height * line);
    let row = sized(&mut s.row, line + 2 * lanes);
    vectorised(|| {
        let pixels = image.pixels().chunks_exact(channels);
        for (p, x) in plane.chunks_exact_mut(lanes).zip(pixels) {
            for (p, x) in p.iter_mut().zip(x) {
                *p = (f64::from(*x) / 255.0) as f32;
            }
        }
    });
    sum.fill(0.0);
    let mut count = 0usize;
    for factor in factors(stop, step) {
        count += 1;
        places(width, factor, keep, &mut s.across);
        places(height, factor, keep, &mut s.down);
        let left = crop(width, factor).1 * lanes;
        let top = crop(height, factor).1;
        vectorised(|| {
            for (place, sums) in s.down.iter().zip(sum.chunks_exact_mut(line)) {
                if !place.inside {
                    continue;
                }
                let y = top + place.index;
                let upper = &plane[y * line..][..line];
                let lower = &plane[(y + 1).min(height - 1) * line..][..line];
                let next = place.next as f32;
                for ((r, u), l) in row.iter_mut().zip(upper).zip(lower) {
                    *r = u + next * (l - u);
                }
                if lanes == 4 {
                    add_row::<4>(&row[left..], &s.across, sums);
                } else {
                    add_row::<1>(&row[left..], &s.across, sums);
                }
            }
        });
    }
    let divisor = (count + 1) as f32;
    vectorised(|| {
        let sums = plane.chunks_exact(lanes).zip(sum.chunks_exact(lanes));
        for (o, (p, s)) in out.chunks_exact_mut(channels).zip(sums) {
            for ((o, p), s) in o.iter_mut().zip(p).zip(s) {
                *o = (((p + s) / divisor).clamp(0.0, 1.0) * 255.0) as i32 as u8;
            }
        }
    });
}

/// Adds one enlarged row, of pixels of `N` values.
#[inline(always)]
fn add_row<const N: usize>(row: &[f32], places: &[Place], sums: &mut [f32]) {
    let (row, _) = row.as_chunks::<N>();
    let (sums, _) = sums.as_chunks_mut::<N>();
    for (sum, place) in sums.iter_mut().zip(places) {
        if let Some([a, b]) = row.get(place.index..place.index + 2)
            && place.inside
        {
            let next = place.next as f32;
            for c in 0..N {
                sum[c] += a[c] + next * (b[c] - a[c]);
            }
        }
    }
}
