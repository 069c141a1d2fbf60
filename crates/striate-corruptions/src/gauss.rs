//! Separable Gaussian blur in f64, with the arithmetic of `scipy.ndimage`.
//!
//! Invariant: each output value is the sum scipy forms, term by term in its
//! order, so that the bits agree and so does every later truncation.

use crate::simd::{sized, vectorised};

/// How the image goes on beyond its border.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Border {
    /// a a | a b c | c c
    Nearest,
    /// b a | a b c | c b
    Reflect,
}

impl Border {
    #[inline(always)]
    fn index(self, i: isize, len: usize) -> usize {
        let n = len as isize;
        match self {
            Self::Nearest => i.clamp(0, n - 1) as usize,
            Self::Reflect => {
                let m = i.rem_euclid(2 * n);
                (if m < n { m } else { 2 * n - 1 - m }) as usize
            }
        }
    }
}

/// Half of a symmetric kernel: the centre, then outwards.
#[derive(Default)]
pub(crate) struct Kernel(Vec<f64>);

impl Kernel {
    /// The kernel that scipy makes for `sigma`, cut at `truncate` deviations.
    pub(crate) fn set(&mut self, sigma: f64, truncate: f64) {
        let radius = (truncate * sigma + 0.5) as usize;
        let half = &mut self.0;
        half.clear();
        if sigma <= 1e-15 {
            half.push(1.0);
            return;
        }
        let factor = -0.5 / (sigma * sigma);
        half.extend((0..=radius).map(|x| (factor * (x * x) as f64).exp()));
        let sum = pairwise_sum(2 * radius + 1, |i| half[i.abs_diff(radius)]);
        for weight in half.iter_mut() {
            *weight /= sum;
        }
    }

    fn radius(&self) -> usize {
        self.0.len() - 1
    }
}

/// The order in which NumPy sums up to 128 contiguous values.
///
/// (Longer kernels than that do not occur: sigma is at most 6 px here, or a
/// hundredth of the side, and the rest is added in order.)
pub(crate) fn pairwise_sum(len: usize, value: impl Fn(usize) -> f64) -> f64 {
    if len < 8 {
        return (0..len).map(value).fold(0.0, |a, b| a + b);
    }
    let mut r: [f64; 8] = std::array::from_fn(&value);
    let whole = len / 8 * 8;
    for i in (8..whole).step_by(8) {
        for (j, sum) in r.iter_mut().enumerate() {
            *sum += value(i + j);
        }
    }
    let mut sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for i in whole..len {
        sum += value(i);
    }
    sum
}

/// Scratch of [`blur`].
#[derive(Default)]
pub(crate) struct Scratch {
    rows: Vec<f64>,
    padded: Vec<f64>,
    indices: Vec<usize>,
}

/// Shape of an interleaved plane.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

/// Values handled at a time: they stay in registers over all taps.
const LANES: usize = 32;

/// Blurs `plane` in place: first along the columns, then along the rows.
///
/// With `single` the values are rounded to f32 after each direction, as scipy
/// does for an f32 image.
pub(crate) fn blur(
    plane: &mut [f64],
    shape: Shape,
    kernels: (&Kernel, &Kernel),
    border: Border,
    single: bool,
    scratch: &mut Scratch,
) {
    let Shape {
        height,
        width,
        channels,
    } = shape;
    let stride = width * channels;
    let rows = sized(&mut scratch.rows, height * stride);
    let (vertical, horizontal) = kernels;
    let radius = vertical.radius();
    let indices = sized(&mut scratch.indices, height + 2 * radius);
    for (i, index) in indices.iter_mut().enumerate() {
        *index = border.index(i as isize - radius as isize, height);
    }
    vectorised(
        #[inline(always)]
        || {
            for (y, out) in rows.chunks_exact_mut(stride).enumerate() {
                down(
                    plane,
                    &indices[y..=y + 2 * radius],
                    &vertical.0,
                    out,
                    single,
                );
            }
        },
    );
    let radius = horizontal.radius();
    let padded = sized(&mut scratch.padded, (width + 2 * radius) * channels);
    let indices = sized(&mut scratch.indices, width + 2 * radius);
    for (i, index) in indices.iter_mut().enumerate() {
        *index = border.index(i as isize - radius as isize, width);
    }
    vectorised(
        #[inline(always)]
        || {
            for (row, out) in rows
                .chunks_exact(stride)
                .zip(plane.chunks_exact_mut(stride))
            {
                let inner = radius * channels;
                padded[inner..inner + stride].copy_from_slice(row);
                for i in (0..radius).chain(width + radius..width + 2 * radius) {
                    // A loop: too few values for a call.
                    for c in 0..channels {
                        padded[i * channels + c] = row[indices[i] * channels + c];
                    }
                }
                along(padded, channels, &horizontal.0, out, single);
            }
        },
    );
}

