//! Joint differences between models, and what the seeds could have shown.
//!
//! Invariant: no difference stands without the one that its seeds could have shown, or
//! without the reason why that is not known.

use maud::{Markup, html};

use super::parts::{links, number_table};
use crate::data::{DifferenceRow, Estimate, Level, Scores, model_label};
use crate::findings::show;

/// The differences of overall scores; `None` without any.
pub(super) fn differences(scores: &Scores) -> Option<Markup> {
    let rows: Vec<&DifferenceRow> = scores
        .differences
        .iter()
        .filter(|r| r.level == Level::Overall)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let points = |value: f64| show(&Estimate::point(value), 100.0, "");
    let row = |r: &&DifferenceRow| {
        let (seeds, unpaired, paired) = match r.detectable {
            Some(d) => (
                d.seeds.to_string(),
                points(d.unpaired),
                d.paired.map_or_else(|| "–".to_owned(), points),
            ),
            None => (
                "1 of 2 needed".to_owned(),
                "unknown".to_owned(),
                "unknown".to_owned(),
            ),
        };
        vec![
            format!("{} − {}", model_label(&r.model), model_label(&r.reference)),
            show(&r.difference, 100.0, ""),
            seeds,
            unpaired,
            paired,
        ]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    Some(html! {
        (number_table(
            "Joint differences of overall scores (points), with intervals in brackets, and the \
             smallest true difference that the seeds could have shown",
            &["Models", "Difference", "Seeds", "Could be shown", "Seed by seed"],
            &rows,
        ))
        p.remark {
            "A smaller true difference than the one that could be shown is missed by more than one \
             experiment in five (two-sided t test at level 0.05, power 0.8, with the spread over \
             seeds found here): an interval that covers zero says nothing against it. “Seed by \
             seed” takes networks of the same seed as pairs. Groups and corruptions: "
            (links("score_differences"))
        }
    })
}
