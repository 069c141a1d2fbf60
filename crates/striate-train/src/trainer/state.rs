//! The plain part of a run's state. Invariant: it goes through JSON without loss.

use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::history::History;
use crate::schedule::Pace;
use crate::stopping::Stop;

/// The version of the checkpoint format.
pub(super) const FORMAT: u32 = 1;

/// What identifies a run: a checkpoint of another one is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) config: TrainConfig,
    /// The seed's first 64 bits, as hexadecimal text (JSON numbers are doubles).
    pub(super) seed: String,
    /// Training and validation items of the images and of each session.
    pub(super) sizes: Vec<(String, usize, usize)>,
    /// The names of the trained variables.
    pub(super) trained: Vec<String>,
    /// Whatever the caller wants to tell runs apart by.
    pub(super) protocol: serde_json::Value,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Epochs that are over.
    pub(super) epoch: usize,
    /// Turns of the present epoch that are done.
    pub(super) turn: usize,
    /// Steps of the present epoch that are done.
    pub(super) step: usize,
    /// Steps since the start.
    pub(super) total_steps: usize,
    pub(super) pace: Pace,
    pub(super) sums: Sums,
    pub(super) history: History,
    pub(super) stop: Option<Stop>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            epoch: 0,
            turn: 0,
            step: 0,
            total_steps: 0,
            pace: Pace::Fresh,
            sums: Sums::default(),
            history: History::default(),
            stop: None,
        }
    }
}

/// Sums over the present epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) images: Mean,
    pub(super) neural: Mean,
    pub(super) norm: Mean,
    pub(super) lr: f64,
    pub(super) seconds: f64,
    #[serde(default)]
    pub(super) waited: f64,
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    pub(super) fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// The JSON header of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) identity: Identity,
    pub(super) state: State,
}
