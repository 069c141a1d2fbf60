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
    let rows = pixels
        .chunks_exact(width * channels)
        .zip(across.chunks_exact_mut(new_width * channels));
    for (row, out) in rows {
        match channels {
            3 => along::<3>(row, spans, values, out),
            _ => along::<1>(row, spans, values, out),
        }
    }
    weights(height, new_height, spans, values);
    let stride = new_width * channels;
    let mut at = 0;
    vectorised(
        #[inline(always)]
        || {
            for (&(first, count), out) in spans.iter().zip(out.chunks_exact_mut(stride)) {
                let rows = &across[first * stride..(first + count) * stride];
                blend(rows, &values[at..at + count], out);
                at += count;
            }
        },
    );
}

/// The weighted sums along a row, of pixels of `N` values.
fn along<const N: usize>(row: &[u8], spans: &[(usize, usize)], values: &[i32], out: &mut [u8]) {
    let (row, _) = row.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    let mut values = values;
    for (&(first, count), o) in spans.iter().zip(out) {
        let (weights, rest) = values.split_at(count);
        values = rest;
        let mut sums = [1i32 << (PRECISION - 1); N];
        for (pixel, weight) in row[first..first + count].iter().zip(weights) {
            for (sum, x) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(*x) * weight;
            }
        }
        *o = sums.map(|sum| (sum >> PRECISION).clamp(0, 255) as u8);
    }
}

/// Repeats pixels of `N` values: those at `columns`.
fn repeat<const N: usize>(row: &[u8], columns: &[usize], out: &mut [u8]) {
    let (row, _) = row.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    for (o, column) in out.iter_mut().zip(columns) {
        *o = row[*column];
    }
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
        *column = (place as usize).min(small_width - 1);
        place += step;
    }
    let step = small_height as f64 / height as f64;
    let mut place = step * 0.5;
    let stride = width * channels;
    let mut last = None;
    for y in 0..height {
        let from = (place as usize).min(small_height - 1);
        let (done, rest) = out.split_at_mut(y * stride);
        if last == Some(from) {
            rest[..stride].copy_from_slice(&done[(y - 1) * stride..]);
        } else {
            let row = &small[from * small_width * channels..][..small_width * channels];
            match channels {
                3 => repeat::<3>(row, columns, &mut rest[..stride]),
                _ => repeat::<1>(row, columns, &mut rest[..stride]),
            }
        }
        last = Some(from);
        place += step;
    }
}
