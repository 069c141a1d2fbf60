//! The page `report.html`.
//!
//! Invariant: the page needs nothing but itself (no scripts, fonts or pictures
//! from elsewhere); links go to the files beside it only.

mod attacks;
mod comparison;
mod front;
mod parts;
mod sections;
mod style;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, PreEscaped, html};

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

/// The page as text.
///
/// # Errors
///
/// If a picture or a matrix does not fit its size.
pub(crate) fn page(data: &ReportData, sections: &[Section], tables: &[Table]) -> Result<String> {
    let title = if data.title.is_empty() {
        "Striate report"
    } else {
        &data.title
    };
    let mut number = 0;
    let mut bodies = Vec::new();
    for section in sections {
        bodies.push(parts::section(section, &mut number)?);
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                a.skip href="#summary" { "Skip to the summary" }
                header.top {
                    p.kicker { "Striate" @if !data.recipe.is_empty() { " · recipe " b { (data.recipe) } } }
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
                        @for body in &bodies { (body) }
                        (parts::files(sections, tables))
                    }
                }
                footer { p { "Made by Striate. Each number here stands in " code { "results/" } ", each figure in " code { "figures/" } "." } }
            }
        }
    };
    Ok(page.into_string())
}
