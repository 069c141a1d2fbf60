//! Maximum pooling. Invariant: the first maximum of a window, row by row, gets
//! the whole gradient, as in torch.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Error, Result, check_length};
use crate::map::MapShape;
use crate::simd::vectorised;

/// The maximum of 2x2 windows with stride 2; an odd last row or column is dropped.
///
/// # Shapes
///
/// `x` as `shape`, `y` `[batch, height / 2, width / 2, channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn max_pool_2x2_forward(shape: &MapShape, x: &[f32], y: &mut [f32]) -> Result<()> {
    const NAME: &str = "max_pool_2x2_forward";
    check_length(NAME, "x", x.len(), shape.len())?;
    check_length(NAME, "y", y.len(), shape.pooled_len())?;
    if y.is_empty() {
        return Ok(());
    }
    let (isa, row_len, out_rows) = (Isa::current(), shape.row_len(), shape.height / 2);
    let channels = shape.channels;
    let rows = y.par_chunks_mut(shape.width / 2 * channels).enumerate();
    rows.for_each(|(row, y)| {
        let start = (row / out_rows * shape.height + row % out_rows * 2) * row_len;
        forward_row(isa, &x[start..start + 2 * row_len], channels, y);
    });
    Ok(())
}

/// The input's gradient of [`max_pool_2x2_forward`].
///
/// # Shapes
///
/// `x` and `grad_x` as `shape`, `grad_y` as the output; `grad_x` is overwritten.
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn max_pool_2x2_backward(
    shape: &MapShape,
    x: &[f32],
    grad_y: &[f32],
    grad_x: &mut [f32],
) -> Result<()> {
    const NAME: &str = "max_pool_2x2_backward";
    check_length(NAME, "x", x.len(), shape.len())?;
    check_length(NAME, "grad_y", grad_y.len(), shape.pooled_len())?;
    check_length(NAME, "grad_x", grad_x.len(), shape.len())?;
    let (isa, row_len, channels) = (Isa::current(), shape.row_len(), shape.channels);
    let (out_rows, out_len) = (shape.height / 2, shape.width / 2 * channels);
    let image_len = shape.image_len();
    let images = grad_x
        .par_chunks_mut(image_len)
        .zip(x.par_chunks(image_len))
        .enumerate();
    images.for_each(|(image, (grad_x, x))| {
        let pairs = grad_x.chunks_mut(2 * row_len).zip(x.chunks(2 * row_len));
        for (pair, (grad_x, x)) in pairs.enumerate() {
            if pair == out_rows {
                grad_x.fill(0.0);
            } else {
                let grad_y = &grad_y[(image * out_rows + pair) * out_len..][..out_len];
                backward_row(isa, x, channels, grad_y, grad_x);
            }
        }
    });
    Ok(())
}

vectorised! {
    /// Two rows of `x`, one row of `y`.
    fn forward_row(x: &[f32], channels: usize, y: &mut [f32]) {
        let (upper, lower) = x.split_at(x.len() / 2);
        let windows = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        for (y, (upper, lower)) in y.chunks_exact_mut(channels).zip(windows) {
            let (a, b) = upper.split_at(channels);
            let (d, e) = lower.split_at(channels);
            let (b, d, e) = (&b[..channels], &d[..channels], &e[..channels]);
            for c in 0..channels {
                let larger = |m: f32, z: f32| if z > m || z.is_nan() { z } else { m };
                y[c] = larger(larger(a[c], b[c]), larger(d[c], e[c]));
            }
        }
    }
}

