//! Sums, means, maxima, and what is normalised by them.

use candle_core::Tensor;

use crate::Result;
use crate::value::Value;

fn places(x: &Value, axes: &[usize]) -> Vec<usize> {
    axes.iter().map(|axis| x.place(*axis)).collect()
}

/// The sum over axes of a tensor, which stay with length 1.
fn total(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    // The mean over a map that lies channels last is the common case: a product with ones
    // runs through it once.
    if let (&[b, h, w, c], [1, 2]) = (x.dims(), axes) {
        let ones = Tensor::ones((b, 1, h * w), x.dtype(), x.device())?;
        let sums = ones.matmul(&x.reshape((b, h * w, c))?)?;
        return Ok(sums.reshape((b, 1, 1, c))?);
    }
    Ok(x.sum_keepdim(axes.to_vec())?)
}

pub(super) fn sum(x: &Value, axes: &[usize]) -> Result<Value> {
    x.like(total(x.stored(), &places(x, axes))?)
}

pub(super) fn mean(x: &Value, axes: &[usize]) -> Result<Value> {
    let count: usize = axes.iter().map(|axis| x.dims()[*axis]).product();
    x.like((total(x.stored(), &places(x, axes))? / count as f64)?)
}

fn largest(x: &Tensor, places: &[usize]) -> Result<Tensor> {
    let mut y = x.clone();
    for place in places {
        y = y.max_keepdim(*place)?;
    }
    Ok(y)
}

pub(super) fn amax(x: &Value, axes: &[usize]) -> Result<Value> {
    x.like(largest(x.stored(), &places(x, axes))?)
}

/// `x` less its largest value, the logarithm of the sum of its exponentials, and that value.
fn shifted(x: &Tensor, places: &[usize]) -> Result<(Tensor, Tensor, Tensor)> {
    let peak = largest(&x.detach(), places)?;
    let low = x.broadcast_sub(&peak)?;
    let log = low.exp()?.sum_keepdim(places.to_vec())?.log()?;
    Ok((low, log, peak))
}

pub(super) fn logsumexp(x: &Value, axes: &[usize]) -> Result<Value> {
    let (_, log, peak) = shifted(x.stored(), &places(x, axes))?;
    x.like((log + peak)?)
}

pub(super) fn log_softmax(x: &Value, axis: usize) -> Result<Value> {
    let (low, log, _) = shifted(x.stored(), &[x.place(axis)])?;
    x.like(low.broadcast_sub(&log)?)
}

pub(super) fn softmax(x: &Value, axis: usize) -> Result<Value> {
    let place = x.place(axis);
    let peak = x.stored().detach().max_keepdim(place)?;
    let powers = x.stored().broadcast_sub(&peak)?.exp()?;
    x.like(powers.broadcast_div(&powers.sum_keepdim(place)?)?)
}
