//! Grids of pictures, for the page as a table and for a file as SVG.
//!
//! Invariant: pixels are shown as they are (no smoothing), each picture has its
//! row and column as a description.

use maud::{Markup, html};

use super::frame::{Size, widest};
use crate::Result;
use crate::data::{Picture, PictureGrid};
use crate::svg::Canvas;

/// Side of a picture in a file.
const CELL: f64 = 66.0;

fn cells(grid: &PictureGrid) -> Result<Vec<Option<String>>> {
    grid.check()?;
    let uri = |picture: &Option<Picture>| picture.as_ref().map(Picture::data_uri).transpose();
    grid.pictures.iter().map(uri).collect()
}

/// The grid as an HTML table.
///
/// # Errors
///
/// If the grid has gaps in its shape or a picture cannot be encoded.
pub(crate) fn grid_html(grid: &PictureGrid) -> Result<Markup> {
    let cells = cells(grid)?;
    let columns = grid.columns.len();
    Ok(html! {
        div.scroll tabindex="0" role="group" aria-label=(grid.caption) {
            table.pictures {
                thead {
                    @if !grid.column_title.is_empty() {
                        tr { td {} th.over colspan=(columns) scope="colgroup" { (grid.column_title) } }
                    }
                    tr { td {} @for name in &grid.columns { th scope="col" { (name) } } }
                }
                tbody {
                    @for (i, row) in grid.rows.iter().enumerate() {
                        tr {
                            th scope="row" { (row) }
                            @for (j, column) in grid.columns.iter().enumerate() {
                                td {
                                    @if let Some(uri) = &cells[i * columns + j] {
                                        img src=(uri) alt={ (row) ", " (column) } title={ (row) ", " (column) };
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The grid as SVG, and its size.
///
/// # Errors
///
/// As [`grid_html`].
pub(crate) fn draw_grid(grid: &PictureGrid) -> Result<(String, Size)> {
    let cells = cells(grid)?;
    let columns = grid.columns.len();
    let left = 10.0 + 1.1 * widest(grid.rows.iter().map(String::as_str));
    // Wide captions need wide columns.
    let captions = 8.0 + widest(grid.columns.iter().map(String::as_str));
    let step = captions.max(CELL + 4.0);
    let over = if grid.column_title.is_empty() {
        0.0
    } else {
        16.0
    };
    let top = over + 18.0;
    let mut canvas = Canvas::new();
    let middle = left + 0.5 * step * columns as f64;
    if over > 0.0 {
        canvas.text(middle, 10.0, "s-t s-muted", "middle", &grid.column_title);
    }
    for (j, name) in grid.columns.iter().enumerate() {
        let at = left + (j as f64 + 0.5) * step;
        canvas.text(at, over + 10.0, "s-s s-ink", "middle", name);
    }
    for (i, name) in grid.rows.iter().enumerate() {
        let y = top + i as f64 * (CELL + 4.0);
        canvas.text(left - 8.0, y + 0.5 * CELL + 4.0, "s-t s-ink", "end", name);
        for j in 0..columns {
            if let Some(uri) = &cells[i * columns + j] {
                canvas.element(
                    "image",
                    &[
                        ("x", (left + (j as f64 + 0.5) * step - 0.5 * CELL).into()),
                        ("y", y.into()),
                        ("width", CELL.into()),
                        ("height", CELL.into()),
                        ("href", uri.into()),
                        ("class", "s-img".into()),
                    ],
                );
            }
        }
    }
    let size = Size {
        width: left + step * columns as f64,
        height: top + (CELL + 4.0) * grid.rows.len() as f64,
    };
    Ok((canvas.finish(), size))
}
