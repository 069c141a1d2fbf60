//! Legends: which mark is which model.
//!
//! Invariant: an entry shows the same mark and colour as the figure.

use super::frame::Size;
use super::panel::Panel;
use crate::svg::{Canvas, Marker, model_class, text_width};

/// The sign of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Line with the model's mark.
    Curve,
    /// The model's mark.
    Mark,
    /// A filled box.
    Box,
    /// A pale box.
    PaleBox,
    /// A hollow circle: a published value.
    Hollow,
}

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) model: String,
    pub(crate) label: String,
    pub(crate) sign: Sign,
}

impl Entry {
    pub(crate) fn new(model: &str, label: &str, sign: Sign) -> Self {
        Self {
            model: model.to_owned(),
            label: label.to_owned(),
            sign,
        }
    }

    /// The sign in a box of 22 x 12 pixels.
    pub(crate) fn sign(&self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        canvas.open("g", &[("class", (&model_class(&self.model)).into())]);
        let middle = (x + 11.0, y + 6.0);
        match self.sign {
            Sign::Curve | Sign::Mark => {
                if self.sign == Sign::Curve {
                    canvas.line((x + 1.0, middle.1), (x + 21.0, middle.1), "s-line");
                }
                Marker::of(&self.model).draw(canvas, middle, 3.8, false, &self.label);
            }
            Sign::Hollow => Marker::Circle.draw(canvas, middle, 3.4, true, &self.label),
            Sign::Box | Sign::PaleBox => {
                let class = if self.sign == Sign::Box {
                    "s-bar"
                } else {
                    "s-pale"
                };
                canvas.element(
                    "rect",
                    &[
                        ("x", (x + 5.0).into()),
                        ("y", y.into()),
                        ("width", 12.0.into()),
                        ("height", 12.0.into()),
                        ("class", class.into()),
                    ],
                );
            }
        }
        canvas.close();
    }

    /// The sign as a small drawing for the legend of a page.
    pub(crate) fn swatch(&self) -> Panel {
        let mut canvas = Canvas::new();
        self.sign(&mut canvas, (0.0, 0.0));
        Panel {
            size: Size {
                width: 22.0,
                height: 12.0,
            },
            title: String::new(),
            description: String::new(),
            body: canvas.finish(),
        }
    }
}

/// Draws entries in lines of at most `width` and returns the height used.
pub(crate) fn draw(canvas: &mut Canvas, entries: &[Entry], top: f64, width: f64) -> f64 {
    let (mut x, mut y) = (0.0, top);
    for entry in entries {
        let wide = 22.0 + 5.0 + text_width(&entry.label, 11.0) + 16.0;
        if x > 0.0 && x + wide > width {
            (x, y) = (0.0, y + 18.0);
        }
        entry.sign(canvas, (x, y));
        canvas.text(x + 27.0, y + 10.0, "s-t s-ink", "start", &entry.label);
        x += wide;
    }
    if entries.is_empty() {
        0.0
    } else {
        y + 18.0 - top
    }
}
