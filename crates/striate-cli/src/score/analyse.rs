//! From checked predictions to all scores. Invariant: pure, and the same for
//! any number of threads; an analysis that the input does not allow becomes a
//! note that says what is missing.

use serde::Serialize;
use striate_robustness::calibration::{Binning, calibration};
use striate_robustness::corruptions::{CLEAN, COMMON, EXTRA, STUDY};
use striate_robustness::frequency::{FrequencySplit, frequency_split};
use striate_robustness::images::{
    self, AccuracyBootstrap, ImageBootstrap, Level, Outcomes, bootstrap_accuracy, bootstrap_images,
};
use striate_robustness::power::{Design, LEVEL, POWER, minimal_detectable_effect};
use striate_robustness::{
    self as rob, AccuracyGrid, Bootstrap, CorruptionErrors, Counts, Grouping, Normaliser, Pooling,
    Robustness, RunReference, ScoreConfig, Selection, corruption_errors, mean_sd, robustness,
    run_scores, wilson,
};

use super::Arguments;
use super::collect::{Predictions, Tested};
use crate::input::{Error, Result};

/// Bins of the calibration error; customary since Guo et al. 2017.
const BINS: usize = 15;

/// Everything that `striate score` says.
#[derive(Debug, Serialize)]
pub(super) struct Analysis {
    /// Of this layout; it grows when a field changes its meaning.
    pub format: u32,
    /// The files.
    pub files: Vec<String>,
    /// Rows read.
    pub rows: usize,
    /// Images of each condition.
    pub images: usize,
    /// Number of classes, if known.
    pub classes: Option<usize>,
    /// The models with their seeds, in order of their first row.
    pub models: Vec<Model>,
    /// The corruptions tested.
    pub corruptions: Vec<String>,
    /// The severities tested.
    pub severities: Vec<u8>,
    /// The model that the others are relative to.
    pub baseline: Option<String>,
    /// The corruptions in overall numbers.
    pub overall: Vec<String>,
    /// Replicates of each bootstrap.
    pub replicates: usize,
    /// One row per model, seed, corruption and severity.
    pub accuracy: Vec<Accuracy>,
    /// Mean accuracies and their errors over images.
    pub mean_accuracy: AccuracyBootstrap,
    /// Mean corruption errors under each of their names.
    pub corruption_errors: Vec<CorruptionErrors>,
    /// Relative robustness for both poolings and all groupings.
    pub robustness: Vec<Robustness>,
    /// Overall relative robustness with errors over images, or over seeds and images.
    pub image_bootstrap: Vec<ImageBootstrap>,
    /// Relative robustness on corruptions of low and of high spatial frequency.
    pub frequency: Option<FrequencySplit>,
    /// What differences so few seeds can show.
    pub minimal_detectable_effects: Vec<Detectable>,
    /// What was not computed, and why.
    pub notes: Vec<String>,
    /// The grouping of figures.
    #[serde(skip)]
    pub grouping: Grouping,
}

/// One model.
#[derive(Debug, Serialize)]
pub(super) struct Model {
    pub name: String,
    pub seeds: Vec<u64>,
}

/// Accuracy of one run on one test set.
#[derive(Debug, Serialize)]
pub(super) struct Accuracy {
    pub model: String,
    pub seed: u64,
    pub corruption: String,
    pub severity: u8,
    pub correct: u64,
    pub images: u64,
    pub accuracy: f64,
    /// Wilson interval, 95 %.
    pub low: f64,
    pub high: f64,
    /// Expected calibration error, 15 bins of equal width.
    pub expected_calibration_error: Option<f64>,
    /// The largest distance of a bin.
    pub maximum_calibration_error: Option<f64>,
    /// Mean confidence minus accuracy.
    pub overconfidence: Option<f64>,
}

/// The smallest true difference of two models' overall scores that a t test over
/// their seeds finds with 80 % power at level 0.05.
#[derive(Debug, Serialize)]
pub(super) struct Detectable {
    pub model: String,
    pub seeds: usize,
    /// Standard deviation of the overall score over seeds.
    pub deviation: f64,
    /// In relative robustness, 1 = baseline; unpaired seeds.
    pub effect: f64,
}

