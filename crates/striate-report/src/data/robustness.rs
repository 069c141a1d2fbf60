//! Accuracy on corrupted images and scores relative to Baseline.
//!
//! Invariant: accuracies are fractions in 0..=1, scores are ratios with Baseline
//! = 1; percent appears only in figures and text.

use serde::{Deserialize, Serialize};

use super::{Estimate, Regressions};

/// Accuracies in long form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccuracyGrid {
    /// One row per model, seed, corruption and severity; clean images are the
    /// corruption `clean` with severity 0.
    pub rows: Vec<AccuracyRow>,
    /// Accuracy by guessing, 0 to 1.
    pub chance: Option<f64>,
    /// Corruption table that was used, for example `imagecorruptions`.
    pub corruption_table: String,
}

/// Accuracy of one model and seed on one test set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccuracyRow {
    /// Model.
    pub model: String,
    /// Seed.
    pub seed: u64,
    /// Corruption, as `gaussian_noise`; `clean` for none.
    pub corruption: String,
    /// 1 to 5; 0 for clean images.
    pub severity: u8,
    /// Fraction of images classified correctly, 0 to 1.
    pub accuracy: f64,
    /// Number of images.
    pub images: u64,
    /// Hash of model, weights, data, preprocessing and corruption table.
    pub protocol: String,
}

/// What a score is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Mean over all corruptions; its name is `overall`.
    Overall,
    /// Mean over a group: `noise`, `blur`, `weather`, `digital`.
    Group,
    /// One corruption.
    Corruption,
}

impl Level {
    /// `overall`, `group` or `corruption`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overall => "overall",
            Self::Group => "group",
            Self::Corruption => "corruption",
        }
    }
}

/// Robustness scores relative to Baseline (analyses.md 1.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scores {
    /// One row per model and overall, group or corruption.
    pub rows: Vec<ScoreRow>,
    /// Joint differences between two models (same draw of Baseline).
    pub differences: Vec<DifferenceRow>,
    /// Regressions of the scores of networks on their likeness to the brain.
    pub regressions: Option<Regressions>,
    /// The same scores by the spatial frequency of the corruptions.
    pub frequency: Option<FrequencySplit>,
    /// How severities are pooled: `ratio of sums` or `mean of ratios`.
    pub pooling: String,
    /// Corruptions in the overall score, for example `14 (without glass blur)`.
    pub corruptions: String,
    /// Published values to show beside.
    pub published: Vec<PublishedScore>,
    /// Where the published values come from.
    pub published_source: String,
}

/// Scores by the spatial frequency that the corruptions change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FrequencySplit {
    /// Corruptions of low frequency.
    pub low: Vec<String>,
    /// Corruptions of high frequency.
    pub high: Vec<String>,
    /// One row per model but Baseline.
    pub rows: Vec<FrequencyRow>,
}

/// One model's scores by frequency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrequencyRow {
    /// Model.
    pub model: String,
    /// Mean score over the corruptions of low frequency, 1 = Baseline.
    pub low: f64,
    /// Over those of high frequency.
    pub high: f64,
    /// `high - low`.
    pub difference: Estimate,
    /// Spearman correlation over corruptions of frequency and score.
    pub correlation: Option<f64>,
}

/// One score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// Model.
    pub model: String,
    /// Overall, group or corruption.
    pub level: Level,
    /// Which one: `overall`, `noise`, `gaussian_noise`.
    pub name: String,
    /// Accuracy relative to Baseline, 1 = Baseline.
    pub score: Estimate,
}

/// The difference of two models' scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// Model.
    pub model: String,
    /// The model that is subtracted.
    pub reference: String,
    /// Overall, group or corruption.
    pub level: Level,
    /// Which one.
    pub name: String,
    /// `score(model) - score(reference)`.
    pub difference: Estimate,
    /// What the seeds could have shown; `None` with one seed.
    pub detectable: Option<Detectable>,
}

/// The smallest true difference that the seeds could have shown, at level 0.05 and with
/// a power of 0.8, in the unit of the scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detectable {
    /// Seeds of each model.
    pub seeds: u64,
    /// Seeds taken as unrelated.
    pub unpaired: f64,
    /// Compared seed by seed, where both models have the same.
    pub paired: Option<f64>,
}

/// A score from the literature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedScore {
    /// Model.
    pub model: String,
    /// Overall, group or corruption.
    pub level: Level,
    /// Which one.
    pub name: String,
    /// Accuracy relative to Baseline, 1 = Baseline.
    pub score: f64,
    /// Its standard error.
    pub error: Option<f64>,
}
