//! The study's regressions of robustness on likeness to the brain (reference/analyses.md
//! 1.7, and 2 for similarity), with the networks of a run as rows.
//!
//! Invariant: a fit that there are too few networks, models or seeds for is there with
//! the number needed and the number found.

use std::collections::BTreeSet;

use striate_report::{Estimate, RegressionFit, RegressionTerm, Regressions};
use striate_robustness::regression::study::{
    NEURAL, StudyCorrelations, StudyRegressions, StudyRun, study_regressions,
};
use striate_robustness::special::t_quantile;
use striate_robustness::{self as rob, BootstrapSummary, Ols, RunScore};

use super::Source;
use crate::Result;
use crate::study::neural::NeuralPrediction;
use crate::study::similarity::{COMPARATORS, CompareRepresentations};

const NOTE: &str = "Each row is one network of this run, Baseline's among them, and its condition \
    is its model; in the study each row is a network of MTL-Monkey, and its condition the ratio of \
    neural and image batches. Robustness is in percent of Baseline's mean over seeds, clean accuracy \
    in percent, neural prediction the correlation with the recordings of readouts fitted on the \
    frozen shared layers, agreement that of dissimilarity matrices on clean images. Networks of one \
    model, or of one seed, are not independent: least squares takes them as if they were, the \
    effects of seeds take out what networks of one seed share, and the bootstrap draws whole models. \
    A fit needs two rows for each coefficient, the bootstrap five models.";

/// All regressions.
pub(super) fn regressions(source: &Source<'_>, runs: &[RunScore]) -> Result<Regressions> {
    let (mut neural, mut similar) = (Vec::new(), Vec::new());
    for ((model, seed), steps) in &source.study.networks {
        let of = |r: &&RunScore| r.model == model.name() && r.seed == *seed;
        let Some(score) = runs.iter().find(of) else {
            continue;
        };
        let Some(clean) = score.clean else { continue };
        let row = |likeness| StudyRun {
            condition: model.name().to_owned(),
            seed: *seed,
            robustness_percent: 100.0 * score.score,
            neural_correlation: likeness,
            clean_percent: 100.0 * clean,
        };
        let predicted = NeuralPrediction::open(source.step(steps.neural)?)?;
        neural.push(row(predicted.correlation));
        let compared = CompareRepresentations::open(source.step(steps.similarity)?)?;
        let with_v1 = compared.agreements.iter().find(|a| {
            a.condition == "clean" && a.reference == "v1" && a.comparator == COMPARATORS[0].name()
        });
        similar.extend(with_v1.map(|a| row(a.value)));
    }
    let (draws, seed) = (
        source.recipe.robustness.bootstrap,
        source.recipe.shared_seed,
    );
    let mut fits = Vec::new();
    for (predictor, word, rows) in [
        (PREDICTION, NEURAL, neural),
        (AGREEMENT, "agreement", similar),
    ] {
        let found = study_regressions(&rows, draws, seed);
        fits.extend(Named { predictor, word }.fits(&found, &rows));
    }
    Ok(Regressions {
        note: NOTE.to_owned(),
        fits,
    })
}

/// What the first regression stands on.
pub(super) const PREDICTION: &str = "neural prediction";
/// What the second one stands on.
const AGREEMENT: &str = "agreement with V1";

/// A predictor, and its name among the columns.
struct Named<'a> {
    predictor: &'a str,
    word: &'a str,
}

