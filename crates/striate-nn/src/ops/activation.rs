//! Pointwise non-linearities.

use candle_core::Tensor;

use crate::{Backend, Result, cpu};

/// `max(x, 0)`; the gradient at 0 is 0, as in PyTorch (candle's is 1).
///
/// # Shapes
///
/// Any.
///
/// # Errors
///
/// If the device has no memory for the result.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    relu_with(Backend::Auto, x)
}

/// As [`relu`], by the given backend.
///
/// # Shapes
///
/// As [`relu`].
///
/// # Errors
///
/// As [`relu`].
pub fn relu_with(backend: Backend, x: &Tensor) -> Result<Tensor> {
    if cpu::applies(backend, &[x]) {
        return Ok(cpu::relu(x)?);
    }
    let constant = x.detach();
    let zeros = constant.zeros_like()?;
    Ok(constant.gt(&zeros)?.where_cond(x, &zeros)?)
}

/// `ELU(x + offset) + 1`: the rate of a model neuron, always positive
/// (reference 4.4; the study's offset is -1).
///
/// With `z = x + offset`: `z + 1` for `z > 0`, else `exp(z)`, which does not
/// lose the small rates that `(exp(z) - 1) + 1` rounds to 0.
///
/// # Shapes
///
/// Any.
///
/// # Errors
///
/// If the device has no memory for the result.
pub fn elu_plus_one(x: &Tensor, offset: f64) -> Result<Tensor> {
    let z = (x + offset)?;
    let constant = z.detach();
    let zeros = constant.zeros_like()?;
    let positive = constant.gt(&zeros)?;
    // The exponential sees no positive argument: inf * 0 would spoil the gradient.
    let exponential = positive.where_cond(&zeros, &z)?.exp()?;
    Ok(positive.where_cond(&(&z + 1.0)?, &exponential)?)
}
