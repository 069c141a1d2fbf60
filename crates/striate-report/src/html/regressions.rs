//! Regressions of robustness on likeness to the brain.
//!
//! Invariant: a fit that there are too few networks for is named with its reason.

use maud::{Markup, html};

use super::parts::{links, number_table};
use crate::data::{RegressionFit, RegressionTerm, Regressions};
use crate::plots;

/// One table for each predictor, and what could not be fitted below it.
pub(super) fn regressions(data: &Regressions) -> Markup {
    let predictors = plots::in_order(data.fits.iter().map(|f| &f.predictor));
    html! {
        h3 { "Robustness against likeness to the brain" }
        @if !data.note.is_empty() { p { (data.note) } }
        @for predictor in &predictors { (of_predictor(data, predictor)) }
        @for (reason, fits) in &missing(data) {
            p.missing { b { "Not fitted: " } (fits.join(", ")) ": " (reason) "." }
        }
        p.remark { "All coefficients: " (links("regressions")) }
    }
}

fn of_predictor(data: &Regressions, predictor: &str) -> Markup {
    let fits = data.fits.iter().filter(|f| f.predictor == predictor);
    let rows: Vec<Vec<String>> = fits
        .flat_map(|fit| {
            let terms = fit.terms.iter().enumerate();
            terms.map(move |(i, term)| row(fit, term, i == 0))
        })
        .collect();
    let caption = format!("Robustness on clean accuracy and {predictor}");
    html! {
        @if !rows.is_empty() {
            (number_table(
                &caption,
                &["Fit", "Term", "Estimate", "Standard error", "t", "p", "Rows", "R²"],
                &rows,
            ))
        }
    }
}

/// The reasons why fits are missing, each with its fits.
fn missing(data: &Regressions) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for fit in &data.fits {
        let Some(reason) = &fit.missing else { continue };
        let name = format!("{} ({})", fit.fit, fit.predictor);
        match found.iter_mut().find(|(other, _)| other == reason) {
            Some((_, names)) => names.push(name),
            None => found.push((reason.clone(), vec![name])),
        }
    }
    found
}

fn row(fit: &RegressionFit, term: &RegressionTerm, first: bool) -> Vec<String> {
    let blank = String::new;
    let or_blank = |value: Option<f64>, digits: usize| {
        value.map_or_else(blank, |v| minus(format!("{v:.digits$}")))
    };
    let number = |v: f64| minus(format!("{v:.2}"));
    let value = match term.value.interval {
        Some((low, high)) => format!(
            "{} [{}, {}]",
            number(term.value.value),
            number(low),
            number(high)
        ),
        None => number(term.value.value),
    };
    vec![
        if first { fit.fit.clone() } else { blank() },
        term.name.clone(),
        value,
        or_blank(term.standard_error, 2),
        or_blank(term.t, 2),
        term.p.map_or_else(blank, p_value),
        if first { fit.rows.to_string() } else { blank() },
        or_blank(fit.r2.filter(|_| first), 2),
    ]
}

fn minus(text: String) -> String {
    text.replace('-', "\u{2212}")
}

/// Three decimals, or that it is below them.
fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}
