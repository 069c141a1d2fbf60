//! Bilinear sampling of maps.

use candle_core::Tensor;

use super::reference;
use crate::error::{dims, shape_error};
use crate::{Backend, Result, cpu};

/// Samples each image's map at its own positions, bilinearly, with gradients
/// to the map and to the positions (reference 4.2).
///
/// Position -1 is the centre of the first pixel and 1 that of the last
/// (`align_corners`); what lies outside counts as 0.
///
/// # Shapes
///
/// `map` `[batch, height, width, channels]`, `grid` `[batch, points, 2]` of
/// (x, y): x runs along the width; result `[batch, points, channels]`.
///
/// # Errors
///
/// If the shapes do not agree.
pub fn bilinear_sample(map: &Tensor, grid: &Tensor) -> Result<Tensor> {
    bilinear_sample_with(Backend::Auto, map, grid)
}

/// As [`bilinear_sample`], by the given backend.
///
/// # Shapes
///
/// As [`bilinear_sample`].
///
/// # Errors
///
/// As [`bilinear_sample`].
pub fn bilinear_sample_with(backend: Backend, map: &Tensor, grid: &Tensor) -> Result<Tensor> {
    if cpu::applies(backend, &[map, grid]) {
        return Ok(cpu::bilinear_sample(map, grid, check(map, grid)?)?);
    }
    reference::bilinear_sample(map, grid)
}

/// `[batch, height, width, channels, points]`, checked.
pub(crate) fn check(map: &Tensor, grid: &Tensor) -> Result<[usize; 5]> {
    let place = "bilinear_sample";
    let [b, h, w, c] = dims(map, place, "[batch, height, width, channels] of the map")?;
    let expected = format!("[{b}, points, 2] of the grid");
    let [grid_batch, points, two] = dims(grid, place, &expected)?;
    if grid_batch != b || two != 2 {
        return Err(shape_error(grid, place, expected));
    }
    if h == 0 || w == 0 {
        return Err(shape_error(map, place, "a map that is not empty"));
    }
    Ok([b, h, w, c, points])
}
