//! Maximum pooling. Invariant: the gradient goes to one element of each window,
//! the first of the largest, with factor 1 (candle's own pooling divides it by
//! the window's area, its `max` gives it to every tie).

use candle_core::{D, Tensor};

use crate::Result;
use crate::error::dims;
use crate::ops::pool::check_2x2;

/// The maximum of each 2x2 window, stride 2; an odd last row or column is left out.
///
/// # Shapes
///
/// `[batch, height, width, channels]` to `[batch, height / 2, width / 2, channels]`.
///
/// # Errors
///
/// If `x` has another rank, or a side below 2.
pub fn max_pool_2x2(x: &Tensor) -> Result<Tensor> {
    let [b, h, w, c] = check_2x2(x)?;
    let windows = x
        .narrow(1, 0, h / 2 * 2)?
        .narrow(2, 0, w / 2 * 2)?
        .reshape((b, h / 2, 2, w / 2, 2, c))?
        .permute((0, 1, 3, 5, 2, 4))?
        .reshape((b, h / 2, w / 2, c, 4))?;
    first_max(&windows)
}

/// The maximum over the map.
///
/// # Shapes
///
/// `[batch, height, width, channels]` to `[batch, channels]`.
///
/// # Errors
///
/// If `x` has another rank.
pub fn global_max_pool(x: &Tensor) -> Result<Tensor> {
    let [b, h, w, c] = dims(x, "global_max_pool", "[batch, height, width, channels]")?;
    first_max(&x.reshape((b, h * w, c))?.transpose(1, 2)?.contiguous()?)
}

/// The maximum over the last axis, its gradient to the first of the largest.
fn first_max(x: &Tensor) -> Result<Tensor> {
    let index = x.detach().argmax_keepdim(D::Minus1)?;
    Ok(x.gather(&index, D::Minus1)?.squeeze(D::Minus1)?)
}
