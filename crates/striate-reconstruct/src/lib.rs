//! Reconstructs images from a network's features under a contrast budget.
//!
//! Which image of limited L2 norm brings a layer closest to the activations that
//! the original evokes? A network that can afford little contrast must spend it
//! on what the layer is most sensitive to, so the reconstructions of two
//! networks at the same [`Budget`] show what each represents.
//!
//! [`reconstruct`] works on any differentiable function from a batch of images
//! to features, for many images and budgets at one time: in the study's exact
//! mode (the default), or in a fast mode that reaches the same objective.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use candle_core::{Device, Tensor};
//! use striate_random::Seed;
//! use striate_reconstruct::{Budget, ReconstructConfig, Task, reconstruct};
//!
//! // A "network" that looks at horizontal differences only.
//! let network = |x: &Tensor| x.narrow(2, 1, 7)? - x.narrow(2, 0, 7)?;
//! let images = Tensor::arange(0f32, 64., &Device::Cpu)?.sin()?.reshape((1, 8, 8, 1))?;
//! let task = Task {
//!     images: &images,
//!     ids: &[0],
//!     budgets: &[Budget::fraction(0.5)?, Budget::fraction(1.0)?],
//!     seed: Seed::new(1),
//! };
//! let config = ReconstructConfig::fast();
//! let found = reconstruct(&network, &task, &config, &mut |_| ControlFlow::Continue(()))?;
//! assert!(found[0].norm < found[1].norm);
//! assert!(found[1].feature_fit() < 0.5);
//! # Ok::<(), striate_reconstruct::Error>(())
//! ```
//!
//! The equations are those of the study's published code; each item of the
//! configuration names its value there.

mod budget;
mod config;
mod error;
mod exact;
mod fast;
pub mod metrics;
mod objective;
mod problem;
mod projection;
mod reconstruct;
mod task;

#[cfg(test)]
mod tests;

pub use budget::{Amount, Budget, Constraint, rms};
pub use config::{GradientBlur, LearningRate, Mode, ReconstructConfig, Start};
pub use error::{Error, Result};
pub use objective::Network;
pub use reconstruct::reconstruct;
pub use task::{Observer, Progress, Reconstruction, Task};
