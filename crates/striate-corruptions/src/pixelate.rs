//! Downscaling by box averages and scaling back, with Pillow's arithmetic.
//!
//! Invariant: integer weights of 22 bits, one rounding to a byte after each
//! direction, as `Image.resize(..., BOX)` does.

use crate::picture::ImageRef;
use crate::simd::{sized, vectorised};

const PRECISION: u32 = 22;

/// Scratch of the pixelation.
#[derive(Default)]
pub(crate) struct Scratch {
    across: Vec<u8>,
    small: Vec<u8>,
    weights: Vec<(usize, usize)>,
    values: Vec<i32>,
    columns: Vec<usize>,
}

/// The weights along one axis: for each output pixel the first input pixel and
/// the number of them; their values follow one another in `values`.
fn weights(from: usize, to: usize, spans: &mut Vec<(usize, usize)>, values: &mut Vec<i32>) {
    spans.clear();
    values.clear();
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = 0.5 * stretch;
    for i in 0..to {
        let centre = (i as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let inside = |x: usize| {
            let place = (x as f64 - centre + 0.5) * (1.0 / stretch);
            place > -0.5 && place <= 0.5
        };
        let count = (first..end).filter(|x| inside(*x)).count();
        let weight = (0.5 + 1.0 / count as f64 * f64::from(1u32 << PRECISION)) as i32;
        spans.push((first, end - first));
        values.extend((first..end).map(|x| if inside(x) { weight } else { 0 }));
    }
}

/// Box-resizes an interleaved image; `across` is scratch.
fn resize(
    pixels: &[u8],
    (height, width, channels): (usize, usize, usize),
    (new_height, new_width): (usize, usize),
    s: (&mut Vec<u8>, &mut Vec<(usize, usize)>, &mut Vec<i32>),
    out: &mut [u8],
) {
    let (across, spans, values) = s;
    weights(width, new_width, spans, values);
    let across = sized(across, height * new_width * channels);
    for (row, out) in pixels
        .chunks_exact(width * channels)
        .zip(across.chunks_exact_mut(new_width * channels))
    {
        let mut at = 0;
        for (&(first, count), o) in spans.iter().zip(out.chunks_exact_mut(channels)) {
            for (c, o) in o.iter_mut().enumerate() {
                let mut sum = 1i32 << (PRECISION - 1);
                for (k, weight) in values[at..at + count].iter().enumerate() {
                    sum += i32::from(row[(first + k) * channels + c]) * weight;
                }
                *o = (sum >> PRECISION).clamp(0, 255) as u8;
            }
            at += count;
        }
    }
    weights(height, new_height, spans, values);
    let stride = new_width * channels;
    let mut at = 0;
    vectorised(|| {
        for (&(first, count), out) in spans.iter().zip(out.chunks_exact_mut(stride)) {
            let rows = &across[first * stride..(first + count) * stride];
            blend(rows, &values[at..at + count], out);
            at += count;
        }
    });
}

/// The weighted sum of some rows.
#[inline(always)]
fn blend(rows: &[u8], weights: &[i32], out: &mut [u8]) {
    const LANES: usize = 32;
    let stride = out.len();
    for (b, out) in out.chunks_mut(LANES).enumerate() {
        let mut sums = [1i32 << (PRECISION - 1); LANES];
        for (row, weight) in rows.chunks_exact(stride).zip(weights) {
            let row = &row[b * LANES..][..out.len()];
            if let Ok(row) = <&[u8; LANES]>::try_from(row) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += i32::from(*x) * weight;
                }
            } else {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += i32::from(*x) * weight;
                }
            }
        }
        for (o, sum) in out.iter_mut().zip(sums) {
            *o = (sum >> PRECISION).clamp(0, 255) as u8;
        }
    }
}

/// `smooth` scales back by boxes (the small-image generators) instead of
/// repeating pixels.
pub(crate) fn pixelate(
    image: ImageRef<'_>,
    factor: f64,
    smooth: bool,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let small_height = (height as f64 * factor) as usize;
    let small_width = (width as f64 * factor) as usize;
    let small = sized(&mut s.small, small_height * small_width * channels);
    resize(
        image.pixels(),
        (height, width, channels),
        (small_height, small_width),
        (&mut s.across, &mut s.weights, &mut s.values),
        small,
    );
    if smooth {
        resize(
            small,
            (small_height, small_width, channels),
            (height, width),
            (&mut s.across, &mut s.weights, &mut s.values),
            out,
        );
        return;
    }
    // Pillow adds the step up, and so rounds, from pixel to pixel.
    let columns = sized(&mut s.columns, width);
    let step = small_width as f64 / width as f64;
    let mut place = step * 0.5;
    for column in columns.iter_mut() {
        *column = (place as usize).min(small_width - 1) * channels;
        place += step;
    }
    let step = small_height as f64 / height as f64;
    let mut place = step * 0.5;
    for out in out.chunks_exact_mut(width * channels) {
        let row = (place as usize).min(small_height - 1) * small_width * channels;
        let row = &small[row..row + small_width * channels];
        for (o, column) in out.chunks_exact_mut(channels).zip(columns.iter()) {
            o.copy_from_slice(&row[*column..*column + channels]);
        }
        place += step;
    }
}
