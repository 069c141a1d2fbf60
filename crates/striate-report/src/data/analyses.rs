//! Neural prediction, representational similarity, reconstruction, saliency.
//!
//! Invariant: correlations are in -1..=1, budgets are fractions of the original
//! image's norm, matrices are row by row.

use serde::{Deserialize, Serialize};

use super::{Estimate, PictureGrid};

/// How well responses are predicted, and whether that goes with robustness.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Neural {
    /// One row per model, seed and target.
    pub rows: Vec<NeuralRow>,
    /// Correlation that a perfect model would reach on the recordings.
    pub ceiling: Option<Estimate>,
    /// How the ceiling was computed.
    pub ceiling_note: String,
    /// One point per model and seed (and batch ratio).
    pub points: Vec<NeuralPoint>,
    /// What is on the x axis of the scatter, for example `correlation with the
    /// V1 model's predictions`.
    pub points_target: String,
    /// Noise ceiling of what is on the x axis; leave it out for noise-free targets.
    pub points_ceiling: Option<f64>,
    /// Line through the points; without one, [`LineFit::least_squares`] is drawn.
    pub fit: Option<LineFit>,
    /// The published line in the same units, if wanted.
    pub published_fit: Option<LineFit>,
}

/// Prediction of one target by one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NeuralRow {
    /// Model; `v1` for the single-task model of the recordings.
    pub model: String,
    /// Seed.
    pub seed: u64,
    /// What was predicted: `recordings`, `v1 predictions`, `oracle predictions`. The
    /// noise ceiling is drawn where the name has `recordings` in it.
    pub target: String,
    /// Mean over neurons of the correlation over test images.
    pub correlation: f64,
    /// Correlation divided by the ceiling, mean over neurons.
    pub fraction_of_ceiling: Option<f64>,
    /// Fraction of explainable variance explained.
    pub feve: Option<f64>,
    /// Neurons in the mean.
    pub neurons: u64,
}

/// One network in the scatter of neural prediction and robustness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeuralPoint {
    /// Model.
    pub model: String,
    /// Seed, or what else tells it apart (`seed 1, ratio -3`).
    pub label: String,
    /// Correlation with the target.
    pub correlation: Estimate,
    /// Overall robustness score, 1 = Baseline.
    pub robustness: Estimate,
}

/// A straight line `y = intercept + slope x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineFit {
    /// y at x = 0.
    pub intercept: f64,
    /// Change of y per unit of x.
    pub slope: f64,
    /// What it is and what it is worth, for example `least squares, r = 0.42, n = 15`.
    pub note: String,
}

impl LineFit {
    /// The least-squares line of robustness on correlation, all points weighing the
    /// same; the note gives r and n. `None` with fewer than three points or
    /// without spread along x.
    pub fn least_squares(points: &[NeuralPoint]) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = points
            .iter()
            .map(|p| (p.correlation.value, p.robustness.value))
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect();
        if pairs.len() < 3 {
            return None;
        }
        let n = pairs.len() as f64;
        let x_mean = pairs.iter().map(|p| p.0).sum::<f64>() / n;
        let y_mean = pairs.iter().map(|p| p.1).sum::<f64>() / n;
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            pairs.iter().map(|(x, y)| f(x - x_mean, y - y_mean)).sum()
        };
        let (xx, yy, xy) = (sum(&|x, _| x * x), sum(&|_, y| y * y), sum(&|x, y| x * y));
        if xx <= 1e-18 * n {
            return None;
        }
        let slope = xy / xx;
        let r = if yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 };
        Some(Self {
            intercept: y_mean - slope * x_mean,
            slope,
            note: format!(
                "least squares, r = {r:.2}, n = {}; networks that share a seed or a recipe are \
                 not independent, so no p value is given",
                pairs.len()
            ),
        })
    }
}

/// Representational similarity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rsa {
    /// The matrices to show.
    pub matrices: Vec<RsaMatrix>,
    /// Agreement of each model with V1, and of clean with corrupted.
    pub agreement: Vec<AgreementRow>,
    /// Agreement of every layer with V1 (`v1`, the responses, or `v1 model`, what the V1
    /// model predicts), in the order of the layers. The first comparator is drawn.
    pub layers: Vec<AgreementRow>,
    /// The last shared layer, marked among the layers; may be empty.
    pub split: String,
    /// What V1's responses are: `simulated responses`, `recorded responses`.
    pub responses: String,
    /// What the bars of the layers are, and which layers are left out.
    pub layers_note: String,
    /// Lower and upper noise ceiling of the agreement with V1.
    pub ceiling: Option<(f64, f64)>,
    /// Similarity of all matrices with each other.
    pub similarity: Option<Similarity>,
    /// What the matrices are: `correlation distance of the shared layers` ...
    pub dissimilarity: String,
    /// In which order the images stand, for example `by photograph`.
    pub order: String,
    /// Number of images.
    pub images: usize,
}

