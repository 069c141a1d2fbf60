//! What to reconstruct and what came out. Invariant: results stand in the order image, budget, restart.

use std::ops::ControlFlow;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::Budget;

/// The reconstructions to make: each image at each budget, [`restarts`] times.
///
/// [`restarts`]: crate::ReconstructConfig::restarts
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// `[images, height, width, channels]` f32 in normalised pixel space, where
    /// the zero image is mean gray.
    pub images: &'a Tensor,
    /// One number per image; the initial noise depends on it and not on the
    /// image's place in the batch.
    pub ids: &'a [u64],
    /// The contrast budgets.
    pub budgets: &'a [Budget],
    /// The node of the seed tree that the initial noise comes from.
    pub seed: Seed,
}

/// One reconstructed image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconstruction {
    /// Row of the original in the task's images.
    pub image: usize,
    /// The original's number.
    pub id: u64,
    /// The budget.
    pub budget: Budget,
    /// Which noise initialisation, from 0.
    pub restart: usize,
    /// Height, width and channels.
    pub shape: [usize; 3],
    /// The image, `height x width x channels`, in normalised pixel space.
    pub pixels: Vec<f32>,
    /// L2 norm of the image.
    pub norm: f64,
    /// L2 norm that the budget allowed.
    pub norm_limit: f64,
    /// L2 norm of the original.
    pub original_norm: f64,
    /// Mean squared difference of the features of the returned image.
    pub objective: f64,
    /// The study's score: the objective before the last update.
    pub score: f64,
    /// Variance of the original's features over activations.
    pub feature_variance: f64,
    /// Step and objective, every `log_every` steps.
    pub curve: Vec<(u32, f64)>,
    /// Updates made in exact mode, evaluations in fast mode.
    pub steps: usize,
}

impl Reconstruction {
    /// The objective over the variance of the original's features: 0 is a
    /// perfect fit, 1 is as good as their mean (analyses.md 3.5, metric 2).
    ///
    /// NaN where the features are constant.
    pub fn feature_fit(&self) -> f64 {
        self.objective / self.feature_variance
    }
}

/// How far a call of [`reconstruct`](crate::reconstruct) is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Reconstructions that are complete.
    pub finished: usize,
    /// Reconstructions asked for.
    pub total: usize,
    /// Step of the batch in work.
    pub step: usize,
    /// The largest number of steps of a batch.
    pub max_steps: usize,
    /// Objectives of the images in work.
    pub objectives: &'a [f64],
}

/// Hears of the progress; `Break` stops the work at once.
pub type Observer<'a> = dyn FnMut(&Progress<'_>) -> ControlFlow<()> + 'a;
