//! The page `report.html`, and one for each analysis.
//!
//! Invariant: the page needs nothing but itself (no scripts, fonts or pictures
//! from elsewhere); links go to the files beside it only.

mod attacks;
mod comparison;
mod differences;
mod front;
mod paired;
mod parts;
mod published;
mod regressions;
mod sections;
mod style;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Result;
use crate::data::ReportData;
use crate::figure::Figure;
use crate::table::Table;

pub(crate) use sections::{Section, sections};

/// All figures of the sections in the order of the page.
pub(crate) fn figures(sections: &[Section]) -> impl Iterator<Item = &Figure> {
    sections.iter().flat_map(|s| &s.figures)
}

/// Whether the page is about the whole study, not about one analysis.
fn whole(data: &ReportData) -> bool {
    data.sections.is_empty()
}

/// The page of one analysis alone, beside `report.html`.
pub(crate) fn page_name(section: &Section) -> String {
    format!("report-{}.html", section.id)
}

/// The pages as text, by their names: `report.html`, and, of a whole study, one for each
/// analysis that was run.
///
/// # Errors
///
/// If a picture or a matrix does not fit its size.
pub(crate) fn pages(
    data: &ReportData,
    sections: &[Section],
    tables: &[Table],
) -> Result<Vec<(String, String)>> {
    let title = if data.title.is_empty() {
        "Striate report"
    } else {
        &data.title
    };
    let mut number = 0;
    let mut bodies = Vec::new();
    let mut pages = Vec::new();
    for section in sections {
        let body = parts::section(section, &mut number)?;
        if whole(data) && section.missing.is_none() {
            pages.push((page_name(section), analysis(data, title, section, &body)));
        }
        bodies.push(body);
    }
    pages.push((
        "report.html".to_owned(),
        report(data, title, sections, &bodies, tables),
    ));
    Ok(pages)
}

/// What all pages begin with.
fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title) }
            style { (PreEscaped(style::sheet())) }
        }
    }
}

fn kicker(data: &ReportData) -> Markup {
    html! { p.kicker { "Striate" @if !data.recipe.is_empty() { " · recipe " b { (data.recipe) } } } }
}

/// One analysis with what was run; its figures keep their numbers.
fn analysis(data: &ReportData, title: &str, section: &Section, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{}: {title}", section.title)))
            body {
                header.top {
                    (kicker(data))
                    h1 { (section.title) }
                    p.byline { "From " a href="report.html" { (title) } }
                    (front::byline(data))
                }
                main.alone { (body) (front::protocol(data)) }
            }
        }
    };
    page.into_string()
}

fn report(
    data: &ReportData,
    title: &str,
    sections: &[Section],
    bodies: &[Markup],
    tables: &[Table],
) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#summary" { "Skip to the summary" }
                header.top {
                    (kicker(data))
                    h1 { (title) }
                    (front::byline(data))
                }
                div.columns {
                    nav aria-label="Contents" {
                        ol {
                            @for (id, name) in front::contents(data) { li { a href={ "#" (id) } { (name) } } }
                            @for section in sections {
                                li { a href={ "#" (section.id) } { (section.title) } }
                            }
                            li { a href="#files" { "Tables and figures" } }
                        }
                    }
                    main {
                        (front::summary(data))
                        (front::protocol(data))
                        @if whole(data) { (front::simulated(data)) }
                        @for (section, body) in sections.iter().zip(bodies) {
                            (body)
                            @if whole(data) && section.missing.is_none() {
                                p.remark { a href=(page_name(section)) { "This analysis on a page of its own" } }
                            }
                        }
                        (parts::files(sections, tables))
                    }
                }
                footer { p { "Made by Striate. Each number here stands in " code { "results/" } ", each figure in " code { "figures/" } "." } }
            }
        }
    };
    page.into_string()
}
