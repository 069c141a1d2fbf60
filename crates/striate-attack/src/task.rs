//! What to attack, and how far the work is. Invariant: row `i` of all fields belongs to image `i`.

use std::ops::ControlFlow;

use candle_core::Tensor;
use striate_random::Seed;

use crate::Attack;

/// The images to attack.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// `[images, height, width, channels]` f32 in `[0, 1]`, as the network sees them
    /// before its normalisation.
    pub images: &'a Tensor,
    /// The true class of each.
    pub labels: &'a [u32],
    /// One number per image; its random draws depend on it and not on its place.
    pub ids: &'a [u64],
    /// The node of the seed tree that random starts and walks come from.
    pub seed: Seed,
}

/// How far a call of [`attack`](crate::attack()) is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The attack.
    pub attack: Attack,
    /// The part of the work that is done, `0..=1`. Images that are broken early make
    /// the rest faster than it promises.
    pub share: f64,
    /// Images that are complete.
    pub finished: usize,
    /// Images to attack: those that are classified correctly.
    pub total: usize,
}

/// Hears of the progress; `Break` stops the work at once.
pub type Observer<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;
