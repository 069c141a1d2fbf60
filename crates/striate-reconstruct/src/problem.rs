//! One batch of reconstructions to solve. Invariant: row `i` of each tensor belongs to reconstruction `i`.

use candle_core::Tensor;
use striate_nn::ops::gaussian_blur;

use crate::projection::Projection;
use crate::{Budget, GradientBlur, Network, Result};

/// What both optimisers work on.
pub(crate) struct Problem<'a> {
    pub(crate) network: &'a Network<'a>,
    /// `[batch, height, width, channels]`.
    pub(crate) start: Tensor,
    /// `[batch, activations]`.
    pub(crate) target: Tensor,
    /// Variance of each row of the target.
    pub(crate) variances: Vec<f64>,
    pub(crate) projection: Projection,
    pub(crate) blur: Option<GradientBlur>,
    pub(crate) learning_rate: f64,
    /// Image and budget of each row, for messages.
    pub(crate) labels: Vec<(u64, Budget)>,
}

impl Problem<'_> {
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The gradient as the optimiser follows it.
    pub(crate) fn smooth(&self, gradient: &Tensor) -> Result<Tensor> {
        match &self.blur {
            Some(blur) => {
                let taps = 2 * blur.half_width + 1;
                Ok(gaussian_blur(gradient, taps, blur.sigma_px)?)
            }
            None => Ok(gradient.clone()),
        }
    }
}

/// One solved reconstruction.
pub(crate) struct Solved {
    /// `[1, height, width, channels]`.
    pub(crate) image: Tensor,
    /// The objective before the last update, as the study reports it.
    pub(crate) score: f64,
    pub(crate) curve: Vec<(u32, f64)>,
    pub(crate) steps: usize,
}

/// Called with the step and the objectives of the images still in work.
pub(crate) type Monitor<'a> = dyn FnMut(usize, &[f64]) -> Result<()> + 'a;
