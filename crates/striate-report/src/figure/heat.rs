//! Matrices: large ones as pictures, small ones as tables of coloured cells.
//!
//! Invariant: all panels of one figure share one range, which its colour bar shows.

use super::frame::Size;
use super::panel::Panel;
use super::ticks::Ticks;
use crate::Result;
use crate::data::png_data_uri;
use crate::svg::{Canvas, sequential};

/// Place of a number between the ends of a range, 0 to 1.
fn place(value: f64, (low, high): (f64, f64)) -> f64 {
    if high > low {
        (value - low) / (high - low)
    } else {
        0.5
    }
}

/// A square matrix as a picture of one pixel per cell.
///
/// # Errors
///
/// If `values` are not `size x size`.
pub(crate) fn matrix(
    title: &str,
    description: &str,
    size: usize,
    values: &[f32],
    range: (f64, f64),
) -> Result<Panel> {
    let colour = |v: &f32| sequential(place(f64::from(*v), range));
    let pixels: Vec<u8> = values.iter().flat_map(colour).collect();
    let uri = png_data_uri(&pixels, size, size, 3)?;
    let mut canvas = Canvas::new();
    canvas.text(0.0, 12.0, "s-b s-ink", "start", title);
    canvas.element(
        "image",
        &[
            ("x", 0.0.into()),
            ("y", 20.0.into()),
            ("width", 220.0.into()),
            ("height", 220.0.into()),
            ("href", (&uri).into()),
            ("class", "s-img".into()),
            ("preserveAspectRatio", "none".into()),
        ],
    );
    Ok(Panel {
        size: Size {
            width: 220.0,
            height: 244.0,
        },
        title: title.to_owned(),
        description: description.to_owned(),
        body: canvas.finish(),
    })
}

/// The colour bar of a range.
pub(crate) fn colour_bar(label: &str, range: (f64, f64)) -> Panel {
    let (left, width) = (10.0, 240.0);
    let mut canvas = Canvas::new();
    let steps = 60;
    for i in 0..steps {
        let [r, g, b] = sequential((f64::from(i) + 0.5) / f64::from(steps));
        canvas.element(
            "rect",
            &[
                ("x", (left + width * f64::from(i) / f64::from(steps)).into()),
                ("y", 3.0.into()),
                // A hair of overlap hides the seams.
                ("width", (width / f64::from(steps) + 0.4).into()),
                ("height", 9.0.into()),
                ("fill", (&format!("#{r:02x}{g:02x}{b:02x}")).into()),
            ],
        );
    }
    let ticks = Ticks::new(range.0, range.1, 5);
    for value in &ticks.values {
        let at = left + width * place(*value, range);
        canvas.line((at, 12.0), (at, 16.0), "s-axis");
        canvas.text(at, 26.0, "s-s s-muted", "middle", &ticks.label(*value));
    }
    Panel {
        size: Size {
            width: 260.0,
            height: 30.0,
        },
        title: format!("Colour bar: {label}"),
        description: format!("{:.2} to {:.2}", range.0, range.1),
        body: canvas.finish(),
    }
}

/// A small square table of coloured cells with their numbers, under a heading if that is
/// not empty.
pub(crate) fn table(
    title: &str,
    heading: &str,
    names: &[String],
    values: &[f64],
    width: f64,
) -> Panel {
    let n = names.len().max(1);
    let left = 84.0;
    let cell = ((width - left) / n as f64).min(72.0);
    let height_cell = cell.min(34.0);
    let head = if heading.is_empty() { 0.0 } else { 20.0 };
    let top = head + 38.0;
    let off_diagonal = values
        .iter()
        .enumerate()
        .filter(|(i, v)| i / n != i % n && v.is_finite());
    let low = off_diagonal.map(|(_, v)| *v).fold(0.0, f64::min);
    let mut canvas = Canvas::new();
    if !heading.is_empty() {
        canvas.text(0.0, 12.0, "s-b s-ink", "start", heading);
    }
    for (j, name) in names.iter().enumerate() {
        let at = left + (j as f64 + 0.5) * cell;
        let cut = name.find('-').map_or(0, |i| i + 1);
        canvas.text(at, head + 20.0, "s-s s-ink", "middle", &name[..cut]);
        canvas.text(at, head + 32.0, "s-s s-ink", "middle", &name[cut..]);
    }
    for (i, name) in names.iter().enumerate() {
        let y = top + i as f64 * height_cell;
        let middle = y + 0.5 * height_cell + 4.0;
        canvas.text(left - 6.0, middle, "s-t s-ink", "end", name);
        for (j, other) in names.iter().enumerate() {
            let value = values.get(i * n + j).copied().unwrap_or(f64::NAN);
            let [r, g, b] = sequential(place(value, (low, 1.0)));
            let x = left + j as f64 * cell;
            let shown = format!("{value:.2}").replace('-', "\u{2212}");
            canvas.element_with_tip(
                "rect",
                &[
                    ("x", (x + 0.5).into()),
                    ("y", (y + 0.5).into()),
                    ("width", (cell - 1.0).into()),
                    ("height", (height_cell - 1.0).into()),
                    ("fill", (&format!("#{r:02x}{g:02x}{b:02x}")).into()),
                ],
                &format!("{name} and {other}: {shown}"),
            );
            // Black or white, whichever reads better on the cell.
            let light = 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
            let fill = if light > 120.0 { "#000000" } else { "#ffffff" };
            let text = if value.is_finite() {
                shown
            } else {
                "–".to_owned()
            };
            canvas.open("g", &[("fill", fill.into())]);
            canvas.text(x + 0.5 * cell, middle, "s-s", "middle", &text);
            canvas.close();
        }
    }
    Panel {
        size: Size {
            width,
            height: top + n as f64 * height_cell + 6.0,
        },
        title: title.to_owned(),
        description: String::new(),
        body: canvas.finish(),
    }
}
