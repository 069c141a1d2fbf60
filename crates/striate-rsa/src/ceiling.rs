//! Noise ceilings: how well could the best possible model do, given that the
//! subjects (animals, sessions, repeats) differ? Invariant: the lower bound
//! leaves the tested subject out of the pool, the upper one does not.

use serde::{Deserialize, Serialize};

use crate::compare::Representation;
use crate::compare::{Comparator, Dense, mid_ranks};
use crate::sample::{Prepared, Sample};
use crate::{Error, Rdm, Result};

/// Bounds on the similarity that a perfect model reaches with the subjects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseCeiling {
    /// Mean similarity of each subject to the pool of the others.
    pub lower: f64,
    /// Mean similarity of each subject to the pool of all.
    pub upper: f64,
}

/// The noise ceiling of several subjects' matrices by leaving one out
/// (Nili et al. 2014; rsatoolbox `boot_noise_ceiling`).
///
/// The pool is the mean of the matrices in the comparator's own terms: unit
/// norm for cosines, z-scores for correlations, ranks for rank measures (an
/// approximation for Kendall's tau).
///
/// # Errors
///
/// Fewer than two subjects, different images, a matrix without variation.
pub fn noise_ceiling(subjects: &[Rdm], comparator: Comparator) -> Result<NoiseCeiling> {
    check_subjects(subjects, "a noise ceiling", 2)?;
    let prepared = prepare_all(subjects, comparator)?;
    let sample = Sample::full(subjects[0].images());
    let multiplicity = vec![1.0; subjects.len()];
    ceiling_in(&prepared, &multiplicity, &sample, comparator).ok_or(Error::ConstantMatrix {
        which: "pooled",
        comparator: comparator.name(),
    })
}

pub(crate) fn check_subjects(
    subjects: &[Rdm],
    analysis: &'static str,
    needed: usize,
) -> Result<()> {
    if subjects.len() < needed {
        return Err(Error::TooFew {
            analysis,
            unit: "matrices",
            needed,
            found: subjects.len(),
        });
    }
    subjects[1..]
        .iter()
        .try_for_each(|subject| subjects[0].check_same_images(subject))
}

pub(crate) fn prepare_all(rdms: &[Rdm], comparator: Comparator) -> Result<Vec<Prepared>> {
    rdms.iter().map(|rdm| comparator.prepare(rdm)).collect()
}

/// The ceiling in a sample, subjects drawn with multiplicities; copies of one
/// subject are left out together. `None` if it is undefined.
pub(crate) fn ceiling_in(
    subjects: &[Prepared],
    multiplicity: &[f64],
    sample: &Sample,
    comparator: Comparator,
) -> Option<NoiseCeiling> {
    let drawn: Vec<usize> = (0..subjects.len())
        .filter(|s| multiplicity[*s] > 0.0)
        .collect();
    let terms: Vec<Vec<f64>> = drawn
        .iter()
        .map(|s| term(&subjects[*s], sample, comparator))
        .collect::<Option<_>>()?;
    let pooled = |left_out: Option<usize>| {
        let mut sum = vec![0.0; sample.weights.len()];
        let mut count = 0.0;
        for (k, term) in terms.iter().enumerate() {
            if left_out != Some(k) {
                let weight = multiplicity[drawn[k]];
                count += weight;
                sum.iter_mut().zip(term).for_each(|(s, t)| *s += weight * t);
            }
        }
        sum.iter_mut().for_each(|s| *s /= count);
        Representation::of_values(sum, sample, comparator)
    };
    let all = pooled(None)?;
    let (mut lower, mut upper) = (0.0, 0.0);
    for (k, subject) in drawn.iter().enumerate() {
        let own = Representation::of(&subjects[*subject], sample, comparator)?;
        upper += all.similarity(&own);
        lower += if drawn.len() > 1 {
            pooled(Some(k))?.similarity(&own)
        } else {
            all.similarity(&own)
        };
    }
    let count = drawn.len() as f64;
    Some(NoiseCeiling {
        lower: lower / count,
        upper: upper / count,
    })
}

/// A subject's entries, scaled so that their mean serves the comparator.
fn term(subject: &Prepared, sample: &Sample, comparator: Comparator) -> Option<Vec<f64>> {
    if let Some(dense) = &subject.dense {
        let dense = Dense {
            ranks: sample.gather(&dense.ranks),
            levels: dense.levels,
        };
        return Some(mid_ranks(&dense, &sample.weights));
    }
    let mut values = sample.gather(&subject.values);
    let centred = !matches!(comparator, Comparator::Cosine | Comparator::CosineCov);
    if centred {
        crate::compare::centre(&mut values, sample);
    }
    let norm = crate::compare::weighted_norm(&values, &sample.weights);
    if norm == 0.0 {
        return None;
    }
    let scale = sample.total.sqrt() / norm;
    values.iter_mut().for_each(|v| *v *= scale);
    Some(values)
}

#[cfg(test)]
mod tests;
