//! Classification of reconstructions by networks, their own or others (metric 5).

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::dot;
use crate::objective::features;
use crate::{Budget, Error, Network, Reconstruction, Result};

/// A reconstruction as a network classified it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// The class of the largest logit, the first of equals.
    pub predicted: u32,
    /// Whether that is the image's class.
    pub correct: bool,
    /// All logits.
    pub logits: Vec<f32>,
    /// L2 norm of the image after rescaling.
    pub norm: f64,
}

/// How well one network classifies what was reconstructed from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossAccuracy {
    /// The network whose features were reconstructed.
    pub reconstructed_from: String,
    /// The network that classified.
    pub classified_by: String,
    /// The budget.
    pub budget: Budget,
    /// Reconstructions classified as the original's class.
    pub correct: usize,
    /// All reconstructions at this budget.
    pub count: usize,
}

impl CrossAccuracy {
    /// Part of the reconstructions that were classified correctly, `0..=1`.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }
}

/// The pixels of a reconstruction scaled up to the norm of its original; those
/// at or above it, and the zero image, stay as they are.
pub fn rescaled(reconstruction: &Reconstruction) -> Vec<f32> {
    scaled_up(
        &reconstruction.pixels,
        reconstruction.norm,
        reconstruction.original_norm,
    )
}

/// As [`rescaled`], of pixels alone and the image that they were reconstructed from.
pub fn rescaled_to(pixels: &[f32], original: &[f32]) -> Vec<f32> {
    scaled_up(
        pixels,
        dot(pixels, pixels).sqrt(),
        dot(original, original).sqrt(),
    )
}

fn scaled_up(pixels: &[f32], norm: f64, original_norm: f64) -> Vec<f32> {
    if norm == 0.0 || norm >= original_norm {
        return pixels.to_vec();
    }
    let factor = original_norm / norm;
    let scaled = pixels.iter().map(|v| (f64::from(*v) * factor) as f32);
    scaled.collect()
}

/// Classifies reconstructions after [rescaling](rescaled), in batches of 64.
///
/// `logits` is a network from images to logits `[batch, classes]`; `labels`
/// gives the class of each image id.
///
/// # Errors
///
/// If an id has no label, the shapes differ, or the network fails.
pub fn classify(
    logits: &Network<'_>,
    reconstructions: &[Reconstruction],
    labels: &BTreeMap<u64, u32>,
    device: &Device,
) -> Result<Vec<Labelled>> {
    let mut results = Vec::with_capacity(reconstructions.len());
    for batch in reconstructions.chunks(64) {
        let [height, width, channels] = batch[0].shape;
        let images: Vec<Vec<f32>> = batch.iter().map(rescaled).collect();
        let pixels = images.concat();
        if pixels.len() != batch.len() * height * width * channels {
            return Err(Error::Length {
                what: "pixels of the reconstructions",
                expected: batch.len() * height * width * channels,
                found: pixels.len(),
            });
        }
        let x = Tensor::from_vec(pixels, (batch.len(), height, width, channels), device)?;
        let rows = features(logits, &x)?
            .to_dtype(DType::F32)?
            .to_vec2::<f32>()?;
        for ((reconstruction, pixels), logits) in batch.iter().zip(&images).zip(rows) {
            let label = *labels
                .get(&reconstruction.id)
                .ok_or_else(|| Error::Setting {
                    name: "labels",
                    expected: "a class for each image id",
                    found: format!("none for {}", reconstruction.id),
                })?;
            let predicted = first_maximum(&logits);
            let squares: f64 = pixels.iter().map(|v| f64::from(*v).powi(2)).sum();
            results.push(Labelled {
                predicted,
                correct: predicted == label,
                logits,
                norm: squares.sqrt(),
            });
        }
    }
    Ok(results)
}

/// The accuracy of every network on the reconstructions from every network, at
/// each budget in the order of its first appearance.
///
/// # Errors
///
/// As [`classify`].
pub fn cross_classify(
    reconstructions: &[(&str, &[Reconstruction])],
    classifiers: &[(&str, &Network<'_>)],
    labels: &BTreeMap<u64, u32>,
    device: &Device,
) -> Result<Vec<CrossAccuracy>> {
    let mut cells: Vec<CrossAccuracy> = Vec::new();
    for (from, found) in reconstructions {
        for (by, network) in classifiers {
            let start = cells.len();
            for (one, labelled) in found.iter().zip(classify(network, found, labels, device)?) {
                let known = cells[start..].iter().position(|c| c.budget == one.budget);
                let index = known.map_or(cells.len(), |position| start + position);
                if index == cells.len() {
                    cells.push(CrossAccuracy {
                        reconstructed_from: (*from).into(),
                        classified_by: (*by).into(),
                        budget: one.budget,
                        correct: 0,
                        count: 0,
                    });
                }
                cells[index].correct += usize::from(labelled.correct);
                cells[index].count += 1;
            }
        }
    }
    Ok(cells)
}

fn first_maximum(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best as u32
}
