//! Where a network is sensitive: four maps of the same shape. Invariant: every
//! map is reported raw and as a smoothed density, by the same last step.

mod class_gradient;
mod contrast;
mod jacobian;
mod network;
mod reconstruction;
mod sensitivity_map;

#[cfg(test)]
mod tests;

pub use class_gradient::class_gradient;
pub use contrast::{ContrastConfig, contrast_change};
pub use jacobian::{JacobianConfig, jacobian_energy};
pub use network::Network;
pub use reconstruction::reconstruction_energy;
pub use sensitivity_map::{SMOOTHING_PX, Sensitivity, SensitivityMap};
