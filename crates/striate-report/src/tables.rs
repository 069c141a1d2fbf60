//! The result tables of a report, in long form.
//!
//! Invariant: each number in a figure is in a table; intervals are columns `low`
//! and `high`, missing where there is none.

mod comparisons;

use crate::data::*;
use crate::{Result, Table};

/// All tables that `data` fills, in the order of the page.
///
/// # Errors
///
/// If a table of [`ReportData::tables`] has the name of one of the report's own.
pub fn tables(data: &ReportData) -> Result<Vec<Table>> {
    let mut out = vec![
        Table::new("protocol")
            .utf8("name", data.protocol.iter().map(|p| p.0.clone()))?
            .utf8("value", data.protocol.iter().map(|p| p.1.clone()))?,
        models(&data.models)?,
    ];
    if let Some(t) = &data.training {
        out.push(training(t)?);
    }
    if let Some(a) = &data.accuracy {
        out.push(accuracy(&a.rows)?);
    }
    if let Some(s) = &data.scores {
        out.push(scores(s)?);
        if !s.differences.is_empty() {
            out.push(differences(&s.differences)?);
        }
        if let Some(split) = &s.frequency {
            out.push(frequency(split)?);
        }
        if !s.published.is_empty() {
            out.push(published(&s.published)?);
        }
        if let Some(regressions) = &s.regressions {
            out.push(comparisons::regressions(&regressions.fits)?);
        }
    }
    if !data.published.is_empty() {
        out.push(comparisons::published_values(&data.published)?);
    }
    if let Some(a) = &data.attacks {
        out.push(attacks(&a.rows)?);
    }
    if let Some(n) = &data.neural {
        out.push(neural(&n.rows)?);
        if !n.points.is_empty() {
            out.push(neural_points(&n.points)?);
        }
    }
    if let Some(r) = &data.rsa {
        out.push(rsa_agreement("rsa", &r.agreement)?);
        if !r.layers.is_empty() {
            out.push(rsa_agreement("rsa_layers", &r.layers)?);
        }
        out.push(rsa_matrices(r)?);
        if let Some(similarity) = &r.similarity {
            out.push(rsa_similarity(similarity)?);
        }
    }
    if let Some(r) = &data.reconstruction {
        out.push(reconstruction(r)?);
        out.push(reconstruction_spectrum(r)?);
        out.push(reconstruction_cross(r)?);
        out.push(paired("reconstruction_differences", &r.differences)?);
    }
    if let Some(s) = &data.saliency {
        out.push(saliency(s)?);
        out.push(paired("saliency_differences", &s.differences)?);
    }
    for table in &data.tables {
        if out.iter().any(|t| t.name() == table.name()) {
            return Err(crate::Error::Shape {
                place: format!("table `{}`", table.name()),
                expected: "a name that the report does not use itself".to_owned(),
                found: "a second table of this name".to_owned(),
            });
        }
        out.push(table.clone());
    }
    Ok(out)
}

/// Adds the columns `<name>`, `<name>_low` and `<name>_high`.
fn estimate(table: Table, name: &str, values: Vec<Option<Estimate>>) -> Result<Table> {
    let pick = |f: fn(&Estimate) -> f64| -> Vec<f64> {
        let get = |e: &Option<Estimate>| e.as_ref().map_or(f64::NAN, f);
        values.iter().map(get).collect()
    };
    table
        .f64(name, pick(|e| e.value))?
        .f64(&format!("{name}_low"), pick(Estimate::low))?
        .f64(&format!("{name}_high"), pick(Estimate::high))
}

fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

