//! The study's regressions of robustness on neural prediction (`analyses.md`
//! 1.7), as printed and as they should be. Invariant: robustness and clean
//! accuracy are in percent and neural prediction is a correlation, so that
//! coefficients compare with the published ones.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::correlation::{partial, pearson, spearman};
use crate::regression::{Design, Ols, coefficients};
use crate::summary::BootstrapSummary;
use crate::{Error, Result};

/// One co-trained run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyRun {
    /// What was varied: the study's batch-ratio key, or any condition.
    pub condition: String,
    /// The seed, shared between conditions.
    pub seed: u64,
    /// Robustness score, 100 = Baseline.
    pub robustness_percent: f64,
    /// Mean correlation of predicted responses with their targets.
    pub neural_correlation: f64,
    /// Clean accuracy in percent.
    pub clean_percent: f64,
}

/// Everything that `analyses.md` 1.7 asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyRegressions {
    /// `robustness ~ clean + neural`, as printed by the authors.
    pub additive: Ols,
    /// `robustness ~ clean * neural`, as printed: its main effects are at zero
    /// of the other predictor and mean little.
    pub interaction: Ols,
    /// The same fit with centred predictors: readable main effects.
    pub centred_interaction: Ols,
    /// `robustness ~ clean + neural + seed`: takes out that seeds are paired.
    /// `None` with a single seed, or too few runs for it.
    pub seed_effects: Option<Ols>,
    /// `robustness ~ clean + neural` over means of conditions; `None` with
    /// fewer than four conditions.
    pub condition_means: Option<Ols>,
    /// Bootstrap over conditions (clusters) of the additive coefficients, by
    /// column; `None` with fewer than three conditions.
    pub cluster_bootstrap: Option<Vec<(String, BootstrapSummary)>>,
    /// Simple, rank and partial correlations.
    pub correlations: StudyCorrelations,
}

/// Correlations between robustness, neural prediction and clean accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyCorrelations {
    /// Pearson of robustness and neural prediction.
    pub robustness_neural: f64,
    /// Pearson of robustness and clean accuracy.
    pub robustness_clean: f64,
    /// Pearson of neural prediction and clean accuracy.
    pub neural_clean: f64,
    /// Of robustness and neural prediction, given clean accuracy.
    pub partial_given_clean: f64,
    /// Spearman of robustness and neural prediction.
    pub spearman: f64,
    /// Pearson of robustness and neural prediction over means of conditions;
    /// `None` with fewer than three conditions.
    pub condition_means: Option<f64>,
}

/// Names of the columns.
pub const CLEAN: &str = "clean";
/// Names of the columns.
pub const NEURAL: &str = "neural";

struct Columns {
    robustness: Vec<f64>,
    neural: Vec<f64>,
    clean: Vec<f64>,
}

impl Columns {
    fn of(runs: &[StudyRun]) -> Self {
        let column = |f: fn(&StudyRun) -> f64| runs.iter().map(f).collect();
        Self {
            robustness: column(|r| r.robustness_percent),
            neural: column(|r| r.neural_correlation),
            clean: column(|r| r.clean_percent),
        }
    }

    fn additive(&self) -> Result<Design> {
        Design::new(self.robustness.len())
            .with(CLEAN, &self.clean)?
            .with(NEURAL, &self.neural)
    }
}

/// Fits all regressions of the study to a set of runs.
///
/// # Errors
///
/// Fewer than five runs, values that are not finite, or predictors that are
/// constant or combinations of each other.
pub fn study_regressions(
    runs: &[StudyRun],
    replicates: usize,
    seed: u64,
) -> Result<StudyRegressions> {
    let columns = Columns::of(runs);
    let y = &columns.robustness;
    let additive_design = columns.additive()?;
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|v| v - mean).collect()
    };
    let centred_design = Design::new(runs.len())
        .with(CLEAN, &centred(&columns.clean))?
        .with(NEURAL, &centred(&columns.neural))?
        .with_interaction(CLEAN, NEURAL)?;
    let interaction_design = additive_design.clone().with_interaction(CLEAN, NEURAL)?;
    let seeds: Vec<u64> = runs.iter().map(|r| r.seed).collect();
    let seed_design = additive_design.clone().with_levels("seed", &seeds)?;
    let several_seeds = seeds.iter().any(|s| *s != seeds[0]);
    let enough = runs.len() > seed_design.names().len();
    let clusters = clusters(runs);
    let means = means(&columns, &clusters);
    let mean_design = means.additive()?;
    Ok(StudyRegressions {
        additive: Ols::fit(&additive_design, y)?,
        interaction: Ols::fit(&interaction_design, y)?,
        centred_interaction: Ols::fit(&centred_design, y)?,
        seed_effects: (several_seeds && enough)
            .then(|| Ols::fit(&seed_design, y))
            .transpose()?,
        condition_means: (clusters.len() > 3)
            .then(|| Ols::fit(&mean_design, &means.robustness))
            .transpose()?,
        cluster_bootstrap: (clusters.len() > 2)
            .then(|| cluster_bootstrap(&additive_design, y, &clusters, replicates, seed))
            .flatten(),
        correlations: correlations(&columns, &means)?,
    })
}

