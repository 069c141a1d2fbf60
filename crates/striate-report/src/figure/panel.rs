//! One drawing and its words.
//!
//! Invariant: the body has its own coordinates, from (0, 0) to the size.

use super::frame::Size;
use crate::svg::Canvas;

/// A drawing of a fixed size.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) size: Size,
    /// Read out in place of the drawing.
    pub(crate) title: String,
    /// What there is to see; may be empty.
    pub(crate) description: String,
    /// SVG without the outer element.
    pub(crate) body: String,
}

impl Panel {
    /// The panel as an `<svg>` inside a page.
    pub(crate) fn inline(&self, class: &str) -> String {
        let view = format!("0 0 {} {}", self.size.width, self.size.height);
        let mut canvas = Canvas::new();
        // A little larger than drawn is fine, much larger looks coarse.
        let style = format!("max-width:{}px", (1.2 * self.size.width).round());
        canvas.open(
            "svg",
            &[
                ("class", class.into()),
                ("style", (&style).into()),
                ("viewBox", (&view).into()),
                ("role", "img".into()),
                ("aria-label", (&self.words()).into()),
            ],
        );
        canvas.raw(&self.body);
        canvas.finish()
    }

    /// Title and description in one sentence.
    pub(crate) fn words(&self) -> String {
        if self.description.is_empty() {
            self.title.clone()
        } else {
            format!("{}. {}", self.title, self.description)
        }
    }
}
