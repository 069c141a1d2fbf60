//! Comparators of two dissimilarity matrices. Invariant: every comparator is
//! symmetric in its arguments, at most 1 up to rounding, and 1 for a matrix and
//! itself (but for rank measures without tie correction, when there are ties).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sample::{Prepared, Sample};
use crate::{Error, Rdm, Result};

mod kendall;
mod ranks;
mod represent;
mod whitened;

pub(crate) use ranks::{Dense, mid_ranks};

pub(crate) use represent::{Representation, centre, weighted_norm};

/// How alike two matrices are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparator {
    /// Pearson correlation of the entries (rsatoolbox `corr`).
    Pearson,
    /// Cosine of the entries (rsatoolbox `cosine`).
    Cosine,
    /// Spearman correlation, ties at their mean rank (rsatoolbox `spearman`).
    Spearman,
    /// Kendall's tau-a, in O(n log n) (rsatoolbox `tau-a`).
    TauA,
    /// Kendall's tau-b, corrected for ties (rsatoolbox `tau-b`).
    TauB,
    /// Spearman without tie correction: the expectation under random breaking
    /// of ties (Schütt et al. 2023; rsatoolbox `rho-a`).
    RhoA,
    /// Pearson after whitening with the covariance that entries have because
    /// they share images (rsatoolbox `corr_cov`; Diedrichsen et al. 2020).
    CorrCov,
    /// Cosine after the same whitening (rsatoolbox `cosine_cov`); on squared
    /// Euclidean distances it equals linear CKA.
    CosineCov,
    /// Pearson correlation of arctanh of the similarities `1 - d`, clamped to
    /// +-(1 - 1e-6): the scale of Li et al. 2019.
    Arctanh,
}

const NAMES: [(&str, Comparator); 9] = [
    ("pearson", Comparator::Pearson),
    ("cosine", Comparator::Cosine),
    ("spearman", Comparator::Spearman),
    ("tau-a", Comparator::TauA),
    ("tau-b", Comparator::TauB),
    ("rho-a", Comparator::RhoA),
    ("corr-cov", Comparator::CorrCov),
    ("cosine-cov", Comparator::CosineCov),
    ("arctanh", Comparator::Arctanh),
];

impl Comparator {
    /// All comparators.
    pub const ALL: [Self; 9] = [
        Self::Pearson,
        Self::Cosine,
        Self::Spearman,
        Self::TauA,
        Self::TauB,
        Self::RhoA,
        Self::CorrCov,
        Self::CosineCov,
        Self::Arctanh,
    ];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, c)| *c == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether only the order of the entries counts.
    pub(crate) fn ranked(self) -> bool {
        matches!(self, Self::Spearman | Self::TauA | Self::TauB | Self::RhoA)
    }

    /// Makes a matrix ready for repeated comparison.
    pub(crate) fn prepare(self, rdm: &Rdm) -> Result<Prepared> {
        let values = match self {
            Self::Arctanh => arctanh(rdm, self)?,
            _ => rdm.values().to_vec(),
        };
        Ok(Prepared::new(values, self.ranked()))
    }
}

impl FromStr for Comparator {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(n, _)| *n == name);
        found.map(|(_, c)| *c).ok_or_else(|| Error::Unknown {
            kind: "comparator",
            name: name.to_owned(),
            known: NAMES.map(|(n, _)| n).join(", "),
        })
    }
}

/// The similarity of two matrices over the same images.
///
/// # Errors
///
/// Different images (the differing ids are listed), a matrix without variation,
/// [`Comparator::Arctanh`] on values that are not one minus a correlation.
pub fn compare(first: &Rdm, second: &Rdm, comparator: Comparator) -> Result<f64> {
    first.check_same_images(second)?;
    compare_in(first, second, &Sample::full(first.images()), comparator)
}

/// The similarity of two matrices in a bootstrap sample of their images.
///
/// `draw` holds the indices drawn, with repetitions; pairs of copies of one
/// image are left out, as rsatoolbox does.
///
/// # Errors
///
/// As [`compare`]; an index out of range; a draw of fewer than three different
/// images.
pub fn compare_drawn(
    first: &Rdm,
    second: &Rdm,
    draw: &[usize],
    comparator: Comparator,
) -> Result<f64> {
    first.check_same_images(second)?;
    let sample = Sample::checked(draw, first.images())?;
    compare_in(first, second, &sample, comparator)
}

fn compare_in(first: &Rdm, second: &Rdm, sample: &Sample, comparator: Comparator) -> Result<f64> {
    let represent = |rdm, which| {
        Representation::of(&comparator.prepare(rdm)?, sample, comparator).ok_or(
            Error::ConstantMatrix {
                which,
                comparator: comparator.name(),
            },
        )
    };
    Ok(represent(first, "first")?.similarity(&represent(second, "second")?))
}

/// Li et al. 2019's loss between two matrices of correlations or cosines: the
/// mean over pairs of the squared difference of arctanh similarities.
///
/// # Errors
///
/// Different images; values that are not one minus a correlation.
pub fn arctanh_distance(first: &Rdm, second: &Rdm) -> Result<f64> {
    first.check_same_images(second)?;
    let a = arctanh(first, Comparator::Arctanh)?;
    let b = arctanh(second, Comparator::Arctanh)?;
    let sum: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    Ok(sum / a.len() as f64)
}

fn arctanh(rdm: &Rdm, comparator: Comparator) -> Result<Vec<f64>> {
    // `analyses.md` 2: |r| is kept below 1 - 1e-6.
    const LIMIT: f64 = 1.0 - 1e-6;
    let values = rdm.values();
    if let Some(index) = values
        .iter()
        .position(|v| !(-1e-9..=2.0 + 1e-9).contains(v))
    {
        let (i, j) = rdm.pair(index);
        return Err(Error::NotACorrelation {
            comparator: comparator.name(),
            value: values[index],
            i,
            j,
        });
    }
    Ok(values
        .iter()
        .map(|v| (1.0 - v).clamp(-LIMIT, LIMIT).atanh())
        .collect())
}

#[cfg(test)]
mod tests;
