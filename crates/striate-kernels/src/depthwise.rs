//! Depthwise convolution: each channel with a kernel of its own, stride 1, with padding
//! and dilation. Invariant: every sum has one order, given by the shapes alone.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Error, Result, check_length};
use crate::map::MapShape;
use crate::simd::vectorised;

/// The sizes of a depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseShape {
    input: MapShape,
    output: MapShape,
    kernel: usize,
    padding: usize,
    dilation: usize,
}

impl DepthwiseShape {
    /// Checks the sizes: an input `[batch, height, width, channels]`, a square kernel of
    /// `kernel` taps a side that stand `dilation` pixels apart, and `padding` zeros on each
    /// side.
    ///
    /// # Errors
    ///
    /// A zero dimension, a kernel that does not fit into the padded input, or a volume
    /// that does not fit memory.
    pub fn new(input: [usize; 4], kernel: usize, padding: usize, dilation: usize) -> Result<Self> {
        const SHAPE: &str = "DepthwiseShape";
        let input = MapShape::new(input)?;
        for (field, found) in [("kernel", kernel), ("dilation", dilation)] {
            if found == 0 {
                return Err(Error::Dimension {
                    shape: SHAPE,
                    field,
                    expected: "at least 1",
                    found,
                });
            }
        }
        let span = (kernel - 1).saturating_mul(dilation).saturating_add(1);
        let out = |side: usize| {
            let padded = padding.saturating_mul(2).saturating_add(side);
            padded.checked_sub(span - 1).filter(|out| *out > 0)
        };
        let (Some(height), Some(width)) = (out(input.height), out(input.width)) else {
            return Err(Error::Dimension {
                shape: SHAPE,
                field: "kernel",
                expected: "one that fits into the padded input",
                found: kernel,
            });
        };
        Ok(Self {
            input,
            output: MapShape::new([input.batch, height, width, input.channels])?,
            kernel,
            padding,
            dilation,
        })
    }

    /// The sizes of the input.
    pub fn input(&self) -> &MapShape {
        &self.input
    }

    /// The sizes of the output.
    pub fn output(&self) -> &MapShape {
        &self.output
    }

    /// Values of the weights `[kernel, kernel, channels]`.
    pub fn weight_len(&self) -> usize {
        self.kernel * self.kernel * self.input.channels
    }

    /// For a tap along one axis: the first output that sees the input there, how many
    /// do, and the input that the first one sees.
    fn overlap(&self, tap: usize, input: usize, output: usize) -> (usize, usize, usize) {
        let offset = tap * self.dilation;
        let first = self.padding.saturating_sub(offset);
        let start = (first + offset).saturating_sub(self.padding);
        match output
            .saturating_sub(first)
            .min(input.saturating_sub(start))
        {
            0 => (0, 0, 0),
            count => (first, count, start),
        }
    }
}

/// `y[b, i, j, c] = sum_uv x[b, i + u dilation - padding, j + v dilation - padding, c] w[u, v, c]`.
///
/// # Shapes
///
/// `x` and `y` (overwritten) as the shape has them, `weight` `[kernel, kernel, channels]`.
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn depthwise_forward(
    shape: &DepthwiseShape,
    x: &[f32],
    weight: &[f32],
    y: &mut [f32],
) -> Result<()> {
    const NAME: &str = "depthwise_forward";
    check_length(NAME, "x", x.len(), shape.input.len())?;
    check_length(NAME, "weight", weight.len(), shape.weight_len())?;
    check_length(NAME, "y", y.len(), shape.output.len())?;
    let (isa, input, output) = (Isa::current(), &shape.input, &shape.output);
    let (k, c) = (shape.kernel, input.channels);
    let rows = y.par_chunks_mut(output.row_len()).enumerate();
    rows.for_each(|(row, y)| {
        y.fill(0.0);
        let (image, i) = (row / output.height, row % output.height);
        let image = &x[image * input.image_len()..][..input.image_len()];
        for u in 0..k {
            let at = (i + u * shape.dilation).checked_sub(shape.padding);
            let Some(at) = at.filter(|at| *at < input.height) else {
                continue;
            };
            let x = &image[at * input.row_len()..][..input.row_len()];
            for v in 0..k {
                let (first, count, start) = shape.overlap(v, input.width, output.width);
                let w = &weight[(u * k + v) * c..][..c];
                let (y, x) = (
                    &mut y[first * c..][..count * c],
                    &x[start * c..][..count * c],
                );
                add_scaled(isa, x, w, y);
            }
        }
    });
    Ok(())
}

