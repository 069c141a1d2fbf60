//! How one's own scores stand to the published ones.
//!
//! Invariant: "inside" is said of intervals only; without one a published value
//! is neither inside nor outside.

use maud::Markup;

use super::parts::number_table;
use crate::data::{Level, PublishedScore, ScoreRow, Scores, model_label};
use crate::plots;

/// Counts over the corruptions that both have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Corruptions with both scores.
    pub(super) compared: usize,
    /// Both above or both below Baseline.
    pub(super) same_side: usize,
    /// Own scores with an interval.
    pub(super) with_interval: usize,
    /// The published value lies in the own interval.
    pub(super) inside: usize,
}

/// The counts of one model.
pub(super) fn counts(scores: &Scores, model: &str) -> Counts {
    let own = |p: &PublishedScore| {
        let of = |r: &&ScoreRow| r.model == p.model && r.level == p.level && r.name == p.name;
        scores.rows.iter().find(of).map(|r| r.score)
    };
    let mut counts = Counts::default();
    for published in &scores.published {
        if published.model != model || published.level != Level::Corruption {
            continue;
        }
        let Some(score) = own(published).filter(|s| s.value.is_finite()) else {
            continue;
        };
        counts.compared += 1;
        counts.same_side += usize::from((score.value > 1.0) == (published.score > 1.0));
        if let Some((low, high)) = score.interval {
            counts.with_interval += 1;
            counts.inside += usize::from((low..=high).contains(&published.score));
        }
    }
    counts
}

/// One row per model; `None` without published values.
pub(super) fn comparison(scores: &Scores) -> Option<Markup> {
    let mut models = plots::models_of(scores.published.iter().map(|p| &p.model));
    models.retain(|m| counts(scores, m).compared > 0);
    if models.is_empty() {
        return None;
    }
    let row = |model: &String| {
        let c = counts(scores, model);
        let inside = match c.with_interval {
            0 => "no intervals".to_owned(),
            n => format!("{} of {n}", c.inside),
        };
        vec![
            model_label(model),
            format!("{} of {}", c.same_side, c.compared),
            inside,
        ]
    };
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    Some(number_table(
        "Agreement with the published scores, over corruptions",
        &[
            "Model",
            "Same side of Baseline",
            "Published value inside our interval",
        ],
        &rows,
    ))
}
