//! A figure as a file of its own.
//!
//! Invariant: the file needs nothing but itself, and follows the reader's light
//! or dark setting by its own style block.

use super::frame::Size;
use super::grid::draw_grid;
use super::legend;
use super::panel::Panel;
use super::{Body, Figure, WIDE};
use crate::Result;
use crate::svg::{Canvas, number, standalone_style};

/// Room around the drawing.
const MARGIN: f64 = 14.0;

impl Figure {
    /// The figure as the text of an SVG file.
    ///
    /// # Errors
    ///
    /// If a picture cannot be encoded.
    pub(crate) fn standalone(&self) -> Result<String> {
        let (drawing, size) = match &self.body {
            Body::Panels(panels) => flow(panels),
            Body::Fluid { wide, .. } => (wide.body.clone(), wide.size),
            Body::Grid(grid) => draw_grid(grid)?,
        };
        let width = size.width.max(360.0);
        let mut canvas = Canvas::new();
        let mut y = 16.0;
        canvas.text(0.0, y, "s-h s-ink", "start", &self.title);
        y += 14.0;
        if !self.axes.is_empty() {
            canvas.text(0.0, y + 6.0, "s-t s-muted", "start", &self.axes);
            y += 18.0;
        }
        y += legend::draw(&mut canvas, &self.legend, y, width);
        if let Some(bar) = &self.bar {
            place(&mut canvas, (-10.0, y), &bar.body);
            y += bar.size.height + 4.0;
        }
        place(&mut canvas, (0.0, y), &drawing);
        let height = y + size.height;
        Ok(self.wrap(
            &canvas.finish(),
            width + 2.0 * MARGIN,
            height + 2.0 * MARGIN,
        ))
    }

    fn wrap(&self, inner: &str, width: f64, height: f64) -> String {
        let (width, height) = (number(width), number(height));
        let view = format!("0 0 {width} {height}");
        let mut canvas = Canvas::new();
        canvas.open(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg".into()),
                ("width", (&width).into()),
                ("height", (&height).into()),
                ("viewBox", (&view).into()),
                ("role", "img".into()),
                ("aria-labelledby", "title desc".into()),
            ],
        );
        canvas.open("title", &[("id", "title".into())]);
        canvas.escaped(&self.title);
        canvas.close();
        canvas.open("desc", &[("id", "desc".into())]);
        canvas.escaped(&self.caption);
        canvas.close();
        canvas.open("style", &[]);
        canvas.raw(&standalone_style());
        canvas.close();
        canvas.element(
            "rect",
            &[
                ("width", "100%".into()),
                ("height", "100%".into()),
                ("class", "s-paper".into()),
            ],
        );
        place(&mut canvas, (MARGIN, MARGIN), inner);
        format!("{}\n", canvas.finish())
    }
}

fn place(canvas: &mut Canvas, (x, y): (f64, f64), svg: &str) {
    let shift = format!("translate({} {})", number(x), number(y));
    canvas.open("g", &[("transform", (&shift).into())]);
    canvas.raw(svg);
    canvas.close();
}

/// Panels in rows, as many as fit into a little more than a wide page.
fn flow(panels: &[Panel]) -> (String, Size) {
    let gap = 18.0;
    let wide = panels.iter().map(|p| p.size.width).fold(1.0, f64::max);
    let high = panels.iter().map(|p| p.size.height).fold(0.0, f64::max);
    let most = ((1.4 * WIDE + gap) / (wide + gap)).floor().max(1.0) as usize;
    // As even as can be: 8 panels stand in 2 rows of 4, not in 5 and 3.
    let rows = panels.len().div_ceil(most).max(1);
    let columns = panels.len().div_ceil(rows).max(1);
    let mut canvas = Canvas::new();
    for (i, panel) in panels.iter().enumerate() {
        let at = (
            (i % columns) as f64 * (wide + gap),
            (i / columns) as f64 * (high + gap),
        );
        place(&mut canvas, at, &panel.body);
    }
    let size = Size {
        width: columns as f64 * (wide + gap) - gap,
        height: rows as f64 * (high + gap) - gap,
    };
    (canvas.finish(), size)
}
