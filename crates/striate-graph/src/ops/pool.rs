//! Maxima and means of windows. Invariant: the gradient of a maximum goes to the first of the
//! largest elements, as in PyTorch.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};
use rayon::prelude::*;

use super::curve::{values, with_values};
use crate::value::Value;
use crate::{Error, Result};

/// What is taken of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Its largest element.
    Max,
    /// The mean of its elements within the image.
    Mean,
    /// The same, zeros of the padding included.
    MeanWithPadding,
}

/// Pools an image to the height and width in `shape`.
pub(super) fn pool(
    x: &Value,
    kind: Kind,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    shape: &[usize],
) -> Result<Value> {
    let image = x.to_channels_last()?;
    let (&[batch, height, width, channels], &[_, _, out_h, out_w]) = (image.dims(), shape) else {
        return Err(Error::graph(format!(
            "pools {:?} to {shape:?}: expected four axes",
            image.dims()
        )));
    };
    let op = Windows {
        kind,
        kernel,
        stride,
        padding,
        input: [batch, height, width, channels],
        output: [out_h, out_w],
    };
    for axis in 0..2 {
        // The last window must begin within the image or the padding before it.
        let last = (op.output[axis] - 1) * stride[axis];
        if last >= op.input[axis + 1] + padding[axis] {
            return Err(Error::graph(format!(
                "has windows outside of the image: {:?} of {:?}",
                op.output, op.input
            )));
        }
    }
    let y = match image.device().is_cpu() && image.dtype() == DType::F32 {
        true => image.apply_op1(op)?,
        false => op.composed(&image)?,
    };
    Value::channels_last(y)
}

/// Windows over images `[batch, height, width, channels]`.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub(super) kind: Kind,
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) input: [usize; 4],
    pub(super) output: [usize; 2],
}

impl Windows {
    /// The pixels of a window along one axis.
    fn range(&self, axis: usize, place: usize) -> std::ops::Range<usize> {
        let start = place * self.stride[axis];
        let end = start + self.kernel[axis];
        let length = self.input[axis + 1];
        start.saturating_sub(self.padding[axis]).min(length)
            ..end.saturating_sub(self.padding[axis]).min(length)
    }

    /// One over what the sum of a window is divided by.
    fn share(&self, row: usize, column: usize) -> f32 {
        let count = match self.kind {
            Kind::MeanWithPadding => self.kernel[0] * self.kernel[1],
            _ => self.range(0, row).len() * self.range(1, column).len(),
        };
        1.0 / count.max(1) as f32
    }

