//! Convolution and the linear layer. Invariant: weights are OHWI and maps NHWC
//! at the interface, whatever candle wants inside.

use candle_core::Tensor;

use crate::Result;
use crate::ops::Conv2dGeometry;

/// Cross-correlation with zero padding, by candle's `conv2d` in NCHW.
///
/// # Shapes
///
/// As [`conv2d`](crate::ops::conv2d).
///
/// # Errors
///
/// As [`conv2d`](crate::ops::conv2d).
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let geometry = Conv2dGeometry::new("conv2d", x, weight, bias, stride, padding)?;
    let mut nchw = x.permute((0, 3, 1, 2))?.contiguous()?;
    let mut inner_padding = padding;
    if stride > 1 {
        // candle's gradient assumes that the same number of rows and columns
        // is left over behind the last window; here none are.
        let [used_h, used_w] = [
            (geometry.out_height - 1) * stride + geometry.kernel_height,
            (geometry.out_width - 1) * stride + geometry.kernel_width,
        ];
        nchw = nchw
            .pad_with_zeros(2, padding, padding)?
            .pad_with_zeros(3, padding, padding)?
            .narrow(2, 0, used_h)?
            .narrow(3, 0, used_w)?
            .contiguous()?;
        inner_padding = 0;
    }
    let kernel = weight.permute((0, 3, 1, 2))?.contiguous()?;
    let y = nchw
        .conv2d(&kernel, inner_padding, stride, 1, 1)?
        .permute((0, 2, 3, 1))?
        .contiguous()?;
    Ok(match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    })
}

/// `x W^T + b`, by candle's matrix product.
///
/// # Shapes
///
/// As [`linear`](crate::ops::linear).
///
/// # Errors
///
/// As [`linear`](crate::ops::linear).
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    crate::ops::conv::check_linear("linear", x, weight, bias)?;
    let y = x.matmul(&weight.t()?)?;
    Ok(match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    })
}