/// One output row of the vertical pass; `rows` are the indices of the input
/// rows from `-radius` to `radius`.
#[inline(always)]
fn down(plane: &[f64], rows: &[usize], half: &[f64], out: &mut [f64], single: bool) {
    let stride = out.len();
    let radius = half.len() - 1;
    let (above, below) = rows.split_at(radius);
    for j in blocks(stride) {
        let at = |row: usize| &plane[row * stride + j..][..LANES];
        let mut sum = [0.0; LANES];
        for (s, x) in sum.iter_mut().zip(at(below[0])) {
            *s = x * half[0];
        }
        // From the outermost pair inwards.
        let pairs = above.iter().zip(below[1..].iter().rev());
        for ((a, b), weight) in pairs.zip(half[1..].iter().rev()) {
            add_pair(&mut sum, at(*a), at(*b), *weight);
        }
        store(&sum, &mut out[j..j + LANES], single);
    }
    if stride < LANES {
        for (j, o) in out.iter_mut().enumerate() {
            let at = |row: usize| plane[row * stride + j];
            let mut sum = at(rows[radius]) * half[0];
            for k in (1..=radius).rev() {
                sum += (at(rows[radius - k]) + at(rows[radius + k])) * half[k];
            }
            store(&[sum], std::slice::from_mut(o), single);
        }
    }
}

/// One output row of the horizontal pass over a padded row.
#[inline(always)]
fn along(padded: &[f64], channels: usize, half: &[f64], out: &mut [f64], single: bool) {
    let stride = out.len();
    let radius = half.len() - 1;
    let centre = radius * channels;
    for j in blocks(stride) {
        let mut sum = [0.0; LANES];
        for (s, x) in sum.iter_mut().zip(&padded[j + centre..][..LANES]) {
            *s = x * half[0];
        }
        let (mut left, mut right) = (j, j + 2 * centre);
        for weight in half[1..].iter().rev() {
            let (a, b) = (&padded[left..][..LANES], &padded[right..][..LANES]);
            add_pair(&mut sum, a, b, *weight);
            left += channels;
            right -= channels;
        }
        store(&sum, &mut out[j..j + LANES], single);
    }
    if stride < LANES {
        for (j, o) in out.iter_mut().enumerate() {
            let at = |offset: usize| padded[j + offset];
            let mut sum = at(centre) * half[0];
            for k in (1..=radius).rev() {
                sum += (at(centre - k * channels) + at(centre + k * channels)) * half[k];
            }
            store(&[sum], std::slice::from_mut(o), single);
        }
    }
}

/// Where the blocks of a row begin. The last one ends with the row, so it may
/// compute some values of the one before again.
#[inline(always)]
fn blocks(stride: usize) -> impl Iterator<Item = usize> {
    (0..stride / LANES)
        .map(|b| b * LANES)
        .chain((stride > LANES && !stride.is_multiple_of(LANES)).then(|| stride - LANES))
}

#[inline(always)]
fn add_pair(sum: &mut [f64; LANES], a: &[f64], b: &[f64], weight: f64) {
    for ((s, a), b) in sum.iter_mut().zip(a).zip(b) {
        *s += (a + b) * weight;
    }
}

#[inline(always)]
fn store(sum: &[f64], out: &mut [f64], single: bool) {
    if single {
        for (o, s) in out.iter_mut().zip(sum) {
            *o = f64::from(*s as f32);
        }
    } else {
        out.copy_from_slice(sum);
    }
}
