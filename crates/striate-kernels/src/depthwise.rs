//! Depthwise convolution: each channel with a kernel of its own, with stride, padding and
//! dilation. Invariant: every sum has one order, given by the shapes alone.

mod gather;
#[cfg(test)]
mod tests;
mod weights;

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Error, Result, check_length, check_volume};
use crate::map::MapShape;
use crate::simd::{dispatch, vectorised};
use gather::{Row, Windows};

/// The sizes of a depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseShape {
    input: MapShape,
    output: MapShape,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl DepthwiseShape {
    /// Checks the sizes: an input `[batch, height, width, channels]`, a square kernel of
    /// `kernel` taps a side that stand `dilation` pixels apart, `stride` pixels from window to
    /// window, and `padding` zeros on each side.
    ///
    /// # Errors
    ///
    /// A zero dimension, a kernel that does not fit into the padded input, or a volume
    /// that does not fit memory.
    pub fn new(
        input: [usize; 4],
        kernel: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
    ) -> Result<Self> {
        const SHAPE: &str = "DepthwiseShape";
        let input = MapShape::new(input)?;
        let fields = [
            ("kernel", kernel),
            ("stride", stride),
            ("dilation", dilation),
        ];
        for (field, found) in fields {
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
        let padded = |side: usize| padding.saturating_mul(2).saturating_add(side);
        let out = |side: usize| {
            let rest = padded(side).checked_sub(span)?;
            Some(rest / stride + 1)
        };
        let (Some(height), Some(width)) = (out(input.height), out(input.width)) else {
            return Err(Error::Dimension {
                shape: SHAPE,
                field: "kernel",
                expected: "one that fits into the padded input",
                found: kernel,
            });
        };
        // Places in the padded input and in the weights are numbers that fit memory.
        let (rows, columns) = (padded(input.height), padded(input.width));
        check_volume(SHAPE, &[("padding", rows.max(columns))])?;
        let weights = [("kernel", kernel), ("kernel", kernel)];
        check_volume(
            SHAPE,
            &[&weights[..], &[("channels", input.channels)]].concat(),
        )?;
        Ok(Self {
            input,
            output: MapShape::new([input.batch, height, width, input.channels])?,
            kernel,
            stride,
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

    /// How outputs see the input.
    fn forward(&self) -> Windows {
        Windows {
            source: self.input,
            target: self.output,
            kernel: self.kernel,
            step: self.stride,
            dilation: self.dilation,
            before: self.padding as isize,
        }
    }

    /// How the input's gradient sees that of the output, at stride 1, with the kernel turned.
    fn backward(&self) -> Windows {
        Windows {
            source: self.output,
            target: self.input,
            kernel: self.kernel,
            step: 1,
            dilation: self.dilation,
            before: ((self.kernel - 1) * self.dilation) as isize - self.padding as isize,
        }
    }
}

/// `y[b, i, j, c] = sum_uv x[b, i stride + u dilation - padding, j stride + v dilation - padding, c]
/// w[u, v, c]`.
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
    gather_rows(shape.forward(), x, weight, y);
    Ok(())
}

/// Each row of the target from the source.
fn gather_rows(windows: Windows, source: &[f32], weight: &[f32], target: &mut [f32]) {
    let isa = Isa::current();
    let rows = target.par_chunks_mut(windows.target.row_len()).enumerate();
    rows.for_each(|(row, target)| {
        let (image, row) = (row / windows.target.height, row % windows.target.height);
        let len = windows.source.image_len();
        let task = Row {
            windows,
            source: &source[image * len..][..len],
            weight,
            row,
            target,
        };
        dispatch(isa, task);
    });
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
    if shape.stride == 1 {
        let channels = shape.input.channels;
        let turned: Vec<f32> = weight
            .chunks_exact(channels)
            .rev()
            .flatten()
            .copied()
            .collect();
        gather_rows(shape.backward(), grad_y, &turned, grad_x);
    } else {
        scatter_rows(shape, grad_y, weight, grad_x);
    }
    Ok(())
}

/// The gradient of the input, each row from the rows of the output's that it was seen by.
fn scatter_rows(shape: &DepthwiseShape, grad_y: &[f32], weight: &[f32], grad_x: &mut [f32]) {
    let isa = Isa::current();
    let (windows, channels) = (shape.forward(), shape.input.channels);
    let (input, output) = (&shape.input, &shape.output);
    let rows = grad_x.par_chunks_mut(input.row_len()).enumerate();
    rows.for_each(|(row, grad_x)| {
        grad_x.fill(0.0);
        let (image, row) = (row / input.height, row % input.height);
        let image = &grad_y[image * output.image_len()..][..output.image_len()];
        for u in 0..shape.kernel {
            let from = (row + shape.padding).checked_sub(u * shape.dilation);
            let seen = from.filter(|from| from.is_multiple_of(shape.stride));
            let Some(i) = seen.map(|from| from / shape.stride) else {
                continue;
            };
            let Some(grad_y) = image.chunks_exact(output.row_len()).nth(i) else {
                continue;
            };
            for v in 0..shape.kernel {
                let columns = windows.inside(v, input.width, output.width);
                let Some(start) = windows.source(columns.start, v, input.width) else {
                    continue;
                };
                let w = &weight[(u * shape.kernel + v) * channels..][..channels];
                let grad_y = &grad_y[columns.start * channels..columns.end * channels];
                let grad_x = &mut grad_x[start * channels..];
                add_scaled(isa, grad_y, w, shape.stride, grad_x);
            }
        }
    });
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
    weights::gradient(shape.forward(), x, grad_y, grad_weight);
    Ok(())
}

vectorised! {
    /// `y[j step, c] += x[j, c] w[c]`.
    fn add_scaled(x: &[f32], w: &[f32], step: usize, y: &mut [f32]) {
        let channels = w.len();
        let pixels = y.chunks_mut(step * channels);
        for (y, x) in pixels.zip(x.chunks_exact(channels)) {
            for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                *y += x * w;
            }
        }
    }
}
