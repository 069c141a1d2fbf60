//! The cyclers of the study (training.md 6.1, 6.2). Invariant: the last turn of every
//! plan ends with a step, so no gradient is carried over an epoch.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One of the tasks of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Image classification.
    Images,
    /// The responses of one session, by its place in the list of sessions.
    Neural(usize),
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Images => write!(f, "the image classification"),
            Self::Neural(session) => write!(f, "the responses of session {session}"),
        }
    }
}

/// One batch of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose batch it is.
    pub task: Task,
    /// The running number of the batch in its stream, from 0. A stream that is
    /// exhausted starts again with a new order: batch `k` is batch `k % batches` of
    /// pass `k / batches`.
    pub batch: usize,
    /// Whether the optimiser steps after this batch.
    pub step: bool,
}

/// Neural batches per image batch: 1, 2, 3, ... or 1/2, 1/3, ...; 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// A ratio from its value: a whole number, or one over a whole number.
    ///
    /// # Errors
    ///
    /// If it is neither.
    pub fn new(value: f64) -> Result<Self> {
        let whole = |v: f64| v.is_finite() && v < 1e6 && (v - v.round()).abs() < 1e-6;
        if value == 0.0
            || (value >= 1.0 && whole(value))
            || (value > 0.0 && value < 1.0 && whole(1.0 / value))
        {
            Ok(Self(value))
        } else {
            Err(Error::field(
                "cycler.ratio",
                "a whole number or one over a whole number",
                value,
            ))
        }
    }

    /// Neural batches before image batch `i`, counted from 0.
    fn before(self, i: usize) -> usize {
        if self.0 >= 1.0 {
            self.0.round() as usize
        } else if self.0 > 0.0 {
            usize::from((i + 1).is_multiple_of((1.0 / self.0).round() as usize))
        } else {
            0
        }
    }
}

impl TryFrom<f64> for Ratio {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self> {
        Self::new(value)
    }
}

impl FromStr for Ratio {
    type Err = Error;

    /// `1:15`, `5:1` (neural to image batches), or a number.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::field("ratio", "two whole numbers, as 1:15 or 5:1, or one", text);
        let Some((neural, images)) = text.split_once(':') else {
            return Self::new(text.parse().map_err(|_| wrong())?);
        };
        let whole = |part: &str| part.parse::<u32>().map_err(|_| wrong());
        let (neural, images) = (whole(neural)?, whole(images)?);
        if images == 0 {
            return Err(wrong());
        }
        Self::new(f64::from(neural) / f64::from(images))
    }
}

impl From<Ratio> for f64 {
    fn from(ratio: Ratio) -> Self {
        ratio.0
    }
}

/// How the batches of the tasks take turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Cycler {
    /// One image batch per step, with neural batches before it. The neural batches
    /// go round the sessions; an epoch is one pass over the images.
    Mtl {
        /// The ratio from each epoch on (epochs counted from 1, as text, because
        /// TOML and JSON keys are); the entry with the largest epoch not after the
        /// present one counts, before the first entry the first.
        ratio: BTreeMap<String, Ratio>,
    },
    /// All streams in turn until the longest has been seen once; shorter ones start
    /// again.
    Long {
        /// Batches per step; by default the number of streams.
        accumulate: Option<usize>,
    },
    /// All streams in turn until the shortest has been seen once.
    Short {
        /// Batches per step; by default the number of streams.
        accumulate: Option<usize>,
    },
}

impl Default for Cycler {
    fn default() -> Self {
        Self::Long { accumulate: None }
    }
}

impl Cycler {
    /// The study's multi-task cycler with one fixed ratio.
    pub fn mtl(ratio: Ratio) -> Self {
        Self::Mtl {
            ratio: BTreeMap::from([("0".to_owned(), ratio)]),
        }
    }

    /// The turns of an epoch.
    ///
    /// `images` is the number of image batches (`None`: no such task), `sessions`
    /// the number of batches of each session.
    ///
    /// # Errors
    ///
    /// If there is nothing to cycle over, a stream is empty, or a field does not fit.
    pub fn plan(
        &self,
        epoch: usize,
        images: Option<usize>,
        sessions: &[usize],
    ) -> Result<Vec<Turn>> {
        if images == Some(0) || sessions.contains(&0) || (images.is_none() && sessions.is_empty()) {
            return Err(Error::field(
                "cycler",
                "at least one task, each with at least one batch",
                format!("{images:?} image batches and {sessions:?} neural batches"),
            ));
        }
        match self {
            Self::Mtl { ratio } => {
                let images = images.ok_or_else(|| {
                    Error::field("cycler.kind", "long or short without images", "mtl")
                })?;
                Ok(mtl(ratio_at(ratio, epoch)?, images, sessions))
            }
            Self::Long { accumulate } => {
                let all = streams(images, sessions);
                let rounds = all.iter().map(|(_, batches)| *batches).max().unwrap_or(0);
                rounds_of(&all, rounds, *accumulate)
            }
            Self::Short { accumulate } => {
                let all = streams(images, sessions);
                let rounds = all.iter().map(|(_, batches)| *batches).min().unwrap_or(0);
                rounds_of(&all, rounds, *accumulate)
            }
        }
    }
}

fn ratio_at(schedule: &BTreeMap<String, Ratio>, epoch: usize) -> Result<Ratio> {
    let mut entries = Vec::new();
    for (from, ratio) in schedule {
        let from: usize = from
            .parse()
            .map_err(|_| Error::field("cycler.ratio", "an epoch as key", from))?;
        entries.push((from, *ratio));
    }
    entries.sort_by_key(|(from, _)| *from);
    entries
        .iter()
        .rev()
        .find(|(from, _)| *from <= epoch)
        .or(entries.first())
        .map(|(_, ratio)| *ratio)
        .ok_or_else(|| Error::field("cycler.ratio", "at least one entry", "none"))
}

fn mtl(ratio: Ratio, images: usize, sessions: &[usize]) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut neural = 0;
    for batch in 0..images {
        if !sessions.is_empty() {
            for _ in 0..ratio.before(batch) {
                turns.push(Turn {
                    task: Task::Neural(neural % sessions.len()),
                    batch: neural / sessions.len(),
                    step: false,
                });
                neural += 1;
            }
        }
        turns.push(Turn {
            task: Task::Images,
            batch,
            step: true,
        });
    }
    turns
}

fn streams(images: Option<usize>, sessions: &[usize]) -> Vec<(Task, usize)> {
    let neural = sessions
        .iter()
        .enumerate()
        .map(|(i, batches)| (Task::Neural(i), *batches));
    neural
        .chain(images.map(|batches| (Task::Images, batches)))
        .collect()
}

fn rounds_of(
    streams: &[(Task, usize)],
    rounds: usize,
    accumulate: Option<usize>,
) -> Result<Vec<Turn>> {
    let accumulate = accumulate.unwrap_or(streams.len());
    if accumulate == 0 {
        return Err(Error::field("cycler.accumulate", "at least 1", 0));
    }
    let mut turns = Vec::new();
    for round in 0..rounds {
        for (task, _) in streams {
            let step = (turns.len() + 1).is_multiple_of(accumulate);
            turns.push(Turn {
                task: *task,
                batch: round,
                step,
            });
        }
    }
    // The reference drops the gradient of an incomplete last group (it is zeroed at
    // the start of the next epoch). With the default of one group per round there
    // is none; otherwise it is stepped with, so that no batch is wasted.
    if let Some(last) = turns.last_mut() {
        last.step = true;
    }
    Ok(turns)
}
