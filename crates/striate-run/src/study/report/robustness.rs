//! The accuracy grid and the scores relative to Baseline.

use serde_json::json;
use striate_report::{
    AccuracyGrid, AccuracyRow, Detectable, DifferenceRow, Estimate, Finding, FrequencyRow,
    FrequencySplit, Level, ScoreRow, Scores, Verdict, model_label,
};
use striate_robustness::frequency::frequency_split;
use striate_robustness::{
    self as rob, Bootstrap, ScoreConfig, SeedUncertainty, Selection, robustness,
};

use super::{Source, published};
use crate::protocol::{Protocol, Protocols, file_hash};
use crate::study::benchmark::{Benchmark, Cell};
use crate::study::blur::MatchBlur;
use crate::study::dataset::IMAGES;
use crate::study::network::WEIGHTS;
use crate::{ModelName, Result};

/// Baseline behind a blur, as a model of the tables.
const BLURRED: &str = "baseline_blurred";

/// All accuracies, each with the hash of its protocol.
pub(super) fn accuracy(source: &Source<'_>, protocols: &mut Protocols) -> Result<AccuracyGrid> {
    let mut rows = Vec::new();
    for ((model, seed), steps) in &source.study.networks {
        let hash = protocols.add(protocol(
            source,
            "robustness",
            *model,
            *seed,
            steps.benchmark,
        )?)?;
        let cells = Benchmark::open(source.step(steps.benchmark)?)?;
        rows.extend(rows_of(model.name(), *seed, cells, &hash));
    }
    for (seed, step) in &source.study.blurred {
        let baseline = ModelName::Baseline;
        let hash = protocols.add(protocol(source, BLURRED, baseline, *seed, *step)?)?;
        let cells = MatchBlur::open(source.step(*step)?)?.cells;
        rows.extend(rows_of(BLURRED, *seed, cells, &hash));
    }
    Ok(AccuracyGrid {
        rows,
        chance: Some(1.0 / source.recipe.network.classes as f64),
        corruption_table: source.recipe.robustness.table.name().to_owned(),
    })
}

fn rows_of(
    model: &str,
    seed: u64,
    cells: Vec<Cell>,
    protocol: &str,
) -> impl Iterator<Item = AccuracyRow> {
    cells.into_iter().map(move |cell| AccuracyRow {
        model: model.to_owned(),
        seed,
        corruption: cell.corruption,
        severity: cell.severity,
        accuracy: cell.correct as f64 / cell.images as f64,
        images: cell.images,
        protocol: protocol.to_owned(),
    })
}

/// The protocol of what a step measured on a network.
pub(super) fn protocol(
    source: &Source<'_>,
    analysis: &str,
    model: ModelName,
    seed: u64,
    step: crate::engine::StepId,
) -> Result<Protocol> {
    let measured = source.step(step)?.manifest();
    let trained = source.step(source.study.networks[&(model, seed)].train)?;
    let data = source.step(source.study.data)?;
    Ok(Protocol {
        analysis: analysis.to_owned(),
        recipe: source.recipe.name.clone(),
        model: model.name().to_owned(),
        seed,
        step: measured.key.clone(),
        config: measured.config.clone(),
        weights: file_hash(trained, WEIGHTS)?,
        training: json!({
            "key": trained.manifest().key,
            "config": trained.manifest().config,
            "inputs": trained.manifest().inputs,
            "revision": trained.manifest().revision,
        }),
        data: file_hash(data, IMAGES)?,
        preprocessing: json!({
            "images": data.manifest().config,
            "order": "corrupt RGB, PIL 8-bit gray, divide by 255, normalise",
            "info": data.json::<serde_json::Value>("info.json")?["normalize"],
        }),
        revision: measured.revision.clone(),
    })
}

/// What is said of the robustness of a run.
#[derive(Default)]
pub(super) struct Scored {
    /// Scores relative to Baseline.
    pub(super) scores: Option<Scores>,
    /// The score of every network.
    pub(super) runs: Vec<rob::RunScore>,
    /// Whether the gain is the brain's, where there are several controls.
    pub(super) increment: Option<Finding>,
}

/// Scores relative to Baseline, if every cell can be scored.
pub(super) fn scores(source: &Source<'_>, accuracy: &AccuracyGrid) -> Result<Scored> {
    let rows = accuracy.rows.iter().map(|r| rob::Row {
        model: r.model.clone(),
        seed: r.seed,
        corruption: r.corruption.clone(),
        severity: r.severity,
        correct: (r.accuracy * r.images as f64).round() as u64,
        total: r.images,
    });
    let grid = rob::AccuracyGrid::from_rows(rows)?;
    let config = ScoreConfig {
        overall: source.recipe.robustness.overall.clone(),
        bootstrap: Bootstrap {
            replicates: source.recipe.robustness.bootstrap,
            seed: source.recipe.shared_seed,
            ..Bootstrap::default()
        },
        ..ScoreConfig::default()
    };
    let found = match robustness(&grid, &config) {
        Ok(found) => found,
        // A Baseline without a single correct answer cannot be a reference.
        Err(rob::Error::ZeroReference { .. }) => return Ok(Scored::default()),
        Err(error) => return Err(error.into()),
    };
    let mut scores = Scores {
        pooling: "ratio of sums over severities".to_owned(),
        corruptions: match &config.overall {
            Selection::Study => "the study's 14 (glass blur left out)".to_owned(),
            Selection::Common => "the 15 of ImageNet-C".to_owned(),
            Selection::All => format!("all {} of the recipe", found.selected.len()),
            Selection::Only(names) => names.join(", "),
        },
        published: published::scores(),
        published_source: rob::published::PROVENANCE.to_owned(),
        ..Scores::default()
    };
    for score in &found.scores {
        let (model, baseline) = (&score.model, &config.baseline);
        for (level, name, found) in levels(&score.overall, &score.groups, &score.corruptions) {
            // A score is 1 more than its distance from Baseline's.
            if model != baseline {
                let distance = estimate(found).shifted(-1.0);
                let row = difference([model, baseline], level, name.clone(), distance, found);
                scores.differences.push(row);
            }
            scores.rows.push(ScoreRow {
                model: model.clone(),
                level,
                name,
                score: estimate(found),
            });
        }
    }
    for pair in &found.differences {
        let models = [&pair.model, &pair.minus];
        for (level, name, found) in levels(&pair.overall, &pair.groups, &pair.corruptions) {
            let row = difference(models, level, name, estimate(found), found);
            scores.differences.push(row);
        }
    }
    scores.frequency = frequency(&grid, &config)?;
    let runs = rob::run_scores(
        &grid,
        &config.baseline,
        config.pooling,
        &config.overall,
        rob::RunReference::Mean,
    )?;
    Ok(Scored {
        scores: Some(scores),
        runs,
        increment: increment(source, &grid, &config, &found)?,
    })
}

