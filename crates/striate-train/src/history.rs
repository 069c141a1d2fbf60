//! What happened in each epoch. Invariant: everything but the times is the same for an
//! interrupted and an uninterrupted run.

use serde::{Deserialize, Serialize};

use crate::stopping::Scores;

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Its number; 0 is the state before any training.
    pub epoch: usize,
    /// Optimiser steps in it.
    pub steps: usize,
    /// The learning rate of its last step.
    pub lr: f64,
    /// Mean cross-entropy over its image batches, unweighted.
    pub image_loss: Option<f64>,
    /// Mean neural loss over its neural batches, without weight, scale and regulariser.
    pub neural_loss: Option<f64>,
    /// Validation scores: `accuracy` in percent, `correlation`; empty if not validated.
    pub scores: Scores,
    /// The learned log-variance of the classification.
    pub s_c: Option<f64>,
    /// The learned log-variance of the neural task.
    pub s_n: Option<f64>,
    /// Mean norm of the gradient over its steps.
    pub gradient_norm: Option<f64>,
    /// Whether its weights are the best so far.
    pub kept: bool,
    /// Whether the best weights were loaded after it.
    pub restored: bool,
    /// Time spent on it, training and validation, over all resumptions.
    pub seconds: f64,
    /// The part of it in which the trainer waited for batches.
    #[serde(default)]
    pub waited_seconds: f64,
}

/// All epochs so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    /// In order.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// The number of epochs that trained.
    pub fn trained(&self) -> usize {
        self.epochs.iter().filter(|record| record.epoch > 0).count()
    }

    /// One JSON object per line.
    pub fn to_json_lines(&self) -> String {
        self.epochs
            .iter()
            .filter_map(|record| serde_json::to_string(record).ok())
            .map(|line| line + "\n")
            .collect()
    }

    /// The same with all times zero, for comparisons.
    #[must_use]
    pub fn without_times(&self) -> Self {
        Self {
            epochs: self
                .epochs
                .iter()
                .map(|record| EpochRecord {
                    seconds: 0.0,
                    waited_seconds: 0.0,
                    ..record.clone()
                })
                .collect(),
        }
    }

    /// The best value of a validation score.
    pub fn best(&self, score: &str) -> Option<f64> {
        self.epochs
            .iter()
            .filter_map(|record| record.scores.get(score).copied())
            .fold(None, |best, value| {
                Some(best.map_or(value, |b: f64| b.max(value)))
            })
    }
}
