//! Learning-rate schedules. Invariant: the whole state is serialisable, so a
//! resumed run goes on as if it had not been stopped.

use serde::{Deserialize, Serialize};

/// Which way the watched value should move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Larger is better (accuracy, correlation).
    Max,
    /// Smaller is better (loss).
    Min,
}

/// How the threshold is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThresholdMode {
    /// As a fraction of the best value.
    Rel,
    /// In the units of the value.
    Abs,
}

/// The settings of [`ReduceOnPlateau`]; the defaults are the study's (reference 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlateauConfig {
    /// Which way the watched value should move.
    pub goal: Goal,
    /// What the rate is multiplied by.
    pub factor: f64,
    /// Values without improvement that are tolerated.
    pub patience: u32,
    /// The smallest change that counts as an improvement.
    pub threshold: f64,
    /// How the threshold is measured.
    pub threshold_mode: ThresholdMode,
    /// Values after a reduction that are not counted.
    pub cooldown: u32,
    /// The rate's lower bound.
    pub min_lr: f64,
    /// A reduction smaller than this is not made.
    pub eps: f64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        Self {
            goal: Goal::Max,
            factor: 0.3,
            patience: 5,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Rel,
            cooldown: 0,
            min_lr: 1e-4,
            eps: 1e-8,
        }
    }
}

/// Reduces the rate when a value has stopped improving, exactly as PyTorch's
/// `ReduceLROnPlateau`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReduceOnPlateau {
    config: PlateauConfig,
    lr: f64,
    best: Option<f64>,
    bad: u32,
    cooling: u32,
}

impl ReduceOnPlateau {
    /// A schedule that begins with `lr`.
    pub fn new(config: PlateauConfig, lr: f64) -> Self {
        Self {
            config,
            lr,
            best: None,
            bad: 0,
            cooling: 0,
        }
    }

    /// The settings.
    pub fn config(&self) -> &PlateauConfig {
        &self.config
    }

    /// The learning rate now.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// Takes the next value and returns whether the rate was reduced. A value
    /// that is not a number is no improvement.
    pub fn step(&mut self, value: f64) -> bool {
        if self.is_better(value) {
            self.best = Some(value);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad <= self.config.patience {
            return false;
        }
        self.cooling = self.config.cooldown;
        self.bad = 0;
        let reduced = (self.lr * self.config.factor).max(self.config.min_lr);
        if self.lr - reduced > self.config.eps {
            self.lr = reduced;
            return true;
        }
        false
    }

    fn is_better(&self, value: f64) -> bool {
        let threshold = self.config.threshold;
        let Some(best) = self.best else {
            return !value.is_nan();
        };
        match (self.config.goal, self.config.threshold_mode) {
            (Goal::Max, ThresholdMode::Rel) => value > best * (1.0 + threshold),
            (Goal::Max, ThresholdMode::Abs) => value > best + threshold,
            (Goal::Min, ThresholdMode::Rel) => value < best * (1.0 - threshold),
            (Goal::Min, ThresholdMode::Abs) => value < best - threshold,
        }
    }
}

#[cfg(test)]
mod tests;
