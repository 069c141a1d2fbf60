//! The projection of each image of a batch on its own budget.
//! Invariant: an image of norm 0 is left alone, so nothing is ever divided by 0.

use candle_core::{Device, Tensor};

use crate::{Constraint, Result};

/// The norms that the images of a batch are bound to.
#[derive(Clone)]
pub(crate) struct Projection {
    /// `[batch, 1, 1, 1]`.
    limits: Tensor,
    /// `[batch, 1, 1, 1]`, 1 where the limit is only an upper bound.
    at_most: Tensor,
    valid_range: Option<[Tensor; 2]>,
}

impl Projection {
    pub(crate) fn new(
        limits: &[(f64, Constraint)],
        valid_range: Option<&[[f32; 2]]>,
        device: &Device,
    ) -> Result<Self> {
        let shape = (limits.len(), 1, 1, 1);
        let norms: Vec<f32> = limits.iter().map(|(norm, _)| *norm as f32).collect();
        let at_most: Vec<u8> = limits
            .iter()
            .map(|(_, constraint)| u8::from(*constraint == Constraint::AtMost))
            .collect();
        let valid_range = match valid_range {
            None => None,
            Some(ranges) => {
                let bound = |side: usize| {
                    let values: Vec<f32> = ranges.iter().map(|range| range[side]).collect();
                    Tensor::from_vec(values, (1, 1, 1, ranges.len()), device)
                };
                Some([bound(0)?, bound(1)?])
            }
        };
        Ok(Self {
            limits: Tensor::from_vec(norms, shape, device)?,
            at_most: Tensor::from_vec(at_most, shape, device)?,
            valid_range,
        })
    }

    /// The projections of some of the images.
    pub(crate) fn select(&self, indices: &Tensor) -> Result<Self> {
        Ok(Self {
            limits: self.limits.index_select(indices, 0)?,
            at_most: self.at_most.index_select(indices, 0)?,
            valid_range: self.valid_range.clone(),
        })
    }

    /// # Shapes
    ///
    /// `[batch, height, width, channels]` to the same.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let norm = norms(x)?;
        let ones = norm.ones_like()?;
        let zeros = norm.zeros_like()?;
        let some = norm.gt(&zeros)?;
        // The difference is 0, or NaN where the norm overflowed, so that a
        // diverged image is seen as such and not projected on zero.
        let overflow = norm.sub(&norm)?;
        let factor = self
            .limits
            .div(&some.where_cond(&norm, &ones)?)?
            .add(&overflow)?;
        let bound = self.at_most.where_cond(&factor.minimum(&ones)?, &factor)?;
        let factor = some.where_cond(&bound, &ones)?;
        let x = x.broadcast_mul(&factor)?;
        Ok(match &self.valid_range {
            None => x,
            Some([low, high]) => x.broadcast_maximum(low)?.broadcast_minimum(high)?,
        })
    }
}

/// The L2 norm of each image.
///
/// # Shapes
///
/// `[batch, height, width, channels]` to `[batch, 1, 1, 1]`.
pub(crate) fn norms(x: &Tensor) -> Result<Tensor> {
    Ok(x.sqr()?.sum_keepdim((1, 2, 3))?.sqrt()?)
}
