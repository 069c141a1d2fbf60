//! A sampled matrix in the form in which a comparator is one inner product.
//! Invariant: for all comparators but Kendall's, the similarity of two matrices
//! is the plain dot product of their representations.

use crate::compare::Comparator;
use crate::compare::kendall::Ranked;
use crate::compare::ranks::{Dense, mid_ranks};
use crate::compare::whitened::whiten;
use crate::sample::{Prepared, Sample};

/// A matrix, seen by one comparator in one sample.
pub(crate) enum Representation {
    /// Scaled so that dot products are similarities.
    Vector(Vec<f64>),
    /// For Kendall's tau.
    Ranked(Ranked),
}

impl Representation {
    /// `None` if the similarity is undefined, as the matrix does not vary.
    pub(crate) fn of(prepared: &Prepared, sample: &Sample, comparator: Comparator) -> Option<Self> {
        let Some(dense) = &prepared.dense else {
            return Self::of_values(sample.gather(&prepared.values), sample, comparator);
        };
        let dense = Dense {
            ranks: sample.gather(&dense.ranks),
            levels: dense.levels,
        };
        Self::of_ranks(&dense, sample, comparator)
    }

    /// The same from the sample's own values, condensed over its images.
    pub(crate) fn of_values(
        values: Vec<f64>,
        sample: &Sample,
        comparator: Comparator,
    ) -> Option<Self> {
        if comparator.ranked() {
            Self::of_ranks(&Dense::of(&values), sample, comparator)
        } else {
            Self::of_vector(values, sample, comparator)
        }
    }

    fn of_ranks(dense: &Dense, sample: &Sample, comparator: Comparator) -> Option<Self> {
        let tie_correction = comparator == Comparator::TauB;
        if tie_correction || comparator == Comparator::TauA {
            let ranked = Ranked::new(dense, &sample.weights, tie_correction);
            let undefined = tie_correction && ranked.is_constant();
            return (!undefined).then_some(Self::Ranked(ranked));
        }
        Self::of_vector(mid_ranks(dense, &sample.weights), sample, comparator)
    }

    fn of_vector(mut values: Vec<f64>, sample: &Sample, comparator: Comparator) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let raw_norm = weighted_norm(&values, &sample.weights);
        if !matches!(comparator, Comparator::Cosine | Comparator::CosineCov) {
            centre(&mut values, sample);
        }
        // What is left of equal values is rounding.
        let norm = weighted_norm(&values, &sample.weights);
        let constant = norm <= 1e-12 * raw_norm;
        if comparator == Comparator::RhoA {
            let n = sample.total;
            let scale = (12.0 / (n * n * n - n)).sqrt();
            scale_by_root_weights(&mut values, &sample.weights, scale);
            return Some(Self::Vector(values));
        }
        if constant {
            return None;
        }
        if matches!(comparator, Comparator::CorrCov | Comparator::CosineCov) {
            return whiten(values, sample).map(Self::Vector);
        }
        scale_by_root_weights(&mut values, &sample.weights, 1.0 / norm);
        Some(Self::Vector(values))
    }

    /// The similarity of two representations by the same comparator in the same
    /// sample.
    pub(crate) fn similarity(&self, other: &Self) -> f64 {
        match (self, other) {
            (Self::Vector(a), Self::Vector(b)) => dot(a, b),
            (Self::Ranked(a), Self::Ranked(b)) => a.tau(b),
            _ => f64::NAN,
        }
    }
}

/// Subtracts the weighted mean.
pub(crate) fn centre(values: &mut [f64], sample: &Sample) {
    let mean = dot(values, &sample.weights) / sample.total;
    values.iter_mut().for_each(|v| *v -= mean);
}

pub(crate) fn weighted_norm(values: &[f64], weights: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    let (weight_chunks, weight_rest) = weights.as_chunks::<8>();
    for (v, w) in chunks.iter().zip(weight_chunks) {
        for ((lane, v), w) in lanes.iter_mut().zip(v).zip(w) {
            *lane += w * v * v;
        }
    }
    let tail: f64 = rest.iter().zip(weight_rest).map(|(v, w)| w * v * v).sum();
    (lanes.iter().sum::<f64>() + tail).sqrt()
}

fn scale_by_root_weights(values: &mut [f64], weights: &[f64], scale: f64) {
    for (value, weight) in values.iter_mut().zip(weights) {
        *value *= weight.sqrt() * scale;
    }
}

/// A dot product in eight fixed lanes: fast, and the same everywhere.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let tail: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + tail
}