vectorised! {
    /// Two rows of `x`, one row of `grad_y`.
    fn backward_row(x: &[f32], channels: usize, grad_y: &[f32], grad_x: &mut [f32]) {
        let (upper, lower) = x.split_at(x.len() / 2);
        let (grad_upper, grad_lower) = grad_x.split_at_mut(x.len() / 2);
        for grad in [&mut *grad_upper, &mut *grad_lower] {
            grad.chunks_exact_mut(2 * channels).into_remainder().fill(0.0);
        }
        let from = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        let to = grad_upper
            .chunks_exact_mut(2 * channels)
            .zip(grad_lower.chunks_exact_mut(2 * channels));
        for ((grad_y, (upper, lower)), (grad_upper, grad_lower)) in
            grad_y.chunks_exact(channels).zip(from).zip(to)
        {
            let (x0, x1) = upper.split_at(channels);
            let (x2, x3) = lower.split_at(channels);
            let (x1, x2, x3) = (&x1[..channels], &x2[..channels], &x3[..channels]);
            let (g0, g1) = grad_upper.split_at_mut(channels);
            let (g2, g3) = grad_lower.split_at_mut(channels);
            let (g1, g2, g3) = (&mut g1[..channels], &mut g2[..channels], &mut g3[..channels]);
            for c in 0..channels {
                let m = x0[c].max(x1[c]).max(x2[c].max(x3[c]));
                let g = grad_y[c];
                g0[c] = if x0[c] == m { g } else { 0.0 };
                let rest = g - g0[c];
                g1[c] = if x1[c] == m { rest } else { 0.0 };
                let rest = rest - g1[c];
                g2[c] = if x2[c] == m { rest } else { 0.0 };
                g3[c] = rest - g2[c];
            }
        }
    }
}

/// The maximum of each channel over all pixels of an image, and which pixel it was.
///
/// # Shapes
///
/// `x` as `shape`; `y` and `pixel` `[batch, channels]` (overwritten). `pixel`
/// counts row by row from 0; the first maximum wins, a NaN counts as a maximum.
///
/// # Errors
///
/// A length that does not fit `shape`, or more pixels than a `u32` counts.
pub fn global_max_pool_forward(
    shape: &MapShape,
    x: &[f32],
    y: &mut [f32],
    pixel: &mut [u32],
) -> Result<()> {
    const NAME: &str = "global_max_pool_forward";
    let channels = shape.channels;
    check_length(NAME, "x", x.len(), shape.len())?;
    check_length(NAME, "y", y.len(), shape.batch * channels)?;
    check_length(NAME, "pixel", pixel.len(), shape.batch * channels)?;
    if u32::try_from(shape.height * shape.width).is_err() {
        return Err(Error::Dimension {
            shape: NAME,
            field: "pixels",
            expected: "at most 2^32 - 1",
            found: shape.height * shape.width,
        });
    }
    y.par_chunks_mut(channels)
        .zip(pixel.par_chunks_mut(channels))
        .zip(x.par_chunks(shape.image_len()))
        .for_each(|((y, pixel), x)| {
            y.copy_from_slice(&x[..channels]);
            pixel.fill(0);
            for (i, row) in x.chunks_exact(channels).enumerate().skip(1) {
                for ((y, pixel), x) in y.iter_mut().zip(pixel.iter_mut()).zip(row) {
                    if *x > *y || (x.is_nan() && !y.is_nan()) {
                        *y = *x;
                        *pixel = i as u32;
                    }
                }
            }
        });
    Ok(())
}

/// The input's gradient of [`global_max_pool_forward`].
///
/// # Shapes
///
/// `grad_y` and `pixel` `[batch, channels]`, `grad_x` as `shape` (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`, or a pixel outside of the map.
pub fn global_max_pool_backward(
    shape: &MapShape,
    grad_y: &[f32],
    pixel: &[u32],
    grad_x: &mut [f32],
) -> Result<()> {
    const NAME: &str = "global_max_pool_backward";
    let channels = shape.channels;
    check_length(NAME, "grad_y", grad_y.len(), shape.batch * channels)?;
    check_length(NAME, "pixel", pixel.len(), shape.batch * channels)?;
    check_length(NAME, "grad_x", grad_x.len(), shape.len())?;
    let pixels = shape.height * shape.width;
    if let Some(found) = pixel.iter().find(|p| **p as usize >= pixels) {
        return Err(Error::Dimension {
            shape: NAME,
            field: "pixel",
            expected: "below height * width",
            found: *found as usize,
        });
    }
    grad_x
        .par_chunks_mut(shape.image_len())
        .zip(grad_y.par_chunks(channels).zip(pixel.par_chunks(channels)))
        .for_each(|(grad_x, (grad_y, pixel))| {
            grad_x.fill(0.0);
            for (c, (g, p)) in grad_y.iter().zip(pixel).enumerate() {
                grad_x[*p as usize * channels + c] = *g;
            }
        });
    Ok(())
}

#[cfg(test)]
mod tests;
