//! Corruption errors in Hendrycks' sense, under each of their names. Invariant:
//! lower is better, and a normalised error of 1 is as bad as the reference.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, Means};
use crate::corruptions::{COMMON, EXTRA, Selection};
use crate::grid::AccuracyGrid;
use crate::summary::BootstrapSummary;
use crate::{Error, Result};

/// Mean top-1 error of AlexNet over severities on ImageNet-C at 224 px, for
/// [`COMMON`] then [`EXTRA`] (Hendrycks and Dietterich 2019, as listed in
/// `analyses.md` 1.4). On another data set they are a convention only.
pub const ALEXNET: [f64; 19] = [
    0.886, 0.894, 0.923, 0.820, 0.826, 0.786, 0.798, 0.867, 0.827, 0.819, 0.565, 0.853, 0.646,
    0.718, 0.607, 0.845, 0.826, 0.718, 0.658,
];

/// What errors are divided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// Nothing: the mean corruption error as a plain error rate.
    Plain,
    /// The error of AlexNet: `CE_c` and, averaged, `mCE`.
    AlexNet,
    /// The error of a model of the grid.
    Model(String),
    /// Like `Model`, with both models' clean error subtracted first: Hendrycks'
    /// relative mCE, "how much worse does corruption make it".
    RelativeToModel(String),
}

/// The corruption errors of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorruptionErrors {
    /// The model.
    pub model: String,
    /// What they are normalised by.
    pub normaliser: Normaliser,
    /// Per selected corruption: a ratio (1 = as the reference), or an error
    /// rate in `[0, 1]` if plain. Multiply by 100 for the customary percent.
    pub corruptions: Vec<(String, f64)>,
    /// Their mean.
    pub mean: f64,
    /// Spread of the mean over seeds; `None` if a model involved has one seed.
    pub seeds: Option<BootstrapSummary>,
}

/// The corruption errors of every model of a grid.
///
/// `CE_c = sum_s E(m,c,s) / sum_s E(ref,c,s)`, `mCE` its mean over corruptions.
///
/// # Errors
///
/// Unknown models or corruptions; a corruption without an AlexNet error; a
/// relative error without a clean test set; a reference error of zero.
pub fn corruption_errors(
    grid: &AccuracyGrid,
    normaliser: &Normaliser,
    selection: &Selection,
    bootstrap: &Bootstrap,
) -> Result<Vec<CorruptionErrors>> {
    let plan = Plan::new(grid, normaliser, selection)?;
    let point = plan.statistics(&Means::of(grid))?;
    let runs = grid.all_runs();
    let replicates = if runs.iter().any(|r| r.len() > 1) {
        // A replicate whose reference makes no error is left out, not fatal.
        bootstrap.replicates(grid, |m| Ok(plan.values(m)))?
    } else {
        Vec::new()
    };
    let width = plan.corruptions.len() + 1;
    let reference_seeds = plan.reference.map_or(usize::MAX, |r| runs[r].len());
    Ok(grid
        .models()
        .iter()
        .enumerate()
        .map(|(model, name)| {
            let start = model * width;
            let names = plan
                .corruptions
                .iter()
                .map(|(c, _)| &grid.corruptions()[*c]);
            let values = &point[start..start + width - 1];
            let enough = runs[model].len().min(reference_seeds) > 1;
            CorruptionErrors {
                model: name.clone(),
                normaliser: normaliser.clone(),
                corruptions: names.cloned().zip(values.iter().copied()).collect(),
                mean: point[start + width - 1],
                seeds: replicates
                    .get(start + width - 1)
                    .filter(|_| enough)
                    .and_then(|r| BootstrapSummary::of(r, bootstrap.confidence)),
            }
        })
        .collect())
}

struct Plan<'a> {
    grid: &'a AccuracyGrid,
    /// Index in the grid, and AlexNet's error or 1.
    corruptions: Vec<(usize, f64)>,
    reference: Option<usize>,
    relative: bool,
}

impl<'a> Plan<'a> {
    fn new(grid: &'a AccuracyGrid, normaliser: &Normaliser, selection: &Selection) -> Result<Self> {
        let alexnet = *normaliser == Normaliser::AlexNet;
        let corruptions = selection
            .names(grid.corruptions())
            .iter()
            .map(|name| {
                let index = grid.corruption_index(name)?;
                Ok((index, if alexnet { alexnet_error(name)? } else { 1.0 }))
            })
            .collect::<Result<Vec<_>>>()?;
        let (reference, relative) = match normaliser {
            Normaliser::Plain | Normaliser::AlexNet => (None, false),
            Normaliser::Model(name) => (Some(grid.model_index(name)?), false),
            Normaliser::RelativeToModel(name) => (Some(grid.model_index(name)?), true),
        };
        if relative && !grid.has_clean() {
            return Err(Error::Empty {
                what: "clean test set, which a relative corruption error needs,",
            });
        }
        Ok(Self {
            grid,
            corruptions,
            reference,
            relative,
        })
    }

    /// Per model: the corruptions, then their mean.
    fn values(&self, means: &Means) -> Vec<f64> {
        let severities = self.grid.severities().len();
        let error = |model: usize, c: usize| {
            let cells = &means.cells(model)[c * severities..(c + 1) * severities];
            let raw = 1.0 - cells.iter().sum::<f64>() / severities as f64;
            if self.relative {
                raw - (1.0 - means.clean(model))
            } else {
                raw
            }
        };
        let mut out = Vec::new();
        for model in 0..self.grid.models().len() {
            let mut sum = 0.0;
            for (c, alexnet) in &self.corruptions {
                let reference = self.reference.map_or(*alexnet, |r| error(r, *c));
                let value = error(model, *c) / reference;
                sum += value;
                out.push(value);
            }
            out.push(sum / self.corruptions.len() as f64);
        }
        out
    }

    fn statistics(&self, means: &Means) -> Result<Vec<f64>> {
        let values = self.values(means);
        let width = self.corruptions.len() + 1;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            let place = self.corruptions.get(index % width).map_or(0, |(c, _)| *c);
            return Err(Error::ZeroError {
                model: self
                    .reference
                    .map_or_else(String::new, |r| self.grid.models()[r].clone()),
                corruption: self.grid.corruptions()[place].clone(),
            });
        }
        Ok(values)
    }
}

fn alexnet_error(name: &str) -> Result<f64> {
    let known = COMMON.iter().chain(&EXTRA);
    let position = known.clone().position(|c| *c == name);
    position.map(|p| ALEXNET[p]).ok_or_else(|| Error::Unknown {
        kind: "AlexNet error of corruption",
        name: name.to_owned(),
        known: crate::grid::list(known),
    })
}

#[cfg(test)]
mod tests;
