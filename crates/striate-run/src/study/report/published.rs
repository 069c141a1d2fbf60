//! The paper's values beside those of a run (reference/analyses.md 1.6, 1.7 and 5), each
//! with its protocol.
//!
//! Invariant: whatever decides a value and differs between both protocols is named, and
//! then nothing is called inside or outside.

use std::collections::BTreeMap;

use striate_models::VggConfig;
use striate_report::{
    AccuracyGrid, Estimate, Level, PublishedScore, PublishedValue, Scores, model_label,
};
use striate_robustness::published::{
    BASELINE_CLEAN, PROVENANCE, Published, PublishedCoefficient, PublishedModel, PublishedRatio,
    RATIOS, REGRESSION, SCORES,
};
use striate_robustness::regression::study::NEURAL;
use striate_robustness::special::t_quantile;
use striate_robustness::{Group, Selection, corruptions, mean_sd};
use striate_train::{Cycler, Ratio, TrainConfig};

use super::Source;
use super::regression::{PREDICTION, additive};
use crate::recipe::Split;
use crate::study::train::TrainNetwork;
use crate::{ModelName, Recipe, Result};

/// The scores of the four models that the study compares with its Baseline.
pub(super) fn scores() -> Vec<PublishedScore> {
    SCORES.iter().flat_map(of_model).collect()
}

fn of_model(model: &PublishedModel) -> Vec<PublishedScore> {
    let score = |level, name: String, p: Published| PublishedScore {
        model: model.model.to_owned(),
        level,
        name,
        score: p.value,
        error: Some(p.error),
    };
    let mut scores = vec![score(Level::Overall, "overall".to_owned(), model.overall)];
    for group in Group::ALL {
        let name = group.name().to_lowercase();
        scores.push(score(Level::Group, name, model.group(group)));
    }
    for (name, found) in corruptions::STUDY.iter().zip(model.corruptions) {
        scores.push(score(Level::Corruption, (*name).to_owned(), found));
    }
    scores
}

/// All published values that analyses.md gives, and where it gives none, that.
pub(super) fn values(
    source: &Source<'_>,
    accuracy: &AccuracyGrid,
    scores: Option<&Scores>,
) -> Result<Vec<PublishedValue>> {
    let setting = Setting::of(source.recipe);
    let seeds = match source.recipe.seeds.len() {
        1 => "1 seed".to_owned(),
        n => format!("{n} seeds"),
    };
    let mut values = robustness(source.recipe, &setting, scores, &seeds);
    values.extend(difference(source.recipe, &setting, scores, &seeds));
    values.extend(clean(source.recipe, &setting, accuracy, &seeds));
    values.push(neural(source, &setting, &seeds)?);
    values.extend(regression(&setting, scores));
    values.extend(unpublished());
    Ok(values)
}

/// What differs from the study in the setting of a run.
struct Setting {
    /// Of every number.
    all: Vec<String>,
    /// Of numbers of models that are co-trained.
    co_trained: Vec<String>,
}

impl Setting {
    fn of(recipe: &Recipe) -> Self {
        let study = VggConfig::default();
        let (classes, size) = (recipe.network.classes, recipe.network.input_size);
        let mut all = Vec::new();
        let same_images = recipe.images.is_some();
        if !same_images || classes != study.classes || size != study.input_size {
            all.push(format!(
                "the images are of {classes} classes and {size} px here, TinyImageNet's (200 classes, \
                 64 px) there"
            ));
        }
        let network = VggConfig {
            classes: study.classes,
            input_size: study.input_size,
            ..recipe.network.clone()
        };
        if network != study {
            all.push(format!(
                "the network is a VGG of blocks {:?} split at {} here, VGG-19 with batch norm and the \
                 study's readout there",
                recipe.network.blocks, recipe.network.split
            ));
        }
        let classification = recipe.classification == TrainConfig::default();
        let multi_task = match ratio(recipe) {
            Some(ratio) => recipe.multi_task == TrainConfig::study_mtl(ratio),
            None => false,
        };
        if !classification || !multi_task {
            all.push("the optimisers and schedules of the training are not the study's".to_owned());
        }
        if recipe.robustness.split == Split::Validation {
            all.push("the images are those of validation here, of the test there".to_owned());
        }
        let mut co_trained = all.clone();
        if recipe.population.is_some() {
            co_trained.push(
                "the responses are those of a simulated V1 here, of macaque V1 there".to_owned(),
            );
        }
        Self { all, co_trained }
    }

