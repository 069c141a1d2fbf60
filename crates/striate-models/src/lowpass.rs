//! The blur that a network may see its images behind. Invariant: one kernel for networks
//! that are trained with it and for those that are scored behind it.

use candle_core::Tensor;
use striate_nn::ops::gaussian_blur;

use crate::Error;

/// Taps of a blur on each side of the middle, in deviations.
const LOWPASS_REACH: f64 = 4.0;

/// Images behind a Gaussian blur of this deviation, cut off at four deviations (or at the
/// image's size, if that is less), borders reflected.
///
/// # Shapes
///
/// `[batch, height, width, channels]` to the same.
///
/// # Errors
///
/// If the shape does not fit or the deviation is not positive.
pub fn lowpass(x: &Tensor, sigma_px: f64) -> Result<Tensor, Error> {
    let shorter = match *x.dims() {
        [_, height, width, _] => height.min(width),
        _ => 0,
    };
    let reach = (LOWPASS_REACH * sigma_px)
        .ceil()
        .min(shorter.saturating_sub(1) as f64) as usize;
    Ok(gaussian_blur(x, 2 * reach + 1, sigma_px)?)
}
