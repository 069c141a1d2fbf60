//! What each operation computes. Invariant: every function here is differentiable with respect
//! to its first input, on every device.

mod affine;
mod binary;
mod conv;
mod curve;
mod pool;
mod reduce;
mod shape;
#[cfg(test)]
mod tests;

use crate::op::Op;
use crate::value::Value;
use crate::{Error, Result};

/// Computes one operation, whose result has this shape.
pub(crate) fn apply(op: &Op, inputs: &[Value], shape: &[usize]) -> Result<Value> {
    let [x, rest @ ..] = inputs else {
        return Err(Error::graph("has an operation without inputs"));
    };
    match op {
        Op::Conv2d {
            stride,
            padding,
            dilation,
            groups,
        } => conv::conv2d(x, rest, stride[0], *padding, dilation[0], *groups),
        Op::Affine => affine::affine(x, rest),
        Op::LayerNorm { axes, epsilon } => affine::layer_norm(x, rest, *axes, *epsilon),
        Op::MaxPool2d {
            kernel,
            stride,
            padding,
        } => pool::pool(x, pool::Kind::Max, *kernel, *stride, *padding, shape),
        Op::AvgPool2d {
            kernel,
            stride,
            padding,
            count_padding,
        } => {
            let kind = match count_padding {
                true => pool::Kind::MeanWithPadding,
                false => pool::Kind::Mean,
            };
            pool::pool(x, kind, *kernel, *stride, *padding, shape)
        }
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Maximum | Op::Minimum => {
            binary::binary(op, x, &rest[0])
        }
        Op::Linear => binary::linear(x, rest),
        Op::Matmul => Value::plain(x.to_plain()?.broadcast_matmul(&rest[0].to_plain()?)?),
        Op::Mean { axes } => reduce::mean(x, axes),
        Op::Sum { axes } => reduce::sum(x, axes),
        Op::Amax { axes } => reduce::amax(x, axes),
        Op::Logsumexp { axes } => reduce::logsumexp(x, axes),
        Op::Softmax { axis } => reduce::softmax(x, *axis),
        Op::LogSoftmax { axis } => reduce::log_softmax(x, *axis),
        Op::Cat { axis } => shape::cat(inputs, *axis),
        Op::Slice { axis, start, end } => {
            x.like(x.stored().narrow(x.place(*axis), *start, end - start)?)
        }
        Op::Reshape => Value::plain(x.to_plain()?.reshape(shape)?),
        Op::Permute { axes } => x.permuted(axes),
        Op::Expand => Value::plain(x.to_plain()?.broadcast_as(shape)?),
        Op::Pad {
            axis,
            before,
            after,
            value,
        } => shape::pad(x, *axis, *before, *after, *value),
        Op::IndexSelect { axis, index } => x.like(shape::select(x, *axis, index)?),
        Op::Resample {
            axis,
            lower,
            upper,
            weight,
        } => shape::resample(x, *axis, lower, upper, weight),
        Op::Along { axis } => shape::along(x, *axis, &rest[0].to_plain()?),
        point => x.like(curve::apply(point, x.stored())?),
    }
}
