//! Mean accuracies with an error from images. Invariant: an image is drawn for
//! all models and test sets at once, so differences between models are paired.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use super::{Outcomes, grid};
use crate::bootstrap::Bootstrap;
use crate::corruptions::{CLEAN, Selection};
use crate::summary::BootstrapSummary;
use crate::{Error, Result};

/// A mean accuracy and its error from images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanAccuracy {
    /// The model.
    pub model: String,
    /// `clean`, a corruption, or `overall` (the selected corruptions).
    pub over: String,
    /// Mean over images, severities and the model's seeds, in `[0, 1]`.
    pub value: f64,
    /// Spread over drawn images, for these very networks.
    pub images: BootstrapSummary,
}

/// The result of [`bootstrap_accuracy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyBootstrap {
    /// Per model: clean (if tested), each corruption, overall.
    pub means: Vec<MeanAccuracy>,
    /// Per pair of models: both names, the difference of their overall
    /// accuracies, and its spread over jointly drawn images.
    pub differences: Vec<(String, String, f64, BootstrapSummary)>,
}

/// Bootstraps mean accuracies over images. Unlike
/// [`bootstrap_images`](super::bootstrap_images) it needs no baseline.
///
/// # Errors
///
/// As [`grid`]; a selected corruption that was not tested; settings out of range.
pub fn bootstrap_accuracy(
    outcomes: &[Outcomes],
    overall: &Selection,
    bootstrap: &Bootstrap,
) -> Result<AccuracyBootstrap> {
    bootstrap.check()?;
    let grid = grid(outcomes)?;
    let selected = overall.names(grid.corruptions());
    for name in &selected {
        grid.corruption_index(name)?;
    }
    let images = outcomes.first().map_or(0, |o| o.correct.len());
    if images == 0 {
        return Err(Error::Empty { what: "image" });
    }
    let mut targets: Vec<(usize, String, Vec<f64>)> = Vec::new();
    for (index, model) in grid.models().iter().enumerate() {
        let mut add = |over: &str, within: &dyn Fn(&str) -> bool| {
            let sets = outcomes
                .iter()
                .filter(|o| o.model == *model && within(&o.corruption));
            let (mut sum, mut count) = (vec![0.0; images], 0.0);
            for set in sets {
                count += 1.0;
                let pairs = sum.iter_mut().zip(&set.correct);
                pairs.for_each(|(s, c)| *s += f64::from(u8::from(*c)));
            }
            if count > 0.0 {
                sum.iter_mut().for_each(|s| *s /= count);
                targets.push((index, over.to_owned(), sum));
            }
        };
        add(CLEAN, &|c| c == CLEAN);
        for corruption in grid.corruptions() {
            add(corruption, &|c| c == corruption);
        }
        add("overall", &|c| selected.iter().any(|s| s == c));
    }
    let root = Seed::new(bootstrap.seed).child("bootstrap of accuracies over images");
    let replicates: Vec<Vec<f64>> = (0..bootstrap.replicates)
        .into_par_iter()
        .map(|replicate| {
            let mut counts = vec![0.0_f64; images];
            let mut stream = root.index(replicate as u64).stream();
            for _ in 0..images {
                counts[stream.below(images)] += 1.0;
            }
            let mean = |values: &[f64]| {
                let sum: f64 = values.iter().zip(&counts).map(|(v, n)| v * n).sum();
                sum / images as f64
            };
            targets.iter().map(|(.., values)| mean(values)).collect()
        })
        .collect();
    let summary = |f: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = replicates.iter().map(|r| f(r)).collect();
        BootstrapSummary::of(&values, bootstrap.confidence)
    };
    let point = |k: usize| targets[k].2.iter().sum::<f64>() / images as f64;
    let name = |k: usize| grid.models()[targets[k].0].clone();
    let means = (0..targets.len())
        .filter_map(|k| {
            Some(MeanAccuracy {
                model: name(k),
                over: targets[k].1.clone(),
                value: point(k),
                images: summary(&|r| r[k])?,
            })
        })
        .collect();
    let overalls: Vec<usize> = (0..targets.len())
        .filter(|k| targets[*k].1 == "overall")
        .collect();
    let mut differences = Vec::new();
    for (position, a) in overalls.iter().enumerate() {
        for b in &overalls[position + 1..] {
            if let Some(spread) = summary(&|r| r[*a] - r[*b]) {
                differences.push((name(*a), name(*b), point(*a) - point(*b), spread));
            }
        }
    }
    Ok(AccuracyBootstrap { means, differences })
}