/// The gradient of the input of [`depthwise_forward`].
///
/// # Shapes
///
/// `grad_y` as the output, `grad_x` (overwritten) as the input.
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn depthwise_backward_input(
    shape: &DepthwiseShape,
    grad_y: &[f32],
    weight: &[f32],
    grad_x: &mut [f32],
) -> Result<()> {
    const NAME: &str = "depthwise_backward_input";
    check_length(NAME, "grad_y", grad_y.len(), shape.output.len())?;
    check_length(NAME, "weight", weight.len(), shape.weight_len())?;
    check_length(NAME, "grad_x", grad_x.len(), shape.input.len())?;
    let (isa, input, output) = (Isa::current(), &shape.input, &shape.output);
    let (k, c) = (shape.kernel, input.channels);
    let rows = grad_x.par_chunks_mut(input.row_len()).enumerate();
    rows.for_each(|(row, grad_x)| {
        grad_x.fill(0.0);
        let (image, at) = (row / input.height, row % input.height);
        let image = &grad_y[image * output.image_len()..][..output.image_len()];
        for u in 0..k {
            let i = (at + shape.padding).checked_sub(u * shape.dilation);
            let Some(i) = i.filter(|i| *i < output.height) else {
                continue;
            };
            let grad_y = &image[i * output.row_len()..][..output.row_len()];
            for v in 0..k {
                let (first, count, start) = shape.overlap(v, input.width, output.width);
                let w = &weight[(u * k + v) * c..][..c];
                let grad_y = &grad_y[first * c..][..count * c];
                add_scaled(isa, grad_y, w, &mut grad_x[start * c..][..count * c]);
            }
        }
    });
    Ok(())
}

/// The gradient of the weights of [`depthwise_forward`].
///
/// # Shapes
///
/// `grad_weight` (overwritten) `[kernel, kernel, channels]`.
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn depthwise_backward_weight(
    shape: &DepthwiseShape,
    x: &[f32],
    grad_y: &[f32],
    grad_weight: &mut [f32],
) -> Result<()> {
    const NAME: &str = "depthwise_backward_weight";
    check_length(NAME, "x", x.len(), shape.input.len())?;
    check_length(NAME, "grad_y", grad_y.len(), shape.output.len())?;
    check_length(NAME, "grad_weight", grad_weight.len(), shape.weight_len())?;
    let (isa, input, output) = (Isa::current(), &shape.input, &shape.output);
    let (k, c) = (shape.kernel, input.channels);
    let taps = grad_weight.par_chunks_mut(c).enumerate();
    taps.for_each(|(tap, grad)| {
        grad.fill(0.0);
        let (rows, columns) = (
            shape.overlap(tap / k, input.height, output.height),
            shape.overlap(tap % k, input.width, output.width),
        );
        let ((top, height, from), (left, width, start)) = (rows, columns);
        // The sum of a row comes first, so that no long sum loses its last digits.
        let mut of_row = vec![0.0; c];
        for image in 0..input.batch {
            for row in 0..height {
                let y_at = image * output.image_len() + (top + row) * output.row_len() + left * c;
                let x_at = image * input.image_len() + (from + row) * input.row_len() + start * c;
                of_row.fill(0.0);
                let (x, y) = (&x[x_at..][..width * c], &grad_y[y_at..][..width * c]);
                add_products(isa, x, y, &mut of_row);
                for (sum, row) in grad.iter_mut().zip(&of_row) {
                    *sum += row;
                }
            }
        }
    });
    Ok(())
}

vectorised! {
    /// `y[j, c] += x[j, c] w[c]`.
    fn add_scaled(x: &[f32], w: &[f32], y: &mut [f32]) {
        let channels = w.len();
        for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
            for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                *y += x * w;
            }
        }
    }
}

vectorised! {
    /// `sum[c] += sum_j x[j, c] y[j, c]`.
    fn add_products(x: &[f32], y: &[f32], sum: &mut [f32]) {
        let channels = sum.len();
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact(channels)) {
            for ((sum, x), y) in sum.iter_mut().zip(x).zip(y) {
                *sum += x * y;
            }
        }
    }
}

#[cfg(test)]
mod tests;
