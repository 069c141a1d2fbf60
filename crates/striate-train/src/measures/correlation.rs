//! Measures on single samples. Invariant: each neuron is treated alone.

use crate::{Error, Result};

/// Added to each standard deviation, as the reference does, so that a constant
/// neuron gives 0 instead of NaN.
const EPSILON: f64 = 1e-8;
/// The reference's guard inside the logarithm of the Poisson loss.
const POISSON_EPSILON: f64 = 1e-12;

/// The Pearson correlation of each neuron over all samples, with population
/// standard deviations to which 1e-8 is added; not-a-number becomes 0. Samples in
/// which the neuron was not recorded (an observed NaN) are left out.
///
/// # Shapes
///
/// Both slices: samples x `neurons`. The result: `neurons`, in `[-1, 1]`.
///
/// # Errors
///
/// If the lengths differ or are not whole rows.
pub fn correlation(predicted: &[f32], observed: &[f32], neurons: usize) -> Result<Vec<f64>> {
    let samples = rows(predicted, observed, neurons)?;
    Ok((0..neurons)
        .map(|n| {
            let places: Vec<usize> = (0..samples)
                .map(|i| i * neurons + n)
                .filter(|place| !observed[*place].is_nan())
                .collect();
            pearson(
                places.len(),
                |i| f64::from(predicted[places[i]]),
                |i| f64::from(observed[places[i]]),
            )
        })
        .collect())
}

/// The sum over samples and neurons of `p - t ln(p + 1e-12)`.
///
/// # Errors
///
/// If the lengths differ.
pub fn poisson_loss(predicted: &[f32], observed: &[f32]) -> Result<f64> {
    rows(predicted, observed, 1)?;
    Ok(predicted
        .iter()
        .zip(observed)
        .map(|(p, t)| {
            let (p, t) = (f64::from(*p), f64::from(*t));
            p - t * (p + POISSON_EPSILON).ln()
        })
        .sum())
}

/// Correct classifications in percent: the largest logit (the first of equals)
/// against the label. No samples give 0.
///
/// # Shapes
///
/// `logits`: samples x `classes`; `labels`: samples.
///
/// # Errors
///
/// If the lengths do not agree.
pub fn accuracy(logits: &[f32], labels: &[u32], classes: usize) -> Result<f64> {
    if classes == 0 || logits.len() != labels.len() * classes {
        return Err(Error::shape(
            "logits",
            format!("{} x {classes}", labels.len()),
            logits.len(),
        ));
    }
    let correct = logits
        .chunks_exact(classes)
        .zip(labels)
        .filter(|(row, label)| {
            let mut best = 0;
            for (class, logit) in row.iter().enumerate() {
                if *logit > row[best] {
                    best = class;
                }
            }
            best == **label as usize
        })
        .count();
    Ok(100.0 * correct as f64 / labels.len().max(1) as f64)
}

/// The plain mean; 0 of nothing. The study's score is the mean of the correlations
/// of all neurons of all sessions, each neuron with equal weight.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

pub(super) fn pearson(samples: usize, x: impl Fn(usize) -> f64, y: impl Fn(usize) -> f64) -> f64 {
    let count = samples as f64;
    let mean_x = (0..samples).map(&x).sum::<f64>() / count;
    let mean_y = (0..samples).map(&y).sum::<f64>() / count;
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for i in 0..samples {
        let (dx, dy) = (x(i) - mean_x, y(i) - mean_y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    let deviation = |sum: f64| (sum / count).sqrt() + EPSILON;
    let r = xy / count / (deviation(xx) * deviation(yy));
    if r.is_nan() { 0.0 } else { r }
}

fn rows(predicted: &[f32], observed: &[f32], neurons: usize) -> Result<usize> {
    if neurons == 0 || predicted.len() != observed.len() || !predicted.len().is_multiple_of(neurons)
    {
        return Err(Error::shape(
            "predicted responses",
            format!("{} values in rows of {neurons}", observed.len()),
            predicted.len(),
        ));
    }
    Ok(predicted.len() / neurons)
}
