//! Reliability of a matrix from repeated measurements. Invariant: the two halves
//! of a split share no measurement.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::noise::mean_of_repeats;
use crate::{Comparator, Dissimilarity, Error, Features, Rdm, Result, compare};

/// How well a recording agrees with itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitHalf {
    /// Mean similarity of the matrices of two halves of the repeats.
    pub half: f64,
    /// Spearman-Brown: what the similarity of two recordings with all repeats
    /// each would be, `2 r / (1 + r)`.
    pub spearman_brown: f64,
    /// The ceiling of a noise-free model against the mean over all repeats: the
    /// square root of the above (0 if that is negative).
    pub model_ceiling: f64,
    /// Standard deviation over splits: how much the choice of the split
    /// matters, not an error over images.
    pub deviation: f64,
    /// Number of splits.
    pub splits: usize,
}

/// Split-half reliability of the matrix of repeated responses (`analyses.md` 2.5).
///
/// `repeats` holds one `images x neurons` array per repeat; each split averages
/// a random half of them (of an odd number, one half has one more).
///
/// # Errors
///
/// Fewer than two repeats, repeats of different shapes, no split, matrices
/// without variation.
pub fn split_half(
    repeats: &[Features<'_>],
    dissimilarity: Dissimilarity,
    comparator: Comparator,
    splits: usize,
    seed: u64,
) -> Result<SplitHalf> {
    let whole = mean_of_repeats(repeats)?;
    if splits == 0 {
        return Err(Error::TooFew {
            analysis: "split-half reliability",
            unit: "split",
            needed: 1,
            found: 0,
        });
    }
    let root = Seed::new(seed).child("split halves");
    let values: Vec<f64> = (0..splits)
        .into_par_iter()
        .map(|split| {
            let order = root.index(split as u64).stream().permutation(repeats.len());
            let (first, second) = order.split_at(repeats.len() / 2);
            let rdm = |half: &[usize]| {
                let mut sum = vec![0.0_f64; whole.values.len()];
                for repeat in half {
                    let rows = (0..whole.rows).flat_map(|i| repeats[*repeat].image(i));
                    sum.iter_mut()
                        .zip(rows)
                        .for_each(|(s, v)| *s += f64::from(*v));
                }
                let scale = 1.0 / half.len() as f64;
                let mean: Vec<f32> = sum.iter().map(|s| (s * scale) as f32).collect();
                Rdm::from_features(
                    &Features::new(&mean, whole.rows, whole.columns)?,
                    dissimilarity,
                )
            };
            compare(&rdm(first)?, &rdm(second)?, comparator)
        })
        .collect::<Result<_>>()?;
    let count = splits as f64;
    let half = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - half).powi(2)).sum();
    let spearman_brown = 2.0 * half / (1.0 + half);
    Ok(SplitHalf {
        half,
        spearman_brown,
        model_ceiling: spearman_brown.max(0.0).sqrt(),
        deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
        splits,
    })
}

/// Signal-to-noise weight of each neuron, `sigma_signal / sigma_noise`, by which
/// Li et al. 2019 scale responses before comparing images (`analyses.md` 2.3).
///
/// The noise variance is that within images; the signal variance is the variance
/// of the means over images, less the noise that is left in them. Neurons
/// without measurable signal weigh 0; one without any noise is an error.
///
/// # Errors
///
/// Fewer than two repeats, repeats of different shapes, a neuron whose responses
/// never differ between repeats.
pub fn signal_weights(repeats: &[Features<'_>]) -> Result<Vec<f64>> {
    let mean = mean_of_repeats(repeats)?;
    let (images, count) = (mean.rows as f64, repeats.len() as f64);
    (0..mean.columns)
        .map(|neuron| {
            let of_image = |i: usize| mean.row(i)[neuron];
            let noise: f64 = repeats
                .iter()
                .flat_map(|repeat| {
                    let own = move |i: usize| f64::from(repeat.image(i)[neuron]);
                    (0..mean.rows).map(move |i| (own(i), i))
                })
                .map(|(value, i)| (value - of_image(i)).powi(2))
                .sum::<f64>()
                / (images * (count - 1.0));
            if noise <= 0.0 {
                return Err(Error::NoNoise { neuron });
            }
            let grand = (0..mean.rows).map(of_image).sum::<f64>() / images;
            let squares = (0..mean.rows).map(|i| (of_image(i) - grand).powi(2));
            let between = squares.sum::<f64>() / (images - 1.0);
            Ok((between - noise / count).max(0.0).sqrt() / noise.sqrt())
        })
        .collect()
}

/// Features scaled by one weight each, row-major as the input.
///
/// # Errors
///
/// If there are not as many weights as features.
pub fn weighted(features: &Features<'_>, weights: &[f64]) -> Result<Vec<f32>> {
    if weights.len() != features.features() {
        return Err(Error::Length {
            what: "weights of features".to_owned(),
            expected: features.features(),
            found: weights.len(),
        });
    }
    Ok((0..features.images())
        .flat_map(|i| features.image(i).iter().zip(weights))
        .map(|(value, weight)| (f64::from(*value) * weight) as f32)
        .collect())
}

#[cfg(test)]
mod tests;
