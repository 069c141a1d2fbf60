//! Calibration of confidences. Invariant: every image falls into exactly one
//! bin, and probabilities are checked before they are used.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How confidences are put into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// Bins of equal width on (0, 1], open below (Guo et al. 2017).
    #[default]
    EqualWidth,
    /// Bins of equal numbers of images, ties in the order given
    /// (Nguyen and O'Connor 2015).
    EqualCount,
}

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Images in the bin.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// Their accuracy.
    pub accuracy: f64,
}

/// How far confidences are from accuracies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Bins that hold an image, in ascending confidence.
    pub bins: Vec<Bin>,
    /// Expected calibration error: mean distance of accuracy from confidence,
    /// bins weighted by their images.
    pub expected_error: f64,
    /// The largest distance.
    pub maximum_error: f64,
    /// Mean confidence minus accuracy: positive if overconfident.
    pub overconfidence: f64,
}

/// Calibration of the confidences in the predicted class.
///
/// `confidences` in `[0, 1]`; 15 bins are customary.
///
/// # Errors
///
/// No images, lengths that differ, no bin, a confidence outside `[0, 1]`.
pub fn calibration(
    confidences: &[f64],
    correct: &[bool],
    bins: usize,
    binning: Binning,
) -> Result<Calibration> {
    if confidences.is_empty() {
        return Err(Error::Empty { what: "confidence" });
    }
    if confidences.len() != correct.len() {
        return Err(Error::Length {
            what: "outcomes".to_owned(),
            expected: confidences.len(),
            found: correct.len(),
        });
    }
    if bins == 0 {
        return Err(Error::Setting {
            name: "bins",
            value: 0.0,
            expected: "at least 1",
        });
    }
    // Rounding of a softmax may leave 1 + 1e-7.
    if let Some(row) = confidences
        .iter()
        .position(|c| !(0.0..=1.0 + 1e-5).contains(c))
    {
        return Err(Error::NotADistribution {
            row,
            sum: confidences[row],
        });
    }
    let n = confidences.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| confidences[*a].total_cmp(&confidences[*b]));
    let bin_of = |rank: usize, confidence: f64| match binning {
        Binning::EqualWidth => ((confidence * bins as f64).ceil() as usize).clamp(1, bins),
        Binning::EqualCount => 1 + rank * bins / n,
    };
    let mut sums = vec![(0_usize, 0.0, 0_usize); bins];
    for (rank, index) in order.iter().enumerate() {
        let confidence = confidences[*index];
        let (count, total, hits) = &mut sums[bin_of(rank, confidence) - 1];
        *count += 1;
        *total += confidence;
        *hits += usize::from(correct[*index]);
    }
    let held: Vec<Bin> = sums
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, total, hits)| Bin {
            count,
            confidence: total / count as f64,
            accuracy: hits as f64 / count as f64,
        })
        .collect();
    let gap = |b: &Bin| b.confidence - b.accuracy;
    let share = |b: &Bin| b.count as f64 / n as f64;
    Ok(Calibration {
        expected_error: held.iter().map(|b| share(b) * gap(b).abs()).sum(),
        maximum_error: held.iter().map(|b| gap(b).abs()).fold(0.0, f64::max),
        overconfidence: held.iter().map(|b| share(b) * gap(b)).sum(),
        bins: held,
    })
}

/// What a row of class probabilities predicts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The most probable class, the first of equals.
    pub class: usize,
    /// Its probability.
    pub confidence: f64,
}

/// Reads predictions from probabilities.
///
/// # Shapes
///
/// `probabilities`: `images x classes`, row-major.
///
/// # Errors
///
/// A length that is no multiple of `classes`; a row with a negative or
/// non-finite value or a sum that is not 1 to 1e-3, naming the row.
pub fn from_probabilities(probabilities: &[f32], classes: usize) -> Result<Vec<Prediction>> {
    rows(probabilities, classes)?
        .enumerate()
        .map(|(row, values)| {
            let sum: f64 = values.iter().map(|v| f64::from(*v)).sum();
            let valid = values.iter().all(|v| *v >= 0.0) && (sum - 1.0).abs() <= 1e-3;
            if !valid {
                return Err(Error::NotADistribution { row, sum });
            }
            Ok(best(values.iter().map(|v| f64::from(*v))))
        })
        .collect()
}

/// Reads predictions from logits, through a softmax.
///
/// # Shapes
///
/// `logits`: `images x classes`, row-major.
///
/// # Errors
///
/// A length that is no multiple of `classes`; a logit that is not finite.
pub fn from_logits(logits: &[f32], classes: usize) -> Result<Vec<Prediction>> {
    rows(logits, classes)?
        .enumerate()
        .map(|(row, values)| {
            if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
                return Err(Error::NotFinite {
                    what: "logits".to_owned(),
                    row,
                    value: f64::from(*bad),
                });
            }
            let top = values.iter().fold(f32::MIN, |m, v| m.max(*v));
            let exps = values
                .iter()
                .map(|v| (f64::from(*v) - f64::from(top)).exp());
            let sum: f64 = exps.clone().sum();
            Ok(best(exps.map(|e| e / sum)))
        })
        .collect()
}

fn rows(values: &[f32], classes: usize) -> Result<std::slice::ChunksExact<'_, f32>> {
    if classes == 0 || !values.len().is_multiple_of(classes) {
        return Err(Error::Length {
            what: format!("rows of {classes} classes"),
            expected: values.len().next_multiple_of(classes.max(1)),
            found: values.len(),
        });
    }
    Ok(values.chunks_exact(classes))
}

fn best(values: impl Iterator<Item = f64>) -> Prediction {
    let first = Prediction {
        class: 0,
        confidence: f64::MIN,
    };
    values.enumerate().fold(first, |best, (class, confidence)| {
        if confidence > best.confidence {
            Prediction { class, confidence }
        } else {
            best
        }
    })
}

#[cfg(test)]
mod tests;
