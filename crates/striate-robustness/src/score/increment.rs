//! The brain-specific increment: how far co-training on real responses goes
//! beyond the best control. Invariant: all scores of a replicate come from the
//! same draw of the baseline, and the choice of the best control is drawn too.

use serde::{Deserialize, Serialize};

use crate::bootstrap::Means;
use crate::grid::AccuracyGrid;
use crate::score::layout::Layout;
use crate::score::{ScoreConfig, SeedUncertainty};
use crate::summary::BootstrapSummary;
use crate::{Error, Result};

/// A model's overall score minus that of the best of its controls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Increment {
    /// The model.
    pub model: String,
    /// The control with the highest score.
    pub best_control: String,
    /// Score of the model minus that of the best control.
    pub value: f64,
    /// Spread over seeds of the difference to this control, as if it had been
    /// chosen beforehand.
    pub against_best: SeedUncertainty,
    /// Spread over seeds with the best control chosen anew in each replicate:
    /// the honest one, since the best of several is partly so by luck.
    pub against_any: SeedUncertainty,
}

/// Computes the increment of a model over several controls (`analyses.md` 7.3).
///
/// # Errors
///
/// No control; models that are not in the grid; as [`crate::robustness`].
pub fn increment(
    grid: &AccuracyGrid,
    config: &ScoreConfig,
    model: &str,
    controls: &[&str],
) -> Result<Increment> {
    let layout = Layout::new(grid, config)?;
    let own = grid.model_index(model)?;
    let others = controls
        .iter()
        .map(|name| grid.model_index(name))
        .collect::<Result<Vec<_>>>()?;
    let overall = layout.overall(&Means::of(grid));
    layout.check_finite(&layout.statistics(&Means::of(grid)))?;
    let highest = others
        .iter()
        .copied()
        .max_by(|a, b| overall[*a].total_cmp(&overall[*b]));
    let best = highest.ok_or(Error::Empty { what: "control" })?;
    let seeds = |m: usize| grid.all_runs()[m].len();
    let fewest = others
        .iter()
        .map(|m| seeds(*m))
        .min()
        .unwrap_or(0)
        .min(seeds(own));
    let too_few = SeedUncertainty::TooFewSeeds {
        model: fewest,
        baseline: seeds(layout.baseline),
    };
    let (against_best, against_any) = if fewest.min(seeds(layout.baseline)) > 1 {
        let replicates = config.bootstrap.replicates(grid, |means| {
            let scores = layout.overall(means);
            let top = others.iter().map(|m| scores[*m]).fold(f64::MIN, f64::max);
            Ok(vec![scores[own] - scores[best], scores[own] - top])
        })?;
        let summary = |k: usize| {
            BootstrapSummary::of(&replicates[k], config.bootstrap.confidence)
                .map_or(too_few, SeedUncertainty::Bootstrap)
        };
        (summary(0), summary(1))
    } else {
        (too_few, too_few)
    };
    Ok(Increment {
        model: model.to_owned(),
        best_control: grid.models()[best].clone(),
        value: overall[own] - overall[best],
        against_best,
        against_any,
    })
}