/// Seeds and counts beyond `i64::MAX` do not occur; they would be clipped.
fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn models(models: &[ModelInfo]) -> Result<Table> {
    let seeds = |m: &ModelInfo| {
        let seeds: Vec<_> = m.seeds.iter().map(u64::to_string).collect();
        seeds.join(" ")
    };
    let table = Table::new("models")
        .utf8("model", models.iter().map(|m| m.name.clone()))?
        .utf8("description", models.iter().map(|m| m.description.clone()))?
        .utf8("seeds", models.iter().map(seeds))?
        .f64(
            "parameters",
            models
                .iter()
                .map(|m| or_nan(m.parameters.map(|p| p as f64))),
        )?;
    estimate(
        table,
        "clean_accuracy",
        models.iter().map(|m| m.clean_accuracy).collect(),
    )?
    .f64("epochs", models.iter().map(|m| or_nan(m.epochs)))?
    .f64("seconds", models.iter().map(|m| or_nan(m.seconds)))?
    .utf8("hash", models.iter().map(|m| m.hash.clone()))
}

fn training(training: &Training) -> Result<Table> {
    let rows: Vec<_> = training
        .curves
        .iter()
        .flat_map(|c| c.epochs.iter().map(move |e| (c, e)))
        .collect();
    let number = |f: fn(&EpochRow) -> Option<f64>| rows.iter().map(move |(_, e)| or_nan(f(e)));
    Table::new("training")
        .utf8("model", rows.iter().map(|(c, _)| c.model.clone()))?
        .i64("seed", rows.iter().map(|(c, _)| whole(c.seed)))?
        .utf8("phase", rows.iter().map(|(c, _)| c.phase.clone()))?
        .i64("epoch", rows.iter().map(|(_, e)| i64::from(e.epoch)))?
        .f64("classification_loss", number(|e| e.classification_loss))?
        .f64("neural_loss", number(|e| e.neural_loss))?
        .f64("validation_accuracy", number(|e| e.validation_accuracy))?
        .f64(
            "validation_correlation",
            number(|e| e.validation_correlation),
        )?
        .f64("learning_rate", number(|e| e.learning_rate))?
        .f64("classification_weight", number(|e| e.classification_weight))?
        .f64("neural_weight", number(|e| e.neural_weight))?
        .f64("seconds", number(|e| e.seconds))?
        .f64("waited_seconds", number(|e| e.waited_seconds))
}

/// The long table of accuracies; it is called `robustness` in the results folder.
fn accuracy(rows: &[AccuracyRow]) -> Result<Table> {
    Table::new("robustness")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .i64("seed", rows.iter().map(|r| whole(r.seed)))?
        .utf8("corruption", rows.iter().map(|r| r.corruption.clone()))?
        .i64("severity", rows.iter().map(|r| i64::from(r.severity)))?
        .f64("accuracy", rows.iter().map(|r| r.accuracy))?
        .i64("images", rows.iter().map(|r| whole(r.images)))?
        .utf8("protocol", rows.iter().map(|r| r.protocol.clone()))
}

fn attacks(rows: &[AttackRow]) -> Result<Table> {
    Table::new("attacks")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .i64("seed", rows.iter().map(|r| whole(r.seed)))?
        .utf8("attack", rows.iter().map(|r| r.attack.clone()))?
        .f64("epsilon", rows.iter().map(|r| r.epsilon))?
        .f64("accuracy", rows.iter().map(|r| r.accuracy))?
        .i64("images", rows.iter().map(|r| whole(r.images)))?
        .f64(
            "median_distance",
            rows.iter().map(|r| or_nan(r.median_distance)),
        )?
        .f64(
            "zero_gradients",
            rows.iter().map(|r| or_nan(r.zero_gradients)),
        )?
        .utf8("protocol", rows.iter().map(|r| r.protocol.clone()))
}

fn scores(scores: &Scores) -> Result<Table> {
    let rows = &scores.rows;
    let table = Table::new("scores")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("level", rows.iter().map(|r| r.level.name()))?
        .utf8("name", rows.iter().map(|r| r.name.clone()))?;
    estimate(table, "score", rows.iter().map(|r| Some(r.score)).collect())?
        .utf8("pooling", rows.iter().map(|_| scores.pooling.clone()))
}