impl Named<'_> {
    fn fits(&self, found: &StudyRegressions, rows: &[StudyRun]) -> Vec<RegressionFit> {
        let w = self.word;
        let mut fits = vec![
            self.ols(additive(w), &found.additive),
            self.ols(format!("clean + {w} + seed"), &found.seed_effects),
            self.bootstrap(found, rows.len()),
            self.ols(
                format!("clean + {w}, means of models"),
                &found.condition_means,
            ),
            self.ols(format!("clean × {w}"), &found.interaction),
            self.ols(format!("clean × {w}, centred"), &found.centred_interaction),
        ];
        fits.extend(self.correlations(&found.correlations, rows));
        fits
    }

    /// A fit of this name, made or not.
    fn fit<T>(
        &self,
        fit: String,
        found: &rob::Result<T>,
        made: impl FnOnce(&T, RegressionFit) -> RegressionFit,
    ) -> RegressionFit {
        let empty = RegressionFit {
            predictor: self.predictor.to_owned(),
            fit,
            ..RegressionFit::default()
        };
        match found {
            Ok(found) => made(found, empty),
            Err(error) => RegressionFit {
                missing: Some(error.to_string()),
                ..empty
            },
        }
    }

    fn ols(&self, fit: String, found: &rob::Result<Ols>) -> RegressionFit {
        self.fit(fit, found, |ols, empty| {
            let quantile = t_quantile(0.975, ols.residual_degrees as f64);
            let term = |c: &rob::Coefficient| RegressionTerm {
                name: self.column(&c.name),
                value: Estimate::with_error(c.value, quantile * c.standard_error),
                standard_error: Some(c.standard_error),
                t: Some(c.t),
                p: Some(c.p),
            };
            RegressionFit {
                rows: ols.rows as u64,
                residual_degrees: Some(ols.residual_degrees as u64),
                r2: Some(ols.r2),
                terms: ols.coefficients.iter().map(term).collect(),
                ..empty
            }
        })
    }

    /// The additive coefficients, with intervals from draws of whole models.
    fn bootstrap(&self, found: &StudyRegressions, rows: usize) -> RegressionFit {
        let fit = format!("{}, bootstrap over models", additive(self.word));
        self.fit(fit, &found.cluster_bootstrap, |columns, empty| {
            let value = |name: &str| {
                let ols = found.additive.as_ref().ok();
                ols.and_then(|ols| ols.coefficient(name)).map(|c| c.value)
            };
            let term = |(name, drawn): &(String, BootstrapSummary)| RegressionTerm {
                name: self.column(name),
                value: Estimate::with_interval(
                    value(name).unwrap_or(drawn.mean),
                    drawn.low,
                    drawn.high,
                ),
                standard_error: Some(drawn.standard_error),
                t: None,
                p: Some(drawn.p_value()),
            };
            RegressionFit {
                rows: rows as u64,
                terms: columns.iter().map(term).collect(),
                ..empty
            }
        })
    }

    fn correlations(
        &self,
        found: &rob::Result<StudyCorrelations>,
        rows: &[StudyRun],
    ) -> Vec<RegressionFit> {
        let term = |name: String, value: f64| RegressionTerm {
            name,
            value: Estimate::point(value),
            standard_error: None,
            t: None,
            p: None,
        };
        let w = self.word;
        let name = "correlations".to_owned();
        let mut fits = vec![self.fit(name, found, |c, empty| RegressionFit {
            rows: rows.len() as u64,
            terms: vec![
                term(format!("robustness, {w}"), c.robustness_neural),
                term(format!("robustness, {w} (Spearman)"), c.spearman),
                term(
                    format!("robustness, {w}, given clean"),
                    c.partial_given_clean,
                ),
                term("robustness, clean".to_owned(), c.robustness_clean),
                term(format!("{w}, clean"), c.neural_clean),
            ],
            ..empty
        })];
        if let Ok(c) = found {
            let models: BTreeSet<&str> = rows.iter().map(|row| row.condition.as_str()).collect();
            let name = "correlation of means of models".to_owned();
            fits.push(
                self.fit(name, &c.condition_means, |value, empty| RegressionFit {
                    rows: models.len() as u64,
                    terms: vec![term(format!("robustness, {w}"), *value)],
                    ..empty
                }),
            );
        }
        fits
    }

    /// A column by the predictor's own name.
    fn column(&self, name: &str) -> String {
        let words = name.split(':');
        let own: Vec<&str> = words
            .map(|part| if part == NEURAL { self.word } else { part })
            .collect();
        // `seed[2]`, the effect of a seed, reads as `seed 2`.
        own.join(":").replace('[', " ").replace(']', "")
    }
}

/// The name of the additive fit.
pub(super) fn additive(word: &str) -> String {
    format!("clean + {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of models on a plane, with a spread that is no plane's.
    fn rows(models: usize, seeds: u64) -> Vec<StudyRun> {
        let mut rows = Vec::new();
        for model in 0..models {
            for seed in 0..seeds {
                let neural = 0.3 + 0.05 * model as f64 + 0.01 * (seed as f64).powi(2);
                let clean = 50.0 - (model as f64 - 1.5).powi(2) + seed as f64;
                let bend = ((model * 7 + seed as usize * 3) % 5) as f64 - 2.0;
                rows.push(StudyRun {
                    condition: format!("model {model}"),
                    seed,
                    robustness_percent: 20.0 + 80.0 * neural + clean + 0.01 * bend,
                    neural_correlation: neural,
                    clean_percent: clean,
                });
            }
        }
        rows
    }

    fn fits(rows: &[StudyRun]) -> Vec<RegressionFit> {
        let named = Named {
            predictor: AGREEMENT,
            word: "agreement",
        };
        named.fits(&study_regressions(rows, 200, 1), rows)
    }

    #[test]
    fn the_plane_is_found_under_the_predictors_name() {
        let fits = fits(&rows(5, 3));
        let of = |name: &str| fits.iter().find(|f| f.fit == name).unwrap();
        for name in ["clean + agreement", "clean + agreement + seed"] {
            let fit = of(name);
            assert_eq!((fit.rows, fit.missing.as_deref()), (15, None));
            let term = fit.terms.iter().find(|t| t.name == "agreement").unwrap();
            // The bend of 0.02 over a range of 0.2 moves the slope by far less than 1.
            assert!((term.value.value - 80.0).abs() < 1.0, "{term:?}");
            let (low, high) = term.value.interval.unwrap();
            assert!(low < term.value.value && term.value.value < high);
        }
        let drawn = of("clean + agreement, bootstrap over models");
        assert_eq!(drawn.terms.len(), 3);
        assert_eq!(
            drawn.terms[2].value.value,
            of("clean + agreement").terms[2].value.value
        );
        let crossed = of("clean × agreement");
        assert_eq!(crossed.terms[3].name, "clean:agreement");
        // Five means are too few for three coefficients.
        assert_eq!(
            of("clean + agreement, means of models").missing.as_deref(),
            Some("a regression over means of conditions needs at least 6 conditions, found 5")
        );
        assert_eq!(of("correlation of means of models").rows, 5);
        let seeds = of("clean + agreement + seed");
        assert_eq!(seeds.terms[3].name, "seed 1");
    }

    #[test]
    fn one_seed_of_five_models_is_too_little_for_any_fit() {
        let found = fits(&rows(5, 1));
        assert_eq!(found.len(), 7);
        for fit in &found {
            let missing = fit.missing.as_deref().unwrap_or_default();
            assert!(missing.contains("needs at least"), "{fit:?}");
            assert!(fit.terms.is_empty());
        }
        // None at all, where V1 has too few neurons.
        assert!(fits(&[]).iter().all(|fit| fit.missing.is_some()));
    }
}
