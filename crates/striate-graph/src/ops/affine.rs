//! Batch norm in evaluation and layer norm. Invariant: scales and shifts are constants.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Shape, Tensor};
use rayon::prelude::*;

use super::curve::{values, with_values};
use crate::value::Value;
use crate::{Error, Result};

/// `x scale + shift` for each channel.
pub(super) fn affine(x: &Value, rest: &[Value]) -> Result<Value> {
    let [scale, shift] = rest else {
        return Err(Error::graph("lacks a scale and a shift"));
    };
    let (scale, shift) = (scale.stored(), shift.stored());
    let dims = x.dims();
    let channels = dims.get(1).copied().unwrap_or(0);
    if scale.dims() != [channels] || shift.dims() != [channels] {
        return Err(Error::graph(format!(
            "has scale {:?} and shift {:?} for {channels} channels",
            scale.dims(),
            shift.dims()
        )));
    }
    if x.is_channels_last() && x.stored().device().is_cpu() {
        let op = Rows {
            scale: scale.to_vec1()?,
            shift: shift.to_vec1()?,
        };
        return x.like(x.stored().apply_op1(op)?);
    }
    let mut shape = vec![1; dims.len()];
    shape[x.place(1)] = channels;
    let scaled = x.stored().broadcast_mul(&scale.reshape(&shape[..])?)?;
    x.like(scaled.broadcast_add(&shift.reshape(&shape[..])?)?)
}

/// `x scale + shift` along the last axis.
struct Rows {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Rows {
    fn rows(&self, x: &[f32], shift: bool) -> Vec<f32> {
        let width = self.scale.len();
        let chunk = (16_384 / width).max(1) * width;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(chunk)
            .zip(x.par_chunks(chunk))
            .for_each(|(y, x)| {
                for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    if shift {
                        let constants = self.scale.iter().zip(&self.shift);
                        for ((y, x), (a, b)) in y.iter_mut().zip(x).zip(constants) {
                            *y = x * a + b;
                        }
                    } else {
                        for ((y, x), a) in y.iter_mut().zip(x).zip(&self.scale) {
                            *y = x * a;
                        }
                    }
                }
            });
        y
    }
}

impl CustomOp1 for Rows {
    fn name(&self) -> &'static str {
        "affine"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let y = self.rows(values(x, layout)?, true);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, g: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let gradient = with_values(&g.contiguous()?, |g| Ok(self.rows(g, false)))?;
        Tensor::from_vec(gradient, x.shape(), x.device()).map(Some)
    }
}

/// Mean 0 and variance 1 over the last `axes` axes, then `scale` and `shift` of their length.
pub(super) fn layer_norm(x: &Value, rest: &[Value], axes: usize, epsilon: f64) -> Result<Value> {
    let plain = x.to_plain()?;
    let rank = plain.rank();
    if axes == 0 || axes > rank {
        return Err(Error::graph(format!("has no {axes} last axes of {rank}")));
    }
    let width: usize = plain.dims()[rank - axes..].iter().product();
    let rows = plain.reshape(((), width))?;
    let centred = rows.broadcast_sub(&rows.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let mut y = centred.broadcast_div(&(variance + epsilon)?.sqrt()?)?;
    if let [scale, shift] = rest {
        y = y
            .broadcast_mul(&scale.stored().reshape((1, width))?)?
            .broadcast_add(&shift.stored().reshape((1, width))?)?;
    }
    Value::plain(y.reshape(plain.shape())?)
}