    /// The places of a window's pixels in an image, in the order of rows.
    fn pixels(&self, row: usize, column: usize) -> impl Iterator<Item = usize> {
        let [_, _, width, channels] = self.input;
        let columns = self.range(1, column);
        self.range(0, row)
            .flat_map(move |y| columns.clone().map(move |x| (y * width + x) * channels))
    }

    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let [batch, height, width, channels] = self.input;
        let [out_h, out_w] = self.output;
        let mut y = vec![0.0; batch * out_h * out_w * channels];
        let image = height * width * channels;
        y.par_chunks_mut(out_w * channels)
            .enumerate()
            .for_each(|(line, y)| {
                let x = &x[line / out_h * image..][..image];
                let row = line % out_h;
                for (column, y) in y.chunks_exact_mut(channels).enumerate() {
                    if self.kind == Kind::Max {
                        y.fill(f32::NEG_INFINITY);
                        for at in self.pixels(row, column) {
                            for (y, x) in y.iter_mut().zip(&x[at..at + channels]) {
                                *y = if *x > *y || x.is_nan() { *x } else { *y };
                            }
                        }
                    } else {
                        for at in self.pixels(row, column) {
                            for (y, x) in y.iter_mut().zip(&x[at..at + channels]) {
                                *y += x;
                            }
                        }
                        let share = self.share(row, column);
                        y.iter_mut().for_each(|v| *v *= share);
                    }
                }
            });
        y
    }

    fn backward(&self, x: &[f32], g: &[f32]) -> Vec<f32> {
        let [_, height, width, channels] = self.input;
        let [out_h, out_w] = self.output;
        let mut gradient = vec![0.0; x.len()];
        let image = height * width * channels;
        let sizes = (image, out_h * out_w * channels);
        gradient
            .par_chunks_mut(sizes.0)
            .zip(x.par_chunks(sizes.0).zip(g.par_chunks(sizes.1)))
            .for_each(|(gradient, (x, g))| {
                let mut best = vec![0.0; channels];
                let mut place = vec![0; channels];
                for (at, g) in g.chunks_exact(channels).enumerate() {
                    let (row, column) = (at / out_w, at % out_w);
                    if self.kind == Kind::Max {
                        best.fill(f32::NEG_INFINITY);
                        for at in self.pixels(row, column) {
                            for c in 0..channels {
                                if x[at + c] > best[c] {
                                    best[c] = x[at + c];
                                    place[c] = at;
                                }
                            }
                        }
                        for c in 0..channels {
                            gradient[place[c] + c] += g[c];
                        }
                    } else {
                        let share = self.share(row, column);
                        for at in self.pixels(row, column) {
                            for (d, g) in gradient[at..at + channels].iter_mut().zip(g) {
                                *d += g * share;
                            }
                        }
                    }
                }
            });
        gradient
    }

    /// The same of candle's operations: one shifted image for each place in a window.
    pub(super) fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let [_, height, width, _] = self.input;
        let fill = match self.kind {
            Kind::Max => f64::from(f32::MIN),
            _ => 0.0,
        };
        let mut padded = x.clone();
        for (axis, length) in [(0, height), (1, width)] {
            // So long that every shifted image has all the windows.
            let span = self.output[axis] * self.stride[axis] + self.kernel[axis];
            let after = span.saturating_sub(length + self.padding[axis]);
            let value = Value::plain(padded)?;
            let value = super::shape::pad(&value, axis + 1, self.padding[axis], after, fill)?;
            padded = value.stored().clone();
        }
        let mut found: Option<Tensor> = None;
        for row in 0..self.kernel[0] {
            for column in 0..self.kernel[1] {
                let mut shifted = padded.clone();
                for (axis, start) in [(0, row), (1, column)] {
                    let length = self.output[axis] * self.stride[axis];
                    shifted = shifted.narrow(axis + 1, start, length)?.contiguous()?;
                    shifted = every(&shifted, axis + 1, self.stride[axis])?;
                }
                found = Some(match found {
                    None => shifted,
                    Some(best) if self.kind == Kind::Max => {
                        let better = shifted.detach().gt(&best.detach())?;
                        better.where_cond(&shifted, &best)?
                    }
                    Some(sum) => (sum + shifted)?,
                });
            }
        }
        let found = found.ok_or_else(|| Error::graph("has an empty window"))?;
        if self.kind == Kind::Max {
            return Ok(found);
        }
        let [out_h, out_w] = self.output;
        let shares = (0..out_h).flat_map(|row| (0..out_w).map(move |c| (row, c)));
        let shares = shares.map(|(row, column)| self.share(row, column));
        let shares = Tensor::from_iter(shares, x.device())?.reshape((1, out_h, out_w, 1))?;
        Ok(found.broadcast_mul(&shares)?)
    }
}

impl CustomOp1 for Windows {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = self.forward(values(x, layout)?);
        let [batch, _, _, channels] = self.input;
        let [out_h, out_w] = self.output;
        Ok((
            CpuStorage::F32(y),
            Shape::from((batch, out_h, out_w, channels)),
        ))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, g: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let g = g.contiguous()?;
        let gradient = with_values(x, |x| with_values(&g, |g| Ok(self.backward(x, g))))?;
        Tensor::from_vec(gradient, x.shape(), x.device()).map(Some)
    }
}

/// Every so many elements of an axis.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    if step == 1 {
        return Ok(x.clone());
    }
    let mut dims = x.dims().to_vec();
    let count = dims[axis].div_ceil(step);
    let more = count * step - dims[axis];
    let whole = match more {
        0 => x.clone(),
        more => x.pad_with_zeros(axis, 0, more)?,
    };
    dims[axis] = count;
    dims.insert(axis + 1, step);
    let picked = whole.reshape(dims)?.narrow(axis + 1, 0, 1)?;
    Ok(picked.squeeze(axis + 1)?.contiguous()?)
}
