//! A number with or without an interval.
//!
//! Invariant: an interval is drawn and printed only where one was computed; a
//! missing one is never replaced by zero width.

use serde::{Deserialize, Serialize};

/// A measured value and its interval, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower and upper end.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// A value without an interval (one seed).
    pub fn point(value: f64) -> Self {
        Self {
            value,
            interval: None,
        }
    }

    /// A value with the interval `value - error ..= value + error`.
    pub fn with_error(value: f64, error: f64) -> Self {
        Self::with_interval(value, value - error, value + error)
    }

    /// A value with an interval.
    pub fn with_interval(value: f64, low: f64, high: f64) -> Self {
        Self {
            value,
            interval: Some((low, high)),
        }
    }

    /// Mean and standard error of the mean; without an interval if there are
    /// fewer than two values. `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        if values.len() < 2 {
            return Some(Self::point(mean));
        }
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Some(Self::with_error(mean, (variance / n).sqrt()))
    }

    /// The value and the interval times `factor` (which must not be negative).
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            interval: self.interval.map(|(l, h)| (l * factor, h * factor)),
        }
    }

    /// The value and the interval plus a constant.
    pub fn shifted(self, by: f64) -> Self {
        Self {
            value: self.value + by,
            interval: self.interval.map(|(l, h)| (l + by, h + by)),
        }
    }

    /// Lower end, or NaN.
    pub fn low(&self) -> f64 {
        self.interval.map_or(f64::NAN, |i| i.0)
    }

    /// Upper end, or NaN.
    pub fn high(&self) -> f64 {
        self.interval.map_or(f64::NAN, |i| i.1)
    }
}

impl From<f64> for Estimate {
    fn from(value: f64) -> Self {
        Self::point(value)
    }
}

/// Where the error bars come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Uncertainty {
    /// Seeds per model; with one there are no error bars and the page says why.
    pub seeds: usize,
    /// What the intervals of scores are, for example `95 % percentile bootstrap
    /// over seeds, 10,000 draws`; empty if there are none.
    pub interval: String,
}
