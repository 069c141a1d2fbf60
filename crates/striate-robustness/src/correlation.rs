//! Correlations between paired values. Invariant: a constant variable is an
//! error that names it, never a NaN.

use crate::regression::{Design, residuals};
use crate::{Error, Result};

/// Pearson's correlation.
///
/// # Errors
///
/// Different lengths, fewer than two pairs, values that are not finite, a
/// constant variable.
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64> {
    let (x, y) = (deviations(x, "x", x.len())?, deviations(y, "y", x.len())?);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    Ok((dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt()).clamp(-1.0, 1.0))
}

/// Spearman's rank correlation, ties at their mean rank.
///
/// # Errors
///
/// As [`pearson`].
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64> {
    // Checks come first: a NaN has no rank.
    deviations(x, "x", x.len())?;
    deviations(y, "y", x.len())?;
    pearson(&ranks(x), &ranks(y))
}

/// The correlation of what is left of x and y after linear regression on the
/// given variables.
///
/// # Errors
///
/// As [`pearson`]; controls that are dependent or explain a variable fully.
pub fn partial(x: &[f64], y: &[f64], given: &[&[f64]]) -> Result<f64> {
    let mut design = Design::new(x.len());
    for (index, control) in given.iter().enumerate() {
        design = design.with(&format!("control {index}"), control)?;
    }
    pearson(&residuals(&design, x)?, &residuals(&design, y)?)
}

/// Mean ranks from 1.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        for index in group {
            ranks[*index] = below as f64 + 0.5 * (group.len() as f64 + 1.0);
        }
        below += group.len();
    }
    ranks
}

fn deviations(values: &[f64], name: &'static str, expected: usize) -> Result<Vec<f64>> {
    if values.len() != expected {
        return Err(Error::Length {
            what: format!("variable {name}"),
            expected,
            found: values.len(),
        });
    }
    if values.len() < 2 {
        return Err(Error::TooFew {
            analysis: "a correlation",
            unit: "pairs",
            needed: 2,
            found: values.len(),
        });
    }
    if let Some(row) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::NotFinite {
            what: format!("variable {name}"),
            row,
            value: values[row],
        });
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let deviations: Vec<f64> = values.iter().map(|v| v - mean).collect();
    // What is left of equal values is rounding.
    if deviations.iter().all(|d| d.abs() <= 1e-14 * largest) {
        return Err(Error::Constant { name });
    }
    Ok(deviations)
}

#[cfg(test)]
mod tests;
