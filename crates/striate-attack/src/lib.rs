//! Adversarial attacks: how small a change of an image makes a network err?
//!
//! * [`Attack::FgsmLinf`], [`Attack::FgsmL2`]: one step along the gradient
//!   (Goodfellow et al. 2015, section 4).
//! * [`Attack::PgdLinf`], [`Attack::PgdL2`]: projected gradient ascent from random
//!   points of the ball (Madry et al. 2018, section 2.1).
//! * [`Attack::Boundary`]: a walk along the decision boundary that sees classes
//!   only, no gradients (Brendel et al. 2018).
//!
//! A network is a function from a batch of images to class scores. The images are
//! those that the network sees, **before its normalisation**: values in `[0, 1]`,
//! and gray for a network of gray images, so that a perturbation is one of the gray
//! image and no detour by colour is possible. Perturbed images stay in `[0, 1]` and
//! are not rounded to 8 bits. The network must be in evaluation mode (batch norm on
//! its running statistics, no dropout): what an image gives must not depend on the
//! other images of its batch, nor on the call.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use candle_core::{Device, Tensor};
//! use striate_attack::{Attack, AttackConfig, Task, attack};
//! use striate_random::Seed;
//!
//! // A "network" with two classes: is the image brighter than 0.5 on average?
//! let network = |x: &Tensor| {
//!     let bright = (x.flatten_from(1)?.mean_keepdim(1)? - 0.5)?;
//!     Tensor::cat(&[&bright.neg()?, &bright], 1)
//! };
//! let images = Tensor::full(0.53f32, (1, 8, 8, 1), &Device::Cpu)?;
//! let task = Task { images: &images, labels: &[1], ids: &[0], seed: Seed::new(1) };
//! let config = AttackConfig::default();
//! let go = &mut |_: &striate_attack::Progress| ControlFlow::Continue(());
//!
//! let found = attack(&network, &task, Attack::FgsmLinf, &[0.01, 0.04], &config, go)?;
//! assert_eq!((found.accuracy(0), found.accuracy(1)), (1.0, 0.0));
//! # Ok::<(), striate_attack::Error>(())
//! ```
//!
//! Invariant: what is found for an image depends on the image, its id, the attack
//! and the settings, not on its place or its company, up to the rounding of the
//! network. (The boundary attack may take another image of the task to start from.)

mod boundary;
mod config;
mod error;
mod geometry;
mod gradient;
mod job;
mod kind;
mod network;
mod outcome;
mod run;
mod task;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_linear;

pub use config::{AttackConfig, BoundaryConfig};
pub use error::{Error, Result};
pub use kind::{Attack, Norm};
pub use network::Network;
pub use outcome::{Attacked, Outcome};
pub use run::attack;
pub use task::{Observer, Progress, Task};
