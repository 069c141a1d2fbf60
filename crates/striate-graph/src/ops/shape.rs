//! Parts, borders and interpolation along one axis.

use candle_core::Tensor;

use crate::Result;
use crate::value::Value;

pub(super) fn cat(inputs: &[Value], axis: usize) -> Result<Value> {
    let images = inputs.iter().any(Value::is_channels_last);
    let tensors: Vec<Tensor> = inputs
        .iter()
        .map(|x| match images {
            true => x.to_channels_last(),
            false => x.to_plain(),
        })
        .collect::<Result<_>>()?;
    match images {
        true => {
            let place = [0, 3, 1, 2].get(axis).copied().unwrap_or(axis);
            Value::channels_last(Tensor::cat(&tensors, place)?)
        }
        false => Value::plain(Tensor::cat(&tensors, axis)?),
    }
}

pub(super) fn pad(
    x: &Value,
    axis: usize,
    before: usize,
    after: usize,
    value: f64,
) -> Result<Value> {
    let place = x.place(axis);
    if value == 0.0 {
        return x.like(x.stored().pad_with_zeros(place, before, after)?);
    }
    let border = |length: usize| -> Result<Tensor> {
        let mut shape = x.stored().dims().to_vec();
        shape[place] = length;
        let tensor = x.stored();
        Ok(Tensor::full(value as f32, shape, tensor.device())?)
    };
    let mut parts = Vec::with_capacity(3);
    if before > 0 {
        parts.push(border(before)?);
    }
    parts.push(x.stored().clone());
    if after > 0 {
        parts.push(border(after)?);
    }
    x.like(Tensor::cat(&parts, place)?)
}

/// Elements of an axis, as the tensor lies.
pub(super) fn select(x: &Value, axis: usize, index: &[u32]) -> Result<Tensor> {
    let tensor = x.stored();
    let index = Tensor::from_slice(index, index.len(), tensor.device())?;
    Ok(tensor.index_select(&index, x.place(axis))?)
}

/// Mixtures of two elements of an axis.
pub(super) fn resample(
    x: &Value,
    axis: usize,
    lower: &[u32],
    upper: &[u32],
    weight: &[f32],
) -> Result<Value> {
    let (a, b) = (select(x, axis, lower)?, select(x, axis, upper)?);
    let mut shape = vec![1; a.rank()];
    shape[x.place(axis)] = weight.len();
    let weight = Tensor::from_slice(weight, shape, a.device())?;
    let step = (b - &a)?.broadcast_mul(&weight)?;
    x.like((a + step)?)
}

/// A matrix `[out, in]` applied along an axis.
pub(super) fn along(x: &Value, axis: usize, matrix: &Tensor) -> Result<Value> {
    let (place, tensor) = (x.place(axis), x.stored());
    let dims = tensor.dims();
    let outer: usize = dims[..place].iter().product();
    let inner: usize = dims[place + 1..].iter().product();
    let (out, length) = matrix.dims2()?;
    let mut shape = dims.to_vec();
    shape[place] = out;
    let y = match inner {
        1 => tensor.reshape((outer, length))?.matmul(&matrix.t()?)?,
        _ => matrix
            .unsqueeze(0)?
            .broadcast_matmul(&tensor.reshape((outer, length, inner))?)?,
    };
    x.like(y.reshape(shape)?)
}