/// One dissimilarity matrix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RsaMatrix {
    /// Model, or `v1` for the recordings.
    pub model: String,
    /// Short caption, for example `MTL-Monkey, conv3_1`.
    pub caption: String,
    /// Rows and columns.
    pub size: usize,
    /// `size x size` dissimilarities.
    pub values: Vec<f32>,
}

/// Agreement of two matrices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgreementRow {
    /// Model.
    pub model: String,
    /// Layer.
    pub layer: String,
    /// Images shown: `clean`, or a corruption.
    pub condition: String,
    /// Compared with: `v1`, `clean`.
    pub reference: String,
    /// `pearson`, `spearman`, `kendall tau-a`, ...
    pub comparator: String,
    /// The agreement, -1 to 1.
    pub value: Estimate,
}

/// A square table of agreements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Similarity {
    /// Names of rows and columns.
    pub names: Vec<String>,
    /// `n x n` agreements, -1 to 1.
    pub values: Vec<f64>,
    /// The comparator.
    pub comparator: String,
}

/// Reconstruction under a contrast budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reconstruction {
    /// Grids: one per image, with models in rows and budgets in columns.
    pub grids: Vec<PictureGrid>,
    /// Layer whose features were matched.
    pub layer: String,
    /// Number of images behind the numbers.
    pub images: usize,
    /// What was measured on reconstructions, at each budget.
    pub measures: Vec<MeasureRow>,
    /// Where in the spectrum the contrast went.
    pub spectrum: Vec<SpectrumRow>,
    /// Which network recognises what was reconstructed from which.
    pub cross: Vec<CrossRow>,
    /// Differences from Baseline, paired over images and seeds.
    pub differences: Vec<PairedRow>,
    /// What else to know (corruption used, steps, mode).
    pub note: String,
}

/// A measure of one model at one budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureRow {
    /// Model.
    pub model: String,
    /// Fraction of the original's norm, 0 to 1.
    pub budget: f64,
    /// `feature_error` (mean squared error over variance), `content` and `noise`
    /// (coefficients of `xr = a x0 + b n + e`, analyses.md 3.5), `content_share`
    /// (`|a| / (|a| + |b|)`), `ssim`, `psnr_db`, `accuracy`, ...
    pub measure: String,
    /// The measure.
    pub value: Estimate,
}

/// Power of reconstructions over that of their originals, in one ring of frequencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumRow {
    /// Model.
    pub model: String,
    /// Fraction of the original's norm, 0 to 1.
    pub budget: f64,
    /// Centre of the ring.
    pub cycles_per_pixel: f64,
    /// The ratio in dB, mean over images; 0 is the original's power.
    pub ratio_db: Estimate,
}

/// How often one network recognises what was reconstructed from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossRow {
    /// The model whose features were reconstructed.
    pub reconstructed_from: String,
    /// The model that classified.
    pub classified_by: String,
    /// The images reconstructed: `clean`, or a corruption.
    pub condition: String,
    /// Fraction of the original's norm, 0 to 1.
    pub budget: f64,
    /// 0 to 1.
    pub accuracy: Estimate,
}

/// A difference from Baseline over the same images and seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedRow {
    /// Model.
    pub model: String,
    /// Under what circumstances, for example `budget 20 %`.
    pub circumstance: String,
    /// What was measured.
    pub measure: String,
    /// The difference; its interval is of a bootstrap over seeds and images.
    pub difference: Estimate,
    /// Two-sided, of a signed-rank test over images; `None` if no image differs.
    pub p: Option<f64>,
}

/// Sensitivity maps against saliency maps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saliency {
    /// Images in rows; image, saliency map and sensitivity maps in columns.
    pub grids: Vec<PictureGrid>,
    /// The saliency map whose every metric is drawn, for example `spectral residual`.
    pub reference: String,
    /// The sensitivity map of which that is done.
    pub sensitivity: String,
    /// What else to know.
    pub note: String,
    /// Number of images behind the numbers.
    pub images: usize,
    /// Agreement of both.
    pub rows: Vec<SaliencyRow>,
    /// Differences from Baseline, paired over images and seeds.
    pub differences: Vec<PairedRow>,
}

/// Agreement of one model's sensitivity with saliency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaliencyRow {
    /// Model.
    pub model: String,
    /// How sensitivity was measured.
    pub sensitivity: String,
    /// The saliency model.
    pub reference: String,
    /// `CC`, `SIM`, `KL`, `AUC`, `NSS`, `partial CC`, ...
    pub metric: String,
    /// Agreement with the image's own saliency map.
    pub value: Estimate,
    /// Agreement with the map of another image (the control).
    pub shuffled: Option<Estimate>,
    /// Split-half reliability of the sensitivity map.
    pub reliability: Option<f64>,
}
