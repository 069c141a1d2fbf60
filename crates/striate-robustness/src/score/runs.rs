//! One score per run, for regressions. Invariant: each row is one network.

use serde::{Deserialize, Serialize};

use crate::bootstrap::Means;
use crate::corruptions::Selection;
use crate::grid::{AccuracyGrid, Counts};
use crate::score::Pooling;
use crate::{Error, Result};

/// What a single run is scored against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunReference {
    /// The baseline run at the same position in the order of seeds, as the
    /// study's 60 scores appear to be (`analyses.md` 1.7): the spread of the
    /// baseline's seeds is then in every row.
    #[default]
    SamePosition,
    /// The baseline's accuracies averaged over its seeds.
    Mean,
}

/// The overall score of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunScore {
    /// The model.
    pub model: String,
    /// The seed.
    pub seed: u64,
    /// Mean over the selected corruptions of the run's relative accuracy.
    pub score: f64,
    /// Clean accuracy in `[0, 1]`, if the grid has it.
    pub clean: Option<f64>,
}

/// The overall score of each run, models in the grid's order.
///
/// # Errors
///
/// A model or corruption that is not in the grid, seeds that cannot be paired,
/// a baseline accuracy of zero.
pub fn run_scores(
    grid: &AccuracyGrid,
    baseline: &str,
    pooling: Pooling,
    overall: &Selection,
    reference: RunReference,
) -> Result<Vec<RunScore>> {
    let base = grid.model_index(baseline)?;
    let corruptions = overall
        .names(grid.corruptions())
        .iter()
        .map(|name| grid.corruption_index(name))
        .collect::<Result<Vec<_>>>()?;
    let mean = Means::of(grid);
    let severities = grid.severities().len();
    let mut rows = Vec::new();
    for (model, runs) in grid.models().iter().zip(grid.all_runs()) {
        let base_runs = &grid.all_runs()[base];
        if reference == RunReference::SamePosition && runs.len() != base_runs.len() {
            return Err(Error::Unpaired {
                model: model.clone(),
                reference: baseline.to_owned(),
                expected: base_runs.len(),
                found: runs.len(),
            });
        }
        for (position, run) in runs.iter().enumerate() {
            let own: Vec<f64> = run.accuracies().collect();
            let other: Vec<f64> = match reference {
                RunReference::SamePosition => base_runs[position].accuracies().collect(),
                RunReference::Mean => mean.cells(base).to_vec(),
            };
            let mut score = 0.0;
            for c in &corruptions {
                let cells = c * severities..(c + 1) * severities;
                let ratio = pooling.score(&own[cells.clone()], &other[cells]);
                if !ratio.is_finite() {
                    return Err(Error::ZeroReference {
                        model: baseline.to_owned(),
                        place: grid.corruptions()[*c].clone(),
                    });
                }
                score += ratio / corruptions.len() as f64;
            }
            rows.push(RunScore {
                model: model.clone(),
                seed: run.seed,
                score,
                clean: run.clean.map(Counts::accuracy),
            });
        }
    }
    Ok(rows)
}