fn correlations(columns: &Columns, means: &Columns) -> Result<StudyCorrelations> {
    let (r, n, c) = (&columns.robustness, &columns.neural, &columns.clean);
    Ok(StudyCorrelations {
        robustness_neural: pearson(r, n)?,
        robustness_clean: pearson(r, c)?,
        neural_clean: pearson(n, c)?,
        partial_given_clean: partial(r, n, &[c.as_slice()])?,
        spearman: spearman(r, n)?,
        condition_means: (means.neural.len() > 2)
            .then(|| pearson(&means.robustness, &means.neural))
            .transpose()?,
    })
}

/// Rows by condition.
fn clusters(runs: &[StudyRun]) -> Vec<Vec<usize>> {
    let mut by_condition: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, run) in runs.iter().enumerate() {
        by_condition.entry(&run.condition).or_default().push(row);
    }
    by_condition.into_values().collect()
}

fn means(columns: &Columns, clusters: &[Vec<usize>]) -> Columns {
    let mean = |values: &[f64]| {
        let of =
            |rows: &Vec<usize>| rows.iter().map(|r| values[*r]).sum::<f64>() / rows.len() as f64;
        clusters.iter().map(of).collect()
    };
    Columns {
        robustness: mean(&columns.robustness),
        neural: mean(&columns.neural),
        clean: mean(&columns.clean),
    }
}

/// Draws whole conditions with replacement and refits. A draw whose columns are
/// dependent is left out and counted.
fn cluster_bootstrap(
    design: &Design,
    y: &[f64],
    clusters: &[Vec<usize>],
    replicates: usize,
    seed: u64,
) -> Option<Vec<(String, BootstrapSummary)>> {
    let root = Seed::new(seed).child("bootstrap over conditions");
    let fits: Vec<Vec<f64>> = (0..replicates)
        .into_par_iter()
        .map(|replicate| {
            let mut stream = root.index(replicate as u64).stream();
            let drawn = (0..clusters.len()).map(|_| &clusters[stream.below(clusters.len())]);
            let rows: Vec<usize> = drawn.flatten().copied().collect();
            let drawn_y: Vec<f64> = rows.iter().map(|r| y[*r]).collect();
            coefficients(&design.rows(&rows), &drawn_y)
                .unwrap_or_else(|| vec![f64::NAN; design.names().len()])
        })
        .collect();
    design
        .names()
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let values: Vec<f64> = fits.iter().map(|f| f[column]).collect();
            BootstrapSummary::of(&values, 0.95).map(|s| (name.clone(), s))
        })
        .collect()
}

/// Reads runs from the layout of the study's fixture: `ratio_key, seed_index,
/// robustness_score, neural_corr, clean_acc_percent`, with a header.
///
/// # Errors
///
/// A row without five fields, or a field that is not a number.
pub fn runs_from_csv(text: &str) -> Result<Vec<StudyRun>> {
    let lines = text.lines().enumerate().skip(1);
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(row, line)| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            if fields.len() != 5 {
                return Err(Error::Length {
                    what: format!("fields of row {row}"),
                    expected: 5,
                    found: fields.len(),
                });
            }
            let number = |index: usize| {
                fields[index].parse::<f64>().map_err(|_| Error::NotANumber {
                    row,
                    text: fields[index].to_owned(),
                })
            };
            Ok(StudyRun {
                condition: fields[0].to_owned(),
                seed: number(1)? as u64,
                robustness_percent: 100.0 * number(2)?,
                neural_correlation: number(3)?,
                clean_percent: number(4)?,
            })
        })
        .collect()
}
