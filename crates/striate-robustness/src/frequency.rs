//! Robustness split by the spatial frequency of the corruptions. Invariant: the
//! frequencies are measured, not judged; both halves of a split are drawn
//! jointly.
//!
//! A network that co-learned from the visual cortex prefers low spatial
//! frequencies (Li, Ortega Caro et al. 2023): if that is all, it gains on
//! corruptions that act at high frequencies and loses on others. A score that is
//! only a mean over corruptions hides this (`analyses.md` 1.6, 7.4).

use serde::{Deserialize, Serialize};

use crate::bootstrap::Means;
use crate::correlation::spearman;
use crate::grid::AccuracyGrid;
use crate::score::ScoreConfig;
use crate::summary::BootstrapSummary;
use crate::{Error, Result};

/// The mean frequency of what each corruption changes, in cycles per pixel of
/// 64-px images, weighted by power; 0.5 is the highest along an axis. Measured by
/// `examples/corruption_frequency.py` with the table `imagecorruptions`, mean
/// over severities 1 to 5.
pub const CENTRE: [(&str, f64); 19] = [
    ("gaussian_noise", 0.373),
    ("shot_noise", 0.373),
    ("impulse_noise", 0.371),
    ("defocus_blur", 0.213),
    ("glass_blur", 0.202),
    ("motion_blur", 0.14),
    ("zoom_blur", 0.187),
    ("snow", 0.121),
    ("frost", 0.094),
    ("fog", 0.056),
    ("brightness", 0.098),
    ("contrast", 0.076),
    ("elastic_transform", 0.292),
    ("pixelate", 0.324),
    ("jpeg_compression", 0.36),
    ("speckle_noise", 0.369),
    ("gaussian_blur", 0.234),
    ("spatter", 0.144),
    ("saturate", 0.063),
];

/// The centre frequency of a corruption; `None` for one that was not measured.
pub fn centre(corruption: &str) -> Option<f64> {
    let found = CENTRE.iter().find(|(name, _)| *name == corruption);
    found.map(|(_, centre)| *centre)
}

/// Relative robustness of one model on both halves of the corruptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrequencyScore {
    /// The model.
    pub model: String,
    /// Mean relative robustness on the low half.
    pub low: f64,
    /// On the high half.
    pub high: f64,
    /// `high - low` over bootstrap draws of seeds; `None` with fewer than two
    /// seeds of the model or the baseline.
    pub difference: Option<BootstrapSummary>,
    /// Spearman correlation over corruptions of centre frequency and relative
    /// robustness; `None` where all scores are equal.
    pub correlation: Option<f64>,
}

/// A split of the selected corruptions at their median centre frequency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrequencySplit {
    /// The half with the lower centres, ascending.
    pub low: Vec<String>,
    /// The half with the higher ones, ascending. With an odd number the middle
    /// one is in neither.
    pub high: Vec<String>,
    /// One per model but the baseline.
    pub scores: Vec<FrequencyScore>,
}

/// Splits robustness by the frequency of the corruptions.
///
/// # Errors
///
/// A baseline or corruption that the grid does not hold, a selected corruption
/// whose frequency was not measured, fewer than four corruptions, a baseline
/// accuracy of zero.
pub fn frequency_split(grid: &AccuracyGrid, config: &ScoreConfig) -> Result<FrequencySplit> {
    config.bootstrap.check()?;
    let baseline = grid.model_index(&config.baseline)?;
    let mut order = config
        .overall
        .names(grid.corruptions())
        .into_iter()
        .map(|name| {
            let index = grid.corruption_index(&name)?;
            let centre = centre(&name).ok_or_else(|| Error::Unknown {
                kind: "measured centre frequency of corruption",
                known: crate::grid::list(CENTRE.iter().map(|(n, _)| n)),
                name,
            })?;
            Ok((centre, index))
        })
        .collect::<Result<Vec<(f64, usize)>>>()?;
    if order.len() < 4 {
        return Err(Error::TooFew {
            analysis: "a split by frequency",
            unit: "corruptions",
            needed: 4,
            found: order.len(),
        });
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = order.len() / 2;
    let (low, high) = (&order[..half], &order[order.len() - half..]);
    let severities = grid.severities().len();
    let score = |means: &Means, model: usize, corruption: usize| {
        let cells = corruption * severities..(corruption + 1) * severities;
        let (own, base) = (means.cells(model), means.cells(baseline));
        config.pooling.score(&own[cells.clone()], &base[cells])
    };
    let mean = |means: &Means, model: usize, part: &[(f64, usize)]| {
        let scores = part.iter().map(|(_, c)| score(means, model, *c));
        scores.sum::<f64>() / part.len() as f64
    };
    let point = Means::of(grid);
    let others: Vec<usize> = (0..grid.models().len())
        .filter(|m| *m != baseline)
        .collect();
    for (_, corruption) in &order {
        if !score(&point, baseline, *corruption).is_finite() {
            return Err(Error::ZeroReference {
                model: config.baseline.clone(),
                place: grid.corruptions()[*corruption].clone(),
            });
        }
    }
    let replicates = config.bootstrap.replicates(grid, |means| {
        let gap = |m: &usize| mean(means, *m, high) - mean(means, *m, low);
        Ok(others.iter().map(gap).collect())
    })?;
    let seeds = |m: usize| grid.all_runs()[m].len();
    let centres: Vec<f64> = order.iter().map(|(centre, _)| *centre).collect();
    let scores = others.iter().enumerate().map(|(k, model)| {
        let scores: Vec<f64> = order
            .iter()
            .map(|(_, c)| score(&point, *model, *c))
            .collect();
        let enough = seeds(*model).min(seeds(baseline)) > 1;
        FrequencyScore {
            model: grid.models()[*model].clone(),
            low: mean(&point, *model, low),
            high: mean(&point, *model, high),
            difference: replicates
                .get(k)
                .filter(|_| enough)
                .and_then(|r| BootstrapSummary::of(r, config.bootstrap.confidence)),
            correlation: spearman(&centres, &scores).ok(),
        }
    });
    let names = |part: &[(f64, usize)]| -> Vec<String> {
        let names = part.iter().map(|(_, c)| grid.corruptions()[*c].clone());
        names.collect()
    };
    Ok(FrequencySplit {
        low: names(low),
        high: names(high),
        scores: scores.collect(),
    })
}

#[cfg(test)]
mod tests;
