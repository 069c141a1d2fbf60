//! Robustness relative to a baseline model. Invariant: a score of exactly 1 is
//! "as robust as the baseline", higher is better, and the overall score is the
//! plain mean of the scores per corruption.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, Means};
use crate::corruptions::{Group, Grouping, Selection};
use crate::grid::AccuracyGrid;
use crate::power::Detectable;
use crate::summary::{BootstrapSummary, Interval};
use crate::{Error, Result};

mod counting;
mod increment;
mod layout;
mod runs;

pub use increment::{Increment, increment};
use layout::Layout;
pub(crate) use layout::Layout as Statistics;
pub use runs::{RunReference, RunScore, run_scores};

/// How severities are pooled into the score of one corruption (`analyses.md` 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Sum of accuracies over severities divided by the baseline's sum: the
    /// accuracy analogue of Hendrycks' corruption error. Stays stable where the
    /// baseline is close to chance.
    #[default]
    RatioOfSums,
    /// Mean over severities of the accuracy ratio.
    MeanOfRatios,
}

impl Pooling {
    /// The score of one corruption from accuracies over severities; not finite
    /// if the baseline's are zero.
    pub fn score(self, model: &[f64], baseline: &[f64]) -> f64 {
        match self {
            Self::RatioOfSums => model.iter().sum::<f64>() / baseline.iter().sum::<f64>(),
            Self::MeanOfRatios => {
                let ratios = model.iter().zip(baseline).map(|(m, b)| m / b);
                ratios.sum::<f64>() / model.len() as f64
            }
        }
    }
}

/// What to score against what, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreConfig {
    /// The model that scores 1.
    pub baseline: String,
    /// How severities are pooled.
    pub pooling: Pooling,
    /// How corruptions are grouped.
    pub grouping: Grouping,
    /// Which corruptions enter the overall score.
    pub overall: Selection,
    /// The bootstrap over seeds.
    pub bootstrap: Bootstrap,
}

impl Default for ScoreConfig {
    /// The study's: relative to `baseline`, ratio of sums, 14 corruptions.
    fn default() -> Self {
        Self {
            baseline: "baseline".to_owned(),
            pooling: Pooling::default(),
            grouping: Grouping::default(),
            overall: Selection::default(),
            bootstrap: Bootstrap::default(),
        }
    }
}

/// What is known about the spread over training seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedUncertainty {
    /// From a bootstrap over seeds.
    Bootstrap(BootstrapSummary),
    /// There is no such bootstrap with fewer than two seeds on each side: the
    /// spread over seeds is unknown, not zero.
    TooFewSeeds {
        /// Seeds of the model (of a difference: of the model with fewer).
        model: usize,
        /// Seeds of the baseline.
        baseline: usize,
    },
    /// The baseline relative to itself.
    ByDefinition,
}

impl SeedUncertainty {
    /// The bootstrap summary, if there is one.
    pub fn bootstrap(&self) -> Option<&BootstrapSummary> {
        match self {
            Self::Bootstrap(summary) => Some(summary),
            Self::TooFewSeeds { .. } | Self::ByDefinition => None,
        }
    }
}

/// A number and what is known about its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The score with all seeds averaged, or a difference of two scores.
    pub value: f64,
    /// Spread over training seeds.
    pub seeds: SeedUncertainty,
    /// Error from the finite number of test images, for these very networks:
    /// binomial counting error by the delta method. It takes the test sets as
    /// independent, since counts do not say which images were missed; with
    /// outcomes per image use [`bootstrap_images`](crate::images::bootstrap_images).
    pub images: Interval,
    /// The smallest true difference that the seeds could have shown: of a score to the
    /// baseline's, of a difference to none. `None` with one seed on either side, and of
    /// the baseline relative to itself.
    pub detectable: Option<Detectable>,
}

/// The score of one corruption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorruptionScore {
    /// The corruption.
    pub corruption: String,
    /// Its score.
    pub estimate: Estimate,
}

/// The score of a group of corruptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// The group.
    pub group: Group,
    /// Its members that the grid holds.
    pub members: Vec<String>,
    /// The mean of their scores, bootstrapped directly.
    pub estimate: Estimate,
    /// Root mean square of the members' standard errors: how the study drew its
    /// group bars. Not the error of the mean; for comparison only.
    pub rms_error: Option<f64>,
}

