//! The result tables beside those of the report. Invariant: long form, one
//! measurement a row, a missing number is NaN.

use striate_report::{Result, Table};
use striate_robustness::images::Level;
use striate_robustness::{BootstrapSummary, Grouping, SeedUncertainty};

use super::analyse::{Analysis, error_name, pooling_name};

/// Tables of calibration, corruption errors, all poolings and groupings, and
/// the bootstraps over images.
pub(super) fn tables(analysis: &Analysis) -> Result<Vec<Table>> {
    let mut tables = vec![
        mean_accuracy(analysis)?,
        corruption_errors(analysis)?,
        counts(analysis)?,
    ];
    if !analysis.robustness.is_empty() {
        tables.push(relative(analysis)?);
    }
    if !analysis.image_bootstrap.is_empty() {
        tables.push(image_bootstrap(analysis)?);
    }
    if let Some(split) = &analysis.frequency {
        let rows = &split.scores;
        let nan = f64::NAN;
        tables.push(
            Table::new("frequency_split")
                .utf8("model", rows.iter().map(|r| r.model.clone()))?
                .utf8("low_corruptions", rows.iter().map(|_| split.low.join(" ")))?
                .utf8(
                    "high_corruptions",
                    rows.iter().map(|_| split.high.join(" ")),
                )?
                .f64("low", rows.iter().map(|r| r.low))?
                .f64("high", rows.iter().map(|r| r.high))?
                .f64(
                    "difference_low",
                    rows.iter().map(|r| r.difference.map_or(nan, |d| d.low)),
                )?
                .f64(
                    "difference_high",
                    rows.iter().map(|r| r.difference.map_or(nan, |d| d.high)),
                )?
                .f64(
                    "correlation",
                    rows.iter().map(|r| r.correlation.unwrap_or(nan)),
                )?,
        );
    }
    let power = &analysis.minimal_detectable_effects;
    if !power.is_empty() {
        tables.push(
            Table::new("minimal_detectable_effects")
                .utf8("model", power.iter().map(|d| d.model.clone()))?
                .i64("seeds", power.iter().map(|d| d.seeds as i64))?
                .f64("deviation", power.iter().map(|d| d.deviation))?
                .f64("effect", power.iter().map(|d| d.effect))?,
        );
    }
    Ok(tables)
}

fn counts(analysis: &Analysis) -> Result<Table> {
    let rows = &analysis.accuracy;
    let or_nan = |v: Option<f64>| v.unwrap_or(f64::NAN);
    Table::new("accuracy")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .i64("seed", rows.iter().map(|r| r.seed as i64))?
        .utf8("corruption", rows.iter().map(|r| r.corruption.clone()))?
        .i64("severity", rows.iter().map(|r| i64::from(r.severity)))?
        .i64("correct", rows.iter().map(|r| r.correct as i64))?
        .i64("images", rows.iter().map(|r| r.images as i64))?
        .f64("accuracy", rows.iter().map(|r| r.accuracy))?
        .f64("low", rows.iter().map(|r| r.low))?
        .f64("high", rows.iter().map(|r| r.high))?
        .f64(
            "expected_calibration_error",
            rows.iter().map(|r| or_nan(r.expected_calibration_error)),
        )?
        .f64(
            "maximum_calibration_error",
            rows.iter().map(|r| or_nan(r.maximum_calibration_error)),
        )?
        .f64(
            "overconfidence",
            rows.iter().map(|r| or_nan(r.overconfidence)),
        )
}

fn mean_accuracy(analysis: &Analysis) -> Result<Table> {
    let rows = &analysis.mean_accuracy.means;
    Table::new("mean_accuracy")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("over", rows.iter().map(|r| r.over.clone()))?
        .f64("accuracy", rows.iter().map(|r| r.value))?
        .f64(
            "standard_error",
            rows.iter().map(|r| r.images.standard_error),
        )?
        .f64("low", rows.iter().map(|r| r.images.low))?
        .f64("high", rows.iter().map(|r| r.images.high))
}

