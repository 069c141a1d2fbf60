//! How the learning rate falls and when training ends. Invariant: the rate of a step
//! depends on the state and the step's number alone.

use serde::{Deserialize, Serialize};
use striate_nn::schedule::{PlateauConfig, ReduceOnPlateau};

use crate::stopping::{EarlyStopping, EarlyStoppingConfig, Scores, Stop, Verdict};
use crate::{Error, Result};

/// How the learning rate falls and when training ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The study's: the rate falls when the first monitored score stops improving,
    /// and training ends after a number of rounds (training.md 6.4). Validates after
    /// every epoch.
    Rounds {
        /// The fall of the rate.
        plateau: PlateauConfig,
        /// The rounds.
        stopping: EarlyStoppingConfig,
    },
    /// Not the study's: a fixed number of epochs, the rate falling from the first to
    /// zero along half a cosine, for runs of a known length.
    Cosine {
        /// Number of epochs.
        epochs: usize,
        /// Epochs over which the rate first rises linearly from zero.
        #[serde(default)]
        warmup_epochs: f64,
        /// When to validate and what to keep.
        #[serde(default)]
        validation: Validation,
    },
    /// Not the study's: a fixed number of epochs, the rate multiplied by a factor at
    /// given epochs.
    Steps {
        /// Number of epochs.
        epochs: usize,
        /// The epochs, counted from 1, after which the rate falls.
        milestones: Vec<usize>,
        /// What it is multiplied by.
        factor: f64,
        /// When to validate and what to keep.
        #[serde(default)]
        validation: Validation,
    },
}

/// When a run of fixed length validates, and which weights it ends with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// Validate after every so many epochs, and after the last.
    pub every: usize,
    /// The score that ranks the weights; none: training ends with the last ones.
    pub keep_best_by: Option<String>,
}

impl Default for Validation {
    fn default() -> Self {
        Self {
            every: 1,
            keep_best_by: None,
        }
    }
}

impl Schedule {
    /// The largest number of epochs.
    pub fn max_epochs(&self) -> usize {
        match self {
            Self::Rounds { stopping, .. } => stopping.max_epochs,
            Self::Cosine { epochs, .. } | Self::Steps { epochs, .. } => *epochs,
        }
    }

    /// Whether to validate after this epoch.
    pub fn validates(&self, epoch: usize) -> bool {
        match self {
            Self::Rounds { .. } => true,
            Self::Cosine {
                epochs, validation, ..
            }
            | Self::Steps {
                epochs, validation, ..
            } => epoch == *epochs || epoch.is_multiple_of(validation.every.max(1)),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let fixed = |validation: &Validation| {
            if validation.every == 0 {
                return Err(Error::field("schedule.validation.every", "at least 1", 0));
            }
            Ok(())
        };
        match self {
            Self::Rounds { plateau, .. } => {
                if !(0.0..1.0).contains(&plateau.factor) {
                    return Err(Error::field(
                        "schedule.plateau.factor",
                        "a number in [0, 1)",
                        plateau.factor,
                    ));
                }
                Ok(())
            }
            Self::Cosine {
                epochs,
                warmup_epochs,
                validation,
            } => {
                if !(0.0..=*epochs as f64).contains(warmup_epochs) {
                    return Err(Error::field(
                        "schedule.warmup_epochs",
                        format!("a number in [0, {epochs}]"),
                        warmup_epochs,
                    ));
                }
                fixed(validation)
            }
            Self::Steps {
                factor, validation, ..
            } => {
                if !(*factor > 0.0 && factor.is_finite()) {
                    return Err(Error::field("schedule.factor", "a positive number", factor));
                }
                fixed(validation)
            }
        }
    }
}

/// The state of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// Nothing has been measured yet.
    Fresh,
    /// The study's rounds.
    Rounds {
        plateau: ReduceOnPlateau,
        stopping: EarlyStopping,
    },
    /// A fixed length, with the score and the epoch of the kept weights.
    Fixed { kept: Option<(f64, usize)> },
}

