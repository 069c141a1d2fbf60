//! The early stopping of the study (training.md 6.4) as a state machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Validation scores by name (`accuracy`, `correlation`), larger is better.
pub type Scores = BTreeMap<String, f64>;

/// Settings of the early stopping; the defaults are the study's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStoppingConfig {
    /// A round ends when the count of epochs without improvement, which starts at
    /// -1 after each improvement, reaches this: after `patience + 1` of them.
    pub patience: usize,
    /// Number of rounds; all but the last end with a drop of the learning rate.
    pub rounds: usize,
    /// A score improves if it exceeds the best by more than this.
    pub tolerance: f64,
    /// No epoch after this one.
    pub max_epochs: usize,
    /// The scores that must all improve at once. The first ranks the checkpoints
    /// and drives the learning rate.
    pub monitor: Vec<String>,
    /// Whether the best weights are loaded at the end of each round.
    pub restore_best: bool,
}

impl Default for EarlyStoppingConfig {
    fn default() -> Self {
        Self {
            patience: 5,
            rounds: 5,
            tolerance: 1e-4,
            max_epochs: 400,
            monitor: vec!["accuracy".to_owned()],
            restore_best: true,
        }
    }
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// All rounds are over.
    Rounds,
    /// The largest number of epochs is reached.
    MaxEpochs,
    /// A monitored score is not finite.
    NotFinite,
}

/// What follows from the scores of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The weights of this epoch are the best so far: keep them.
    pub keep: bool,
    /// Load the best weights (not the optimiser, not the loss weights) before
    /// going on or ending.
    pub restore: bool,
    /// Training ends here.
    pub stop: Option<Stop>,
}

/// The state of the early stopping.
///
/// ```
/// use striate_train::{EarlyStopping, EarlyStoppingConfig};
///
/// let config = EarlyStoppingConfig { max_epochs: 2, ..Default::default() };
/// let score = |value: f64| [("accuracy".to_owned(), value)].into();
/// let mut stopping = EarlyStopping::start(config, &score(10.0))?;
/// assert!(stopping.observe(1, &score(20.0))?.keep);
/// assert!(stopping.observe(2, &score(15.0))?.stop.is_some());
/// # Ok::<(), striate_train::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    config: EarlyStoppingConfig,
    best: Scores,
    counter: i64,
    rounds_over: usize,
    /// Score and epoch of the kept weights.
    kept: Option<(f64, usize)>,
}

impl EarlyStopping {
    /// Begins with the scores before any training. These are the first best, but
    /// their weights are never kept, as in the study.
    ///
    /// # Errors
    ///
    /// If no score is monitored, or a monitored score is missing.
    pub fn start(config: EarlyStoppingConfig, scores: &Scores) -> Result<Self> {
        if config.monitor.is_empty() {
            return Err(Error::field(
                "schedule.monitor",
                "at least one score",
                "none",
            ));
        }
        if config.rounds == 0 {
            return Err(Error::field("schedule.rounds", "at least 1", 0));
        }
        let best = monitored(&config, scores)?;
        Ok(Self {
            config,
            best,
            counter: -1,
            rounds_over: 0,
            kept: None,
        })
    }

    /// Takes the scores after an epoch (counted from 1).
    ///
    /// The reference carries on for the rest of a round after a score that is not
    /// finite only if it falls on the round's last epoch; here training always ends
    /// with it, and such a score never ranks.
    ///
    /// # Errors
    ///
    /// If a monitored score is missing.
    pub fn observe(&mut self, epoch: usize, scores: &Scores) -> Result<Verdict> {
        let current = monitored(&self.config, scores)?;
        let finite = current.values().all(|score| score.is_finite());
        let improved = current.iter().all(|(name, score)| {
            let best = self.best.get(name).copied().unwrap_or(f64::NEG_INFINITY);
            *score > best + self.config.tolerance || (best.is_nan() && score.is_finite())
        });
        if improved {
            self.best = current.clone();
            self.counter = -1;
        } else {
            self.counter += 1;
        }
        let first = self.config.monitor.first().and_then(|m| current.get(m));
        let rank = first.copied().filter(|score| score.is_finite());
        let keep = match (rank, self.kept) {
            (Some(score), Some((kept, _))) => score > kept,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if let (true, Some(score)) = (keep, rank) {
            self.kept = Some((score, epoch));
        }
        let over = self.counter >= i64::try_from(self.config.patience).unwrap_or(i64::MAX);
        if over {
            self.rounds_over += 1;
            self.counter = -1;
        }
        let stop = if !finite {
            Some(Stop::NotFinite)
        } else if epoch >= self.config.max_epochs {
            Some(Stop::MaxEpochs)
        } else if self.rounds_over >= self.config.rounds {
            Some(Stop::Rounds)
        } else {
            None
        };
        Ok(Verdict {
            keep,
            restore: (over || stop.is_some()) && self.config.restore_best && self.kept.is_some(),
            stop,
        })
    }

    /// The score and the epoch of the best weights.
    pub fn kept(&self) -> Option<(f64, usize)> {
        self.kept
    }

    /// Rounds that are over.
    pub fn rounds_over(&self) -> usize {
        self.rounds_over
    }

    /// The settings.
    pub fn config(&self) -> &EarlyStoppingConfig {
        &self.config
    }
}

fn monitored(config: &EarlyStoppingConfig, scores: &Scores) -> Result<Scores> {
    config
        .monitor
        .iter()
        .map(|name| {
            let score = scores.get(name).ok_or_else(|| {
                let known: Vec<&str> = scores.keys().map(String::as_str).collect();
                Error::field("schedule.monitor", format!("one of {known:?}"), name)
            })?;
            Ok((name.clone(), *score))
        })
        .collect()
}
