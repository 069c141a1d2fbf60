//! The paper's values beside this run's, with a verdict each.
//!
//! Invariant: each reason and each protocol that a row refers to stands below the table.

use maud::{Markup, html};

use super::parts::{links, number_table};
use crate::data::{Level, PublishedValue, Standing, model_label, pretty};
use crate::plots;

/// All values but the scores of single corruptions, which have their verdicts in the
/// table of scores; `None` without any.
pub(super) fn published(values: &[PublishedValue]) -> Option<Markup> {
    if values.is_empty() {
        return None;
    }
    let mut reasons: Vec<String> = Vec::new();
    let rows: Vec<Vec<String>> = values
        .iter()
        .filter(|v| v.level != Some(Level::Corruption))
        .map(|value| {
            let own = value.own.map_or_else(
                || "–".to_owned(),
                |own| match own.interval {
                    Some((low, high)) => {
                        format!("{} [{}, {}]", number(own.value), number(low), number(high))
                    }
                    None => number(own.value),
                },
            );
            let published = match (value.published, value.error) {
                (Some(v), Some(e)) => format!("{} ± {}", number(v), number(e)),
                (Some(v), None) => number(v),
                (None, _) => "none".to_owned(),
            };
            vec![
                title(value),
                own,
                published,
                value.side().unwrap_or("–").to_owned(),
                verdict(&value.standing(), &mut reasons),
            ]
        })
        .collect();
    let quantities = plots::in_order(values.iter().map(|v| &v.quantity));
    let protocol = |quantity: &String| values.iter().find(|v| v.quantity == *quantity);
    Some(html! {
        h3 { "Verdicts beside the published values" }
        (number_table(
            "Published values beside this run's, with 95 % intervals over seeds in brackets",
            &["Value", "This run", "Published", "Published lies", "Verdict"],
            &rows,
        ))
        p.remark {
            "“Inside” and “outside” are said of this run's interval. “Published lies” compares the \
             numbers alone, whatever they were measured on. Scores of single corruptions: "
            (links("published_values"))
        }
        @if !reasons.is_empty() {
            p.remark { "Why values are not comparable:" }
            ol.remark { @for reason in &reasons { li { (reason) } } }
        }
        p.remark { "Protocols:" }
        dl.models {
            @for value in quantities.iter().filter_map(protocol) {
                div {
                    dt { (pretty(&value.quantity)) }
                    dd {
                        "Published: " (value.published_protocol) ". "
                        @if !value.own_protocol.is_empty() { "Here: " (value.own_protocol) "." }
                    }
                }
            }
        }
    })
}

/// The verdict, with the numbers of its reasons.
fn verdict(standing: &Standing, reasons: &mut Vec<String>) -> String {
    let Standing::NotComparable(own) = standing else {
        return standing.name().to_owned();
    };
    let mut places: Vec<usize> = Vec::new();
    for reason in own {
        let place = reasons.iter().position(|r| r == reason);
        places.push(place.unwrap_or_else(|| {
            reasons.push(reason.clone());
            reasons.len() - 1
        }));
    }
    places.sort_unstable();
    let places: Vec<String> = places.iter().map(|p| (p + 1).to_string()).collect();
    format!("{} ({})", standing.name(), places.join(", "))
}

fn title(value: &PublishedValue) -> String {
    let mut title = pretty(&value.quantity);
    if !value.model.is_empty() {
        title = format!("{title}, {}", model_label(&value.model));
    }
    if !value.name.is_empty() {
        title = format!("{title}, {}", value.name.replace('_', " "));
    }
    title
}

/// Three decimals, and as many digits before them as there are.
fn number(value: f64) -> String {
    format!("{value:.3}").replace('-', "\u{2212}")
}
