//! The tables, figures and the page of `--out`. Invariant: the baseline is the
//! line at 100 % and has no bar of its own.

use std::path::Path;

use striate_report::{
    AccuracyGrid, AccuracyRow, Detectable, DifferenceRow, Estimate, Level, ModelInfo, ReportData,
    ScoreRow, Scores, Uncertainty,
};
use striate_robustness::{
    self as rob, CorruptionScore, GroupScore, Robustness, RobustnessScore, SeedUncertainty,
};

use super::analyse::Analysis;
use super::tables::tables;
use crate::input::Result;

/// Writes `report.html`, `figures/` and `results/` into a folder.
pub(super) fn write(analysis: &Analysis, out: &Path) -> Result<()> {
    striate_report::write(&data(analysis)?, out)?;
    Ok(())
}

fn data(analysis: &Analysis) -> Result<ReportData> {
    let seeds = analysis.models.iter().map(|m| m.seeds.len()).min();
    let seeds = seeds.unwrap_or(0);
    let mut protocol = vec![
        ("files".to_owned(), analysis.files.join(", ")),
        ("rows".to_owned(), analysis.rows.to_string()),
        (
            "images of each condition".to_owned(),
            analysis.images.to_string(),
        ),
        (
            "corruptions in overall numbers".to_owned(),
            analysis.overall.join(", "),
        ),
        (
            "bootstrap".to_owned(),
            format!(
                "{} replicates, 95 % percentile intervals",
                analysis.replicates
            ),
        ),
    ];
    if let Some(baseline) = &analysis.baseline {
        protocol.insert(0, ("Baseline".to_owned(), baseline.clone()));
    }
    if let Some(classes) = analysis.classes {
        protocol.push(("classes".to_owned(), classes.to_string()));
    }
    Ok(ReportData {
        title: "Robustness to image corruptions".to_owned(),
        protocol,
        notes: analysis.notes.clone(),
        uncertainty: Uncertainty {
            seeds,
            interval: if seeds > 1 {
                format!(
                    "95 % percentile bootstrap over seeds, {} draws",
                    analysis.replicates
                )
            } else {
                String::new()
            },
        },
        models: models(analysis),
        accuracy: Some(AccuracyGrid {
            rows: analysis
                .accuracy
                .iter()
                .map(|a| AccuracyRow {
                    model: a.model.clone(),
                    seed: a.seed,
                    corruption: a.corruption.clone(),
                    severity: a.severity,
                    accuracy: a.accuracy,
                    images: a.images,
                    protocol: String::new(),
                })
                .collect(),
            chance: analysis.classes.map(|c| 1.0 / c as f64),
            corruption_table: String::new(),
        }),
        scores: analysis.main_scores().map(|found| scores(found, analysis)),
        sections: vec!["accuracy".to_owned(), "robustness".to_owned()],
        not_run: [("robustness".to_owned(), analysis.notes.join(" "))]
            .into_iter()
            .collect(),
        tables: tables(analysis)?,
        ..ReportData::default()
    })
}

fn models(analysis: &Analysis) -> Vec<ModelInfo> {
    let info = |model: &super::analyse::Model| {
        let clean: Vec<f64> = analysis
            .accuracy
            .iter()
            .filter(|a| a.model == model.name && a.severity == 0)
            .map(|a| a.accuracy)
            .collect();
        ModelInfo {
            name: model.name.clone(),
            seeds: model.seeds.clone(),
            clean_accuracy: Estimate::of(&clean),
            ..ModelInfo::default()
        }
    };
    analysis.models.iter().map(info).collect()
}

fn scores(found: &Robustness, analysis: &Analysis) -> Scores {
    let baseline = &found.config.baseline;
    let others = found.scores.iter().filter(|s| s.model != *baseline);
    // A score is 1 more than its distance from Baseline's.
    let distances = others.clone().flat_map(|s| {
        levels(&s.overall, &s.groups, &s.corruptions).map(move |(level, name, score)| {
            DifferenceRow {
                model: s.model.clone(),
                reference: baseline.clone(),
                level,
                name,
                difference: estimate(score).shifted(-1.0),
                detectable: score.detectable.map(detectable),
            }
        })
    });
    let rows = others.flat_map(
        |RobustnessScore {
             model,
             overall,
             groups,
             corruptions,
             ..
         }| {
            levels(overall, groups, corruptions).map(move |(level, name, score)| ScoreRow {
                model: model.clone(),
                level,
                name,
                score: estimate(score),
            })
        },
    );
    let differences = found.differences.iter().flat_map(|d| {
        levels(&d.overall, &d.groups, &d.corruptions).map(move |(level, name, difference)| {
            DifferenceRow {
                model: d.model.clone(),
                reference: d.minus.clone(),
                level,
                name,
                difference: estimate(difference),
                detectable: difference.detectable.map(detectable),
            }
        })
    });
    Scores {
        rows: rows.collect(),
        differences: distances.chain(differences).collect(),
        pooling: "ratio of sums over severities".to_owned(),
        corruptions: format!("{} in the overall score", analysis.overall.len()),
        ..Scores::default()
    }
}

fn levels<'a>(
    overall: &'a rob::Estimate,
    groups: &'a [GroupScore],
    corruptions: &'a [CorruptionScore],
) -> impl Iterator<Item = (Level, String, &'a rob::Estimate)> {
    let groups = groups
        .iter()
        .map(|g| (Level::Group, g.group.name().to_owned(), &g.estimate));
    let corruptions = corruptions
        .iter()
        .map(|c| (Level::Corruption, c.corruption.clone(), &c.estimate));
    [(Level::Overall, "overall".to_owned(), overall)]
        .into_iter()
        .chain(groups)
        .chain(corruptions)
}

/// The spread over seeds, or none: an error over images is another thing.
fn estimate(found: &rob::Estimate) -> Estimate {
    match &found.seeds {
        SeedUncertainty::Bootstrap(b) => Estimate::with_interval(found.value, b.low, b.high),
        _ => Estimate::point(found.value),
    }
}

fn detectable(found: rob::power::Detectable) -> Detectable {
    Detectable {
        seeds: found.seeds as u64,
        unpaired: found.unpaired,
        paired: found.paired,
    }
}
