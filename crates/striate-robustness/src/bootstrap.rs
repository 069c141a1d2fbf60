//! Bootstrap over seeds. Invariant: within one replicate every model is compared
//! with the *same* draw of the Baseline's seeds, so differences between models
//! are drawn jointly; a replicate depends on its number and the seed alone.

use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::grid::AccuracyGrid;
use crate::{Error, Result};

/// How seeds of different models are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Each model's seeds are drawn on their own, the Baseline's once for all:
    /// the study's procedure, as inferred in `analyses.md` 1.5.
    #[default]
    Independent,
    /// One draw of positions for all models: the k-th smallest seeds of all
    /// models stay together. For seeds that share data order or initialisation.
    Paired,
}

/// A bootstrap over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Replicates; at least 2.
    pub replicates: usize,
    /// Root of the random numbers.
    pub seed: u64,
    /// How seeds are drawn.
    pub pairing: Pairing,
    /// Of the percentile interval, in `(0, 1)`.
    pub confidence: f64,
}

impl Default for Bootstrap {
    /// 10,000 replicates, 95 %, independent draws (`analyses.md` 1.5).
    fn default() -> Self {
        Self {
            replicates: 10_000,
            seed: 0,
            pairing: Pairing::Independent,
            confidence: 0.95,
        }
    }
}

/// Accuracies averaged over (drawn) seeds.
#[derive(Clone, Debug)]
pub struct Means {
    /// Per model, corruption-major cells.
    cells: Vec<Vec<f64>>,
    /// Per model; NaN if the grid has no clean test set.
    clean: Vec<f64>,
}

impl Means {
    /// The averages over all seeds of each model.
    pub fn of(grid: &AccuracyGrid) -> Self {
        let mut means = Self::zeros(grid);
        for (model, runs) in grid.all_runs().iter().enumerate() {
            means.average(grid, model, 0..runs.len());
        }
        means
    }

    pub(crate) fn zeros(grid: &AccuracyGrid) -> Self {
        let cells = grid.corruptions().len() * grid.severities().len();
        Self {
            cells: vec![vec![0.0; cells]; grid.models().len()],
            clean: vec![f64::NAN; grid.models().len()],
        }
    }

    fn average(&mut self, grid: &AccuracyGrid, model: usize, draw: impl Iterator<Item = usize>) {
        let cells = &mut self.cells[model];
        cells.fill(0.0);
        let (mut count, mut clean) = (0.0, 0.0);
        for index in draw {
            let run = &grid.all_runs()[model][index];
            count += 1.0;
            clean += run.clean.map_or(f64::NAN, |c| c.accuracy());
            for (sum, accuracy) in cells.iter_mut().zip(run.accuracies()) {
                *sum += accuracy;
            }
        }
        cells.iter_mut().for_each(|sum| *sum /= count);
        self.clean[model] = clean / count;
    }

    /// Mean accuracies of a model by its index in [`AccuracyGrid::models`]:
    /// corruption-major, `corruptions x severities`.
    pub fn cells(&self, model: usize) -> &[f64] {
        &self.cells[model]
    }

    pub(crate) fn cells_mut(&mut self, model: usize) -> &mut [f64] {
        &mut self.cells[model]
    }

    /// Mean clean accuracy of a model; NaN if the grid has no clean test set.
    pub fn clean(&self, model: usize) -> f64 {
        self.clean[model]
    }
}

impl Bootstrap {
    /// Replicates of any statistics of the mean accuracies: `result[k]` holds
    /// the replicates of the k-th value that `statistics` returns.
    ///
    /// A model with a single seed is drawn as it is: check the number of seeds
    /// before reading an error out of its replicates.
    ///
    /// # Errors
    ///
    /// With [`Pairing::Paired`], if the models differ in their number of seeds;
    /// settings out of range; whatever `statistics` returns.
    pub fn replicates(
        &self,
        grid: &AccuracyGrid,
        statistics: impl Fn(&Means) -> Result<Vec<f64>>,
    ) -> Result<Vec<Vec<f64>>> {
        self.check()?;
        if self.pairing == Pairing::Paired {
            check_pairs(grid)?;
        }
        let root = Seed::new(self.seed).child("bootstrap over seeds");
        let mut means = Means::zeros(grid);
        let mut result: Vec<Vec<f64>> = Vec::new();
        for replicate in 0..self.replicates {
            let node = root.index(replicate as u64);
            for (model, runs) in grid.all_runs().iter().enumerate() {
                let draw = self.draw(&node, model, runs.len());
                means.average(grid, model, draw.into_iter());
            }
            let values = statistics(&means)?;
            result.resize_with(values.len(), || Vec::with_capacity(self.replicates));
            for (replicates, value) in result.iter_mut().zip(values) {
                replicates.push(value);
            }
        }
        Ok(result)
    }

    /// Draws positions of one model's runs.
    pub(crate) fn draw(&self, node: &Seed, model: usize, runs: usize) -> Vec<usize> {
        let mut stream = match self.pairing {
            // One stream per model: the draw of a model does not change when
            // another model is added to the grid after it.
            Pairing::Independent => node.index(model as u64).stream(),
            Pairing::Paired => node.stream(),
        };
        (0..runs).map(|_| stream.below(runs)).collect()
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.replicates < 2 {
            return Err(Error::Setting {
                name: "bootstrap.replicates",
                value: self.replicates as f64,
                expected: "at least 2",
            });
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(Error::Setting {
                name: "bootstrap.confidence",
                value: self.confidence,
                expected: "between 0 and 1, exclusive",
            });
        }
        Ok(())
    }
}

pub(crate) fn check_pairs(grid: &AccuracyGrid) -> Result<()> {
    let runs = grid.all_runs();
    let expected = runs[0].len();
    match runs.iter().position(|r| r.len() != expected) {
        None => Ok(()),
        Some(index) => Err(Error::Unpaired {
            model: grid.models()[index].clone(),
            reference: grid.models()[0].clone(),
            expected,
            found: runs[index].len(),
        }),
    }
}
