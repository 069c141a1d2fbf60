//! The VGG family: names, configuration, checked plan. Invariant: only a checked
//! [`Plan`] can become a network.

mod config;
mod layer_name;
mod plan;
#[cfg(test)]
mod tests;

pub use config::{Head, Preset, VggConfig};
pub use layer_name::LayerName;
pub use plan::{LayerPlan, Plan};