pub(super) fn analyse(predictions: &Predictions, arguments: &Arguments) -> Result<Analysis> {
    let outcomes: Vec<Outcomes> = predictions
        .tested
        .iter()
        .map(|t| t.outcomes.clone())
        .collect();
    let grid = images::grid(&outcomes)?;
    let mut notes = Vec::new();
    let overall = selection(&grid, arguments, &mut notes);
    let bootstrap = Bootstrap {
        replicates: arguments.bootstrap,
        seed: arguments.seed,
        ..Bootstrap::default()
    };
    let baseline = baseline(&grid, arguments, &mut notes)?;
    let mut analysis = Analysis {
        format: 1,
        files: predictions.files.clone(),
        rows: predictions.rows,
        images: predictions.images,
        classes: predictions.classes,
        models: models(&grid)?,
        corruptions: grid.corruptions().to_vec(),
        severities: grid.severities().to_vec(),
        overall: match &overall {
            Selection::Study => STUDY.map(String::from).to_vec(),
            Selection::Common => COMMON.map(String::from).to_vec(),
            _ => grid.corruptions().to_vec(),
        },
        replicates: arguments.bootstrap,
        accuracy: accuracy(&predictions.tested)?,
        mean_accuracy: bootstrap_accuracy(&outcomes, &overall, &bootstrap)?,
        corruption_errors: Vec::new(),
        robustness: Vec::new(),
        image_bootstrap: Vec::new(),
        frequency: None,
        minimal_detectable_effects: Vec::new(),
        notes: Vec::new(),
        grouping: arguments.groups.grouping(),
        baseline,
    };
    analysis.errors(&grid, &overall, &bootstrap, &mut notes)?;
    if let Some(baseline) = analysis.baseline.clone() {
        let config = ScoreConfig {
            baseline,
            overall,
            bootstrap,
            ..ScoreConfig::default()
        };
        analysis.relative(&grid, &outcomes, &config, &mut notes)?;
    }
    if analysis
        .accuracy
        .iter()
        .any(|a| a.expected_calibration_error.is_none())
    {
        notes.push(
            "No calibration error where rows have neither logits, probabilities nor a confidence."
                .to_owned(),
        );
    }
    analysis.notes = notes;
    Ok(analysis)
}

fn models(grid: &AccuracyGrid) -> Result<Vec<Model>> {
    let of = |name: &String| {
        let seeds = grid.runs(name)?.iter().map(|r| r.seed).collect();
        Ok(Model {
            name: name.clone(),
            seeds,
        })
    };
    grid.models().iter().map(of).collect()
}

/// As asked for; else the study's corruptions if they are all there, else all.
fn selection(grid: &AccuracyGrid, arguments: &Arguments, notes: &mut Vec<String>) -> Selection {
    if let Some(overall) = arguments.overall {
        return overall.selection();
    }
    if STUDY
        .iter()
        .all(|c| grid.corruptions().iter().any(|g| g == c))
    {
        return Selection::Study;
    }
    notes.push(format!(
        "Overall numbers are over the {} corruptions of the input, not over the study's 14.",
        grid.corruptions().len()
    ));
    Selection::All
}

fn baseline(
    grid: &AccuracyGrid,
    arguments: &Arguments,
    notes: &mut Vec<String>,
) -> Result<Option<String>> {
    let known = grid.models();
    if let Some(name) = &arguments.baseline {
        return if known.contains(name) {
            Ok(Some(name.clone()))
        } else {
            Err(Error::content(
                "--baseline",
                format!("one of the models {}", known.join(", ")),
                format!("`{name}`"),
            ))
        };
    }
    if known.len() == 1 {
        notes.push(
            "No relative robustness: there is one model, and none to compare it with.".to_owned(),
        );
        return Ok(None);
    }
    let usual = known.iter().find(|m| *m == "baseline").cloned();
    if usual.is_none() {
        notes.push(
            "No relative robustness: no model is called `baseline`; name one with --baseline."
                .to_owned(),
        );
    }
    Ok(usual)
}

fn accuracy(tested: &[Tested]) -> Result<Vec<Accuracy>> {
    let row = |tested: &Tested| {
        let outcomes = &tested.outcomes;
        let counts = Counts {
            correct: outcomes.correct.iter().filter(|c| **c).count() as u64,
            total: outcomes.correct.len() as u64,
        };
        let interval = wilson(counts, 0.95);
        let calibrated = match &tested.confidences {
            Some(confidences) => Some(calibration(
                confidences,
                &outcomes.correct,
                BINS,
                Binning::EqualWidth,
            )?),
            None => None,
        };
        let calibrated = calibrated.as_ref();
        Ok(Accuracy {
            model: outcomes.model.clone(),
            seed: outcomes.seed,
            corruption: outcomes.corruption.clone(),
            severity: outcomes.severity,
            correct: counts.correct,
            images: counts.total,
            accuracy: counts.accuracy(),
            low: interval.low,
            high: interval.high,
            expected_calibration_error: calibrated.map(|c| c.expected_error),
            maximum_calibration_error: calibrated.map(|c| c.maximum_error),
            overconfidence: calibrated.map(|c| c.overconfidence),
        })
    };
    tested.iter().map(row).collect()
}

