//! Multi-task training: image classification and neural prediction at once.
//!
//! A [`Trainer`] takes a network, its [`Tasks`], a [`TrainConfig`] and a seed; it tells
//! an [`Observer`] how it goes, looks at a [`StopFlag`] after every step, and with
//! [`Trainer::with_checkpoints`] goes on where it stopped, bit for bit. The example on
//! [`Trainer`] is a whole run.
//!
//! * [`cycler`]: how the batches of the tasks take turns.
//! * [`EarlyStopping`], [`Schedule`]: when the learning rate falls and training ends.
//! * [`measures`]: correlation, oracle, explainable variance.
//! * [`tensorboard`]: the epochs as TensorBoard shows them.
//! * [`predict_logits`], [`predict_responses`], [`features`]: whole sets through a network.
//!
//! ```
//! use striate_train::{Cycler, Ratio, TrainConfig};
//!
//! let config = TrainConfig::study_mtl(Ratio::new(1.0)?);
//! let turns = config.cycler.plan(1, Some(704), &[150])?;
//! assert_eq!(turns.iter().filter(|turn| turn.step).count(), 704);
//! # Ok::<(), striate_train::Error>(())
//! ```

pub mod checkpoint;
mod config;
pub mod cycler;
mod error;
mod history;
mod loader;
pub mod measures;
mod objective;
mod observer;
mod predict;
mod schedule;
mod source;
mod stopping;
pub mod tensorboard;
mod trainer;

pub use checkpoint::{Checkpoint, CheckpointPolicy, CheckpointStore};
pub use config::{NeuralLoss, OptimizerConfig, Regularise, TrainConfig};
pub use cycler::{Cycler, Ratio, Task, Turn};
pub use error::{Error, Result, SourceError};
pub use history::{EpochRecord, History};
pub use observer::{Observer, Progress, Silent, StopFlag};
pub use predict::{Inputs, features, predict_logits, predict_responses};
pub use schedule::{Schedule, Validation};
pub use source::{
    Distort, ImageSource, MemoryImages, MemoryResponses, ResponseSource, SetImages, mean_responses,
};
pub use stopping::{EarlyStopping, EarlyStoppingConfig, Scores, Stop, Verdict};
pub use trainer::{ImageTask, NeuralTask, Outcome, Summary, Tasks, Trainer};