/// One model's robustness relative to the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessScore {
    /// The model.
    pub model: String,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// Per corruption, in the grid's order.
    pub corruptions: Vec<CorruptionScore>,
    /// Per group, without groups that the grid has no member of.
    pub groups: Vec<GroupScore>,
    /// The mean over the selected corruptions.
    pub overall: Estimate,
}

/// How far one model's scores lie above another's, drawn jointly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The model.
    pub model: String,
    /// The model subtracted.
    pub minus: String,
    /// Per corruption.
    pub corruptions: Vec<CorruptionScore>,
    /// Per group.
    pub groups: Vec<GroupScore>,
    /// Of the overall scores.
    pub overall: Estimate,
}

/// The scores of all models of a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// How they were computed.
    pub config: ScoreConfig,
    /// The corruptions that entered the overall score.
    pub selected: Vec<String>,
    /// One per model, in the grid's order; the baseline is among them.
    pub scores: Vec<RobustnessScore>,
    /// One per pair of models other than the baseline.
    pub differences: Vec<Difference>,
}

impl Robustness {
    /// The score of a model.
    pub fn score(&self, model: &str) -> Option<&RobustnessScore> {
        self.scores.iter().find(|s| s.model == model)
    }

    /// The difference `model - minus`, if it was computed in this order.
    pub fn difference(&self, model: &str, minus: &str) -> Option<&Difference> {
        self.differences
            .iter()
            .find(|d| d.model == model && d.minus == minus)
    }
}

/// Scores all models of a grid relative to a baseline, with errors over seeds
/// and images, and all pairwise differences.
///
/// `RS_c(m) = sum_s A(m,c,s) / sum_s A(base,c,s)` with accuracies averaged over
/// seeds, `RS(m)` its mean over corruptions (`analyses.md` 1.4, 1.5).
///
/// # Errors
///
/// A baseline or a selected corruption that is not in the grid; a baseline
/// accuracy of zero; bootstrap settings out of range; seeds that cannot be paired.
pub fn robustness(grid: &AccuracyGrid, config: &ScoreConfig) -> Result<Robustness> {
    config.bootstrap.check()?;
    let layout = Layout::new(grid, config)?;
    let point = layout.statistics(&Means::of(grid));
    layout.check_finite(&point)?;
    let most = grid.all_runs().iter().map(Vec::len).max().unwrap_or(0);
    // Without a second seed anywhere there is nothing to draw.
    let replicates = if most > 1 {
        let statistics = |m: &Means| Ok(layout.statistics(m));
        config.bootstrap.replicates(grid, statistics)?
    } else {
        vec![Vec::new(); point.len()]
    };
    let variances = layout.counting_variances();
    let runs = layout.of_runs(&Means::of(grid))?;
    let models: Vec<usize> = (0..grid.models().len()).collect();
    let scores = models
        .iter()
        .map(|m| layout.score(*m, &point, &replicates, &variances, &runs))
        .collect();
    let others: Vec<usize> = models
        .into_iter()
        .filter(|m| *m != layout.baseline)
        .collect();
    let mut differences = Vec::new();
    for (i, model) in others.iter().enumerate() {
        for minus in &others[i + 1..] {
            differences.push(layout.difference(*model, *minus, &point, &replicates, &runs));
        }
    }
    Ok(Robustness {
        config: config.clone(),
        selected: layout.selected(),
        scores,
        differences,
    })
}

/// The mean of scores over a selection of corruptions: how overall and group
/// scores follow from scores per corruption.
///
/// # Errors
///
/// If a selected corruption has no score.
pub fn aggregate(scores: &[(String, f64)], selection: &[&str]) -> Result<f64> {
    let mut sum = 0.0;
    for name in selection {
        let found = scores.iter().find(|(n, _)| n == name);
        let (_, score) = found.ok_or_else(|| Error::Unknown {
            kind: "corruption",
            name: (*name).to_owned(),
            known: crate::grid::list(scores.iter().map(|(n, _)| n)),
        })?;
        sum += score;
    }
    if selection.is_empty() {
        return Err(Error::Empty { what: "corruption" });
    }
    Ok(sum / selection.len() as f64)
}

#[cfg(test)]
mod tests;
