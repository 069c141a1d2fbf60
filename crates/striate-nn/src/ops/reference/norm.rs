//! Batch normalisation over all axes but the last.

use candle_core::Tensor;

use crate::Result;

/// Mean and biased variance of each channel, both with gradient.
///
/// # Shapes
///
/// `[.., channels]` to two times `[channels]`.
///
/// # Errors
///
/// If `x` is empty.
pub fn batch_statistics(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let channels = x.dim(candle_core::D::Minus1)?;
    let rows = x.reshape(((), channels))?;
    let mean = rows.mean(0)?;
    let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
    Ok((mean, variance))
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, per channel.
///
/// # Shapes
///
/// `x` `[.., channels]`, the others `[channels]`.
///
/// # Errors
///
/// If the shapes do not agree.
pub fn batch_norm(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    let scale = (variance + eps)?.sqrt()?.recip()?.mul(weight)?;
    Ok(x.broadcast_sub(mean)?
        .broadcast_mul(&scale)?
        .broadcast_add(bias)?)
}