    fn differs(&self, model: &str) -> Vec<String> {
        let co_trained = ModelName::ALL
            .iter()
            .any(|m| m.name() == model && m.co_trained());
        if co_trained {
            self.co_trained.clone()
        } else {
            self.all.clone()
        }
    }
}

/// The one ratio of neural and image batches, if it stays the same.
fn ratio(recipe: &Recipe) -> Option<Ratio> {
    match &recipe.multi_task.cycler {
        Cycler::Mtl { ratio } if ratio.len() == 1 => ratio.values().next().copied(),
        _ => None,
    }
}

fn robustness(
    recipe: &Recipe,
    setting: &Setting,
    own: Option<&Scores>,
    seeds: &str,
) -> Vec<PublishedValue> {
    let of = |published: PublishedScore| {
        let mut differs = setting.differs(&published.model);
        if published.level == Level::Overall && recipe.robustness.overall != Selection::Study {
            differs.push("the overall score is not over the study's 14 corruptions".to_owned());
        }
        let row = own.and_then(|scores| {
            scores.rows.iter().find(|r| {
                r.model == published.model && r.level == published.level && r.name == published.name
            })
        });
        PublishedValue {
            quantity: "robustness".to_owned(),
            model: published.model,
            level: Some(published.level),
            name: published.name,
            published: Some(published.score),
            error: published.error,
            published_protocol: format!(
                "accuracy relative to Baseline's, {}; which corrupted test set, and how severities \
                 were pooled, is not known",
                PROVENANCE.trim_end_matches('.')
            ),
            own: row.map(|r| r.score),
            own_protocol: format!(
                "accuracy relative to Baseline's, ratio of sums over severities 1 to 5 of the table {}, \
                 {seeds}, bootstrap over seeds; images and recordings from disk are taken for what they \
                 are said to be",
                recipe.robustness.table.name()
            ),
            differs,
        }
    };
    scores().into_iter().map(of).collect()
}

fn difference(
    recipe: &Recipe,
    setting: &Setting,
    own: Option<&Scores>,
    seeds: &str,
) -> Option<PublishedValue> {
    let (model, reference) = ("mtl_monkey", "mtl_shuffled");
    let overall = |model: &str| SCORES.iter().find(|m| m.model == model).map(|m| m.overall);
    let published = overall(model)?.value - overall(reference)?.value;
    let mut differs = setting.differs(model);
    if recipe.robustness.overall != Selection::Study {
        differs.push("the overall score is not over the study's 14 corruptions".to_owned());
    }
    let row = own.and_then(|scores| {
        scores
            .differences
            .iter()
            .find(|r| r.level == Level::Overall && r.model == model && r.reference == reference)
    });
    Some(PublishedValue {
        quantity: "gain over the shuffled control".to_owned(),
        model: model.to_owned(),
        name: format!("minus {}", model_label(reference)),
        published: Some(published),
        published_protocol:
            "the difference of the two overall scores; a joint error cannot be had \
             from what was published"
                .to_owned(),
        own: row.map(|r| r.difference),
        own_protocol: format!("{seeds}, joint bootstrap over seeds"),
        differs,
        ..PublishedValue::default()
    })
}

/// Mean over seeds with a 95 % interval by Student's t; without one for a single seed.
fn over_seeds(values: &[f64]) -> Option<Estimate> {
    let n = values.len();
    let (mean, sd) = mean_sd(values);
    match n {
        0 => None,
        1 => Some(Estimate::point(mean)),
        _ => {
            let error = t_quantile(0.975, (n - 1) as f64) * sd / (n as f64).sqrt();
            Some(Estimate::with_error(mean, error))
        }
    }
}

/// The published row of the recipe's ratio of batches, or why there is none.
fn of_ratio(recipe: &Recipe) -> std::result::Result<&'static PublishedRatio, String> {
    let value = ratio(recipe).map(f64::from);
    let key = value.filter(|v| *v > 0.0).map(|v| {
        // Keys below zero are image batches for each neural one.
        if v >= 1.0 {
            v.round() as i32
        } else {
            -((1.0 / v).round() as i32)
        }
    });
    let found = RATIOS.iter().find(|r| Some(r.key) == key);
    found.ok_or_else(|| {
        let own = value.map_or_else(|| "no one ratio".to_owned(), |v| v.to_string());
        format!("the study has no run with this recipe's ratio of neural and image batches ({own})")
    })
}

