//! The study's regressions of robustness on neural prediction (`analyses.md`
//! 1.7), as printed and as they should be. Invariant: robustness and clean
//! accuracy are in percent and neural prediction is a correlation, so that
//! coefficients compare with the published ones; what there are too few runs for is
//! an error that counts them, never a fit.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Mean correlation of predicted responses with their targets; or another likeness
    /// to the brain in its place, such as the agreement of dissimilarity matrices.
    pub neural_correlation: f64,
    /// Clean accuracy in percent.
    pub clean_percent: f64,
}

/// Fewest runs for each column of a regression, the intercept among them. With two,
/// coefficients, standard errors and intervals are sound (Austin and Steyerberg 2015,
/// doi 10.1016/j.jclinepi.2014.12.014, who do not count the intercept).
pub const RUNS_PER_COLUMN: usize = 2;
/// Fewest conditions for the bootstrap over them: five can be drawn in 126 different
/// ways, four in 35, of which no 2.5 % can be cut off.
pub const FEWEST_CLUSTERS: usize = 5;

/// Everything that `analyses.md` 1.7 asks for, each part or why it could not be had:
/// too few runs ([`Error::TooFew`]), predictors that are constant or combinations of
/// each other, values that are not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRegressions {
    /// `robustness ~ clean + neural`, as printed by the authors.
    pub additive: Result<Ols>,
    /// `robustness ~ clean * neural`, as printed: its main effects are at zero
    /// of the other predictor and mean little.
    pub interaction: Result<Ols>,
    /// The same fit with centred predictors: readable main effects.
    pub centred_interaction: Result<Ols>,
    /// `robustness ~ clean + neural + seed`: takes out that seeds are paired.
    pub seed_effects: Result<Ols>,
    /// `robustness ~ clean + neural` over means of conditions.
    pub condition_means: Result<Ols>,
    /// Bootstrap over conditions (clusters) of the additive coefficients, by
    /// column.
    pub cluster_bootstrap: Result<Vec<(String, BootstrapSummary)>>,
    /// Simple, rank and partial correlations.
    pub correlations: Result<StudyCorrelations>,
}

/// Correlations between robustness, neural prediction and clean accuracy.
#[derive(Clone, Debug, PartialEq)]
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
    /// Pearson of robustness and neural prediction over means of conditions.
    pub condition_means: Result<f64>,
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

    /// The same with predictors of mean zero.
    fn centred(&self) -> Self {
        let centre = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            values.iter().map(|v| v - mean).collect()
        };
        Self {
            robustness: self.robustness.clone(),
            neural: centre(&self.neural),
            clean: centre(&self.clean),
        }
    }

    fn additive(&self) -> Result<Design> {
        Design::new(self.robustness.len())
            .with(CLEAN, &self.clean)?
            .with(NEURAL, &self.neural)
    }

    fn fit(&self, analysis: &'static str, unit: &'static str, design: Design) -> Result<Ols> {
        let needed = RUNS_PER_COLUMN * design.names().len();
        enough(analysis, unit, needed, self.robustness.len())?;
        Ols::fit(&design, &self.robustness)
    }

    fn with_interaction(&self) -> Result<Ols> {
        let design = self.additive()?.with_interaction(CLEAN, NEURAL)?;
        self.fit("a regression with an interaction", "runs", design)
    }
}

fn enough(analysis: &'static str, unit: &'static str, needed: usize, found: usize) -> Result<()> {
    if found >= needed {
        return Ok(());
    }
    Err(Error::TooFew {
        analysis,
        unit,
        needed,
        found,
    })
}

/// Fits all regressions of the study to a set of runs; `replicates` and `seed` are
/// those of the bootstrap over conditions.
pub fn study_regressions(runs: &[StudyRun], replicates: usize, seed: u64) -> StudyRegressions {
    let columns = Columns::of(runs);
    let clusters = clusters(runs);
    let means = means(&columns, &clusters);
    let of = |columns: &Columns, analysis, unit| {
        let design = columns.additive()?;
        columns.fit(analysis, unit, design)
    };
    StudyRegressions {
        additive: of(&columns, "a regression", "runs"),
        interaction: columns.with_interaction(),
        centred_interaction: columns.centred().with_interaction(),
        seed_effects: seed_effects(&columns, runs),
        condition_means: of(
            &means,
            "a regression over means of conditions",
            "conditions",
        ),
        cluster_bootstrap: cluster_bootstrap(&columns, &clusters, replicates, seed),
        correlations: correlations(&columns, &means),
    }
}

fn seed_effects(columns: &Columns, runs: &[StudyRun]) -> Result<Ols> {
    let analysis = "a regression with effects of the seeds";
    let seeds: Vec<u64> = runs.iter().map(|r| r.seed).collect();
    let distinct = seeds.iter().collect::<BTreeSet<_>>().len();
    enough(analysis, "seeds", 2, distinct)?;
    let design = columns.additive()?.with_levels("seed", &seeds)?;
    columns.fit(analysis, "runs", design)
}

fn correlations(columns: &Columns, means: &Columns) -> Result<StudyCorrelations> {
    let (r, n, c) = (&columns.robustness, &columns.neural, &columns.clean);
    // As many as for a line through them; the partial one is two regressions on `c`.
    let least = |columns| RUNS_PER_COLUMN * columns;
    enough("a partial correlation", "runs", least(3), r.len())?;
    let of_means = || {
        let conditions = means.neural.len();
        enough("a correlation of means", "conditions", least(2), conditions)?;
        pearson(&means.robustness, &means.neural)
    };
    Ok(StudyCorrelations {
        robustness_neural: pearson(r, n)?,
        robustness_clean: pearson(r, c)?,
        neural_clean: pearson(n, c)?,
        partial_given_clean: partial(r, n, &[c.as_slice()])?,
        spearman: spearman(r, n)?,
        condition_means: of_means(),
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
    columns: &Columns,
    clusters: &[Vec<usize>],
    replicates: usize,
    seed: u64,
) -> Result<Vec<(String, BootstrapSummary)>> {
    let analysis = "a bootstrap over conditions";
    enough(analysis, "conditions", FEWEST_CLUSTERS, clusters.len())?;
    let (design, y) = (columns.additive()?, &columns.robustness);
    // What cannot be fitted to all runs cannot be drawn from them.
    columns.fit(analysis, "runs", design.clone())?;
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
            let fitted = values.iter().filter(|v| v.is_finite()).count();
            let summary = BootstrapSummary::of(&values, 0.95).ok_or(Error::TooFew {
                analysis,
                unit: "draws that can be fitted",
                needed: 2,
                found: fitted,
            })?;
            Ok((name.clone(), summary))
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