/// The scores by the spatial frequency of the corruptions, where there are enough of
/// known frequency.
fn frequency(grid: &rob::AccuracyGrid, config: &ScoreConfig) -> Result<Option<FrequencySplit>> {
    let found = match frequency_split(grid, config) {
        Ok(found) => found,
        Err(rob::Error::TooFew { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let rows = found.scores.into_iter().map(|score| FrequencyRow {
        difference: match &score.difference {
            Some(drawn) => Estimate::with_interval(score.high - score.low, drawn.low, drawn.high),
            None => Estimate::point(score.high - score.low),
        },
        model: score.model,
        low: score.low,
        high: score.high,
        correlation: score.correlation,
    });
    Ok(Some(FrequencySplit {
        rows: rows.collect(),
        low: found.low,
        high: found.high,
    }))
}

/// MTL-Monkey's score minus that of the best control.
fn increment(
    source: &Source<'_>,
    grid: &rob::AccuracyGrid,
    config: &ScoreConfig,
    robustness: &rob::Robustness,
) -> Result<Option<Finding>> {
    let models = source.models();
    let blurred = (!source.study.blurred.is_empty()).then_some(BLURRED);
    let controls: Vec<&str> = models
        .iter()
        .filter(|model| model.is_control())
        .map(|model| model.name())
        .chain(blurred)
        .collect();
    let monkey = ModelName::MtlMonkey;
    // With one control it is the difference to this one, which the page states.
    if controls.len() < 2 || !models.contains(&monkey) {
        return Ok(None);
    }
    let found = rob::increment(grid, config, monkey.name(), &controls)?;
    let best = found.best_control.as_str();
    let pair = robustness
        .difference(monkey.name(), best)
        .or_else(|| robustness.difference(best, monkey.name()));
    let could_show = pair
        .and_then(|pair| pair.overall.detectable)
        .map_or_else(String::new, |d| {
            format!(
                "; {} seeds could have shown {:.1} points over it, had it been chosen beforehand",
                d.seeds,
                100.0 * d.unpaired
            )
        });
    let best = model_label(&found.best_control);
    let points = |value: f64| format!("{:.1}", 100.0 * value).replace('-', "\u{2212}");
    let value = points(found.value);
    let (verdict, spread) = match found.against_any.bootstrap() {
        Some(drawn) => {
            let verdict = match (drawn.low > 0.0, drawn.high < 0.0) {
                (true, _) => Verdict::Supported,
                (_, true) => Verdict::Contradicted,
                _ => Verdict::Undecided,
            };
            let (low, high) = (points(drawn.low), points(drawn.high));
            let spread = format!(" [{low}, {high}], the best control chosen anew in each draw");
            (verdict, spread)
        }
        None => (
            Verdict::Undecided,
            "; one seed gives no interval, so this decides nothing".to_owned(),
        ),
    };
    Ok(Some(Finding {
        verdict,
        claim: format!(
            "The gain is the brain's: MTL-Monkey is more robust than the best of {} controls.",
            controls.len()
        ),
        evidence: format!("{value} points over {best}{spread}{could_show}"),
    }))
}

fn difference(
    [model, reference]: [&String; 2],
    level: Level,
    name: String,
    difference: Estimate,
    found: &rob::Estimate,
) -> DifferenceRow {
    DifferenceRow {
        model: model.clone(),
        reference: reference.clone(),
        level,
        name,
        difference,
        detectable: found.detectable.map(|d| Detectable {
            seeds: d.seeds as u64,
            unpaired: d.unpaired,
            paired: d.paired,
        }),
    }
}

fn levels<'a>(
    overall: &'a rob::Estimate,
    groups: &'a [rob::GroupScore],
    corruptions: &'a [rob::CorruptionScore],
) -> Vec<(Level, String, &'a rob::Estimate)> {
    let mut rows = vec![(Level::Overall, "overall".to_owned(), overall)];
    // As the published groups are named.
    rows.extend(
        groups
            .iter()
            .map(|g| (Level::Group, g.group.name().to_lowercase(), &g.estimate)),
    );
    rows.extend(
        corruptions
            .iter()
            .map(|c| (Level::Corruption, c.corruption.clone(), &c.estimate)),
    );
    rows
}

/// The spread over seeds, or none: an error over images is another thing.
fn estimate(found: &rob::Estimate) -> Estimate {
    match &found.seeds {
        SeedUncertainty::Bootstrap(b) => Estimate::with_interval(found.value, b.low, b.high),
        _ => Estimate::point(found.value),
    }
}
