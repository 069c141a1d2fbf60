//! Bootstrap over images, from outcomes per image. Invariant: an image is drawn
//! for all models, seeds, corruptions and severities at once, since all test
//! sets are versions of the same images; independent draws would understate the
//! error of averages and overstate that of ratios.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::bootstrap::{Bootstrap, Means, Pairing, check_pairs};
use crate::grid::{AccuracyGrid, Row};
use crate::score::{ScoreConfig, Statistics};
use crate::summary::BootstrapSummary;
use crate::{Error, Result};

mod accuracy;

pub use accuracy::{AccuracyBootstrap, MeanAccuracy, bootstrap_accuracy};

/// One test set of one run, image by image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// The model.
    pub model: String,
    /// The seed.
    pub seed: u64,
    /// The corruption, or `clean` at severity 0.
    pub corruption: String,
    /// 0 to 5.
    pub severity: u8,
    /// Whether each image was classified correctly; the same images in the same
    /// order in every test set.
    pub correct: Vec<bool>,
}

/// Which sources of error a replicate draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Images: these very networks on other images.
    Images,
    /// Seeds, and images within them: other networks on other images.
    #[default]
    SeedsAndImages,
}

/// The overall scores with an error from images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageBootstrap {
    /// What was drawn.
    pub level: Level,
    /// Per model: its name, and the summary of its overall score. The baseline
    /// is left out.
    pub scores: Vec<(String, BootstrapSummary)>,
    /// Per pair of models: both names, and the summary of the difference.
    pub differences: Vec<(String, String, BootstrapSummary)>,
}

/// The grid of counts that outcomes per image add up to.
///
/// # Errors
///
/// As [`AccuracyGrid::from_rows`]; test sets of different length.
pub fn grid(outcomes: &[Outcomes]) -> Result<AccuracyGrid> {
    let images = outcomes.first().map_or(0, |o| o.correct.len());
    let rows = outcomes.iter().map(|o| {
        if o.correct.len() != images {
            return Err(Error::Length {
                what: format!(
                    "images of {}",
                    crate::grid::cell(&o.model, o.seed, &o.corruption, o.severity)
                ),
                expected: images,
                found: o.correct.len(),
            });
        }
        Ok(Row {
            model: o.model.clone(),
            seed: o.seed,
            corruption: o.corruption.clone(),
            severity: o.severity,
            correct: o.correct.iter().filter(|c| **c).count() as u64,
            total: images as u64,
        })
    });
    AccuracyGrid::from_rows(rows.collect::<Result<Vec<_>>>()?)
}

/// Bootstraps overall scores over images, or over seeds and images.
///
/// Cost: one pass over all outcomes per replicate; 1,000 replicates of 10,000
/// images, 75 test sets and 25 runs are 2e10 additions of bytes.
///
/// # Errors
///
/// As [`grid`] and [`crate::robustness`]; with [`Level::SeedsAndImages`], fewer
/// than two seeds of any model (said, not hidden), or seeds that cannot be paired.
pub fn bootstrap_images(
    outcomes: &[Outcomes],
    config: &ScoreConfig,
    level: Level,
) -> Result<ImageBootstrap> {
    let grid = grid(outcomes)?;
    config.bootstrap.check()?;
    let statistics = Statistics::new(&grid, config)?;
    if level == Level::SeedsAndImages {
        let fewest = grid.all_runs().iter().map(Vec::len).min().unwrap_or(0);
        if fewest < 2 {
            return Err(Error::TooFew {
                analysis: "a bootstrap over seeds and images",
                unit: "seeds of every model",
                needed: 2,
                found: fewest,
            });
        }
    }
    if level == Level::SeedsAndImages && config.bootstrap.pairing == Pairing::Paired {
        check_pairs(&grid)?;
    }
    let table = Table::new(&grid, outcomes);
    let root = Seed::new(config.bootstrap.seed).child("bootstrap over images");
    let replicates: Vec<Vec<f64>> = (0..config.bootstrap.replicates)
        .into_par_iter()
        .map(|replicate| {
            let node = root.index(replicate as u64);
            let means = table.means(&grid, &node, level, &config.bootstrap);
            statistics.overall(&means)
        })
        .collect();
    let series = |f: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = replicates.iter().map(|r| f(r)).collect();
        BootstrapSummary::of(&values, config.bootstrap.confidence)
    };
    let others: Vec<usize> = (0..grid.models().len())
        .filter(|m| grid.models()[*m] != config.baseline)
        .collect();
    let name = |m: usize| grid.models()[m].clone();
    let scores = others
        .iter()
        .filter_map(|m| series(&|r| r[*m]).map(|s| (name(*m), s)))
        .collect();
    let mut differences = Vec::new();
    for (k, a) in others.iter().enumerate() {
        for b in &others[k + 1..] {
            if let Some(summary) = series(&|r| r[*a] - r[*b]) {
                differences.push((name(*a), name(*b), summary));
            }
        }
    }
    Ok(ImageBootstrap {
        level,
        scores,
        differences,
    })
}

