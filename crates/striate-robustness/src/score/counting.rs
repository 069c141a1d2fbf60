//! Counting error of scores, by the delta method. Invariant: a cell with all or
//! no images right still has an error, since the variance is taken at the
//! Agresti-Coull estimate.

use std::ops::Range;

use crate::grid::Run;
use crate::score::Pooling;

/// Mean accuracies over a model's runs and their binomial variances.
pub(super) struct Moments {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Moments {
    pub(super) fn of(runs: &[Run]) -> Self {
        let n = runs.len() as f64;
        let cells = runs.first().map_or(0, |r| r.cells.len());
        let (mut mean, mut variance) = (vec![0.0; cells], vec![0.0; cells]);
        for run in runs {
            for (cell, counts) in run.cells.iter().enumerate() {
                let total = counts.total as f64;
                mean[cell] += counts.accuracy() / n;
                // Agresti and Coull 1998: two hits and two misses more.
                let p = (counts.correct as f64 + 2.0) / (total + 4.0);
                // Runs see the same images, so the errors of several runs do
                // not average out as independent ones would; taking the mean
                // variance is the safe side.
                variance[cell] += p * (1.0 - p) / total / n;
            }
        }
        Self { mean, variance }
    }

    pub(super) fn ratio_variance(&self, base: &Self, cells: Range<usize>, pooling: Pooling) -> f64 {
        let own = self.gradients(base, cells.clone(), pooling);
        own.zip(cells)
            .map(|((d_own, d_base), i)| {
                d_own.powi(2) * self.variance[i] + d_base.powi(2) * base.variance[i]
            })
            .sum()
    }

    /// Of `score(self) - score(other)`, whose baseline is the same.
    pub(super) fn difference_variance(
        &self,
        other: &Self,
        base: &Self,
        cells: Range<usize>,
        pooling: Pooling,
    ) -> f64 {
        let own = self.gradients(base, cells.clone(), pooling);
        let others = other.gradients(base, cells.clone(), pooling);
        own.zip(others)
            .zip(cells)
            .map(|(((d_own, d_base), (d_other, d_base_other)), i)| {
                d_own.powi(2) * self.variance[i]
                    + d_other.powi(2) * other.variance[i]
                    + (d_base - d_base_other).powi(2) * base.variance[i]
            })
            .sum()
    }

    /// Derivatives of the score by the model's and the baseline's accuracy.
    fn gradients<'a>(
        &'a self,
        base: &'a Self,
        cells: Range<usize>,
        pooling: Pooling,
    ) -> impl Iterator<Item = (f64, f64)> + 'a {
        let own: f64 = self.mean[cells.clone()].iter().sum();
        let sum: f64 = base.mean[cells.clone()].iter().sum();
        let count = cells.len() as f64;
        cells.map(move |i| match pooling {
            Pooling::RatioOfSums => (1.0 / sum, -own / sum.powi(2)),
            Pooling::MeanOfRatios => {
                let b = base.mean[i];
                (1.0 / (count * b), -self.mean[i] / (count * b.powi(2)))
            }
        })
    }
}
