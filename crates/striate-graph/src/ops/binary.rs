//! Operations of two values, and the linear layer.

use candle_core::Tensor;
use striate_nn::ops::{conv2d, linear as nn_linear};

use crate::op::Op;
use crate::value::Value;
use crate::{Error, Result};

/// Element by element, broadcast as in PyTorch.
pub(super) fn binary(op: &Op, a: &Value, b: &Value) -> Result<Value> {
    let rank = a.dims().len().max(b.dims().len());
    let (a, b) = (raised(a, rank)?, raised(b, rank)?);
    if rank == 4 && (a.is_channels_last() || b.is_channels_last()) {
        let y = elements(op, &a.to_channels_last()?, &b.to_channels_last()?)?;
        return Value::channels_last(y);
    }
    Value::plain(elements(op, &a.to_plain()?, &b.to_plain()?)?)
}

/// With axes of length 1 in front, up to a rank.
fn raised(x: &Value, rank: usize) -> Result<Value> {
    let dims = x.dims();
    if dims.len() == rank {
        return Ok(x.clone());
    }
    let mut shape = vec![1; rank - dims.len()];
    shape.extend(dims);
    Value::plain(x.to_plain()?.reshape(shape)?)
}

fn elements(op: &Op, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let larger = |a: &Tensor, b: &Tensor, least: bool| -> Result<Tensor> {
        let shape = a.shape().broadcast_shape_binary_op(b.shape(), "maximum")?;
        let (a, b) = (a.broadcast_as(&shape)?, b.broadcast_as(&shape)?);
        let first = match least {
            true => a.detach().le(&b.detach())?,
            false => a.detach().ge(&b.detach())?,
        };
        Ok(first.where_cond(&a, &b)?)
    };
    Ok(match op {
        Op::Add => a.broadcast_add(b)?,
        Op::Sub => a.broadcast_sub(b)?,
        Op::Mul => a.broadcast_mul(b)?,
        Op::Div => a.broadcast_div(b)?,
        Op::Maximum => larger(a, b, false)?,
        Op::Minimum => larger(a, b, true)?,
        _ => return Err(Error::graph("has an operation that is not of two values")),
    })
}

/// `x W^T + b` along the last axis.
pub(super) fn linear(x: &Value, rest: &[Value]) -> Result<Value> {
    let [weight, bias @ ..] = rest else {
        return Err(Error::graph("lacks a weight"));
    };
    let weight = weight.stored();
    let (outputs, inputs) = weight.dims2()?;
    let plain = x.to_plain()?;
    let Some((last, first)) = plain.dims().split_last() else {
        return Err(Error::graph("has a linear layer of a number"));
    };
    if *last != inputs {
        return Err(Error::graph(format!(
            "has a weight for {inputs} values, and {last} of them"
        )));
    }
    let rows = plain.reshape(((), inputs))?;
    let y = product(&rows, weight, bias.first().map(Value::stored))?;
    let mut shape = first.to_vec();
    shape.push(outputs);
    Value::plain(y.reshape(shape)?)
}

/// Rows of an image that many rows of values are laid out in.
const ROW: usize = 16;

/// `x W^T + b` of `[rows, in]`.
pub(super) fn product(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (rows, inputs) = x.dims2()?;
    let outputs = weight.dim(0)?;
    if rows < 2 * ROW || !x.device().is_cpu() {
        return Ok(nn_linear(x, weight, bias)?);
    }
    // As a convolution by one pixel: its kernels divide an image among threads by rows.
    let height = rows.div_ceil(ROW);
    let padded = match height * ROW - rows {
        0 => x.clone(),
        more => x.pad_with_zeros(0, 0, more)?,
    };
    let image = padded.reshape((1, height, ROW, inputs))?;
    let weight = weight.reshape((outputs, 1, 1, inputs))?;
    let y = conv2d(&image, &weight, bias, 1, 0)?.reshape((height * ROW, outputs))?;
    Ok(y.narrow(0, 0, rows)?.contiguous()?)
}