fn differences(rows: &[DifferenceRow]) -> Result<Table> {
    let table = Table::new("score_differences")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("reference", rows.iter().map(|r| r.reference.clone()))?
        .utf8("level", rows.iter().map(|r| r.level.name()))?
        .utf8("name", rows.iter().map(|r| r.name.clone()))?;
    let detectable = |f: fn(&Detectable) -> f64| {
        let of = move |r: &DifferenceRow| or_nan(r.detectable.as_ref().map(f));
        rows.iter().map(of)
    };
    let differences = rows.iter().map(|r| Some(r.difference)).collect();
    estimate(table, "difference", differences)?
        .f64("seeds", detectable(|d| d.seeds as f64))?
        .f64("detectable", detectable(|d| d.unpaired))?
        .f64("detectable_paired", detectable(|d| or_nan(d.paired)))
}

fn frequency(split: &FrequencySplit) -> Result<Table> {
    let rows = &split.rows;
    let table = Table::new("score_frequency")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .f64("low_frequency", rows.iter().map(|r| r.low))?
        .f64("high_frequency", rows.iter().map(|r| r.high))?;
    let differences = rows.iter().map(|r| Some(r.difference)).collect();
    estimate(table, "difference", differences)?
        .f64("correlation", rows.iter().map(|r| or_nan(r.correlation)))?
        .utf8("low", rows.iter().map(|_| split.low.join(" ")))?
        .utf8("high", rows.iter().map(|_| split.high.join(" ")))
}

fn published(rows: &[PublishedScore]) -> Result<Table> {
    Table::new("published_scores")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("level", rows.iter().map(|r| r.level.name()))?
        .utf8("name", rows.iter().map(|r| r.name.clone()))?
        .f64("score", rows.iter().map(|r| r.score))?
        .f64("standard_error", rows.iter().map(|r| or_nan(r.error)))
}

fn neural(rows: &[NeuralRow]) -> Result<Table> {
    Table::new("neural")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .i64("seed", rows.iter().map(|r| whole(r.seed)))?
        .utf8("target", rows.iter().map(|r| r.target.clone()))?
        .f64("correlation", rows.iter().map(|r| r.correlation))?
        .f64(
            "fraction_of_ceiling",
            rows.iter().map(|r| or_nan(r.fraction_of_ceiling)),
        )?
        .f64("feve", rows.iter().map(|r| or_nan(r.feve)))?
        .i64("neurons", rows.iter().map(|r| whole(r.neurons)))
}

fn neural_points(points: &[NeuralPoint]) -> Result<Table> {
    let table = Table::new("neural_robustness")
        .utf8("model", points.iter().map(|p| p.model.clone()))?
        .utf8("label", points.iter().map(|p| p.label.clone()))?;
    let table = estimate(
        table,
        "correlation",
        points.iter().map(|p| Some(p.correlation)).collect(),
    )?;
    estimate(
        table,
        "robustness",
        points.iter().map(|p| Some(p.robustness)).collect(),
    )
}

fn rsa_agreement(name: &str, rows: &[AgreementRow]) -> Result<Table> {
    let table = Table::new(name)
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("layer", rows.iter().map(|r| r.layer.clone()))?
        .utf8("condition", rows.iter().map(|r| r.condition.clone()))?
        .utf8("reference", rows.iter().map(|r| r.reference.clone()))?
        .utf8("comparator", rows.iter().map(|r| r.comparator.clone()))?;
    estimate(
        table,
        "agreement",
        rows.iter().map(|r| Some(r.value)).collect(),
    )
}

