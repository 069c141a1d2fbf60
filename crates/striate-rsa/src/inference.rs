//! How well do models explain the data, and how sure is that? Invariant: one
//! replicate draws images and subjects once for all models, so differences
//! between models are drawn jointly; a replicate depends on its number and the
//! seed alone.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::ceiling::{NoiseCeiling, ceiling_in, check_subjects, prepare_all};
use crate::compare::Representation;
use crate::sample::{Prepared, Sample};
use crate::{Comparator, Error, Rdm, Result};

mod multiple;
mod variance;

pub use multiple::{benjamini_hochberg, holm};
use variance::Series;

/// What is drawn with replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resample {
    /// Images: the conclusion holds for other images and these subjects.
    #[default]
    Images,
    /// Subjects: for other subjects and these images.
    Subjects,
    /// Both, with the dual-bootstrap correction of Schütt et al. 2023: drawing
    /// both at once counts the measurement noise twice.
    ImagesAndSubjects,
}

/// A bootstrap of model evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inference {
    /// How matrices are compared.
    pub comparator: Comparator,
    /// What is drawn.
    pub resample: Resample,
    /// Number of replicates; at least 2.
    pub replicates: usize,
    /// Root of the random numbers.
    pub seed: u64,
    /// Of the percentile intervals, in `(0, 1)`.
    pub confidence: f64,
    /// Whether each replicate also computes the noise ceiling, which needs two
    /// subjects and costs as much as comparing with twice as many.
    pub ceiling: bool,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            comparator: Comparator::Spearman,
            resample: Resample::Images,
            replicates: 1000,
            seed: 0,
            confidence: 0.95,
            ceiling: true,
        }
    }
}

/// A model's matrices, one per training seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The model.
    pub name: String,
    /// One matrix per seed.
    pub rdms: Vec<Rdm>,
}

/// What is known about one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelEvaluation {
    /// The model.
    pub name: String,
    /// Mean similarity to the subjects, averaged over training seeds.
    pub score: f64,
    /// The same for each training seed.
    pub per_seed: Vec<f64>,
    /// Variance from the drawn images and subjects, with rsatoolbox's
    /// corrections for small numbers.
    pub sampling_variance: f64,
    /// Variance of the mean over training seeds, `s^2 / n`; `None` with one
    /// seed, for which it is unknown and not zero.
    pub seed_variance: Option<f64>,
    /// Percentile interval of the bootstrap, with training seeds drawn inside
    /// each replicate where there are several.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Variance of the distance to the lower and upper noise ceiling.
    pub ceiling_variances: Option<[f64; 2]>,
}

impl ModelEvaluation {
    /// The standard error from all known sources.
    pub fn standard_error(&self) -> f64 {
        (self.sampling_variance + self.seed_variance.unwrap_or(0.0)).sqrt()
    }
}

/// How one model compares with another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDifference {
    /// The model.
    pub model: String,
    /// The model subtracted.
    pub minus: String,
    /// Difference of the scores.
    pub difference: f64,
    /// Its variance from drawn images and subjects, corrected as the models'.
    pub sampling_variance: f64,
    /// Two-sided bootstrap p-value, at least one over the replicates.
    pub p: f64,
    /// Corrected for all pairs by Holm's method (family-wise error).
    pub p_holm: f64,
    /// Corrected by Benjamini and Hochberg (false discovery rate).
    pub p_fdr: f64,
}

/// The result of [`Inference::evaluate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How it was computed.
    pub config: Inference,
    /// One per model.
    pub models: Vec<ModelEvaluation>,
    /// One per pair of models.
    pub differences: Vec<ModelDifference>,
    /// The noise ceiling of all subjects; `None` with fewer than two.
    pub ceiling: Option<NoiseCeiling>,
    /// Degrees of freedom of the variances, for t tests.
    pub degrees: usize,
    /// Replicates left out: fewer than three different images, or a matrix
    /// without variation in the draw.
    pub degenerate: usize,
}

/// What one replicate drew.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    pub(crate) images: Option<Vec<usize>>,
    pub(crate) subjects: Option<Vec<usize>>,
}

/// Similarities in one replicate.
#[derive(Clone, Debug)]
pub(crate) struct Replicate {
    /// Per model and training seed, mean over the drawn subjects.
    pub(crate) scores: Vec<Vec<f64>>,
    pub(crate) ceiling: Option<NoiseCeiling>,
}

/// Everything prepared once.
struct Prepare {
    models: Vec<Vec<Prepared>>,
    subjects: Vec<Prepared>,
    images: usize,
    comparator: Comparator,
    ceiling: bool,
}

impl Inference {
    /// Evaluates models against subjects' matrices.
    ///
    /// # Errors
    ///
    /// No model or subject; different images; too few subjects to draw from;
    /// matrices without variation; settings out of range.
    pub fn evaluate(&self, models: &[Candidate], subjects: &[Rdm]) -> Result<Evaluation> {
        let prepared = self.prepare(models, subjects)?;
        let root = Seed::new(self.seed).child("bootstrap of matrices");
        let draws: Vec<Draw> = (0..self.replicates)
            .map(|replicate| {
                let node = root.index(replicate as u64);
                let draw = |purpose: &str, of: usize| {
                    let mut stream = node.child(purpose).stream();
                    Some((0..of).map(|_| stream.below(of)).collect())
                };
                Draw {
                    images: draw("images", prepared.images),
                    subjects: draw("subjects", prepared.subjects.len()),
                }
            })
            .collect();
        self.summarise(models, &prepared, &draws, &root)
    }

