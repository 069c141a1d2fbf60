//! The mini task: from which photograph does this patch come?
//!
//! Classes are photographs with enough texture. Each photograph is cut into a
//! training, a validation and a test region with gaps between them; a patch is a
//! square of random size and place within one region, scaled down to the patch
//! size. Stimuli for the recordings are patches of the other photographs.
//!
//! Invariants: no pixel of a photograph is seen by patches of two parts; no
//! photograph serves both the classes and the stimuli, or both the training and
//! the test stimuli; the result depends on the photographs, the configuration
//! and the seed alone.

mod build;
mod choose;
mod config;
mod patches;
mod regions;

pub use build::{MiniTask, Patch};
pub use choose::Photograph;
pub use config::MiniConfig;
pub use regions::Regions;

#[cfg(test)]
mod tests;
