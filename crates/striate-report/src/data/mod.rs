//! What a report is made of: plain data that the pipeline fills.
//!
//! Invariant: nothing here computes or draws; each analysis that was not run is
//! `None`, and the page then says so (with the reason in
//! [`ReportData::not_run`], if there is one).

mod analyses;
mod attacks;
mod base64;
mod estimate;
mod names;
mod picture;
mod published;
mod regression;
mod robustness;
#[cfg(test)]
mod tests;
mod training;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use analyses::{
    AgreementRow, CrossRow, LineFit, MeasureRow, Neural, NeuralPoint, NeuralRow, PairedRow,
    Reconstruction, Rsa, RsaMatrix, Saliency, SaliencyRow, Similarity, SpectrumRow,
};
pub use attacks::{AttackRow, Attacks};
pub use estimate::{Estimate, Uncertainty};
pub use names::{model_label, pretty, sort_models};
pub use picture::{Picture, PictureGrid, Shading, png_bytes, png_data_uri};
pub use published::{PublishedValue, Standing};
pub use regression::{RegressionFit, RegressionTerm, Regressions};
pub use robustness::{
    AccuracyGrid, AccuracyRow, Detectable, DifferenceRow, FrequencyRow, FrequencySplit, Level,
    PublishedScore, ScoreRow, Scores,
};
pub use training::{EpochRow, ModelInfo, Training, TrainingCurve};

use crate::Table;

/// Everything a report shows. Fill what there is; the rest stays at its default.
///
/// Models are named `baseline`, `mtl_monkey`, `mtl_shuffled`, `oracle` and
/// `mtl_oracle` everywhere; other names get colours of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportData {
    /// Title of the page.
    pub title: String,
    /// Name of the recipe that was run.
    pub recipe: String,
    /// What was run, as pairs of name and value: recipe, hashes, machine, time,
    /// threads, code revision, date. Shown in this order.
    pub protocol: Vec<(String, String)>,
    /// What is simulated or made up, one sentence each.
    pub simulated: Vec<String>,
    /// How the run differs from the paper, one sentence each.
    pub differences: Vec<String>,
    /// Other remarks (a run that was cut short, a device that was not there).
    pub notes: Vec<String>,
    /// Findings beside those that the page derives from the numbers itself.
    pub findings: Vec<Finding>,
    /// Where the error bars come from, or why there are none.
    pub uncertainty: Uncertainty,
    /// The models, in the order in which they are shown.
    pub models: Vec<ModelInfo>,
    /// Example images and their corruptions.
    pub examples: Option<Vec<PictureGrid>>,
    /// Training curves.
    pub training: Option<Training>,
    /// Accuracy per model, seed, corruption and severity.
    pub accuracy: Option<AccuracyGrid>,
    /// Robustness relative to Baseline.
    pub scores: Option<Scores>,
    /// The paper's values beside this run's, scores among them.
    pub published: Vec<PublishedValue>,
    /// Accuracy under adversarial attacks.
    pub attacks: Option<Attacks>,
    /// Prediction of neural responses.
    pub neural: Option<Neural>,
    /// Representational similarity.
    pub rsa: Option<Rsa>,
    /// Reconstruction under a contrast budget.
    pub reconstruction: Option<Reconstruction>,
    /// Sensitivity maps against saliency maps.
    pub saliency: Option<Saliency>,
    /// Why an analysis was not run, by section: `examples`, `training`,
    /// `accuracy`, `robustness`, `attacks`, `neural`, `rsa`, `reconstruction`, `saliency`.
    pub not_run: BTreeMap<String, String>,
    /// The sections that the page has, by the names of [`ReportData::not_run`];
    /// empty for the whole study. A page of one analysis lists only its own, and
    /// says nothing of the paper's claims and of training.
    pub sections: Vec<String>,
    /// Further tables to write beside the report's own.
    #[serde(skip)]
    pub tables: Vec<Table>,
}

/// What the numbers say about one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval is on the claim's side.
    Supported,
    /// The interval is on the other side.
    Contradicted,
    /// The interval covers both sides, or there is no interval.
    Undecided,
    /// A statement without a claim to test.
    Noted,
}

/// One sentence of the summary with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What the numbers say.
    pub verdict: Verdict,
    /// The claim, as a statement.
    pub claim: String,
    /// The numbers behind the verdict.
    pub evidence: String,
}
