//! Dissimilarities that know the noise: Mahalanobis and crossnobis under a noise
//! precision, and the Poisson divergence of rates. Invariant: all are divided by
//! the number of features, as in rsatoolbox, so they compare across layers.

use serde::{Deserialize, Serialize};

use crate::gram::Gram;
use crate::matrix::{Cholesky, Matrix};
use crate::{Error, Features, Rdm, Result};

/// How a sample covariance is pulled towards a simpler one, so that it can be
/// inverted with fewer residuals than features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shrinkage {
    /// Not at all.
    None,
    /// Towards its diagonal, by the optimal amount of Schäfer and Strimmer 2005
    /// (rsatoolbox `shrinkage_diag`).
    #[default]
    Diagonal,
    /// Towards a multiple of the identity, by that of Ledoit and Wolf 2004
    /// (rsatoolbox `shrinkage_eye`).
    Identity,
}

/// The inverse covariance of the noise of features.
#[derive(Clone, Debug)]
pub struct NoisePrecision {
    features: usize,
    factor: Cholesky,
}

impl NoisePrecision {
    /// From residuals: what is left of repeated measurements after the mean of
    /// their image.
    ///
    /// # Shapes
    ///
    /// `residuals`: `rows x features`, row-major; `degrees` are the degrees of
    /// freedom left, e.g. `images x (repeats - 1)`.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, fewer than two rows, no degrees of freedom, a
    /// feature without noise, a covariance that is still singular.
    pub fn from_residuals(
        residuals: &[f64],
        features: usize,
        degrees: usize,
        shrinkage: Shrinkage,
    ) -> Result<Self> {
        let rows = residuals.len() / features.max(1);
        if rows < 2 || degrees == 0 {
            return Err(Error::TooFew {
                analysis: "a noise covariance",
                unit: "residuals with a degree of freedom",
                needed: 2,
                found: rows.min(degrees),
            });
        }
        if residuals.len() != rows * features {
            return Err(Error::Length {
                what: format!("residuals of {features} features"),
                expected: rows * features,
                found: residuals.len(),
            });
        }
        let mut matrix = Matrix {
            rows,
            columns: features,
            values: residuals.to_vec(),
        };
        matrix.centre();
        let covariance = covariance(&matrix, degrees as f64, shrinkage)?;
        let factor =
            Cholesky::new(&covariance, features).map_err(|feature| Error::Singular { feature })?;
        Ok(Self { features, factor })
    }

