//! Summaries of replicates. Invariant: percentiles interpolate linearly (as
//! NumPy's default), and a summary says how many replicates it could not use.

use serde::{Deserialize, Serialize};

/// A standard error and a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The standard error.
    pub standard_error: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a bootstrap says about one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootstrapSummary {
    /// Mean over the replicates; for a ratio it lies slightly off the estimate.
    pub mean: f64,
    /// Standard deviation over the replicates: the bootstrap standard error.
    pub standard_error: f64,
    /// Lower percentile of the confidence interval.
    pub low: f64,
    /// Upper percentile.
    pub high: f64,
    /// Share of the replicates above zero, which is of interest for differences.
    pub above_zero: f64,
    /// Replicates used.
    pub replicates: usize,
    /// Replicates left out, because the statistic was not finite in them.
    pub degenerate: usize,
}

impl BootstrapSummary {
    /// Summarises replicates at a confidence in `(0, 1)`; `None` if fewer than
    /// two of them are finite.
    pub fn of(replicates: &[f64], confidence: f64) -> Option<Self> {
        let mut finite: Vec<f64> = replicates
            .iter()
            .copied()
            .filter(|v| v.is_finite())
            .collect();
        if finite.len() < 2 {
            return None;
        }
        let (mean, sd) = mean_sd(&finite);
        let above = finite.iter().filter(|v| **v > 0.0).count();
        finite.sort_by(f64::total_cmp);
        let tail = (1.0 - confidence) / 2.0;
        Some(Self {
            mean,
            standard_error: sd,
            low: quantile_sorted(&finite, tail),
            high: quantile_sorted(&finite, 1.0 - tail),
            above_zero: above as f64 / finite.len() as f64,
            replicates: finite.len(),
            degenerate: replicates.len() - finite.len(),
        })
    }

    /// Two-sided bootstrap p-value of "the number is zero": twice the smaller
    /// tail, with one replicate added so that it is never zero.
    pub fn p_value(&self) -> f64 {
        let n = self.replicates as f64;
        let tail = self.above_zero.min(1.0 - self.above_zero) * n;
        (2.0 * (tail + 1.0) / (n + 1.0)).min(1.0)
    }
}

/// Mean and standard deviation (n - 1); the deviation of one value is NaN.
pub fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// The quantile of sorted values by linear interpolation; NaN without values.
pub fn quantile_sorted(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}
