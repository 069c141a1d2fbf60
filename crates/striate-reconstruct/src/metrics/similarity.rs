//! Likeness of a reconstruction to its original (metric 6).

use candle_core::{Device, Tensor};
use striate_nn::ops::gaussian_blur;

use super::check;
use crate::{Error, Result};

/// The reconstruction with the mean and the norm of the original: shifted, then
/// scaled about its mean.
///
/// # Errors
///
/// If the lengths differ or the reconstruction is constant.
pub fn matched(reconstruction: &[f32], original: &[f32]) -> Result<Vec<f32>> {
    check("reconstruction", reconstruction, original.len())?;
    let (mean, deviation) = moments(reconstruction);
    let (target_mean, target_deviation) = moments(original);
    if deviation == 0.0 {
        return Err(Error::Undefined {
            metric: "match of mean and norm",
            reason: "the reconstruction is constant",
        });
    }
    let scale = target_deviation / deviation;
    let values = reconstruction.iter().map(|v| f64::from(*v));
    Ok(values
        .map(|v| ((v - mean) * scale + target_mean) as f32)
        .collect())
}

/// Peak signal-to-noise ratio in dB: `10 log10(range^2 / MSE)`, infinite for equal images.
///
/// `range` is the width of the range of valid pixels in normalised space.
///
/// # Errors
///
/// If the lengths differ or the range is not positive.
pub fn psnr(a: &[f32], b: &[f32], range: f64) -> Result<f64> {
    check("second image", b, a.len())?;
    check_range(range)?;
    let differences = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let error = differences.map(|d| d * d).sum::<f64>() / a.len() as f64;
    Ok(10.0 * (range * range / error).log10())
}

/// Mean structural similarity (Wang et al. 2004): Gaussian windows of 11 taps
/// and sigma 1.5, K1 = 0.01, K2 = 0.03, population covariances, averaged over
/// the windows that lie inside the image and over channels.
///
/// # Errors
///
/// If the lengths do not fit `[height, width, channels]`, a side is below 11, or
/// the range is not positive.
pub fn ssim(a: &[f32], b: &[f32], shape: [usize; 3], range: f64) -> Result<f64> {
    let [height, width, channels] = shape;
    check("first image", a, height * width * channels)?;
    check("second image", b, a.len())?;
    check_range(range)?;
    if height.min(width) < TAPS {
        return Err(Error::Undefined {
            metric: "SSIM",
            reason: "the image is smaller than a window of 11 x 11",
        });
    }
    let tensor =
        |values: Vec<f64>| Tensor::from_vec(values, (1, height, width, channels), &Device::Cpu);
    let wide = |pixels: &[f32]| tensor(pixels.iter().map(|v| f64::from(*v)).collect());
    let (a, b) = (wide(a)?, wide(b)?);
    let inside = |x: &Tensor| -> Result<Vec<f64>> {
        let half = TAPS / 2;
        let x = gaussian_blur(x, TAPS, 1.5)?;
        let x = x.narrow(1, half, height - 2 * half)?;
        let x = x.narrow(2, half, width - 2 * half)?;
        Ok(x.flatten_all()?.to_vec1()?)
    };
    let means = [inside(&a)?, inside(&b)?];
    let products = [inside(&a.sqr()?)?, inside(&b.sqr()?)?, inside(&a.mul(&b)?)?];
    let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
    let sum: f64 = (0..means[0].len())
        .map(|i| {
            let (ma, mb) = (means[0][i], means[1][i]);
            let [va, vb, cov] = [(0, ma * ma), (1, mb * mb), (2, ma * mb)]
                .map(|(which, product)| products[which][i] - product);
            (2.0 * ma * mb + c1) * (2.0 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
        })
        .sum();
    Ok(sum / means[0].len() as f64)
}

const TAPS: usize = 11;

fn check_range(range: f64) -> Result<()> {
    if range.is_finite() && range > 0.0 {
        return Ok(());
    }
    Err(Error::Setting {
        name: "range of the pixels",
        expected: "finite and positive",
        found: range.to_string(),
    })
}

/// Mean and norm of the deviations from it.
fn moments(values: &[f32]) -> (f64, f64) {
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum();
    (mean, squares.sqrt())
}