impl Analysis {
    /// Mean corruption errors: plain, by AlexNet, by the baseline, relative to it.
    fn errors(
        &mut self,
        grid: &AccuracyGrid,
        overall: &Selection,
        bootstrap: &Bootstrap,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let mut normalisers = vec![Normaliser::Plain];
        let known = |c: &String| COMMON.iter().chain(&EXTRA).any(|k| k == c);
        if self.overall.iter().all(known) {
            normalisers.push(Normaliser::AlexNet);
        } else {
            notes.push(
                "No AlexNet-normalised mCE: it is defined for ImageNet-C's corruptions only."
                    .to_owned(),
            );
        }
        if self.severities != [1, 2, 3, 4, 5] {
            notes.push(format!(
                "Severities {:?} only: corruption errors by AlexNet's, and published scores, are over 1 to 5.",
                self.severities
            ));
        }
        if let Some(baseline) = &self.baseline {
            normalisers.push(Normaliser::Model(baseline.clone()));
            if grid.has_clean() {
                normalisers.push(Normaliser::RelativeToModel(baseline.clone()));
            } else {
                notes.push(format!(
                    "No relative mCE: no rows with the corruption `{CLEAN}`."
                ));
            }
        }
        for normaliser in normalisers {
            match corruption_errors(grid, &normaliser, overall, bootstrap) {
                Ok(errors) => self.corruption_errors.extend(errors),
                Err(error @ rob::Error::ZeroError { .. }) => {
                    notes.push(format!("No {}: {error}.", error_name(&normaliser)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn relative(
        &mut self,
        grid: &AccuracyGrid,
        outcomes: &[Outcomes],
        config: &ScoreConfig,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        for pooling in [Pooling::RatioOfSums, Pooling::MeanOfRatios] {
            for grouping in [
                Grouping::Study,
                Grouping::StudyAsPlotted,
                Grouping::ImageNetC,
            ] {
                let config = ScoreConfig {
                    pooling,
                    grouping,
                    ..config.clone()
                };
                match robustness(grid, &config) {
                    Ok(found) => self.robustness.push(found),
                    Err(error @ rob::Error::ZeroReference { .. }) => {
                        notes.push(format!(
                            "No relative robustness ({}): {error}.",
                            pooling_name(pooling)
                        ));
                        break;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if !self
            .robustness
            .iter()
            .any(|r| r.config.pooling == Pooling::RatioOfSums)
        {
            return Ok(());
        }
        match frequency_split(grid, config) {
            Ok(split) => self.frequency = Some(split),
            Err(error @ (rob::Error::TooFew { .. } | rob::Error::Unknown { .. })) => {
                notes.push(format!("No split by spatial frequency: {error}."));
            }
            Err(error) => return Err(error.into()),
        }
        self.image_bootstrap
            .push(bootstrap_images(outcomes, config, Level::Images)?);
        let fewest = self.models.iter().map(|m| m.seeds.len()).min().unwrap_or(0);
        if fewest < 2 {
            notes.push(
                "A model has one seed: its spread over seeds is unknown, and its intervals are over images alone."
                    .to_owned(),
            );
            return Ok(());
        }
        self.image_bootstrap
            .push(bootstrap_images(outcomes, config, Level::SeedsAndImages)?);
        let runs = run_scores(
            grid,
            &config.baseline,
            config.pooling,
            &config.overall,
            RunReference::Mean,
        )?;
        for model in &self.models {
            let scores: Vec<f64> = runs
                .iter()
                .filter(|r| r.model == model.name)
                .map(|r| r.score)
                .collect();
            let deviation = mean_sd(&scores).1;
            self.minimal_detectable_effects.push(Detectable {
                model: model.name.clone(),
                seeds: scores.len(),
                deviation,
                effect: minimal_detectable_effect(
                    scores.len(),
                    deviation,
                    Design::Unpaired,
                    LEVEL,
                    POWER,
                )?,
            });
        }
        Ok(())
    }

    /// The relative scores to show first: ratio of sums, the chosen grouping.
    pub(super) fn main_scores(&self) -> Option<&Robustness> {
        self.robustness.iter().find(|r| {
            r.config.pooling == Pooling::RatioOfSums && r.config.grouping == self.grouping
        })
    }

    /// The names of a model's mean errors, with the values.
    pub(super) fn mean_errors<'a>(
        &'a self,
        model: &'a str,
    ) -> impl Iterator<Item = (&'static str, &'a CorruptionErrors)> + 'a {
        let of = self
            .corruption_errors
            .iter()
            .filter(move |e| e.model == model);
        of.map(|e| (error_name(&e.normaliser), e))
    }
}

/// The name of a pooling.
pub(super) fn pooling_name(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::RatioOfSums => "ratio of sums",
        Pooling::MeanOfRatios => "mean of ratios",
    }
}

/// The usual name of a mean corruption error.
pub(super) fn error_name(normaliser: &Normaliser) -> &'static str {
    match normaliser {
        Normaliser::Plain => "mean corruption error",
        Normaliser::AlexNet => "mCE (by AlexNet)",
        Normaliser::Model(_) => "mCE (by baseline)",
        Normaliser::RelativeToModel(_) => "relative mCE (by baseline)",
    }
}
