//! Depthwise convolution as a sum over taps.

use candle_core::Tensor;

use crate::Result;
use crate::ops::DepthwiseGeometry;

/// As [`crate::ops::depthwise_conv2d`].
pub(crate) fn depthwise_conv2d(
    x: &Tensor,
    weight: &Tensor,
    geometry: &DepthwiseGeometry,
) -> Result<Tensor> {
    let [_, rows, columns, _] = geometry.output;
    let (stride, padding, dilation) = (geometry.stride, geometry.padding, geometry.dilation);
    let x = x
        .pad_with_zeros(1, padding, padding)?
        .pad_with_zeros(2, padding, padding)?;
    let mut y: Option<Tensor> = None;
    for u in 0..geometry.kernel {
        for v in 0..geometry.kernel {
            let window = every(&x, 1, u * dilation, stride, rows)?;
            let window = every(&window, 2, v * dilation, stride, columns)?;
            let tap = weight.narrow(0, u, 1)?.narrow(1, v, 1)?.flatten_all()?;
            let part = window.broadcast_mul(&tap)?;
            y = Some(match y {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
    }
    // A kernel has at least one tap: the geometry was checked.
    Ok(y.unwrap_or(x))
}

/// `count` elements of an axis from `first` on, `stride` apart.
fn every(x: &Tensor, axis: usize, first: usize, stride: usize, count: usize) -> Result<Tensor> {
    if stride == 1 {
        return Ok(x.narrow(axis, first, count)?);
    }
    let index: Vec<u32> = (0..count).map(|i| (first + i * stride) as u32).collect();
    let index = Tensor::from_vec(index, count, x.device())?;
    Ok(x.index_select(&index, axis)?)
}