fn clean(
    recipe: &Recipe,
    setting: &Setting,
    accuracy: &AccuracyGrid,
    seeds: &str,
) -> Vec<PublishedValue> {
    let own = |model: &str| {
        let rows = accuracy.rows.iter();
        let rows = rows.filter(|r| r.model == model && r.corruption == corruptions::CLEAN);
        over_seeds(&rows.map(|r| r.accuracy).collect::<Vec<_>>())
    };
    let value = |model: &str, published: Option<f64>, more: Option<String>| PublishedValue {
        quantity: "clean accuracy".to_owned(),
        model: model.to_owned(),
        published,
        published_protocol: "gray TinyImageNet; of Baseline one stored network (seed 1000), of \
             MTL-Monkey the mean of 5 seeds at the same ratio of batches"
            .to_owned(),
        own: own(model),
        own_protocol: format!("clean test images, {seeds}, interval by Student's t"),
        differs: setting.differs(model).into_iter().chain(more).collect(),
        ..PublishedValue::default()
    };
    let (monkey, missing) = match of_ratio(recipe) {
        Ok(row) => (Some(row.clean), None),
        Err(missing) => (None, Some(missing)),
    };
    vec![
        value("baseline", Some(BASELINE_CLEAN), None),
        value("mtl_monkey", monkey, missing),
    ]
}

/// How well MTL-Monkey predicts the targets that it was co-trained on.
fn neural(source: &Source<'_>, setting: &Setting, seeds: &str) -> Result<PublishedValue> {
    let monkey = ModelName::MtlMonkey;
    let mut found = Vec::new();
    for ((model, _), steps) in &source.study.networks {
        if *model == monkey {
            found.extend(TrainNetwork::info(source.step(steps.train)?)?.target_correlation);
        }
    }
    let mut differs = setting.differs(monkey.name());
    let published = match of_ratio(source.recipe) {
        Ok(row) => Some(row.neural_correlation),
        Err(missing) => {
            differs.push(missing);
            None
        }
    };
    Ok(PublishedValue {
        quantity: PREDICTION.to_owned(),
        model: monkey.name().to_owned(),
        published,
        published_protocol: "mean over neurons of the correlation over test images with the \
             noise-free targets of co-training, mean of 5 seeds at the same ratio of batches, its \
             spread not stored; the ratios 1:15 to 5:1 reach 0.744 to 0.938"
            .to_owned(),
        own: over_seeds(&found),
        own_protocol: format!(
            "the same over the test stimuli, {seeds}, interval by Student's t; the correlations with \
             the recordings stand in the section on neural prediction"
        ),
        differs,
        ..PublishedValue::default()
    })
}

/// The printed coefficients, and this run's of the same columns.
fn regression(setting: &Setting, own: Option<&Scores>) -> Vec<PublishedValue> {
    let fit = own
        .and_then(|scores| scores.regressions.as_ref())
        .and_then(|r| {
            let name = additive(NEURAL);
            let mut fits = r.fits.iter();
            fits.find(|f| f.predictor == PREDICTION && f.fit == name)
        });
    let terms: BTreeMap<&str, Estimate> = fit
        .into_iter()
        .flat_map(|f| &f.terms)
        .map(|t| (t.name.as_str(), t.value))
        .collect();
    let value = |c: &PublishedCoefficient| {
        let mut differs = setting.co_trained.clone();
        differs.push(
            "the networks that are compared are of different models here, of MTL-Monkey at 12 ratios \
             of batches there"
                .to_owned(),
        );
        differs.push(
            "neural prediction is of the recordings by fitted readouts here, of noise-free targets \
             there"
                .to_owned(),
        );
        if let Some(missing) = fit.and_then(|f| f.missing.clone()) {
            differs.push(format!("it could not be fitted here: {missing}"));
        }
        PublishedValue {
            quantity: "regression of robustness".to_owned(),
            name: c.name.to_owned(),
            published: Some(c.value),
            error: Some(c.standard_error),
            published_protocol:
                "robustness (%) on clean accuracy (%) and neural prediction by least \
                 squares over 60 networks as if independent, R² 0.338"
                    .to_owned(),
            own: terms.get(c.name).copied(),
            own_protocol: "least squares over the networks of this run, interval by Student's t"
                .to_owned(),
            differs,
            ..PublishedValue::default()
        }
    };
    REGRESSION.iter().map(value).collect()
}

