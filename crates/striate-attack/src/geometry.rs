//! Balls and steps. Invariant: a projected image is in `[0, 1]` and in the ball, up to the rounding of f32.

use candle_core::{D, DType, Tensor};
use striate_random::Stream;

use crate::{Norm, Result};

/// The steepest ascent of length 1 in each image's norm: the sign of the gradient,
/// or the gradient over its length; 0 where the gradient is 0.
///
/// # Shapes
///
/// `[batch, ..]` to the same.
pub(crate) fn direction(norm: Norm, gradient: &Tensor) -> Result<Tensor> {
    match norm {
        Norm::Linf => Ok(gradient.sign()?),
        Norm::L2 => {
            let rows = gradient.flatten_from(1)?;
            // The squares of small numbers would be 0 without the first division.
            let rows = rows.broadcast_div(&or_one(&largest(&rows)?)?)?;
            let rows = rows.broadcast_div(&or_one(&lengths(&rows)?)?)?;
            Ok(rows.reshape(gradient.shape())?)
        }
    }
}

/// The images `origin + perturbation`, the perturbation projected on the ball of
/// radius `epsilon`, then the image on `[0, 1]`.
///
/// The second projection keeps the first: the origin is in `[0, 1]`, so it makes no
/// pixel's perturbation larger.
///
/// # Shapes
///
/// Both `[batch, ..]`, and so is the result.
pub(crate) fn project(
    norm: Norm,
    origin: &Tensor,
    perturbation: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    let perturbation = match norm {
        Norm::Linf => perturbation.minimum(epsilon)?.maximum(-epsilon)?,
        Norm::L2 => {
            let rows = perturbation.flatten_from(1)?;
            // epsilon / max(epsilon, length) is 1 inside the ball.
            let factor = (lengths(&rows)?.maximum(epsilon)?.recip()? * epsilon)?;
            rows.broadcast_mul(&factor)?.reshape(perturbation.shape())?
        }
    };
    Ok((origin + perturbation)?.maximum(0f64)?.minimum(1f64)?)
}

/// A point of the unit ball, uniformly: its `length` values.
///
/// In the L2 norm a direction of normal numbers, and a radius whose `length`-th power
/// is uniform.
pub(crate) fn ball_point(norm: Norm, length: usize, stream: &mut Stream) -> Vec<f32> {
    match norm {
        Norm::Linf => (0..length)
            .map(|_| stream.range(-1.0, 1.0) as f32)
            .collect(),
        Norm::L2 => {
            let values: Vec<f64> = (0..length).map(|_| stream.normal()).collect();
            let radius = stream.uniform().powf(1.0 / length.max(1) as f64);
            let own = values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let factor = if own > 0.0 { radius / own } else { 0.0 };
            values.iter().map(|v| (v * factor) as f32).collect()
        }
    }
}

/// The size of the difference of two images, in f64.
pub(crate) fn distance(norm: Norm, a: &[f32], b: &[f32]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b));
    match norm {
        Norm::Linf => differences.fold(0.0, |most, d| d.abs().max(most)),
        Norm::L2 => differences.map(|d| d * d).sum::<f64>().sqrt(),
    }
}

/// The largest absolute value of each row: `[batch, n]` to `[batch, 1]`.
pub(crate) fn largest(rows: &Tensor) -> Result<Tensor> {
    Ok(rows.abs()?.max_keepdim(D::Minus1)?)
}

/// The L2 norm of each row, summed in f64: `[batch, n]` to `[batch, 1]`.
fn lengths(rows: &Tensor) -> Result<Tensor> {
    let squares = rows.to_dtype(DType::F64)?.sqr()?;
    let lengths = squares.sum_keepdim(D::Minus1)?.sqrt()?;
    Ok(lengths.to_dtype(DType::F32)?)
}

/// 1 where `values` is 0.
fn or_one(values: &Tensor) -> Result<Tensor> {
    let ones = values.ones_like()?;
    Ok(values.eq(0f64)?.where_cond(&ones, values)?)
}
