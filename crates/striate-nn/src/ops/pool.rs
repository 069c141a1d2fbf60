//! Maximum pooling.

use candle_core::Tensor;

use super::reference;
use crate::error::{dims, shape_error};
use crate::{Backend, Result, cpu};

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
///
/// # Shapes
///
/// As [`max_pool_2x2`].
///
/// # Errors
///
/// As [`max_pool_2x2`].
pub fn max_pool_2x2_with(backend: Backend, x: &Tensor) -> Result<Tensor> {
    let sizes = check_2x2(x)?;
    if cpu::applies(backend, &[x]) {
        return Ok(cpu::max_pool_2x2(x, sizes)?);
    }
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
    global_max_pool_with(Backend::Auto, x)
}

/// As [`global_max_pool`], by the given backend.
///
/// # Shapes
///
/// As [`global_max_pool`].
///
/// # Errors
///
/// As [`global_max_pool`].
pub fn global_max_pool_with(backend: Backend, x: &Tensor) -> Result<Tensor> {
    let sizes = dims(x, "global_max_pool", "[batch, height, width, channels]")?;
    if cpu::applies(backend, &[x]) {
        return Ok(cpu::global_max_pool(x, sizes)?);
    }
    reference::global_max_pool(x)
}

/// The sizes of a map that can be pooled.
pub(crate) fn check_2x2(x: &Tensor) -> Result<[usize; 4]> {
    let expected = "[batch, height >= 2, width >= 2, channels]";
    let sizes: [usize; 4] = dims(x, "max_pool_2x2", expected)?;
    if sizes[1] < 2 || sizes[2] < 2 {
        return Err(shape_error(x, "max_pool_2x2", expected));
    }
    Ok(sizes)
}
