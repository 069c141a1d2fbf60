//! Gaussian blur of an image batch.

use candle_core::{Device, Tensor};

use crate::Result;
use crate::error::{config_error, dims, shape_error};

/// Convolves each image and channel with a normalised Gaussian, the border
/// reflected without repeating the edge pixel (as torchvision's `gaussian_blur`).
///
/// # Shapes
///
/// `[batch, height, width, channels]` to the same; `size` is the odd number of
/// taps, `sigma_px` the standard deviation in pixels.
///
/// # Errors
///
/// If `size` is even, its half is not below both sides of the image, or
/// `sigma_px` is not positive.
pub fn gaussian_blur(x: &Tensor, size: usize, sigma_px: f64) -> Result<Tensor> {
    let place = "gaussian_blur";
    let [b, h, w, c] = dims(x, place, "[batch, height, width, channels]")?;
    if size.is_multiple_of(2) {
        return Err(config_error(place, "an odd number of taps", size));
    }
    if !(sigma_px > 0.0 && sigma_px.is_finite()) {
        return Err(config_error(place, "a positive sigma", sigma_px));
    }
    if size / 2 >= h.min(w) {
        return Err(shape_error(
            x,
            place,
            format!(
                "[batch, height, width, channels] with sides above {}",
                size / 2
            ),
        ));
    }
    let taps = taps(size, sigma_px);
    let rows = matrix(&taps, h, x.device())?.to_dtype(x.dtype())?;
    let columns = matrix(&taps, w, x.device())?.to_dtype(x.dtype())?;
    let y = rows.broadcast_matmul(&x.reshape((b, h, w * c))?)?;
    let y = columns.broadcast_matmul(&y.reshape((b * h, w, c))?)?;
    Ok(y.reshape((b, h, w, c))?)
}

fn taps(size: usize, sigma_px: f64) -> Vec<f64> {
    let centre = (size / 2) as f64;
    let weights: Vec<f64> = (0..size)
        .map(|i| (-0.5 * ((i as f64 - centre) / sigma_px).powi(2)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// The blur of one axis as a matrix, the reflection folded into it.
fn matrix(taps: &[f64], size: usize, device: &Device) -> Result<Tensor> {
    let (half, last) = ((taps.len() / 2) as isize, size as isize - 1);
    let mut values = vec![0f64; size * size];
    for i in 0..size as isize {
        for (k, tap) in taps.iter().enumerate() {
            let j = (i + k as isize - half).abs();
            let j = if j > last { 2 * last - j } else { j };
            values[i as usize * size + j as usize] += tap;
        }
    }
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    Ok(Tensor::from_vec(values, (size, size), device)?)
}
