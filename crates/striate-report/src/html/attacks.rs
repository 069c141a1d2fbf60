//! The table of accuracies under attack.
//!
//! Invariant: every size that the figure shows has its row.

use maud::Markup;

use super::parts::number_table;
use crate::data::{AttackRow, Attacks, Estimate, model_label};
use crate::findings::show;
use crate::plots;

/// Attacks and sizes in rows, models in columns; medians of distances below.
pub(super) fn table(data: &Attacks) -> Markup {
    let models = plots::models_of(data.rows.iter().map(|r| &r.model));
    let attacks = plots::in_order(data.rows.iter().map(|r| &r.attack));
    let cell =
        |value: Option<Estimate>| value.map_or_else(|| "–".to_owned(), |v| show(&v, 100.0, ""));
    let mut rows = Vec::new();
    for attack in &attacks {
        for size in plots::sizes(data, attack) {
            let name = match (size == 0.0, attack.ends_with("-linf")) {
                (true, _) => format!("{attack}, as they are"),
                // The inverse of a division by 255, rounding taken out again.
                (false, true) => format!("{attack}, {} levels", level(size)),
                (false, false) => format!("{attack}, {size}"),
            };
            let found = models.iter().map(|m| {
                let value = plots::attacked_accuracy(data, m, attack, size);
                cell(value)
            });
            rows.push([name].into_iter().chain(found).collect());
        }
        let median = |model: &String| {
            let of = |r: &&AttackRow| r.model == *model && r.attack == *attack && r.epsilon > 0.0;
            // One median for each seed, the same in all of its rows.
            let mut seeds: Vec<(u64, f64)> = data
                .rows
                .iter()
                .filter(of)
                .filter_map(|r| Some((r.seed, r.median_distance?)))
                .collect();
            seeds.dedup_by_key(|(seed, _)| *seed);
            let values: Vec<f64> = seeds.into_iter().map(|(_, median)| median).collect();
            Estimate::of(&values)
        };
        let medians: Vec<Option<Estimate>> = models.iter().map(median).collect();
        if medians.iter().any(Option::is_some) {
            let name = format!("{attack}, median distance");
            let found = medians.into_iter().map(distance);
            rows.push([name].into_iter().chain(found).collect());
        }
    }
    let mut head = vec!["Attack, size".to_owned()];
    head.extend(models.iter().map(|m| model_label(m)));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    number_table(
        "Accuracy under attack (%), with standard errors over seeds in brackets",
        &head,
        &rows,
    )
}

/// A size in gray levels, to a thousandth.
fn level(size: f64) -> f64 {
    (size * 255_000.0).round() / 1000.0
}

/// A distance and its interval with three decimals.
fn distance(value: Option<Estimate>) -> String {
    match value {
        None => "–".to_owned(),
        Some(Estimate {
            value,
            interval: Some((low, high)),
        }) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        Some(Estimate { value, .. }) => format!("{value:.3}"),
    }
}
