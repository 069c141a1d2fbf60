//! Antialiased resampling of u8 images: the filter is stretched by the scale, so
//! that each source pixel counts. Invariant: Pillow's `Image.resize` byte for byte
//! (two passes, 22-bit coefficients, rounding to u8 after each).

use crate::{Error, Result};

/// The resampling kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Average over the area of the output pixel (Pillow's `BOX`).
    Area,
    /// Triangle (Pillow's `BILINEAR`, torchvision's antialiased bilinear).
    Triangle,
}

impl Filter {
    fn support(self) -> f64 {
        match self {
            Self::Area => 0.5,
            Self::Triangle => 1.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        match self {
            Self::Area => f64::from(x > -0.5 && x <= 0.5),
            Self::Triangle => (1.0 - x.abs()).max(0.0),
        }
    }
}

/// A rectangle of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Top row.
    pub y: usize,
    /// Left column.
    pub x: usize,
    /// Height.
    pub height: usize,
    /// Width.
    pub width: usize,
}

impl Rect {
    /// Whether the two share a pixel.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.y < other.y + other.height
            && other.y < self.y + self.height
            && self.x < other.x + other.width
            && other.x < self.x + self.width
    }

    /// Whether the other lies wholly within this one.
    pub fn contains(&self, other: &Self) -> bool {
        self.y <= other.y
            && self.x <= other.x
            && other.y + other.height <= self.y + self.height
            && other.x + other.width <= self.x + self.width
    }
}

const PRECISION_BITS: u32 = 22;

/// Which source pixels make one output pixel.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

fn taps(from: usize, to: usize, filter: Filter) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    (0..to)
        .map(|i| {
            let center = (i as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            let weights: Vec<f64> = (first..end)
                .map(|x| filter.weight((x as f64 - center + 0.5) / stretch))
                .collect();
            let sum: f64 = weights.iter().sum();
            let one = f64::from(1 << PRECISION_BITS);
            let weights = weights
                .iter()
                .map(|w| (0.5 + w / sum * one) as i32)
                .collect();
            Taps { first, weights }
        })
        .collect()
}

fn to_u8(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// The horizontal pass over the rows of the rectangle.
fn narrow<const C: usize>(
    pixels: &[u8],
    width: usize,
    rect: Rect,
    to: usize,
    filter: Filter,
) -> Vec<u8> {
    let columns = taps(rect.width, to, filter);
    let mut narrow = vec![0u8; rect.height * to * C];
    for (y, row) in narrow.chunks_exact_mut(to * C).enumerate() {
        let start = ((rect.y + y) * width + rect.x) * C;
        let source = &pixels[start..start + rect.width * C];
        for (out, tap) in row.chunks_exact_mut(C).zip(&columns) {
            let mut sums = [1i32 << (PRECISION_BITS - 1); C];
            let source = source[tap.first * C..].chunks_exact(C);
            for (pixel, w) in source.zip(&tap.weights) {
                for (sum, v) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*v) * w;
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = to_u8(sum);
            }
        }
    }
    narrow
}

/// Cuts `rect` out of an image and scales it to `(height, width)`; no pixel
/// outside the rectangle has any influence.
///
/// # Shapes
///
/// `pixels` is `[size.0, size.1, channels]`; returned is `[to.0, to.1, channels]`.
///
/// # Errors
///
/// If the buffer does not fit the size, the rectangle is empty or not within the
/// image, or the target is empty.
pub fn crop_resize(
    pixels: &[u8],
    size: (usize, usize),
    channels: usize,
    rect: Rect,
    to: (usize, usize),
    filter: Filter,
) -> Result<Vec<u8>> {
    let whole = Rect {
        y: 0,
        x: 0,
        height: size.0,
        width: size.1,
    };
    if pixels.len() != size.0 * size.1 * channels {
        return Err(Error::argument(
            "image to resize",
            format!("{} x {} x {channels} bytes", size.0, size.1),
            format!("{} bytes", pixels.len()),
        ));
    }
    let empty = [rect.height, rect.width, to.0, to.1].contains(&0);
    if empty || !whole.contains(&rect) {
        return Err(Error::argument(
            "rectangle to resize",
            format!("a part of {} x {} pixels and a target", size.0, size.1),
            format!("{rect:?} to {} x {}", to.0, to.1),
        ));
    }
    let half = 1 << (PRECISION_BITS - 1);
    let narrow = match channels {
        1 => narrow::<1>(pixels, size.1, rect, to.1, filter),
        3 => narrow::<3>(pixels, size.1, rect, to.1, filter),
        _ => {
            return Err(Error::argument("channels", "1 or 3", channels));
        }
    };
    let rows = taps(rect.height, to.0, filter);
    let stride = to.1 * channels;
    let mut out = vec![0u8; to.0 * stride];
    let mut sums = vec![0i32; stride];
    for (row, tap) in out.chunks_exact_mut(stride).zip(&rows) {
        sums.fill(half);
        for (k, w) in tap.weights.iter().enumerate() {
            let start = (tap.first + k) * stride;
            for (sum, v) in sums.iter_mut().zip(&narrow[start..start + stride]) {
                *sum += i32::from(*v) * w;
            }
        }
        for (o, sum) in row.iter_mut().zip(&sums) {
            *o = to_u8(*sum);
        }
    }
    Ok(out)
}

