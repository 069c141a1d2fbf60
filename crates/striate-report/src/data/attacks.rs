//! Accuracy under adversarial attacks.
//!
//! Invariant: accuracies are fractions in 0..=1; sizes of perturbations are in units of
//! the range of gray, so 1/255 is one level.

use serde::{Deserialize, Serialize};

/// Accuracies under attack in long form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attacks {
    /// One row per model, seed, attack and epsilon.
    pub rows: Vec<AttackRow>,
    /// How the attacks were set: steps, restarts, number of images.
    pub note: String,
}

/// Accuracy of one model and seed under one attack at one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttackRow {
    /// Model.
    pub model: String,
    /// Seed.
    pub seed: u64,
    /// `fgsm-linf`, `pgd-l2`, ...; `-linf` attacks are measured in the maximum norm, all
    /// others in the L2 norm.
    pub attack: String,
    /// The size of the perturbation; 0 for the images as they are.
    pub epsilon: f64,
    /// Fraction of images classified correctly, 0 to 1.
    pub accuracy: f64,
    /// Number of images.
    pub images: u64,
    /// Median size of the smallest perturbation found, for attacks that search it.
    pub median_distance: Option<f64>,
    /// Share of the attacked images that had no gradient somewhere, for attacks that
    /// need one.
    pub zero_gradients: Option<f64>,
    /// Hash of model, weights, data and settings.
    pub protocol: String,
}

impl AttackRow {
    /// Whether sizes are those of the largest change of a pixel.
    pub fn is_linf(&self) -> bool {
        self.attack.ends_with("-linf")
    }
}
