//! Parts of the page: sections, figures, the list of files.
//!
//! Invariant: each figure links to its own file and to the tables of its numbers.

use maud::{Markup, PreEscaped, html};

use super::Section;
use crate::Result;
use crate::figure::{Body, Figure, grid_html};
use crate::table::Table;

/// A section; figures are numbered through the page.
pub(super) fn section(section: &Section, number: &mut usize) -> Result<Markup> {
    let mut figures = Vec::new();
    for item in &section.figures {
        *number += 1;
        figures.push(figure(item, *number)?);
    }
    Ok(html! {
        section id=(section.id) {
            h2 { (section.title) }
            @if let Some(reason) = &section.missing {
                p.missing { b { "Not run. " } (reason) }
            } @else {
                @for text in &section.text { p { (text) } }
                @for figure in &figures { (figure) }
                @for extra in &section.extra { (extra) }
            }
        }
    })
}

/// A figure with number, legend, drawing, caption and links.
fn figure(figure: &Figure, number: usize) -> Result<Markup> {
    let drawing = match &figure.body {
        Body::Panels(panels) => {
            let widest = panels.iter().map(|p| p.size.width).fold(0.0, f64::max);
            let class = match widest {
                w if w > 300.0 => "panels large",
                w if w > 200.0 => "panels middle",
                _ => "panels",
            };
            html! { div class=(class) { @for p in panels { (PreEscaped(p.inline("panel"))) } } }
        }
        Body::Fluid { wide, narrow } => html! {
            (PreEscaped(wide.inline("wide")))
            (PreEscaped(narrow.inline("narrow")))
        },
        Body::Grid(grid) => grid_html(grid)?,
    };
    Ok(html! {
        figure id=(figure.id) {
            p.title { span.number { "Figure " (number) } " " (figure.title) }
            @if !figure.axes.is_empty() { p.axes { (figure.axes) } }
            @if !figure.legend.is_empty() {
                ul.legend {
                    @for entry in &figure.legend {
                        li { (PreEscaped(entry.swatch().inline("swatch"))) (entry.label) }
                    }
                }
            }
            @if let Some(bar) = &figure.bar { (PreEscaped(bar.inline("colours"))) }
            (drawing)
            figcaption {
                (figure.caption)
                span.links {
                    a href={ "figures/" (figure.id) ".svg" } { "SVG" }
                    @for table in &figure.tables {
                        span { (table) " " (links(table)) }
                    }
                }
            }
        }
    })
}

/// Links to the files of a table.
pub(super) fn links(table: &str) -> Markup {
    html! {
        a href={ "results/" (table) ".csv" } { "CSV" }
        " "
        a href={ "results/" (table) ".parquet" } { "parquet" }
    }
}

/// A table that scrolls inside its box; the first column heads its row, others
/// are numbers.
pub(super) fn number_table(caption: &str, head: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table.numbers {
                caption { (caption) }
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } }
                                @else { td { (two_lines(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number over its interval or error.
fn two_lines(cell: &str) -> Markup {
    match cell.find(['[', '±']) {
        Some(at) => html! { (cell[..at].trim_end()) br; small { (&cell[at..]) } },
        None => html! { (cell) },
    }
}

/// The list of all tables and figures.
pub(super) fn files(sections: &[Section], tables: &[Table]) -> Markup {
    html! {
        section id="files" {
            h2 { "Tables and figures" }
            p { "Tables are in long form, one measurement a row; a missing number is an empty field in CSV and null in parquet." }
            div.scroll tabindex="0" role="group" aria-label="Result tables" {
                table.files {
                    thead { tr { th scope="col" { "Table" } th scope="col" { "Rows" } th scope="col" { "Columns" } th scope="col" { "Files" } } }
                    tbody {
                        @for table in tables {
                            tr {
                                th scope="row" { (table.name()) }
                                td.count { (table.rows()) }
                                td { @for (i, c) in table.columns().iter().enumerate() { @if i > 0 { ", " } (c.name) } }
                                td.nowrap { (links(table.name())) }
                            }
                        }
                    }
                }
            }
            @if super::figures(sections).next().is_some() {
                ul.svgs {
                    @for figure in super::figures(sections) {
                        li { a href={ "figures/" (figure.id) ".svg" } { (figure.id) ".svg" } }
                    }
                }
            }
        }
    }
}
