//! The models and how their training went.
//!
//! Invariant: an entry that a run does not have (no neural task, no validation
//! in this epoch) is `None`, never zero.

use serde::{Deserialize, Serialize};

use super::Estimate;

/// One model of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelInfo {
    /// Name in the tables: `baseline`, `mtl_monkey`, ...
    pub name: String,
    /// What it is, one sentence.
    pub description: String,
    /// Seeds that were run.
    pub seeds: Vec<u64>,
    /// Trained numbers.
    pub parameters: Option<u64>,
    /// Accuracy on clean test images, 0 to 1.
    pub clean_accuracy: Option<Estimate>,
    /// Epochs of the (last) training, mean over seeds.
    pub epochs: Option<f64>,
    /// Seconds of training, sum over seeds.
    pub seconds: Option<f64>,
    /// Short hash of its configuration.
    pub hash: String,
}

/// Training curves of all models and seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// One curve per model, seed and phase.
    pub curves: Vec<TrainingCurve>,
    /// Accuracy by guessing, 0 to 1.
    pub chance_accuracy: Option<f64>,
}

/// One training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingCurve {
    /// Model.
    pub model: String,
    /// Seed.
    pub seed: u64,
    /// Phase, if there is more than one (`noisy`, `clean`); else empty.
    pub phase: String,
    /// Its epochs in order.
    pub epochs: Vec<EpochRow>,
}

/// One epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochRow {
    /// Epochs finished, from 1 (0 is before training).
    pub epoch: u32,
    /// Mean cross-entropy on the training images, in nats.
    pub classification_loss: Option<f64>,
    /// Mean loss of the neural task on the training images.
    pub neural_loss: Option<f64>,
    /// Accuracy on the validation images, 0 to 1.
    pub validation_accuracy: Option<f64>,
    /// Correlation of predicted and target responses on validation images.
    pub validation_correlation: Option<f64>,
    /// Learning rate.
    pub learning_rate: Option<f64>,
    /// Weight of the classification loss as learned, `exp(-s_c)`.
    pub classification_weight: Option<f64>,
    /// Weight of the neural loss as learned, `exp(-s_n)/2`.
    pub neural_weight: Option<f64>,
    /// Wall time of the epoch in seconds.
    pub seconds: Option<f64>,
    /// The part of it that was spent waiting for data.
    pub waited_seconds: Option<f64>,
}
