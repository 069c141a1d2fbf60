//! Batch normalisation, fused with ReLU and a 2x2 max pool.
//!
//! `y = pool(relu(gamma * (x - mean) / sqrt(variance + epsilon) + beta))` for
//! each channel (Ioffe and Szegedy 2015). Invariant: the backward passes decide
//! about signs and maxima by the same expression as the forward pass.

mod backward;
mod forward;
mod statistics;
#[cfg(test)]
mod tests;

pub use backward::{batch_norm_backward_frozen, batch_norm_backward_training};
pub use forward::batch_norm_forward;
pub use statistics::batch_norm_statistics;
pub(crate) use statistics::{Moments, Part};

use crate::error::{Result, check_length};
use crate::map::MapShape;

/// What follows the normalisation, value by value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`; its derivative at 0 is 0.
    #[default]
    Relu,
}

/// What follows the activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// Nothing.
    #[default]
    None,
    /// The maximum of 2x2 windows with stride 2; the first maximum of a window
    /// (row by row) gets the gradient.
    Max2x2,
}

/// A fused block: batch norm, activation, pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NormBlock {
    /// The sizes of the block's input.
    pub shape: MapShape,
    /// What follows the normalisation.
    pub activation: Activation,
    /// What follows the activation.
    pub pooling: Pooling,
}

/// The statistics and the affine parameters of a batch norm, `[channels]` each.
#[derive(Clone, Copy, Debug)]
pub struct NormParameters<'a> {
    /// Mean of the batch, or running mean.
    pub mean: &'a [f32],
    /// Biased variance of the batch, or running variance.
    pub variance: &'a [f32],
    /// Scale.
    pub gamma: &'a [f32],
    /// Shift.
    pub beta: &'a [f32],
    /// Added to the variance (torch: 1e-5).
    pub epsilon: f32,
}

impl NormBlock {
    /// Values of the block's output.
    pub fn output_len(&self) -> usize {
        self.output_dims().iter().product()
    }

    /// Images, rows, columns and channels of the block's output.
    pub fn output_dims(&self) -> [usize; 4] {
        let [batch, height, width, channels] = self.shape.dims();
        match self.pooling {
            Pooling::None => [batch, height, width, channels],
            Pooling::Max2x2 => [batch, height / 2, width / 2, channels],
        }
    }

    /// The value below which the activation gives 0.
    fn floor(&self) -> f32 {
        match self.activation {
            Activation::Identity => f32::NEG_INFINITY,
            Activation::Relu => 0.0,
        }
    }
}

/// The normalisation as `scale * x + shift`, with what the gradients need.
pub(crate) struct Affine {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`, in f64.
    inverse: Vec<f64>,
}

impl Affine {
    pub(crate) fn new(
        kernel: &'static str,
        channels: usize,
        parameters: &NormParameters<'_>,
    ) -> Result<Self> {
        let NormParameters {
            mean,
            variance,
            gamma,
            beta,
            epsilon,
        } = *parameters;
        for (argument, slice) in [
            ("mean", mean),
            ("variance", variance),
            ("gamma", gamma),
            ("beta", beta),
        ] {
            check_length(kernel, argument, slice.len(), channels)?;
        }
        let inverse: Vec<f64> = variance
            .iter()
            .map(|v| 1.0 / (f64::from(*v) + f64::from(epsilon)).sqrt())
            .collect();
        let scale: Vec<f32> = gamma
            .iter()
            .zip(&inverse)
            .map(|(gamma, inverse)| (f64::from(*gamma) * inverse) as f32)
            .collect();
        let shift = (0..channels)
            .map(|c| (f64::from(beta[c]) - f64::from(mean[c]) * f64::from(scale[c])) as f32)
            .collect();
        Ok(Self {
            scale,
            shift,
            inverse,
        })
    }
}
