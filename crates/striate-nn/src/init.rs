//! Initial values of weights (reference 3.3).

use candle_core::{Device, Shape, Tensor};
use striate_random::Stream;

use crate::Result;

/// Normal with mean 0 and the given standard deviation.
///
/// # Errors
///
/// If the device has no memory for the result.
pub fn normal(
    shape: impl Into<Shape>,
    deviation: f64,
    stream: &mut Stream,
    device: &Device,
) -> Result<Tensor> {
    fill(shape, device, || deviation * stream.normal())
}

/// Uniform in `[low, high)`.
///
/// # Errors
///
/// If the device has no memory for the result.
pub fn uniform(
    shape: impl Into<Shape>,
    low: f64,
    high: f64,
    stream: &mut Stream,
    device: &Device,
) -> Result<Tensor> {
    fill(shape, device, || stream.range(low, high))
}

/// Kaiming normal over the fan-out with the gain of ReLU, for OHWI weights:
/// the deviation is `sqrt(2 / (kernel height x kernel width x out))`.
///
/// # Errors
///
/// If the device has no memory for the result.
pub fn kaiming_fan_out(
    [out, height, width, input]: [usize; 4],
    stream: &mut Stream,
    device: &Device,
) -> Result<Tensor> {
    let deviation = (2.0 / (height * width * out).max(1) as f64).sqrt();
    normal((out, height, width, input), deviation, stream, device)
}

fn fill(shape: impl Into<Shape>, device: &Device, mut draw: impl FnMut() -> f64) -> Result<Tensor> {
    let shape = shape.into();
    let values: Vec<f32> = (0..shape.elem_count()).map(|_| draw() as f32).collect();
    Ok(Tensor::from_vec(values, shape, device)?)
}