/// Analyses of which no number could be found.
fn unpublished() -> Vec<PublishedValue> {
    let none = |quantity: &str, protocol: &str, reason: &str| PublishedValue {
        quantity: quantity.to_owned(),
        published_protocol: protocol.to_owned(),
        differs: vec![reason.to_owned()],
        ..PublishedValue::default()
    };
    vec![
        none(
            "representational similarity",
            "no such analysis could be found in the paper's abstract or in the authors' public code",
            "the paper has no representational similarity that could be verified",
        ),
        none(
            "reconstruction",
            "pictures of a demonstration (conv1_1 to conv2_1, norms 5 to 60) and the statement that \
             MTL-Monkey is more sensitive to content than to noise, relative to Baseline",
            "no number of the paper's reconstructions could be verified",
        ),
        none(
            "saliency",
            "the statement that MTL-Monkey tends to be more sensitive to salient regions, as DeepGaze \
             predicts them",
            "no number of the paper's comparison with saliency could be verified",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use striate_report::Standing;

    use super::*;

    #[test]
    fn the_papers_recipe_with_its_data_is_comparable_and_the_small_ones_are_not() {
        let mut paper = Recipe::load("paper").unwrap();
        // As it runs on the recordings; the recipe itself names no path.
        paper.population = None;
        let setting = Setting::of(&paper);
        assert_eq!(setting.differs("mtl_monkey"), Vec::<String>::new());
        let scores = Scores {
            rows: vec![striate_report::ScoreRow {
                model: "mtl_monkey".to_owned(),
                level: Level::Overall,
                name: "overall".to_owned(),
                score: Estimate::with_interval(1.2, 1.1, 1.3),
            }],
            ..Scores::default()
        };
        let found = robustness(&paper, &setting, Some(&scores), "5 seeds");
        assert_eq!(found.len(), 4 * (1 + 4 + 14));
        assert_eq!(found[0].standing(), Standing::Inside);
        assert_eq!(of_ratio(&paper).unwrap().key, 1);
        paper.set_ratio("1:15".parse().unwrap()).unwrap();
        assert_eq!(of_ratio(&paper).unwrap().neural_correlation, 0.7439);
        assert!(Setting::of(&paper).all.is_empty());
        paper.set_ratio("1:6".parse().unwrap()).unwrap();
        assert!(of_ratio(&paper).unwrap_err().contains("ratio"));

        let mini = Recipe::load("mini").unwrap();
        let setting = Setting::of(&mini);
        let (of_oracle, of_monkey) = (setting.differs("oracle"), setting.differs("mtl_monkey"));
        assert_eq!(of_monkey.len(), of_oracle.len() + 1);
        assert!(of_monkey.iter().any(|d| d.contains("simulated V1")));
        let found = robustness(&mini, &setting, Some(&scores), "3 seeds");
        assert_eq!(found[0].standing(), Standing::NotComparable(of_monkey));
        assert_eq!(found[0].side(), Some("inside"));
    }

    #[test]
    fn the_gain_over_the_shuffled_control_is_the_difference_of_the_scores() {
        let mini = Recipe::load("mini").unwrap();
        let found = difference(&mini, &Setting::of(&mini), None, "1 seed").unwrap();
        // analyses.md 1.6: 17.8 points.
        assert!((found.published.unwrap() - 0.178).abs() < 5e-4);
        assert_eq!(found.own, None);
    }

    #[test]
    fn means_over_seeds_have_students_interval() {
        // Deviation 1, standard error 1/sqrt(3), quantile 4.3027 for 2 degrees of freedom.
        let found = over_seeds(&[1.0, 2.0, 3.0]).unwrap();
        let (low, high) = found.interval.unwrap();
        let error = 4.302_652_729_911_275 / 3f64.sqrt();
        assert!((low - (2.0 - error)).abs() < 1e-6 && (high - (2.0 + error)).abs() < 1e-6);
        assert_eq!(over_seeds(&[0.5]), Some(Estimate::point(0.5)));
        assert_eq!(over_seeds(&[]), None);
    }
}