/// The strict upper triangles.
fn rsa_matrices(rsa: &Rsa) -> Result<Table> {
    let (mut model, mut caption) = (Vec::new(), Vec::new());
    let (mut row, mut column, mut value) = (Vec::new(), Vec::new(), Vec::new());
    for matrix in &rsa.matrices {
        for i in 0..matrix.size {
            for j in i + 1..matrix.size {
                model.push(matrix.model.clone());
                caption.push(matrix.caption.clone());
                row.push(whole(i as u64));
                column.push(whole(j as u64));
                let at = matrix.values.get(i * matrix.size + j);
                value.push(at.map_or(f64::NAN, |v| f64::from(*v)));
            }
        }
    }
    Table::new("rsa_matrices")
        .utf8("model", model)?
        .utf8("caption", caption)?
        .i64("image_a", row)?
        .i64("image_b", column)?
        .f64("dissimilarity", value)
}

/// Both triangles and the diagonal, as drawn.
fn rsa_similarity(data: &Similarity) -> Result<Table> {
    let n = data.names.len().max(1);
    let name = |i: usize| data.names.get(i).cloned().unwrap_or_default();
    let cells = || 0..data.values.len();
    Table::new("rsa_similarity")
        .utf8("model_a", cells().map(|k| name(k / n)))?
        .utf8("model_b", cells().map(|k| name(k % n)))?
        .utf8("comparator", cells().map(|_| data.comparator.clone()))?
        .f64("agreement", data.values.iter().copied())
}

fn reconstruction(data: &Reconstruction) -> Result<Table> {
    let rows = &data.measures;
    let table = Table::new("reconstruction")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("layer", rows.iter().map(|_| data.layer.clone()))?
        .f64("budget", rows.iter().map(|r| r.budget))?
        .utf8("measure", rows.iter().map(|r| r.measure.clone()))?;
    estimate(table, "value", rows.iter().map(|r| Some(r.value)).collect())
}

fn reconstruction_spectrum(data: &Reconstruction) -> Result<Table> {
    let rows = &data.spectrum;
    let table = Table::new("reconstruction_spectrum")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .f64("budget", rows.iter().map(|r| r.budget))?
        .f64("cycles_per_pixel", rows.iter().map(|r| r.cycles_per_pixel))?;
    estimate(
        table,
        "power_ratio_db",
        rows.iter().map(|r| Some(r.ratio_db)).collect(),
    )
}

fn reconstruction_cross(data: &Reconstruction) -> Result<Table> {
    let rows = &data.cross;
    let table = Table::new("reconstruction_cross")
        .utf8(
            "reconstructed_from",
            rows.iter().map(|r| r.reconstructed_from.clone()),
        )?
        .utf8(
            "classified_by",
            rows.iter().map(|r| r.classified_by.clone()),
        )?
        .utf8("images", rows.iter().map(|r| r.condition.clone()))?
        .f64("budget", rows.iter().map(|r| r.budget))?;
    estimate(
        table,
        "accuracy",
        rows.iter().map(|r| Some(r.accuracy)).collect(),
    )
}

/// Differences from Baseline over the same images and seeds.
fn paired(name: &'static str, rows: &[PairedRow]) -> Result<Table> {
    let table = Table::new(name)
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("circumstance", rows.iter().map(|r| r.circumstance.clone()))?
        .utf8("measure", rows.iter().map(|r| r.measure.clone()))?;
    let differences = rows.iter().map(|r| Some(r.difference)).collect();
    estimate(table, "difference", differences)?.f64("p", rows.iter().map(|r| or_nan(r.p)))
}

fn saliency(data: &Saliency) -> Result<Table> {
    let rows = &data.rows;
    let table = Table::new("saliency")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("sensitivity", rows.iter().map(|r| r.sensitivity.clone()))?
        .utf8("reference", rows.iter().map(|r| r.reference.clone()))?
        .utf8("metric", rows.iter().map(|r| r.metric.clone()))?;
    let table = estimate(table, "value", rows.iter().map(|r| Some(r.value)).collect())?;
    estimate(table, "shuffled", rows.iter().map(|r| r.shuffled).collect())?
        .f64("reliability", rows.iter().map(|r| or_nan(r.reliability)))
}