    /// From repeated measurements of the same images: the residuals are the
    /// repeats minus their mean, with `images x (repeats - 1)` degrees of freedom.
    ///
    /// # Errors
    ///
    /// Fewer than two repeats, repeats of different shapes, and as
    /// [`NoisePrecision::from_residuals`].
    pub fn from_repeats(repeats: &[Features<'_>], shrinkage: Shrinkage) -> Result<Self> {
        let mean = mean_of_repeats(repeats)?;
        let residuals = repeats.iter().flat_map(|repeat| {
            let own = Matrix::of(repeat).values;
            let pairs = own.into_iter().zip(&mean.values);
            pairs.map(|(v, m)| v - m).collect::<Vec<_>>()
        });
        let residuals: Vec<f64> = residuals.collect();
        let degrees = mean.rows * (repeats.len() - 1);
        Self::from_residuals(&residuals, mean.columns, degrees, shrinkage)
    }

    /// The precision matrix, `features x features`, row-major.
    pub fn matrix(&self) -> Vec<f64> {
        self.factor.inverse()
    }

    fn check(&self, features: usize) -> Result<()> {
        if features == self.features {
            return Ok(());
        }
        Err(Error::Length {
            what: "features under a noise precision".to_owned(),
            expected: self.features,
            found: features,
        })
    }
}

/// The mean over repeats.
pub(crate) fn mean_of_repeats(repeats: &[Features<'_>]) -> Result<Matrix> {
    if repeats.len() < 2 {
        return Err(Error::TooFew {
            analysis: "an analysis of repeats",
            unit: "repeats",
            needed: 2,
            found: repeats.len(),
        });
    }
    let mut mean = Matrix::of(&repeats[0]);
    for repeat in &repeats[1..] {
        let own = Matrix::of(repeat);
        if (own.rows, own.columns) != (mean.rows, mean.columns) {
            return Err(Error::Length {
                what: "images and features of a repeat".to_owned(),
                expected: mean.values.len(),
                found: own.values.len(),
            });
        }
        mean.values
            .iter_mut()
            .zip(own.values)
            .for_each(|(m, v)| *m += v);
    }
    let count = repeats.len() as f64;
    mean.values.iter_mut().for_each(|m| *m /= count);
    Ok(mean)
}

/// The covariance of centred rows, shrunk.
fn covariance(matrix: &Matrix, degrees: f64, shrinkage: Shrinkage) -> Result<Vec<f64>> {
    let (n, size) = (matrix.rows as f64, matrix.columns);
    let mut gram = Gram::new(size);
    gram.add(matrix.rows, |feature, range, out| {
        for (out, row) in out.iter_mut().zip(range) {
            *out = matrix.row(row)[feature];
        }
    });
    if let Some(feature) = (0..size).find(|f| gram.get(*f, *f) <= 0.0) {
        return Err(Error::Singular { feature });
    }
    let entry = |i: usize, j: usize| gram.get(i, j) / degrees;
    let off_diagonal = |f: &dyn Fn(usize, usize) -> f64| -> f64 {
        let pairs = (0..size).flat_map(|i| (0..i).map(move |j| (i, j)));
        2.0 * pairs.map(|(i, j)| f(i, j)).sum::<f64>()
    };
    // Weights of the sample covariance and of the identity.
    let (keep, identity) = match shrinkage {
        Shrinkage::None => (1.0, 0.0),
        Shrinkage::Diagonal => {
            // Of the correlations: Var(r) summed over r^2 summed.
            let z = |row: usize, f: usize| matrix.row(row)[f] / entry(f, f).sqrt();
            let fourth: f64 = (0..matrix.rows)
                .map(|row| {
                    let squares = (0..size).map(|f| z(row, f).powi(2));
                    let (sum, sum4) = squares.fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
                    sum * sum - sum4
                })
                .sum();
            let mean2 = off_diagonal(&|i, j| {
                let r = entry(i, j) * degrees / (entry(i, i) * entry(j, j)).sqrt() / (n - 1.0);
                r * r
            });
            let variance = n / degrees.powi(2) * (fourth / (n - 1.0) - mean2);
            let amount = if mean2 > 0.0 { variance / mean2 } else { 1.0 };
            (1.0 - amount.clamp(0.0, 1.0), 0.0)
        }
        Shrinkage::Identity => {
            let s = |i: usize, j: usize| gram.get(i, j) / n;
            let trace: f64 = (0..size).map(|f| s(f, f)).sum();
            let level = trace / size as f64;
            let squares = off_diagonal(&|i, j| s(i, j).powi(2))
                + (0..size).map(|f| s(f, f).powi(2)).sum::<f64>();
            let distance = squares - level * trace;
            let fourth: f64 = (0..matrix.rows)
                .map(|row| matrix.row(row).iter().map(|v| v * v).sum::<f64>().powi(2))
                .sum();
            let error = ((fourth / n - squares) / n).min(distance);
            let amount = if distance > 0.0 {
                error / distance
            } else {
                1.0
            };
            (1.0 - amount, amount * level * n / degrees)
        }
    };
    let mut covariance = vec![0.0; size * size];
    for i in 0..size {
        for j in 0..size {
            let shrunk = match (shrinkage, i == j) {
                (Shrinkage::Identity, true) => keep * entry(i, i) + identity,
                (_, true) => entry(i, i),
                _ => keep * entry(i, j),
            };
            covariance[i * size + j] = shrunk;
        }
    }
    Ok(covariance)
}

/// Squared Mahalanobis distances under a noise precision, per feature.
///
/// # Errors
///
/// If the precision is of another number of features.
pub fn mahalanobis(features: &Features<'_>, precision: &NoisePrecision) -> Result<Rdm> {
    precision.check(features.features())?;
    let mut matrix = Matrix::of(features);
    matrix.centre();
    precision.factor.whiten(&mut matrix);
    let width = matrix.columns as f64;
    let values = matrix
        .squared_distances()
        .into_iter()
        .map(|d| d.max(0.0) / width);
    Rdm::from_condensed(values.collect(), matrix.rows)
}

/// Cross-validated squared Mahalanobis distances (crossnobis), per feature:
/// products of differences between different folds only, so that noise adds
/// nothing on average and a distance may be negative (Walther et al. 2016).
///
/// With M folds the mean over all pairs of different folds equals
/// `(M^2 D(mean of folds) - sum_m D(fold m)) / (M (M - 1))`.
///
/// # Errors
///
/// Fewer than two folds, folds of different shapes, a precision of another
/// number of features.
pub fn crossnobis(folds: &[Features<'_>], precision: Option<&NoisePrecision>) -> Result<Rdm> {
    let mean = mean_of_repeats(folds)?;
    let (images, count) = (mean.rows, folds.len() as f64);
    let width = mean.columns as f64;
    let distances = |mut matrix: Matrix| -> Result<Vec<f64>> {
        matrix.centre();
        if let Some(precision) = precision {
            precision.check(matrix.columns)?;
            precision.factor.whiten(&mut matrix);
        }
        Ok(matrix.squared_distances())
    };
    let mut total = distances(mean)?;
    total.iter_mut().for_each(|d| *d *= count * count);
    for fold in folds {
        let own = distances(Matrix::of(fold))?;
        total.iter_mut().zip(own).for_each(|(t, d)| *t -= d);
    }
    let scale = count * (count - 1.0) * width;
    total.iter_mut().for_each(|d| *d /= scale);
    Rdm::from_condensed(total, images)
}

/// The prior of a rate in [`poisson_kl`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RatePrior {
    /// The rate expected beforehand.
    pub rate: f64,
    /// How many observations it is worth; positive.
    pub weight: f64,
}

impl Default for RatePrior {
    /// rsatoolbox's defaults.
    fn default() -> Self {
        Self {
            rate: 1.0,
            weight: 0.1,
        }
    }
}

/// The symmetrised Kullback-Leibler divergence of Poisson rates, per feature:
/// the sum of `(a - b)(ln a - ln b)` over features, rates shrunk to a prior.
///
/// # Errors
///
/// A negative rate, naming its image; a prior that is not positive.
pub fn poisson_kl(rates: &Features<'_>, prior: RatePrior) -> Result<Rdm> {
    for (name, value) in [("prior rate", prior.rate), ("prior weight", prior.weight)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Setting {
                name,
                value,
                expected: "positive",
            });
        }
    }
    let mut means = Matrix::of(rates);
    if let Some(index) = means.values.iter().position(|v| *v < 0.0) {
        return Err(Error::NegativeRate {
            image: index / means.columns,
            feature: index % means.columns,
            value: means.values[index],
        });
    }
    for value in &mut means.values {
        *value = (*value + prior.rate * prior.weight) / (1.0 + prior.weight);
    }
    let logs = means.values.iter().map(|v| v.ln()).collect::<Vec<_>>();
    // 4 x y = (x + y)^2 - (x - y)^2 makes the product of differences two
    // distances.
    let distances = |sign: f64| {
        let pairs = means.values.iter().zip(&logs);
        let mut matrix = Matrix {
            values: pairs.map(|(m, l)| m + sign * l).collect(),
            rows: means.rows,
            columns: means.columns,
        };
        matrix.centre();
        matrix.squared_distances()
    };
    let (plus, minus) = (distances(1.0), distances(-1.0));
    let scale = 4.0 * means.columns as f64;
    let values = plus
        .iter()
        .zip(minus)
        .map(|(p, m)| ((p - m) / scale).max(0.0));
    Rdm::from_condensed(values.collect(), means.rows)
}

#[cfg(test)]
mod tests;
