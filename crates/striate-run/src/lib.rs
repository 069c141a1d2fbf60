//! Recipes, the plan of steps, the content-addressed run store, and the study.
//!
//! A [`Recipe`] describes a run. [`reproduce`] turns it into a plan (a graph of
//! steps), runs every step that the run store does not hold yet, and writes the
//! report. A run that was interrupted, by Ctrl-C or by a power cut, goes on where
//! it stood when it is started again.
//!
//! ```
//! use striate_run::Recipe;
//!
//! let recipe = Recipe::load("smoke")?;
//! assert_eq!(recipe.seeds, [1]);
//! # Ok::<(), striate_run::Error>(())
//! ```

pub mod convert;
mod doctor;
pub mod engine;
mod error;
mod model_name;
mod network_file;
mod protocol;
mod recipe;
mod reproduce;
mod sources;
mod study;
mod trained_network;

pub use doctor::doctor;
pub use engine::Outcome;
pub use error::{Error, ErrorKind, Result};
pub use model_name::{ModelName, Trainable};
pub use network_file::{NetworkHeader, train};
pub use protocol::{Protocol, explain};
pub use recipe::{
    Recipe, ReconstructionConfig, RecordingConfig, RobustnessConfig, RsaConfig, SaliencyConfig,
    Split, V1Network,
};
pub use reproduce::{Options, open_device, reproduce};
pub use sources::{ImagesConfig, RecordingsConfig};
pub use striate_models::LayerName;
pub use striate_nn::{DeviceKind, restart_with_one_pool};
pub use striate_train::{Ratio, StopFlag};
pub use study::attacks::{AttackGoal, AttacksConfig};
pub use study::benchmark::spread;
pub use trained_network::{NetworkOutput, SensitivityGoal, TrainedNetwork};

/// The revision of the code: a commit, with `+changes` if the tree had any, or
/// the version outside a checkout.
pub const REVISION: &str = env!("STRIATE_REVISION");
