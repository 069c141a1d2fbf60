//! Bilinear sampling by gathers. Invariant: the floor of a position is a
//! constant, so the gradient to the position is that of the interpolation.

use candle_core::{DType, Tensor};

use crate::Result;
use crate::ops::sample::check;

/// Samples a map at continuous positions, as [`crate::ops::bilinear_sample`].
///
/// # Shapes
///
/// As [`crate::ops::bilinear_sample`].
///
/// # Errors
///
/// As [`crate::ops::bilinear_sample`].
pub fn bilinear_sample(map: &Tensor, grid: &Tensor) -> Result<Tensor> {
    let [b, h, w, c, n] = check(map, grid)?;
    let x = Axis::new(&grid.narrow(2, 0, 1)?.squeeze(2)?, w)?;
    let y = Axis::new(&grid.narrow(2, 1, 1)?.squeeze(2)?, h)?;
    let rows = map.reshape((b * h * w, c))?;
    let image = Tensor::arange(0, b as u32, map.device())?
        .affine((h * w) as f64, 0.0)?
        .reshape((b, 1))?;
    let mut sum: Option<Tensor> = None;
    for (row, row_weight) in &y.corners {
        for (column, column_weight) in &x.corners {
            let pixel = (row.affine(w as f64, 0.0)? + column)?.to_dtype(DType::U32)?;
            let index = pixel.broadcast_add(&image)?.flatten_all()?;
            let weight = (row_weight * column_weight)?.reshape((b * n, 1))?;
            let term = rows.index_select(&index, 0)?.broadcast_mul(&weight)?;
            sum = Some(match sum {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
    }
    let sum = sum.map_or_else(|| rows.zeros_like(), Ok)?;
    Ok(sum.reshape((b, n, c))?)
}

/// The two neighbours along one axis: index (clipped to the map) and weight
/// (zero outside of it).
struct Axis {
    corners: [(Tensor, Tensor); 2],
}

impl Axis {
    fn new(position: &Tensor, size: usize) -> Result<Self> {
        let last = (size - 1) as f64;
        let pixel = position.affine(last / 2.0, last / 2.0)?;
        let low = pixel.detach().floor()?;
        let fraction = (&pixel - &low)?;
        let corner = |index: Tensor, weight: Tensor| -> Result<(Tensor, Tensor)> {
            let clipped = index.maximum(0.0)?.minimum(last)?;
            let inside = clipped.eq(&index)?.to_dtype(weight.dtype())?;
            Ok((clipped, (weight * inside)?))
        };
        let high = (&low + 1.0)?;
        Ok(Self {
            corners: [
                corner(low, fraction.affine(-1.0, 1.0)?)?,
                corner(high, fraction)?,
            ],
        })
    }
}