impl Pace {
    /// Begins with the scores before any training, where they are needed.
    pub(crate) fn start(schedule: &Schedule, lr: f64, scores: &Scores) -> Result<Self> {
        match schedule {
            Schedule::Rounds { plateau, stopping } => {
                let stopping = EarlyStopping::start(stopping.clone(), scores)?;
                let mut plateau = ReduceOnPlateau::new(*plateau, lr);
                plateau.step(first(stopping.config(), scores));
                Ok(Self::Rounds { plateau, stopping })
            }
            _ => Ok(Self::Fixed { kept: None }),
        }
    }

    /// The rate of a step of an epoch (counted from 1): `done` of it lies before the step.
    pub(crate) fn lr(&self, schedule: &Schedule, first: f64, epoch: usize, done: f64) -> f64 {
        match (self, schedule) {
            (Self::Rounds { plateau, .. }, _) => plateau.lr(),
            (
                _,
                Schedule::Cosine {
                    epochs,
                    warmup_epochs,
                    ..
                },
            ) => {
                let (now, end) = ((epoch - 1) as f64 + done, *epochs as f64);
                if now < *warmup_epochs {
                    first * now / warmup_epochs
                } else {
                    let part = (now - warmup_epochs) / (end - warmup_epochs);
                    first * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
                }
            }
            (
                _,
                Schedule::Steps {
                    milestones, factor, ..
                },
            ) => {
                let falls = milestones.iter().filter(|m| **m < epoch).count();
                first * factor.powi(i32::try_from(falls).unwrap_or(i32::MAX))
            }
            (_, Schedule::Rounds { .. }) => first,
        }
    }

    /// Takes the scores after an epoch; `None` if it was not validated.
    pub(crate) fn observe(
        &mut self,
        schedule: &Schedule,
        epoch: usize,
        scores: Option<&Scores>,
    ) -> Result<Verdict> {
        match (self, scores) {
            (Self::Rounds { plateau, stopping }, Some(scores)) => {
                plateau.step(first(stopping.config(), scores));
                stopping.observe(epoch, scores)
            }
            (Self::Fixed { kept }, scores) => {
                let by = match schedule {
                    Schedule::Cosine { validation, .. } | Schedule::Steps { validation, .. } => {
                        validation.keep_best_by.as_ref()
                    }
                    Schedule::Rounds { .. } => None,
                };
                let mut keep = false;
                if let (Some(by), Some(scores)) = (by, scores) {
                    let score = *scores.get(by).ok_or_else(|| {
                        let known: Vec<&str> = scores.keys().map(String::as_str).collect();
                        Error::field(
                            "schedule.validation.keep_best_by",
                            format!("one of {known:?}"),
                            by,
                        )
                    })?;
                    keep = score.is_finite() && kept.is_none_or(|(best, _)| score > best);
                    if keep {
                        *kept = Some((score, epoch));
                    }
                }
                let stop = (epoch >= schedule.max_epochs()).then_some(Stop::MaxEpochs);
                Ok(Verdict {
                    keep,
                    restore: stop.is_some() && kept.is_some(),
                    stop,
                })
            }
            _ => Ok(Verdict {
                keep: false,
                restore: false,
                stop: None,
            }),
        }
    }

    /// The score and the epoch of the kept weights.
    pub(crate) fn kept(&self) -> Option<(f64, usize)> {
        match self {
            Self::Fresh => None,
            Self::Rounds { stopping, .. } => stopping.kept(),
            Self::Fixed { kept } => *kept,
        }
    }
}

/// The score that drives the learning rate.
fn first(config: &EarlyStoppingConfig, scores: &Scores) -> f64 {
    config
        .monitor
        .first()
        .and_then(|name| scores.get(name))
        .copied()
        .unwrap_or(f64::NAN)
}
