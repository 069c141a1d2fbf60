//! Convolution and the linear layer on channels-last maps.

use candle_core::Tensor;

use super::reference;
use crate::error::{config_error, dims, shape_error};
use crate::{Backend, Result, cpu};

/// The checked sizes of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dGeometry {
    /// Images.
    pub batch: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows of the kernel.
    pub kernel_height: usize,
    /// Columns of the kernel.
    pub kernel_width: usize,
    /// Step between windows, along both axes.
    pub stride: usize,
    /// Zeros on each side, along both axes.
    pub padding: usize,
    /// Rows of the output.
    pub out_height: usize,
    /// Columns of the output.
    pub out_width: usize,
}

impl Conv2dGeometry {
    /// Checks the tensors of a convolution.
    ///
    /// # Errors
    ///
    /// If the channels do not agree, the kernel is larger than the padded
    /// input, or the stride is 0; `place` stands at the head of the message.
    pub fn new(
        place: &str,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let [out_channels, kernel_height, kernel_width, in_channels] = dims(
            weight,
            place,
            "[out, kernel height, kernel width, in] of the weight",
        )?;
        let expected = format!("[batch, height, width, {in_channels}]");
        let [batch, height, width, channels] = dims(x, place, &expected)?;
        if channels != in_channels {
            return Err(shape_error(x, place, expected));
        }
        if stride == 0 {
            return Err(config_error(place, "a stride of at least 1", stride));
        }
        if let Some(bias) = bias
            && bias.dims() != [out_channels]
        {
            return Err(shape_error(
                bias,
                place,
                format!("[{out_channels}] of the bias"),
            ));
        }
        let (padded_h, padded_w) = (height + 2 * padding, width + 2 * padding);
        if padded_h < kernel_height || padded_w < kernel_width || kernel_height * kernel_width == 0
        {
            return Err(shape_error(
                x,
                place,
                format!(
                    "[batch, height, width, {in_channels}], height and width plus {} at least \
                     {kernel_height} and {kernel_width}",
                    2 * padding
                ),
            ));
        }
        Ok(Self {
            batch,
            height,
            width,
            in_channels,
            out_channels,
            kernel_height,
            kernel_width,
            stride,
            padding,
            out_height: (padded_h - kernel_height) / stride + 1,
            out_width: (padded_w - kernel_width) / stride + 1,
        })
    }
}

/// Cross-correlation with zero padding (what networks call convolution).
///
/// # Shapes
///
/// `x` `[batch, height, width, in]`, `weight` `[out, kernel height, kernel
/// width, in]`, `bias` `[out]`; result `[batch, out height, out width, out]`
/// with `out height = (height + 2 padding - kernel height) / stride + 1`.
///
/// # Errors
///
/// If the shapes do not agree.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    conv2d_with(Backend::Auto, x, weight, bias, stride, padding)
}

/// As [`conv2d`], by the given backend.
///
/// # Shapes
///
/// As [`conv2d`].
///
/// # Errors
///
/// As [`conv2d`].
pub fn conv2d_with(
    backend: Backend,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    if cpu::applies(backend, &[x, weight]) {
        let geometry = Conv2dGeometry::new("conv2d", x, weight, bias, stride, padding)?;
        return Ok(cpu::conv2d(x, weight, bias, &geometry)?);
    }
    reference::conv2d(x, weight, bias, stride, padding)
}

/// `x W^T + b`.
///
/// # Shapes
///
/// `x` `[batch, in]`, `weight` `[out, in]`, `bias` `[out]`; result `[batch, out]`.
///
/// # Errors
///
/// If the shapes do not agree.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    linear_with(Backend::Auto, x, weight, bias)
}

/// As [`linear`], by the given backend.
///
/// # Shapes
///
/// As [`linear`].
///
/// # Errors
///
/// As [`linear`].
pub fn linear_with(
    backend: Backend,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    if cpu::applies(backend, &[x, weight]) {
        let sizes = check_linear("linear", x, weight, bias)?;
        return Ok(cpu::linear(x, weight, bias, sizes)?);
    }
    reference::linear(x, weight, bias)
}

/// `[batch, in, out]` of a linear layer, checked.
pub(crate) fn check_linear(
    place: &str,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<[usize; 3]> {
    let [outputs, inputs] = dims(weight, place, "[out, in] of the weight")?;
    let expected = format!("[batch, {inputs}]");
    let [batch, found] = dims(x, place, &expected)?;
    if found != inputs {
        return Err(shape_error(x, place, expected));
    }
    match bias {
        Some(bias) if bias.dims() != [outputs] => {
            Err(shape_error(bias, place, format!("[{outputs}] of the bias")))
        }
        _ => Ok([batch, inputs, outputs]),
    }
}
