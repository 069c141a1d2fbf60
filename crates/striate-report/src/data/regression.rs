//! Regressions of robustness on likeness to the brain.
//!
//! Invariant: what could not be fitted stands there with its reason.

use serde::{Deserialize, Serialize};

use super::Estimate;

/// All regressions of a run (analyses.md 1.7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Regressions {
    /// What a row is and in which units, one paragraph.
    pub note: String,
    /// The fits, those of one predictor together.
    pub fits: Vec<RegressionFit>,
}

/// One fit, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegressionFit {
    /// What stands for likeness to the brain: `neural prediction`, ...
    pub predictor: String,
    /// Which fit: `clean + neural`, `clean + neural + seed`, ...
    pub fit: String,
    /// Networks, or means, in it; 0 where it could not be fitted.
    pub rows: u64,
    /// Rows minus coefficients, of a least-squares fit.
    pub residual_degrees: Option<u64>,
    /// Share of the variance that it explains.
    pub r2: Option<f64>,
    /// Coefficients, or correlations.
    pub terms: Vec<RegressionTerm>,
    /// Why it could not be fitted.
    pub missing: Option<String>,
}

/// One coefficient or correlation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionTerm {
    /// The column, or the pair that is correlated.
    pub name: String,
    /// The estimate; its interval is the 95 % one.
    pub value: Estimate,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Estimate over standard error.
    pub t: Option<f64>,
    /// Two-sided p value.
    pub p: Option<f64>,
}