/// Outcomes as bytes, in the grid's order.
struct Table {
    images: usize,
    /// Per model and run, cell-major.
    runs: Vec<Vec<Vec<u8>>>,
}

impl Table {
    fn new(grid: &AccuracyGrid, outcomes: &[Outcomes]) -> Self {
        let images = outcomes.first().map_or(0, |o| o.correct.len());
        let severities = grid.severities().len();
        let cells = grid.corruptions().len() * severities;
        let empty = |runs: &Vec<crate::Run>| vec![vec![0; cells * images]; runs.len()];
        let mut runs: Vec<Vec<Vec<u8>>> = grid.all_runs().iter().map(empty).collect();
        for o in outcomes {
            let model = grid.models().iter().position(|m| *m == o.model);
            let corruption = grid.corruptions().iter().position(|c| *c == o.corruption);
            let severity = grid.severities().iter().position(|s| *s == o.severity);
            // The clean test set enters no score.
            let (Some(m), Some(c), Some(s)) = (model, corruption, severity) else {
                continue;
            };
            let Some(run) = grid.all_runs()[m].iter().position(|r| r.seed == o.seed) else {
                continue;
            };
            let start = (c * severities + s) * images;
            let target = &mut runs[m][run][start..start + images];
            for (byte, correct) in target.iter_mut().zip(&o.correct) {
                *byte = u8::from(*correct);
            }
        }
        Self { images, runs }
    }

    fn means(
        &self,
        grid: &AccuracyGrid,
        node: &Seed,
        level: Level,
        bootstrap: &Bootstrap,
    ) -> Means {
        // Drawn more than 255 times an image would be counted short; with n
        // draws out of n that has probability below 1e-500.
        let mut counts = vec![0_u8; self.images];
        let mut stream = node.child("images").stream();
        for _ in 0..self.images {
            let drawn = &mut counts[stream.below(self.images)];
            *drawn = drawn.saturating_add(1);
        }
        let seeds = node.child("seeds");
        let mut means = Means::zeros(grid);
        for (model, runs) in self.runs.iter().enumerate() {
            let draw: Vec<usize> = match level {
                Level::Images => (0..runs.len()).collect(),
                Level::SeedsAndImages => bootstrap.draw(&seeds, model, runs.len()),
            };
            let cells = means.cells_mut(model);
            for (run, outcomes) in runs.iter().enumerate() {
                let times = draw.iter().filter(|d| **d == run).count();
                if times == 0 {
                    continue;
                }
                let weight = times as f64 / (draw.len() * self.images) as f64;
                for (mean, outcomes) in cells.iter_mut().zip(outcomes.chunks(self.images)) {
                    *mean += weight * weighted_count(outcomes, &counts) as f64;
                }
            }
        }
        means
    }
}

/// How many drawn images were right.
fn weighted_count(outcomes: &[u8], counts: &[u8]) -> u64 {
    // Sums of 128 products of a bit and a count fit 16 bits.
    let chunks = outcomes.chunks(128).zip(counts.chunks(128));
    chunks
        .map(|(o, c)| u64::from(o.iter().zip(c).map(|(o, c)| u16::from(o * c)).sum::<u16>()))
        .sum()
}

#[cfg(test)]
mod tests;
