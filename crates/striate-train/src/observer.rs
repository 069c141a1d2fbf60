//! What a run tells while it goes on, and how it is asked to stop. Invariant: watching
//! a run changes nothing in it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::history::EpochRecord;

/// A request to stop, shared with whoever may make it (a signal handler). It is looked
/// at after every optimiser step.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag over an existing atomic.
    pub fn from_atomic(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Asks the run to stop at the next step.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The largest number of epochs; early stopping may end sooner.
    pub max_epochs: usize,
    /// Steps done in this epoch.
    pub step: usize,
    /// Steps of this epoch.
    pub steps: usize,
    /// Steps done since the start of the run, over all resumptions.
    pub total_steps: usize,
    /// Cross-entropy of the step's last image batch, unweighted.
    pub image_loss: Option<f64>,
    /// Plain neural loss of the step's last neural batch.
    pub neural_loss: Option<f64>,
    /// Norm of the gradient that the step followed.
    pub gradient_norm: f64,
    /// Mean seconds per step since this process began; validation is included.
    pub seconds_per_step: f64,
}

impl Progress {
    /// Seconds left if every epoch is run: an upper bound under early stopping.
    pub fn seconds_left(&self) -> f64 {
        let epochs_after = self.max_epochs.saturating_sub(self.epoch);
        let steps = epochs_after * self.steps + self.steps.saturating_sub(self.step);
        steps as f64 * self.seconds_per_step
    }
}

/// Watches a run. All methods do nothing by default.
pub trait Observer {
    /// After an optimiser step.
    fn on_step(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// After an epoch and its validation; first with epoch 0, before any training.
    fn on_epoch(&mut self, record: &EpochRecord) {
        let _ = record;
    }

    /// After a checkpoint is safely on the disk.
    fn on_checkpoint(&mut self, path: &Path) {
        let _ = path;
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
