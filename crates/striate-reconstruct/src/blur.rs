//! Gaussian blur of an image batch as two banded matrix products.
//! Invariant: every row of a matrix sums to 1, so a constant image stays as it is.

use candle_core::{Device, Tensor};

use crate::{GradientBlur, Result};

/// The blur for images of one size.
pub(crate) struct Blur {
    rows: Tensor,
    columns: Tensor,
}

impl Blur {
    pub(crate) fn new(
        height: usize,
        width: usize,
        config: GradientBlur,
        device: &Device,
    ) -> Result<Self> {
        Ok(Self {
            rows: matrix(height, config, device)?,
            columns: matrix(width, config, device)?,
        })
    }

    /// # Shapes
    ///
    /// `[batch, height, width, channels]` to the same.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, height, width, channels) = x.dims4()?;
        // One product for the whole batch along each axis; the axis goes first.
        let y = x.permute((1, 0, 2, 3))?.contiguous()?;
        let y = self
            .rows
            .matmul(&y.reshape((height, batch * width * channels))?)?;
        let y = y
            .reshape((height, batch, width, channels))?
            .permute((2, 1, 0, 3))?
            .contiguous()?;
        let y = self
            .columns
            .matmul(&y.reshape((width, batch * height * channels))?)?;
        Ok(y.reshape((width, batch, height, channels))?
            .permute((1, 2, 0, 3))?
            .contiguous()?)
    }
}

/// The banded matrix of a one-dimensional blur with reflect padding.
fn matrix(size: usize, config: GradientBlur, device: &Device) -> Result<Tensor> {
    let half = config.half_width as i64;
    let kernel: Vec<f64> = (-half..=half)
        .map(|k| (-0.5 * (k as f64 / config.sigma_px).powi(2)).exp())
        .collect();
    let sum: f64 = kernel.iter().sum();
    let mut values = vec![0.0; size * size];
    for row in 0..size {
        for (tap, weight) in kernel.iter().enumerate() {
            let column = reflect(row as i64 + tap as i64 - half, size);
            values[row * size + column] += weight / sum;
        }
    }
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    Ok(Tensor::from_vec(values, (size, size), device)?)
}

/// Mirrors an index at the centres of the border pixels, as often as needed.
fn reflect(index: i64, size: usize) -> usize {
    let last = size as i64 - 1;
    if last == 0 {
        return 0;
    }
    let index = index.rem_euclid(2 * last);
    (if index > last {
        2 * last - index
    } else {
        index
    }) as usize
}
