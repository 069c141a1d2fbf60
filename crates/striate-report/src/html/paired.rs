//! Differences from Baseline over the same images and seeds.
//!
//! Invariant: an interval stands beside each difference, and what it was drawn over is
//! said.

use maud::{Markup, html};

use super::parts::{links, number_table};
use crate::data::{Estimate, PairedRow, model_label};
use crate::plots;

/// One row per circumstance and measure, one column per model; `None` without any.
pub(super) fn table(rows: &[PairedRow], seeds: usize, name: &'static str) -> Option<Markup> {
    if rows.is_empty() {
        return None;
    }
    let models = plots::models_of(rows.iter().map(|r| &r.model));
    let mut lines: Vec<(&String, &String)> = Vec::new();
    for row in rows {
        let line = (&row.measure, &row.circumstance);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let cell = |model: &String, (measure, circumstance): (&String, &String)| {
        let of = |r: &&PairedRow| {
            r.model == *model && r.measure == *measure && r.circumstance == *circumstance
        };
        let found = rows.iter().find(of);
        found.map_or_else(|| "–".to_owned(), |r| show(&r.difference))
    };
    let body: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let head = format!("{}, {}", line.0, line.1);
            let cells = models.iter().map(|m| cell(m, *line));
            [head].into_iter().chain(cells).collect()
        })
        .collect();
    let mut head = vec!["Measure".to_owned()];
    head.extend(models.iter().map(|m| model_label(m)));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let drawn = match seeds {
        0 | 1 => "over images (one seed: what differs between trainings is not in them)",
        _ => "over seeds and images together",
    };
    Some(html! {
        (number_table(
            "Differences from Baseline on the same images, with 95 % intervals in brackets",
            &head,
            &body,
        ))
        p.remark {
            "Intervals: bootstrap " (drawn) ". Signed-rank tests over images: " (links(name))
        }
    })
}

/// Three decimals.
fn show(value: &Estimate) -> String {
    let number = |v: f64| format!("{v:.3}").replace('-', "\u{2212}");
    match value.interval {
        Some((low, high)) => format!(
            "{} [{}, {}]",
            number(value.value),
            number(low),
            number(high)
        ),
        None => number(value.value),
    }
}
