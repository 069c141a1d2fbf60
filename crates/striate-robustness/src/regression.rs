//! Ordinary least squares with the usual table. Invariant: fitted by Householder
//! QR, so nearly collinear columns (an interaction and its main effects) cost no
//! digits that the normal equations would lose.

use serde::{Deserialize, Serialize};

use crate::special::{f_survival, t_two_sided};
use crate::{Error, Result};

mod qr;
pub mod study;

use qr::Qr;

/// The columns of a regression, the intercept first.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    rows: usize,
}

impl Design {
    /// An intercept and nothing else.
    pub fn new(rows: usize) -> Self {
        Self {
            names: vec!["intercept".to_owned()],
            columns: vec![vec![1.0; rows]],
            rows,
        }
    }

    /// Adds a column.
    ///
    /// # Errors
    ///
    /// Another number of rows; a value that is not finite.
    pub fn with(mut self, name: &str, values: &[f64]) -> Result<Self> {
        check_column(name, values, self.rows)?;
        self.names.push(name.to_owned());
        self.columns.push(values.to_vec());
        Ok(self)
    }

    /// Adds the product of two columns that are there.
    ///
    /// # Errors
    ///
    /// If there is no such column.
    pub fn with_interaction(self, first: &str, second: &str) -> Result<Self> {
        let column = |name: &str| {
            let index = self.names.iter().position(|n| n == name);
            index.ok_or_else(|| Error::Unknown {
                kind: "column",
                name: name.to_owned(),
                known: self.names.join(", "),
            })
        };
        let (a, b) = (column(first)?, column(second)?);
        let pairs = self.columns[a].iter().zip(&self.columns[b]);
        let product: Vec<f64> = pairs.map(|(a, b)| a * b).collect();
        self.with(&format!("{first}:{second}"), &product)
    }

    /// Adds one indicator for each level but the first (fixed effects).
    ///
    /// # Errors
    ///
    /// Another number of rows.
    pub fn with_levels<L: Ord + ToString>(mut self, name: &str, levels: &[L]) -> Result<Self> {
        let distinct: std::collections::BTreeSet<&L> = levels.iter().collect();
        for level in distinct.into_iter().skip(1) {
            let indicator = levels.iter().map(|l| f64::from(u8::from(l == level)));
            let indicator: Vec<f64> = indicator.collect();
            self = self.with(&format!("{name}[{}]", level.to_string()), &indicator)?;
        }
        Ok(self)
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The same columns over some of the rows, in the given order.
    pub(crate) fn rows(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter();
        Self {
            names: self.names.clone(),
            columns: columns
                .map(|c| rows.iter().map(|r| c[*r]).collect())
                .collect(),
            rows: rows.len(),
        }
    }
}

fn check_column(name: &str, values: &[f64], rows: usize) -> Result<()> {
    if values.len() != rows {
        return Err(Error::Length {
            what: format!("column `{name}`"),
            expected: rows,
            found: values.len(),
        });
    }
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(row) => Err(Error::NotFinite {
            what: format!("column `{name}`"),
            row,
            value: values[row],
        }),
    }
}

/// One line of a regression table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// The column.
    pub name: String,
    /// The estimate.
    pub value: f64,
    /// Its standard error, for independent errors of equal variance.
    pub standard_error: f64,
    /// Estimate over standard error.
    pub t: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// A fitted regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ols {
    /// In the order of the columns.
    pub coefficients: Vec<Coefficient>,
    /// Number of rows.
    pub rows: usize,
    /// Rows minus columns.
    pub residual_degrees: usize,
    /// Share of the variance explained.
    pub r2: f64,
    /// The same, corrected for the number of columns.
    pub adjusted_r2: f64,
    /// F statistic against the intercept alone; NaN if that is all there is.
    pub f: f64,
    /// Its p-value.
    pub f_p: f64,
    /// Gaussian log-likelihood at its maximum.
    pub log_likelihood: f64,
    /// Akaike's criterion, counting the columns and not the variance, as
    /// statsmodels does.
    pub aic: f64,
    /// The Bayesian criterion, counted alike.
    pub bic: f64,
    /// Residual standard deviation.
    pub sigma: f64,
}

impl Ols {
    /// Fits `y` by the columns of a design.
    ///
    /// # Errors
    ///
    /// Lengths that differ, values that are not finite, no more rows than
    /// columns, linearly dependent columns (naming the first).
    pub fn fit(design: &Design, y: &[f64]) -> Result<Self> {
        let (qr, rss) = solve(design, y)?;
        let (n, k) = (design.rows as f64, design.columns.len() as f64);
        let mean = y.iter().sum::<f64>() / n;
        let tss: f64 = y.iter().map(|v| (v - mean).powi(2)).sum();
        let df = n - k;
        let variance = rss / df;
        let coefficients = design
            .names
            .iter()
            .zip(&qr.solution)
            .zip(&qr.inverse_diagonal);
        let coefficients = coefficients.map(|((name, value), d)| {
            let standard_error = (variance * d).sqrt();
            let t = value / standard_error;
            Coefficient {
                name: name.clone(),
                value: *value,
                standard_error,
                t,
                p: t_two_sided(t, df),
            }
        });
        let r2 = 1.0 - rss / tss;
        let f = (tss - rss) / (k - 1.0) / variance;
        let log_likelihood = -0.5 * n * ((2.0 * std::f64::consts::PI).ln() + (rss / n).ln() + 1.0);
        Ok(Self {
            coefficients: coefficients.collect(),
            rows: design.rows,
            residual_degrees: design.rows - design.columns.len(),
            r2,
            adjusted_r2: 1.0 - (1.0 - r2) * (n - 1.0) / df,
            f,
            f_p: f_survival(f, k - 1.0, df),
            log_likelihood,
            aic: 2.0 * k - 2.0 * log_likelihood,
            bic: k * n.ln() - 2.0 * log_likelihood,
            sigma: variance.sqrt(),
        })
    }

    /// The coefficient of a column.
    pub fn coefficient(&self, name: &str) -> Option<&Coefficient> {
        self.coefficients.iter().find(|c| c.name == name)
    }
}

fn solve(design: &Design, y: &[f64]) -> Result<(Qr, f64)> {
    check_column("response", y, design.rows)?;
    let columns = design.columns.len();
    if design.rows <= columns {
        return Err(Error::TooFew {
            analysis: "a regression",
            unit: "rows",
            needed: columns + 1,
            found: design.rows,
        });
    }
    let qr = Qr::solve(&design.columns, y).map_err(|column| Error::Collinear {
        column: design.names[column].clone(),
    })?;
    let rss = qr.residual_sum;
    Ok((qr, rss))
}

/// The coefficients alone, for bootstraps; `None` if the columns are dependent.
pub(crate) fn coefficients(design: &Design, y: &[f64]) -> Option<Vec<f64>> {
    solve(design, y).ok().map(|(qr, _)| qr.solution)
}

/// What a regression leaves of `y`.
///
/// # Errors
///
/// As [`Ols::fit`].
pub fn residuals(design: &Design, y: &[f64]) -> Result<Vec<f64>> {
    let (qr, _) = solve(design, y)?;
    let mut left = y.to_vec();
    for (column, b) in design.columns.iter().zip(&qr.solution) {
        for (value, x) in left.iter_mut().zip(column) {
            *value -= b * x;
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