    fn prepare(&self, models: &[Candidate], subjects: &[Rdm]) -> Result<Prepare> {
        self.check()?;
        let needed = if self.resample == Resample::Images {
            1
        } else {
            2
        };
        check_subjects(subjects, "this bootstrap", needed)?;
        if models.is_empty() || models.iter().any(|m| m.rdms.is_empty()) {
            return Err(Error::TooFew {
                analysis: "an evaluation",
                unit: "matrices of each model",
                needed: 1,
                found: 0,
            });
        }
        for rdm in models.iter().flat_map(|m| &m.rdms) {
            subjects[0].check_same_images(rdm)?;
        }
        if subjects[0].images() < 3 {
            return Err(Error::TooFew {
                analysis: "a bootstrap of matrices",
                unit: "images",
                needed: 3,
                found: subjects[0].images(),
            });
        }
        let prepare = |m: &Candidate| prepare_all(&m.rdms, self.comparator);
        Ok(Prepare {
            models: models.iter().map(prepare).collect::<Result<_>>()?,
            subjects: prepare_all(subjects, self.comparator)?,
            images: subjects[0].images(),
            comparator: self.comparator,
            ceiling: self.ceiling && subjects.len() > 1,
        })
    }

    fn check(&self) -> Result<()> {
        if self.replicates < 2 {
            return Err(Error::Setting {
                name: "replicates",
                value: self.replicates as f64,
                expected: "at least 2",
            });
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(Error::Setting {
                name: "confidence",
                value: self.confidence,
                expected: "between 0 and 1, exclusive",
            });
        }
        Ok(())
    }

    fn summarise(
        &self,
        models: &[Candidate],
        prepared: &Prepare,
        draws: &[Draw],
        root: &Seed,
    ) -> Result<Evaluation> {
        let full = Draw {
            images: None,
            subjects: None,
        };
        let point = prepared.replicate(&full).ok_or(Error::ConstantMatrix {
            which: "a model's or subject's",
            comparator: self.comparator.name(),
        })?;
        // One bootstrap, or the three of the dual bootstrap on the same draws.
        let masks: &[(bool, bool)] = match self.resample {
            Resample::Images => &[(true, false)],
            Resample::Subjects => &[(false, true)],
            Resample::ImagesAndSubjects => &[(true, true), (false, true), (true, false)],
        };
        let replicates: Vec<Option<Vec<Replicate>>> = draws
            .par_iter()
            .map(|draw| {
                masks
                    .iter()
                    .map(|mask| prepared.replicate(&draw.masked(*mask)))
                    .collect()
            })
            .collect();
        let kept: Vec<(usize, Vec<Replicate>)> = replicates
            .into_iter()
            .enumerate()
            .filter_map(|(index, r)| r.map(|r| (index, r)))
            .collect();
        if kept.len() < 2 {
            return Err(Error::TooFew {
                analysis: "a bootstrap of matrices",
                unit: "replicates with enough different images",
                needed: 2,
                found: kept.len(),
            });
        }
        let series = Series::new(kept, self, prepared.images, prepared.subjects.len());
        let evaluations: Vec<ModelEvaluation> = models
            .iter()
            .enumerate()
            .map(|(k, model)| series.model(k, &model.name, &point.scores[k], root))
            .collect();
        let names: Vec<&str> = models.iter().map(|m| m.name.as_str()).collect();
        let scores: Vec<f64> = evaluations.iter().map(|e| e.score).collect();
        let (images, subjects) = (prepared.images, prepared.subjects.len());
        Ok(Evaluation {
            config: *self,
            differences: series.differences(&names, &scores),
            models: evaluations,
            ceiling: point.ceiling,
            degrees: match self.resample {
                Resample::Images => images - 1,
                Resample::Subjects => subjects - 1,
                Resample::ImagesAndSubjects => images.min(subjects) - 1,
            },
            degenerate: draws.len() - series.len(),
        })
    }
}

impl Draw {
    fn masked(&self, (images, subjects): (bool, bool)) -> Self {
        Self {
            images: self.images.clone().filter(|_| images),
            subjects: self.subjects.clone().filter(|_| subjects),
        }
    }
}

impl Prepare {
    /// Scores of all models in one draw; `None` if one is undefined.
    fn replicate(&self, draw: &Draw) -> Option<Replicate> {
        let sample = match &draw.images {
            None => Sample::full(self.images),
            // rsatoolbox, too, wants three different images.
            Some(images) => Sample::checked(images, self.images).ok()?,
        };
        let mut multiplicity = vec![1.0; self.subjects.len()];
        if let Some(subjects) = &draw.subjects {
            multiplicity.fill(0.0);
            subjects.iter().for_each(|s| multiplicity[*s] += 1.0);
        }
        let total: f64 = multiplicity.iter().sum();
        let represent = |p: &Prepared| Representation::of(p, &sample, self.comparator);
        let drawn = self
            .subjects
            .iter()
            .zip(&multiplicity)
            .filter(|(_, m)| **m > 0.0);
        let subjects: Vec<(Representation, f64)> = drawn
            .map(|(p, m)| Some((represent(p)?, m / total)))
            .collect::<Option<_>>()?;
        let score = |p: &Prepared| {
            let model = represent(p)?;
            Some(subjects.iter().map(|(s, m)| m * model.similarity(s)).sum())
        };
        let scores = self
            .models
            .iter()
            .map(|seeds| seeds.iter().map(score).collect())
            .collect::<Option<_>>()?;
        let ceiling = if self.ceiling {
            Some(ceiling_in(
                &self.subjects,
                &multiplicity,
                &sample,
                self.comparator,
            )?)
        } else {
            None
        };
        Some(Replicate { scores, ceiling })
    }
}

#[cfg(test)]
mod tests;
