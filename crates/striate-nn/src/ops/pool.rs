//! Maximum pooling.

use candle_core::Tensor;

use super::reference;
use crate::{Backend, Result};

/// The maximum of each 2x2 window, stride 2; an odd last row or column is left
/// out. The gradient goes to the first of the largest elements, as in PyTorch.
///
/// # Shapes
///
/// `[batch, height, width, channels]` to `[batch, height / 2, width / 2, channels]`.
///
/// # Errors
///
/// If `x` has another rank, or a side below 2.
pub fn max_pool_2x2(x: &Tensor) -> Result<Tensor> {
    max_pool_2x2_with(Backend::Auto, x)
}

/// As [`max_pool_2x2`], by the given backend.
pub(crate) fn max_pool_2x2_with(_backend: Backend, x: &Tensor) -> Result<Tensor> {
    reference::max_pool_2x2(x)
}

/// The maximum over the map. The gradient goes to the first of the largest elements.
///
/// # Shapes
///
/// `[batch, height, width, channels]` to `[batch, channels]`.
///
/// # Errors
///
/// If `x` has another rank.
pub fn global_max_pool(x: &Tensor) -> Result<Tensor> {
    reference::global_max_pool(x)
}
