//! VGG networks shared by two tasks, and a simulated V1.
//!
//! * [`VggConfig`] states a network; [`VggConfig::check`] turns it into a [`Plan`]
//!   or says what does not fit.
//! * [`MultiTaskNet`] is the network: a trunk up to a named layer, a classifier on it,
//!   and one readout per recording session.
//! * [`SeCoreConfig`] puts the group's squeeze-excitation core in place of the trunk, for
//!   models of recordings alone.
//! * [`torchvision`] takes such a network from PyTorch's tensors and gives it back.
//! * [`controls`] makes targets that stand in for responses.
//! * [`population`] stands in for recordings: Gabor cells with divisive normalisation
//!   and Poisson spikes. What it gives is simulated.
//!
//! ```
//! use striate_models::{LayerName, VggConfig};
//!
//! let plan = VggConfig::default().check()?;
//! assert_eq!(plan.shared().len(), 5);
//! assert_eq!(plan.config().split, LayerName::STUDY);
//! assert_eq!((plan.shared_channels(), plan.shared_size()), (256, 16));
//! # Ok::<(), striate_models::Error>(())
//! ```

pub mod controls;
mod error;
mod head;
mod lowpass;
mod net;
pub mod population;
mod se_core;
pub mod torchvision;
mod trunk;
mod vgg;

pub use error::Error;
pub use lowpass::lowpass;
pub use net::{MultiTaskNet, part, statistics};
pub use se_core::SeCoreConfig;
pub use striate_nn::ReadoutConfig;
pub use vgg::{Head, LayerName, LayerPlan, Plan, Preset, VggConfig};
