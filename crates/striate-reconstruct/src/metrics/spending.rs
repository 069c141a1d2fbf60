//! Where a reconstruction spends its budget (metric 4).

use candle_core::{Device, Tensor};
use striate_nn::ops::gaussian_blur;

use super::{check, dot};
use crate::{Error, Result};

/// The map `blur(xr^2) / blur(x0^2)`, `height x width` values; squares are
/// averaged over channels and blurred with `sigma_px` (cut at 4 sigma).
///
/// Where the original is nearly gray, its local energy counts as 1e-4 of its
/// mean energy, so that nothing is divided by 0.
///
/// # Errors
///
/// If the number of pixels does not fit `[height, width, channels]`, the
/// original is 0, or the blur is wider than the image.
pub fn local_spending(
    reconstruction: &[f32],
    original: &[f32],
    shape: [usize; 3],
    sigma_px: f64,
) -> Result<Vec<f64>> {
    let values = shape.iter().product();
    check("reconstruction", reconstruction, values)?;
    check("original", original, values)?;
    let energy = dot(original, original) / values as f64;
    if energy == 0.0 {
        return Err(Error::Undefined {
            metric: "local spending",
            reason: "the original is 0",
        });
    }
    let spent = local_energy(reconstruction, shape, sigma_px)?;
    let offered = local_energy(original, shape, sigma_px)?;
    let pairs = spent.iter().zip(&offered);
    Ok(pairs.map(|(s, o)| s / o.max(1e-4 * energy)).collect())
}

fn local_energy(
    pixels: &[f32],
    [height, width, channels]: [usize; 3],
    sigma_px: f64,
) -> Result<Vec<f64>> {
    let squares: Vec<f64> = pixels
        .chunks(channels)
        .map(|pixel| pixel.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / channels as f64)
        .collect();
    let squares = Tensor::from_vec(squares, (1, height, width, 1), &Device::Cpu)?;
    let taps = 2 * (4.0 * sigma_px.max(0.0)).ceil() as usize + 1;
    Ok(gaussian_blur(&squares, taps, sigma_px)?
        .flatten_all()?
        .to_vec1()?)
}
