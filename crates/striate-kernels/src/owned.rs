//! The kernels of a training step with their results in new memory, which is not
//! cleared before: as the functions of the same names in the crate's root, errors too.

use crate::conv::{self, ConvInput};
use crate::error::Result;
use crate::norm::{self, NormBlock, NormParameters};
use crate::shape::ConvShape;

/// A result of `len` values.
///
/// # Safety
///
/// `fill` writes all values if it returns `Ok`, and reads none that it has not written.
unsafe fn written(len: usize, fill: impl FnOnce(&mut [f32]) -> Result<()>) -> Result<Vec<f32>> {
    let mut values = Vec::with_capacity(len);
    // SAFETY: the memory is there; by the contract, nothing is read before it is written.
    fill(unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr(), len) })?;
    // SAFETY: all values were written.
    unsafe { values.set_len(len) };
    Ok(values)
}

/// `convolution(input, weight) + bias`.
///
/// # Errors
///
/// As [`crate::conv2d_forward`].
pub fn conv2d_forward(
    shape: &ConvShape,
    input: ConvInput<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Result<Vec<f32>> {
    let fill = |output: &mut [f32]| conv::forward(shape, input, weight, bias, output);
    // SAFETY: the kernel overwrites its output (the tests hand it NaNs).
    unsafe { written(shape.output_len(), fill) }
}

/// The same, and the mean and the biased variance of each channel in the slices given for
/// them.
///
/// # Errors
///
/// As [`crate::conv2d_forward_with_statistics`].
pub fn conv2d_forward_with_statistics(
    shape: &ConvShape,
    input: ConvInput<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
    mean: &mut [f32],
    variance: &mut [f32],
) -> Result<Vec<f32>> {
    let fill = |output: &mut [f32]| {
        conv::forward_with_statistics(shape, input, weight, bias, output, [mean, variance])
    };
    // SAFETY: the kernel overwrites its output (the tests hand it NaNs).
    unsafe { written(shape.output_len(), fill) }
}

/// The gradient of the input.
///
/// # Errors
///
/// As [`crate::conv2d_backward_input`].
pub fn conv2d_backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
) -> Result<Vec<f32>> {
    let fill = |grad: &mut [f32]| conv::conv2d_backward_input(shape, weight, grad_output, grad);
    // SAFETY: the kernel overwrites the gradient (the tests hand it NaNs).
    unsafe { written(shape.input_len(), fill) }
}

/// The gradient of the weights, and that of the bias in the slice given for it.
///
/// # Errors
///
/// As [`crate::conv2d_backward_weight`].
pub fn conv2d_backward_weight(
    shape: &ConvShape,
    input: ConvInput<'_>,
    grad_output: &[f32],
    grad_bias: Option<&mut [f32]>,
) -> Result<Vec<f32>> {
    let fill = |grad: &mut [f32]| conv::backward_weight(shape, input, grad_output, grad, grad_bias);
    // SAFETY: the kernel overwrites the gradient (the tests hand it NaNs).
    unsafe { written(shape.weight_len(), fill) }
}

/// Batch norm, activation and pooling.
///
/// # Errors
///
/// As [`crate::batch_norm_forward`].
pub fn batch_norm_forward(
    block: &NormBlock,
    x: &[f32],
    parameters: &NormParameters<'_>,
) -> Result<Vec<f32>> {
    let fill = |y: &mut [f32]| norm::batch_norm_forward(block, x, parameters, y);
    // SAFETY: the kernel overwrites its output (the tests hand it NaNs).
    unsafe { written(block.output_len(), fill) }
}
