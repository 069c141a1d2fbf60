//! Dropout from the seeded stream.

use candle_core::{DType, Tensor};
use striate_random::Stream;

use crate::Result;
use crate::error::{config_error, shape_error};

/// Sets each element to 0 with probability `probability` and divides the
/// others by `1 - probability`.
///
/// # Shapes
///
/// Any.
///
/// # Errors
///
/// If the probability is not in `0..1`.
pub fn dropout(x: &Tensor, probability: f64, stream: &mut Stream) -> Result<Tensor> {
    check(probability)?;
    if probability == 0.0 {
        return Ok(x.clone());
    }
    let keep = (1.0 - probability).recip() as f32;
    let mask: Vec<f32> = (0..x.elem_count())
        .map(|_| {
            if f64::from(stream.uniform_f32()) < probability {
                0.0
            } else {
                keep
            }
        })
        .collect();
    Ok((x * Tensor::from_vec(mask, x.shape(), x.device())?.to_dtype(x.dtype())?)?)
}

/// Dropout with a given mask: 1 keeps an element, 0 drops it.
///
/// # Shapes
///
/// `mask` as `x`.
///
/// # Errors
///
/// If the shapes differ or the probability is not in `0..1`.
pub fn dropout_with_mask(x: &Tensor, mask: &Tensor, probability: f64) -> Result<Tensor> {
    check(probability)?;
    if mask.dims() != x.dims() {
        return Err(shape_error(
            mask,
            "dropout",
            format!("{:?} of the mask", x.dims()),
        ));
    }
    let keep = (1.0 - probability).recip();
    let mask = mask.detach().to_dtype(DType::F32)?.affine(keep, 0.0)?;
    Ok((x * mask.to_dtype(x.dtype())?)?)
}

pub(crate) fn check(probability: f64) -> Result<()> {
    if (0.0..1.0).contains(&probability) {
        Ok(())
    } else {
        Err(config_error(
            "dropout",
            "a probability in 0..1",
            probability,
        ))
    }
}