fn corruption_errors(analysis: &Analysis) -> Result<Table> {
    let nan = f64::NAN;
    let mut rows: Vec<(&str, &str, &str, f64, f64, f64)> = Vec::new();
    for error in &analysis.corruption_errors {
        let kind = error_name(&error.normaliser);
        for (corruption, value) in &error.corruptions {
            rows.push((&error.model, kind, corruption, *value, nan, nan));
        }
        let (low, high) = error.seeds.map_or((nan, nan), |s| (s.low, s.high));
        rows.push((&error.model, kind, "overall", error.mean, low, high));
    }
    Table::new("corruption_errors")
        .utf8("model", rows.iter().map(|r| r.0))?
        .utf8("kind", rows.iter().map(|r| r.1))?
        .utf8("corruption", rows.iter().map(|r| r.2))?
        .f64("error", rows.iter().map(|r| r.3))?
        .f64("low", rows.iter().map(|r| r.4))?
        .f64("high", rows.iter().map(|r| r.5))
}

struct Relative {
    model: String,
    pooling: &'static str,
    grouping: &'static str,
    level: &'static str,
    name: String,
    value: f64,
    seeds: Option<BootstrapSummary>,
    images: (f64, f64),
}

fn relative(analysis: &Analysis) -> Result<Table> {
    let mut rows = Vec::new();
    for found in &analysis.robustness {
        let pooling = pooling_name(found.config.pooling);
        let grouping = match found.config.grouping {
            Grouping::Study => "study",
            Grouping::StudyAsPlotted => "study as plotted",
            Grouping::ImageNetC => "imagenet-c",
        };
        for score in &found.scores {
            let mut add = |level, grouping, name: &str, estimate: &striate_robustness::Estimate| {
                rows.push(Relative {
                    model: score.model.clone(),
                    pooling,
                    grouping,
                    level,
                    name: name.to_owned(),
                    value: estimate.value,
                    seeds: match estimate.seeds {
                        SeedUncertainty::Bootstrap(summary) => Some(summary),
                        _ => None,
                    },
                    images: (estimate.images.low, estimate.images.high),
                });
            };
            // Corruptions and the overall score do not depend on the grouping.
            if found.config.grouping == Grouping::Study {
                add("overall", "", "overall", &score.overall);
                for c in &score.corruptions {
                    add("corruption", "", &c.corruption, &c.estimate);
                }
            }
            for g in &score.groups {
                add("group", grouping, g.group.name(), &g.estimate);
            }
        }
    }
    let of = |f: &dyn Fn(&BootstrapSummary) -> f64| -> Vec<f64> {
        let values = rows.iter().map(|r| r.seeds.as_ref().map_or(f64::NAN, f));
        values.collect()
    };
    Table::new("relative_robustness")
        .utf8("model", rows.iter().map(|r| r.model.clone()))?
        .utf8("pooling", rows.iter().map(|r| r.pooling))?
        .utf8("level", rows.iter().map(|r| r.level))?
        .utf8("grouping", rows.iter().map(|r| r.grouping))?
        .utf8("name", rows.iter().map(|r| r.name.clone()))?
        .f64("score", rows.iter().map(|r| r.value))?
        .f64("seeds_standard_error", of(&|s| s.standard_error))?
        .f64("seeds_low", of(&|s| s.low))?
        .f64("seeds_high", of(&|s| s.high))?
        .f64("counting_low", rows.iter().map(|r| r.images.0))?
        .f64("counting_high", rows.iter().map(|r| r.images.1))
}

fn image_bootstrap(analysis: &Analysis) -> Result<Table> {
    let mut rows: Vec<(&str, &str, &str, BootstrapSummary)> = Vec::new();
    for found in &analysis.image_bootstrap {
        let drawn = match found.level {
            Level::Images => "images",
            Level::SeedsAndImages => "seeds and images",
        };
        let scores = found.scores.iter();
        rows.extend(scores.map(|(model, s)| (drawn, model.as_str(), "", *s)));
        let differences = found.differences.iter();
        rows.extend(differences.map(|(a, b, s)| (drawn, a.as_str(), b.as_str(), *s)));
    }
    Table::new("image_bootstrap")
        .utf8("drawn", rows.iter().map(|r| r.0))?
        .utf8("model", rows.iter().map(|r| r.1))?
        .utf8("minus", rows.iter().map(|r| r.2))?
        .f64("mean", rows.iter().map(|r| r.3.mean))?
        .f64("standard_error", rows.iter().map(|r| r.3.standard_error))?
        .f64("low", rows.iter().map(|r| r.3.low))?
        .f64("high", rows.iter().map(|r| r.3.high))?
        .f64("p", rows.iter().map(|r| r.3.p_value()))
}