/// Rescales a stimulus as the study does (training.md 1.2, step 3): scikit-image's
/// `rescale` with order 1 and no antialiasing, mirrored at the border, then cut off
/// to u8. Returns height, width and pixels; a scale of 1 changes nothing.
///
/// # Shapes
///
/// `pixels` is `[size.0, size.1, channels]`; returned is
/// `[round(scale * size.0), round(scale * size.1), channels]`.
///
/// # Errors
///
/// If the buffer does not fit the size, or the scaled image would be empty or
/// beyond 16384 pixels.
pub fn rescale_stimulus(
    pixels: &[u8],
    size: (usize, usize),
    channels: usize,
    scale: f64,
) -> Result<(usize, usize, Vec<u8>)> {
    let (height, width) = size;
    if pixels.len() != height * width * channels {
        return Err(Error::argument(
            "stimulus to rescale",
            format!("{height} x {width} x {channels} bytes"),
            format!("{} bytes", pixels.len()),
        ));
    }
    let scaled = |len: usize| (scale * len as f64).round_ties_even();
    let (to_height, to_width) = (scaled(height), scaled(width));
    let fits = |len: f64| (1.0..=16_384.0).contains(&len);
    if !fits(to_height) || !fits(to_width) {
        return Err(Error::argument(
            "scale",
            "one that gives sides in 1..=16384",
            format!("{scale} of {height} x {width}"),
        ));
    }
    if scale == 1.0 {
        return Ok((height, width, pixels.to_vec()));
    }
    let (to_height, to_width) = (to_height as usize, to_width as usize);
    let (rows, columns) = (linear(height, to_height), linear(width, to_width));
    let mut out = Vec::with_capacity(to_height * to_width * channels);
    for (ys, wy) in &rows {
        for (xs, wx) in &columns {
            for channel in 0..channels {
                // The order of these operations is SciPy's: truncation would show
                // a difference in the last bit.
                let mut sum = 0.0;
                for (y, wy) in ys.iter().zip(wy) {
                    for (x, wx) in xs.iter().zip(wx) {
                        sum += f64::from(pixels[(y * width + x) * channels + channel]) * wy * wx;
                    }
                }
                out.push(sum as u8);
            }
        }
    }
    Ok((to_height, to_width, out))
}

/// The two neighbours of each output pixel's centre, and their weights.
fn linear(from: usize, to: usize) -> Vec<([usize; 2], [f64; 2])> {
    let last = from as i64 - 1;
    let mirror = |i: i64| match last {
        0 => 0,
        _ if i < 0 => (-i).min(last) as usize,
        _ if i > last => (2 * last - i).max(0) as usize,
        _ => i as usize,
    };
    let zoom = from as f64 / to as f64;
    (0..to)
        .map(|i| {
            let at = ((i as f64 + 0.5) * zoom - 0.5).abs();
            let at = if at > last as f64 {
                (2.0 * last as f64 - at).abs()
            } else {
                at
            };
            let floor = at.floor();
            let near = 1.0 - (at - floor);
            let first = floor as i64;
            ([mirror(first), mirror(first + 1)], [near, 1.0 - near])
        })
        .collect()
}

#[cfg(test)]
mod tests;
