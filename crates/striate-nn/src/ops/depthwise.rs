//! Depthwise convolution on channels-last maps.

use candle_core::Tensor;

use super::reference;
use crate::error::{config_error, dims, shape_error};
use crate::{Backend, Result, cpu};

/// The checked sizes of one depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DepthwiseGeometry {
    pub(crate) input: [usize; 4],
    pub(crate) output: [usize; 4],
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
}

/// Cross-correlation of each channel with a kernel of its own, with zero padding and taps
/// that stand `dilation` pixels apart.
///
/// # Shapes
///
/// `x` `[batch, height, width, channels]`, `weight` `[kernel, kernel, channels]`; result
/// `[batch, out height, out width, channels]` with
/// `out height = (height + 2 padding - (kernel - 1) dilation - 1) / stride + 1`, rounded down.
///
/// # Errors
///
/// If the shapes do not agree, or the kernel does not fit into the padded input.
pub fn depthwise_conv2d(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<Tensor> {
    depthwise_conv2d_with(Backend::Auto, x, weight, stride, padding, dilation)
}

/// As [`depthwise_conv2d`], by the given backend.
///
/// # Shapes
///
/// As [`depthwise_conv2d`].
///
/// # Errors
///
/// As [`depthwise_conv2d`].
pub fn depthwise_conv2d_with(
    backend: Backend,
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<Tensor> {
    let geometry = check(x, weight, stride, padding, dilation)?;
    if cpu::applies(backend, &[x, weight]) {
        return Ok(cpu::depthwise_conv2d(x, weight, &geometry)?);
    }
    reference::depthwise_conv2d(x, weight, &geometry)
}

fn check(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<DepthwiseGeometry> {
    const PLACE: &str = "depthwise_conv2d";
    let &[kernel, columns, channels] = weight.dims() else {
        let expected = "[kernel, kernel, channels] of the weight";
        return Err(shape_error(weight, PLACE, expected));
    };
    if kernel != columns || kernel * stride * dilation == 0 {
        let found = format!("{kernel} x {columns}, stride {stride}, dilation {dilation}");
        let expected = "a square kernel, a stride and a dilation of at least 1";
        return Err(config_error(PLACE, expected, found));
    }
    let expected = format!("[batch, height, width, {channels}]");
    let input @ [batch, height, width, found] = dims(x, PLACE, &expected)?;
    let span = (kernel - 1) * dilation + 1;
    let least = height.min(width) + 2 * padding;
    if found != channels || least < span {
        let more = 2 * padding;
        let expected = format!("{expected}, height and width plus {more} at least {span}");
        return Err(shape_error(x, PLACE, expected));
    }
    let out = |side: usize| (side + 2 * padding - span) / stride + 1;
    Ok(DepthwiseGeometry {
        input,
        output: [batch, out(height), out(width), channels],
        kernel,
        stride,
        padding,
        dilation,
    })
}
